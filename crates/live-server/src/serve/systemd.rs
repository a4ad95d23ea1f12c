//! systemd: sockets that it passes, and what it is told. Without systemd all of this does nothing.

use std::{env, net::TcpListener};

use anyhow::Context;
use listenfd::ListenFd;
use sd_notify::NotifyState;

/// Sockets from systemd.
#[derive(Debug, Default)]
pub(super) struct Passed {
    pub(super) readers: Vec<TcpListener>,
    /// Those with `FileDescriptorName=admin`.
    pub(super) admin: Vec<TcpListener>,
}

impl Passed {
    /// Takes what was passed to this process. Once, and before there are other threads.
    pub(super) fn take() -> anyhow::Result<Self> {
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut descriptors = ListenFd::from_env();
        let mut passed = Self::default();
        for index in 0..descriptors.len() {
            let name = names.next().unwrap_or_default();
            let listener = descriptors.take_tcp_listener(index).context("systemd passed a socket that is not TCP")?;
            let listeners = if name == "admin" { &mut passed.admin } else { &mut passed.readers };
            listeners.extend(listener);
        }
        Ok(passed)
    }
}

/// The server answers from now on.
pub(super) fn ready() {
    notify(&[NotifyState::Ready, NotifyState::Status("serving")]);
}

pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "systemd is not told of the reload"),
    }
}

pub(super) fn stopping(readers: usize) {
    notify(&[NotifyState::Stopping, NotifyState::Status(&format!("sending {readers} readers away"))]);
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd is not told");
    }
}
