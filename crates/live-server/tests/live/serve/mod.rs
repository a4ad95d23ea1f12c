//! `live serve`.

mod draining;
mod health;
mod http;
mod logs;
mod metrics;
mod private;
mod publishing;
mod reader;
mod settings;
mod status;
mod systemd;
mod tls;
mod wagtail;
