//! What adapters on hyper 1 share: answering a request with an upgrade in it, and a server that closes the holes which the
//! frameworks' own leave open.

mod accept;
mod upgrade;

use std::net::IpAddr;

use bytes::Buf;
use futures_util::FutureExt as _;
use http::Response;
use hyper::{body::Incoming, upgrade::OnUpgrade};

pub use self::accept::{serve, serve_over, serve_with};
use crate::{
    http::{Answer, Body, Route},
    hub::Hub,
    socket::Loan,
};

/// A request as the server reads it.
pub type Request = http::Request<Incoming>;

/// The address at the other end of a connection, as [`serve`] puts it into the extensions of each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Answers a request; a WebSocket handshake continues in a task of its own on the bare stream, and so do events under [`serve`]. `route`
/// is for applications that route by themselves; without it the path decides.
pub fn respond<B>(
    hub: &Hub,
    mut request: http::Request<B>,
    route: Option<Route>,
    peer: Option<IpAddr>,
) -> impl Future<Output = Response<Body>> + use<B>
where
    B: http_body::Body<Data: Buf, Error: std::fmt::Display>,
{
    let on_upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let loan = request.extensions_mut().remove::<Loan>();
    let peer = peer.or_else(|| request.extensions().get::<Peer>().map(|peer| peer.0));
    let answer = hub.answer(route.map_or_else(|| Route::parse(request.uri().path()), Ok), request, peer);
    // Not awaited, which would make room for it a second time.
    answer.map(move |answer| match (answer, on_upgrade) {
        (Answer::Response(response), _) => response.map(|body| body.leave_by(loan.as_ref())),
        (Answer::Upgrade(upgrade), Some(on_upgrade)) => {
            loan.iter().for_each(Loan::answer_handshake);
            tokio::spawn(upgrade::serve_upgraded(on_upgrade, upgrade.reader));
            upgrade.response.map(|()| Body::empty())
        }
        (Answer::Upgrade(_), None) => {
            tracing::error!("this connection cannot be upgraded: its server was started without upgrades");
            let mut response = Response::new(Body::full("this server cannot upgrade the connection\n"));
            *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    })
}
