//! Who may do what: origins, tokens, addresses, and how many at a time.

mod address;
mod admission;
mod connections;
mod origin;
mod piesocket;
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
pub(crate) use self::{origin::is_host, publishing::bearer};
