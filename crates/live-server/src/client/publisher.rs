//! Publishes updates, one after the other, each exactly once.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use live_core::{ChannelId, Cursor, IdempotencyKey, Update};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    connect::Server,
    failure::Failure,
    http::{HttpClient, HttpError, MAX_REFUSAL_BYTES, Verdict, collect, refusal, verdict},
    notices::Notices,
    retry::Backoff,
    server::{ChannelRoute, Token},
};

/// Publishes to one channel of a server.
pub(crate) struct Publisher {
    http: HttpClient,
    path: String,
    authorization: Option<(HeaderName, HeaderValue)>,
    /// How long one update is tried.
    deadline: Duration,
    notices: Notices,
}

/// The server's word that an update is stored.
#[derive(Debug, Clone, Deserialize, Serialize, PartialEq, Eq)]
pub(crate) struct Acknowledgement {
    pub(crate) cursor: Cursor,
    pub(crate) version: u64,
}

/// How one attempt failed.
enum Attempt {
    /// It will fail again.
    Refused(String),
    /// It may succeed.
    Again { reason: String, delay: Option<Duration>, outcome: Outcome },
}

/// What is known of an attempt without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The server never heard of it.
    NotSent,
    /// Stored once or not at all.
    Open,
}

impl Attempt {
    fn lost(error: HttpError) -> Self {
        if error.lasts() {
            return Self::Refused(error.to_string());
        }
        let outcome = match error {
            HttpError::Connect { .. } => Outcome::NotSent,
            HttpError::Lost { .. } | HttpError::Foreign { .. } => Outcome::Open,
        };
        Self::Again { reason: error.to_string(), delay: None, outcome }
    }
}

impl Publisher {
    pub(crate) fn new(
        server: Server,
        channel: &ChannelId,
        token: Option<&Token>,
        deadline: Duration,
        notices: Notices,
    ) -> Self {
        let path = server.url.path(ChannelRoute::Publish, channel);
        let authorization = token.map(Token::header);
        Self { http: HttpClient::new(server), path, authorization, deadline, notices }
    }

    /// Publishes an update. As long as the outcome is open it is tried again with the same key, so that it counts once.
    ///
    /// # Errors
    /// [`Failure::Refused`]: nothing was stored. [`Failure::Unreachable`]: the deadline is over; it is stored once or not at all.
    pub(crate) async fn publish(&mut self, update: &Update, key: &IdempotencyKey) -> Result<Acknowledgement, Failure> {
        let body = serde_json::to_vec(update).map_err(|error| Failure::Input(error.to_string()))?;
        let body = Bytes::from(body);
        let give_up = Instant::now() + self.deadline;
        let mut backoff = Backoff::of_publisher();
        let mut overall = Outcome::NotSent;
        loop {
            let until = give_up.min(Instant::now() + ATTEMPT);
            let attempt = timeout_at(until, self.attempt(body.clone(), key)).await;
            let (reason, asked, outcome) = match attempt {
                Ok(Ok(acknowledgement)) => return Ok(acknowledgement),
                Ok(Err(Attempt::Refused(reason))) => return Err(Failure::Refused(reason)),
                Ok(Err(Attempt::Again { reason, delay, outcome })) => (reason, delay, outcome),
                Err(_) => ("the server does not answer".to_owned(), None, Outcome::Open),
            };
            if outcome == Outcome::Open {
                overall = Outcome::Open;
            }
            let delay = backoff.next(asked);
            if Instant::now() + delay >= give_up {
                return Err(Failure::Unreachable(self.given_up(&reason, overall, key)));
            }
            self.notices.say(format_args!("{reason}; trying again in {:.1} s", delay.as_secs_f64()));
            sleep(delay).await;
        }
    }

    fn given_up(&self, reason: &str, outcome: Outcome, key: &IdempotencyKey) -> String {
        let given_up = format!("{reason}; gave up after {} s (--deadline)", self.deadline.as_secs_f64());
        match outcome {
            Outcome::NotSent => given_up,
            Outcome::Open => format!("{given_up}. It may be stored all the same; its idempotency key is {key}"),
        }
    }

    async fn attempt(&mut self, body: Bytes, key: &IdempotencyKey) -> Result<Acknowledgement, Attempt> {
        let request = self.request(body, key).map_err(|error| Attempt::Refused(error.to_string()))?;
        let response = self.http.ask(request).await.map_err(Attempt::lost)?;
        let (head, body) = response.into_parts();
        let open = |reason, delay| Attempt::Again { reason, delay, outcome: Outcome::Open };
        let body = collect(body, MAX_REFUSAL_BYTES).await.map_err(|reason| open(reason, None))?;
        if head.status == StatusCode::OK {
            let unreadable = |_| Attempt::Refused("the answer is not that of a Live server".to_owned());
            return serde_json::from_slice(&body).map_err(unreadable);
        }
        let mut reason = refusal(head.status, &head.headers, &body);
        match head.status {
            StatusCode::UNAUTHORIZED => reason.push_str(TOKEN_ADVICE),
            StatusCode::NOT_FOUND => reason.push_str(OFF_ADVICE),
            _ => {}
        }
        Err(match verdict(head.status, &head.headers) {
            Verdict::Again(delay) => open(reason, delay),
            Verdict::Never => Attempt::Refused(reason),
        })
    }

    fn request(&self, body: Bytes, key: &IdempotencyKey) -> Result<Request<Full<Bytes>>, http::Error> {
        let request = self.http.request(Method::POST, &self.path);
        let request = request.header(header::CONTENT_TYPE, "application/json").header("idempotency-key", key.as_str());
        match &self.authorization {
            Some((name, value)) => request.header(name, value),
            None => request,
        }
        .body(Full::new(body))
    }
}

/// How long one attempt may take: a body of the greatest size over a slow line.
const ATTEMPT: Duration = Duration::from_secs(30);
const TOKEN_ADVICE: &str = " (give the server's publish token as LIVE_PUBLISH_TOKEN or with --token)";
const OFF_ADVICE: &str = "; if it is, publishing is off there: live serve turns it on with --publish-token";

/// A key that nobody else uses, for one update or, with a number behind it, for those of one run.
///
/// # Errors
/// The operating system has no randomness to give.
pub(crate) fn random_key() -> Result<String, getrandom::Error> {
    getrandom::u64().map(|bits| format!("live-{bits:016x}"))
}
