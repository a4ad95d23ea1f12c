//! What a server can be told: one table of settings, read from flags, the environment and a file.

mod addresses;
mod check;
mod choices;
mod flags;
mod in_force;
mod secrets;
mod sources;
mod table;
mod token;
mod value;
mod wagtail;

use std::{path::PathBuf, time::Duration};

use live_axum::{Config, ForwardedHeader, Publishing};

pub(crate) use self::{
    addresses::resolve,
    check::{check_open_publishing, redacted},
    choices::LogFormat,
    flags::Args,
    in_force::InForce,
};

/// What is in force, parsed.
pub(crate) struct Settings {
    /// `HOST:PORT` of the readers' listeners.
    pub(crate) listen: Vec<String>,
    /// `HOST:PORT` of the operators' listener.
    pub(crate) admin: Option<String>,
    /// A path without the slash at its end; empty at the root.
    pub(crate) prefix: String,
    pub(crate) bus: String,
    pub(crate) publish_token: Option<String>,
    pub(crate) publish_token_file: Option<PathBuf>,
    pub(crate) jwt_secret: Option<String>,
    pub(crate) jwt_secret_file: Option<PathBuf>,
    pub(crate) jwt_public_key_file: Option<PathBuf>,
    pub(crate) piesocket_key: Option<String>,
    pub(crate) piesocket_secret: Option<String>,
    pub(crate) piesocket_secret_file: Option<PathBuf>,
    pub(crate) tls_cert: Option<PathBuf>,
    pub(crate) tls_key: Option<PathBuf>,
    pub(crate) log: String,
    pub(crate) log_format: LogFormat,
    /// Addresses and networks, each valid.
    pub(crate) trusted_proxies: Vec<String>,
    pub(crate) forwarded_header: ForwardedHeader,
    /// How long a server that is to stop goes on, so that a load balancer sees `/readyz` change.
    pub(crate) drain_delay: Duration,
    /// What Wagtail Live's pages are told about `wss://`, if it is known.
    pub(crate) secure_websockets: Option<bool>,
    pub(crate) config: Config,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: vec!["127.0.0.1:8765".to_owned()],
            admin: Some("127.0.0.1:8766".to_owned()),
            prefix: String::new(),
            bus: "memory:".to_owned(),
            publish_token: None,
            publish_token_file: None,
            jwt_secret: None,
            jwt_secret_file: None,
            jwt_public_key_file: None,
            piesocket_key: None,
            piesocket_secret: None,
            piesocket_secret_file: None,
            tls_cert: None,
            tls_key: None,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::XForwardedFor,
            drain_delay: Duration::ZERO,
            secure_websockets: None,
            config: Config::default(),
        }
    }
}

impl Settings {
    /// Whether everyone who reaches the server may publish.
    pub(crate) fn publishing_is_open(&self) -> bool {
        matches!(self.config.publishing, Publishing::Open)
    }
}
