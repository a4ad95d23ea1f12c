//! Live under each framework, as its adapter's documentation shows it, by name: for what measures or judges all of them.

use std::{net::TcpListener, str::FromStr};

use actix_web::App;
use anyhow::{Context, Error, Result};
use live_core::Hub;
use warp::Filter as _;

/// An adapter; for actix, one of its two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adapter {
    /// WebSockets as response bodies of actix's own server.
    Actix,
    /// WebSockets on the bare streams, in a server of Live's own.
    ActixLean,
    /// Live's server with axum's router.
    Axum,
    /// WebSocket alone, without a framework.
    Tungstenite,
    /// Live's server with warp's filters.
    Warp,
}

impl Adapter {
    const NAMED: &[(&str, Adapter)] = &[
        ("actix", Adapter::Actix),
        ("actix-lean", Adapter::ActixLean),
        ("axum", Adapter::Axum),
        ("tungstenite", Adapter::Tungstenite),
        ("warp", Adapter::Warp),
    ];

    /// All names, as [`Adapter::from_str`] takes them.
    pub fn names() -> Vec<&'static str> {
        Self::NAMED.iter().map(|(name, _)| *name).collect()
    }

    /// Where Live's routes are.
    pub fn prefix(self) -> &'static str {
        match self {
            Adapter::Actix | Adapter::ActixLean | Adapter::Axum | Adapter::Warp => "/live",
            Adapter::Tungstenite => "",
        }
    }

    /// Serves until the hub drains. `hub` is called in the runtime that the hub is to work in; the listener does not block.
    ///
    /// # Errors
    /// What `hub` returns, and what the adapter cannot serve with.
    pub fn serve(self, listener: TcpListener, hub: impl FnOnce() -> Result<Hub>) -> Result<()> {
        match self {
            Adapter::Actix => actix_web::rt::System::new().block_on(async { actix(listener, hub()?).await }),
            Adapter::ActixLean => actix_web::rt::System::new().block_on(async { actix_lean(listener, hub()?).await }),
            Adapter::Axum => in_tokio(async { axum(listener, hub()?).await }),
            Adapter::Tungstenite => in_tokio(async { tungstenite(listener, hub()?).await }),
            Adapter::Warp => in_tokio(async { warp(listener, hub()?).await }),
        }
    }
}

impl FromStr for Adapter {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let named = Self::NAMED.iter().find(|(known, _)| *known == name);
        let (_, adapter) =
            named.with_context(|| format!("there is no adapter {name}; there are {:?}", Self::names()))?;
        Ok(*adapter)
    }
}

fn in_tokio(server: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(server)
}

async fn actix(listener: TcpListener, hub: Hub) -> Result<()> {
    let routes = hub.clone();
    let app = move || App::new().service(live_actix::scope("/live", routes.clone()));
    Ok(live_actix::serve(listener, app, hub).await?)
}

async fn actix_lean(listener: TcpListener, hub: Hub) -> Result<()> {
    let routes = hub.clone();
    let app = move || App::new().service(live_actix::scope("/live", routes.clone()));
    Ok(live_actix::serve_lean(listener, app, hub).await?)
}

async fn axum(listener: TcpListener, hub: Hub) -> Result<()> {
    let app = axum::Router::new().nest("/live", live_axum::routes(hub.clone()));
    Ok(live_axum::serve(tokio::net::TcpListener::from_std(listener)?, app, hub).await?)
}

async fn tungstenite(listener: TcpListener, hub: Hub) -> Result<()> {
    Ok(live_tungstenite::serve(tokio::net::TcpListener::from_std(listener)?, hub).await?)
}

async fn warp(listener: TcpListener, hub: Hub) -> Result<()> {
    let app = warp::path("live").and(live_warp::routes(hub.clone()));
    Ok(live_warp::serve(tokio::net::TcpListener::from_std(listener)?, app, hub).await?)
}
