//! Every reader is an open file.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard one, as servers do; says so where that is not enough.
pub(super) fn raise(max_connections: usize) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
    let open_files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    if open_files < max_connections as u64 + RESERVE {
        tracing::warn!(
            open_files,
            max_connections,
            "fewer files may be open than readers may come; raise LimitNOFILE or ulimit -n"
        );
    }
}

/// What is open beside readers: listeners, the bus, publishers, requests of the moment.
const RESERVE: u64 = 100;
