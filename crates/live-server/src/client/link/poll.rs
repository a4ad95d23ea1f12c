//! Polling with cursors, waiting or at intervals.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use live_core::{ChannelId, Start};
use tokio::time::{Instant, sleep_until, timeout};

use super::{
    super::{
        connect::Server,
        http::{HttpClient, MAX_REFUSAL_BYTES, collect},
        retry::random,
        server::ChannelRoute,
    },
    Ending, Heard, MAX_FRAME_BYTES, SILENCE, query,
};

pub(crate) struct PollLink {
    http: HttpClient,
    path: String,
    pace: Pace,
    /// The next poll is not before.
    due: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// The first answer is to come at once.
    First,
    /// The server holds the answer until there is something.
    Waiting,
    /// The server says how often to ask.
    AtIntervals,
}

impl PollLink {
    pub(super) fn waiting(server: &Server, channel: &ChannelId) -> Self {
        Self::new(server, channel, Pace::First)
    }

    pub(super) fn at_intervals(server: &Server, channel: &ChannelId) -> Self {
        Self::new(server, channel, Pace::AtIntervals)
    }

    fn new(server: &Server, channel: &ChannelId, pace: Pace) -> Self {
        let path = server.url.path(ChannelRoute::Updates, channel);
        Self { http: HttpClient::new(server.clone()), path, pace, due: Instant::now() }
    }

    pub(super) async fn next(&mut self, start: Start) -> Result<Heard, Ending> {
        sleep_until(self.due).await;
        let asked = Instant::now();
        let answer = timeout(SILENCE, self.ask(start)).await.map_err(|_| Ending::silent(SILENCE))?;
        let (headers, heard) = answer?;
        self.due = match self.pace {
            Pace::AtIntervals => Instant::now() + interval(&headers).mul_f64(0.9 + 0.2 * random()),
            // A server or cache that answers at once, with nothing, must not be asked in a tight loop.
            Pace::Waiting if heard == Heard::Nothing => asked + LEAST_WAIT,
            Pace::First | Pace::Waiting => asked,
        };
        if self.pace == Pace::First {
            self.pace = Pace::Waiting;
        }
        Ok(heard)
    }

    async fn ask(&mut self, start: Start) -> Result<(HeaderMap, Heard), Ending> {
        let request = self.http.request(Method::GET, &self.target(start)).header(header::ACCEPT, "application/json");
        let request = request.body(Full::new(Bytes::new())).map_err(|error| Ending::Refused(error.to_string()))?;
        let (head, body) = self.http.ask(request).await?.into_parts();
        let heard = match head.status {
            StatusCode::NO_CONTENT => Heard::Nothing,
            StatusCode::OK => frame(body).await?,
            status => {
                let body = collect(body, MAX_REFUSAL_BYTES).await.unwrap_or_default();
                return Err(Ending::answered(status, &head.headers, &body));
            }
        };
        Ok((head.headers, heard))
    }

    fn target(&self, start: Start) -> String {
        let query = query(start);
        let wait = match (self.pace, query.is_empty()) {
            (Pace::Waiting, true) => WAIT_FIRST,
            (Pace::Waiting, false) => WAIT_MORE,
            (Pace::First | Pace::AtIntervals, _) => "",
        };
        format!("{}{query}{wait}", self.path)
    }
}

async fn frame(body: Incoming) -> Result<Heard, Ending> {
    let bytes = collect(body, MAX_FRAME_BYTES).await.map_err(Ending::lost)?;
    let text = bytes.try_into().map_err(|_| Ending::lost("the server sent what is no frame"))?;
    Ok(Heard::Frame(text))
}

/// What the server asks for, within reason: below a quarter of a second a reader is a load test, above ten minutes it is not live.
fn interval(headers: &HeaderMap) -> Duration {
    let asked = headers.get("live-poll-interval").and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_millis(asked.unwrap_or(3_000).clamp(250, 600_000))
}

/// Seconds that a waiting poll waits: below the time-outs of impatient proxies.
const WAIT_FIRST: &str = "?wait=25";
const WAIT_MORE: &str = "&wait=25";
const LEAST_WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_the_servers_within_reason() {
        let asks = |value: &'static str| {
            interval(
                &[(http::HeaderName::from_static("live-poll-interval"), value.parse().unwrap())].into_iter().collect(),
            )
        };
        assert_eq!(asks("1000"), Duration::from_secs(1));
        assert_eq!(asks("0"), Duration::from_millis(250));
        assert_eq!(asks("99999999"), Duration::from_secs(600));
        assert_eq!((asks("soon"), interval(&HeaderMap::new())), (Duration::from_secs(3), Duration::from_secs(3)));
    }
}
