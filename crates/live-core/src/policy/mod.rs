//! Who may do what: origins, tokens, addresses, how many at a time, and how often.

mod address;
mod admission;
mod connections;
mod origin;
mod piesocket;
mod poll_interval;
mod publishing;
mod tokens;

pub use self::{
    address::{ForwardedHeader, TrustedProxies},
    admission::Admission,
    connections::{Connections, Full, Permit},
    origin::Origins,
    piesocket::PieSocketKeys,
    publishing::{Publishing, TokenDigest},
    tokens::{InvalidTokenKey, PrivateChannels, TokenError, TokenKey, Tokens},
};
pub(crate) use self::{origin::is_host, poll_interval::PollInterval, publishing::bearer};
