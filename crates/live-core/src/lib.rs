//! The core of [Live](https://github.com/live-rs/live): it makes a web page live from any Rust web framework. Posts change on the
//! server, every open page shows it at once, and nobody misses an update.
//!
//! A page is a keyed state with one log ([`page`]); a [`bus`] numbers, stores and announces its updates; the [`Hub`] multiplies them
//! to the readers of this process; every transport ([`http`]) is a cursor over the page. An adapter such as `live-axum`
//! translates between its framework and [`Hub::respond`]. `docs/architecture.md` in the repository has the whole picture.
//!
//! Use an adapter's crate, which re-exports this one, unless you write an adapter.

pub mod bus;
mod close;
mod config;
mod cursor;
mod element;
mod frame;
mod html;
pub mod http;
mod hub;
mod id;
mod metrics;
pub mod page;
mod policy;
mod publisher;
#[cfg(feature = "hyper")]
pub mod server;
mod session;
#[cfg(feature = "socket")]
pub mod socket;
mod sync;
mod transport;
mod update;

#[cfg(feature = "piesocket")]
pub use self::publisher::{PieSocketError, PieSocketFailure, PieSocketPublisher};
#[cfg(feature = "socket")]
pub use self::transport::drive_websocket;
pub use self::{
    bus::{BusError, EventBus, IdempotencyKey, Published},
    close::Close,
    config::{Clock, Config, ConfigError},
    cursor::{Cursor, Epoch, MalformedCursor, Start, Version},
    element::Element,
    frame::{Frame, Kind},
    html::Html,
    http::Route,
    hub::{Delivery, Hub, HubError, PageSource, Reader, SourceFuture},
    id::{ChannelId, IdError, MAX_ID_CHARACTERS, PostId},
    metrics::{FanOut, Metrics, TransportMetrics},
    page::{PageLimits, WhenFull},
    policy::{
        Admission, Connections, ForwardedHeader, Full, InvalidTokenKey, Origins, Permit, PieSocketKeys,
        PrivateChannels, Publishing, TokenDigest, TokenError, TokenKey, Tokens, TrustedProxies,
    },
    publisher::{Chosen, PUBLISHER_VARIABLE, Publisher, Publishers, Transport, UnknownPublisher},
    session::{Due, Session},
    transport::{WebSocketBody, serve_websocket},
    update::{Render, Sort, Update, UpdateError},
};
