//! What is measured: Live under its adapters, and the bare server that shows the limit.
//!
//! A server prints its address and the prefix of its routes. For each line on standard input, a number, it publishes the update of
//! that number to each of its channels; for `cursor` it prints the cursor of the first. It ends with its input.

pub(crate) mod bare;
pub(crate) mod live;
pub(crate) mod plain;
