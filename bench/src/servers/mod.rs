//! What is measured: Live under its adapters, and the bare server that shows the limit.
//!
//! A server prints its address and the prefix of its routes, does what the lines on its standard input say ([`Order`]), and ends with
//! its input.

pub(crate) mod bare;
pub(crate) mod live;
pub(crate) mod plain;

use std::{str::FromStr, time::Duration};

use anyhow::{Context as _, Error, Result};

use crate::update::{Label, now};

/// What a server is to do.
pub(crate) enum Order {
    /// `cursor`: print the cursor of the first channel.
    PrintCursor,
    /// `NUMBER` goes to each channel, `NUMBER CHANNEL NANOSECONDS` to one: an update that was asked for at that moment.
    Publish { number: u32, to: Option<(usize, Duration)> },
}

impl Order {
    /// The line that asks for an update of one channel, now.
    pub(crate) fn publish_to(channel: usize, number: usize) -> String {
        format!("{number} {channel} {}", now().as_nanos())
    }
}

impl FromStr for Order {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self> {
        if line == "cursor" {
            return Ok(Order::PrintCursor);
        }
        let Some((number, rest)) = line.split_once(' ') else {
            return Ok(Order::Publish { number: line.parse()?, to: None });
        };
        let (channel, asked) = rest.split_once(' ').context("an update of one channel has a moment")?;
        let to = (channel.parse()?, Duration::from_nanos(asked.parse()?));
        Ok(Order::Publish { number: number.parse()?, to: Some(to) })
    }
}

/// The label of an update that is published now, or was asked for before.
fn label(number: u32, to: Option<(usize, Duration)>) -> Label {
    to.map_or_else(|| Label::now(number), |(_, published)| Label { number, published })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_of_one_channel_keeps_the_moment_that_it_was_asked_for() {
        let before = now();
        let order = Order::publish_to(3, 7).parse().unwrap();
        let Order::Publish { number: 7, to: Some((3, asked)) } = order else { panic!("another order") };
        assert!((before..=now()).contains(&asked));
        assert_eq!(label(7, Some((3, asked))), Label { number: 7, published: asked });
        assert!(matches!("7".parse().unwrap(), Order::Publish { number: 7, to: None }));
    }
}
