//! Who may do what: origins, tokens, addresses, and how many at a time.

mod address;
mod connections;
mod origin;
mod publishing;

pub use self::{
    address::TrustedProxies,
    connections::{Connections, Full, Permit},
    origin::Origins,
    publishing::{Publishing, TokenDigest},
};
