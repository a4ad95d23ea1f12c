//! The live blog that the examples of all frameworks serve: its own database, a page for readers, a page for reporters.
//!
//! It shows what a site owes Live: `page.rs` takes the cursor before it reads what it renders, `blog.rs` writes each post and
//! its update in one transaction, `relay.rs` tells Live after the commit. The rest is a small web site. An example adds its
//! framework: it mounts Live's routes under [`Options::prefix`] and hands every other request to [`Page::respond`].

mod answer;
mod api;
mod blog;
mod options;
mod page;
mod post;
mod progress;
mod relay;
mod render;
mod replay;
mod seed;
mod store;
#[cfg(test)]
mod test_support;
mod text;
mod token;

use live_core::Hub;

pub use answer::Answer;
pub use options::{Options, Speed};
pub use page::Page;

/// Writes what goes wrong to standard error: warnings, or what `RUST_LOG` asks for.
pub fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// Waits for Ctrl-C or SIGTERM, then lets every reader go with the word when to come back. A second Ctrl-C ends the process at once.
pub async fn drain_on_signal(hub: Hub) {
    stop_signal().await;
    eprintln!("stopping; Ctrl-C again stops at once");
    tokio::select! {
        () = hub.drain() => {}
        () = stop_signal() => std::process::exit(130),
    }
}

async fn stop_signal() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}
