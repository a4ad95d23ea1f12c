//! The sockets that the server accepts on.

use std::{io, net::SocketAddr};

use anyhow::{Context, anyhow};
use tokio::net::TcpListener;

use super::systemd::Passed;
use crate::settings::{InForce, resolve};

/// All listeners, bound.
#[derive(Debug)]
pub(super) struct Listeners {
    pub(super) readers: Vec<TcpListener>,
    pub(super) admin: Vec<TcpListener>,
}

impl Listeners {
    /// Binds what the settings say; sockets from systemd take the place of the addresses.
    pub(super) fn open(in_force: &InForce, passed: Passed) -> anyhow::Result<Self> {
        let settings = &in_force.settings;
        let mut readers = adopt(passed.readers)?;
        if readers.is_empty() {
            for address in &settings.listen {
                readers.extend(bind(address).with_context(|| format!("cannot listen on {address}"))?);
            }
        }
        let mut admin = adopt(passed.admin)?;
        if let Some(address) = settings.admin.as_ref().filter(|_| admin.is_empty()) {
            match bind(address) {
                Ok(bound) => admin = bound,
                Err(error) if in_force.is_said("admin") => {
                    return Err(error).with_context(|| format!("cannot listen on {address} (admin)"));
                }
                // A second server on the machine need not be told anything to start.
                Err(error) => {
                    tracing::warn!(%address, %error, "no status page and no /metrics; give --admin another address")
                }
            }
        }
        Ok(Self { readers, admin })
    }

    pub(super) fn reader_addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.readers.iter().map(TcpListener::local_addr).collect()
    }

    pub(super) fn admin_addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.admin.iter().map(TcpListener::local_addr).collect()
    }
}

fn adopt(passed: Vec<std::net::TcpListener>) -> io::Result<Vec<TcpListener>> {
    passed
        .into_iter()
        .map(|listener| {
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        })
        .collect()
}

/// Binds every address that a name stands for, and is content with those that there are: `localhost` is also `::1` on machines
/// without IPv6.
fn bind(address: &str) -> anyhow::Result<Vec<TcpListener>> {
    let (mut bound, mut failed) = (Vec::new(), None);
    for resolved in resolve(address).map_err(|error| anyhow!(error))? {
        match bind_one(resolved) {
            Ok(listener) => bound.push(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable || is_unsupported(&error) => {
                failed = Some(error)
            }
            Err(error) => return Err(error.into()),
        }
    }
    match failed {
        Some(error) if bound.is_empty() => Err(error.into()),
        _ => Ok(bound),
    }
}

/// The machine has no such protocol: no kind of its own.
fn is_unsupported(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { tokio::net::TcpSocket::new_v4() } else { tokio::net::TcpSocket::new_v6() }?;
    // A restart must not wait for the last connections' remains.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Connections that wait to be accepted: after a restart they all come back within the drain window. The kernel has its own limit.
const BACKLOG: u32 = 4_096;
