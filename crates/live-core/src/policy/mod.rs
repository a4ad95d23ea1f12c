//! Who may do what: origins, tokens, addresses, and how many at a time.

mod address;
mod admission;
mod connections;
mod origin;
mod publishing;

pub(crate) use self::origin::is_host;
pub use self::{
    address::{ForwardedHeader, TrustedProxies},
    admission::Admission,
    connections::{Connections, Full, Permit},
    origin::Origins,
    publishing::{Publishing, TokenDigest},
};
