//! The network between a node and its bus.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// Passes bytes on, unless it is cut or silent. It ends with its value.
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    state: watch::Sender<State>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Connections stay, and nothing passes: a partition.
    Silent,
    /// Connections are ended, and new ones are too.
    Cut,
}

impl Proxy {
    pub(super) async fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, states) = watch::channel(State::Open);
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(pass(near, to, states.clone()));
            }
        });
        Self { address, state, accepting }
    }

    pub(super) fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    pub(super) fn silence(&self) {
        self.state.send_replace(State::Silent);
    }

    pub(super) fn open(&self) {
        self.state.send_replace(State::Open);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(near: TcpStream, to: SocketAddr, states: watch::Receiver<State>) {
    let mut ending = states.clone();
    let Ok(far) = TcpStream::connect(to).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let over = Arc::new(AtomicBool::new(false));
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::select! {
        () = copy(near_in, far_out, states.clone(), Arc::clone(&over)) => {}
        () = copy(far_in, near_out, states, Arc::clone(&over)) => {}
        _ = ending.wait_for(|state| *state == State::Cut) => {}
    }
    over.store(true, Ordering::Relaxed);
}

async fn copy(
    from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut states: watch::Receiver<State>,
    over: Arc<AtomicBool>,
) {
    let mut piece = vec![0; 16 << 10];
    while !over.load(Ordering::Relaxed) {
        // What a silent network does not take stays in the buffers of whoever sends.
        if states.wait_for(|state| *state != State::Silent).await.is_err() || from.readable().await.is_err() {
            return;
        }
        if *states.borrow() == State::Silent {
            continue;
        }
        match from.try_read(&mut piece) {
            Ok(0) => return,
            Ok(read) if to.write_all(&piece[..read]).await.is_err() => return,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}
