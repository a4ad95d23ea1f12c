//! Publishing to the hosted service PieSocket, or to a server that speaks its protocol.

mod https;
mod message;

use std::{fmt, io, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, timeout_at},
};

use self::{
    https::{Connection, Service},
    message::Publication,
};
use super::Publisher;
use crate::{
    bus::{BusError, BusFuture, Published},
    config::Config,
    cursor::{Cursor, Epoch, Version},
    hub::Hub,
    id::ChannelId,
    update::Update,
};

/// Publishes to PieSocket: one HTTP request for each update, tried again while that may help, and given up at a deadline, so that
/// nobody who saves a post waits for ever.
///
/// ```
/// use live_core::{Config, PieSocketPublisher};
/// # fn run(config: &Config) -> Result<(), live_core::PieSocketError> {
/// let publisher = PieSocketPublisher::new("the API key", "the secret", config)?;
/// # drop(publisher); Ok(()) }
/// ```
///
/// [Register](super::Publishers::register) it under a name, without transports of Live's: readers connect to the service. Updates go out one
/// after the other, in the order in which they were published. The service keeps no pages: what a reader has missed is lost.
pub struct PieSocketPublisher {
    api_key: String,
    secret: String,
    service: Service,
    /// One request at a time, so that an update that is tried again does not overtake a later one. Whoever waits for it does so for
    /// no longer than `deadline`, and in order.
    connection: Mutex<Connection>,
    timeout: Duration,
    deadline: Duration,
    pages: Option<Hub>,
}

/// Why an update did not reach the service.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PieSocketError {
    /// The service's URL is none. Write `https://HOST/PATH` or `http://HOST/PATH`.
    #[error("the URL of a PieSocket service is not http:// or https:// with a host, without user and password")]
    Url,
    /// There are no certificates to trust. Install `ca-certificates`.
    #[error("the system has no certificates to trust")]
    NoCertificates,
    /// The service will not have it, however often it is sent: with 401 or 403 the key or the secret is wrong, with 413 the update
    /// is too large, with 3xx or 404 the URL is.
    #[error("PieSocket refuses the update: {status}")]
    Refused {
        /// What it answered.
        status: StatusCode,
    },
    /// It was not reached, or did not do it, until `Config::service_deadline`; the update may have arrived. Publish again later.
    #[error("PieSocket does not answer (tries: {attempts})")]
    Unavailable {
        /// How often it was tried.
        attempts: u32,
        /// How the last try ended.
        #[source]
        last: PieSocketFailure,
    },
}

/// How one try ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PieSocketFailure {
    /// No connection, or none that the certificates vouch for.
    #[error("no connection")]
    Connect(#[source] io::Error),
    /// The connection was lost, or what came was no HTTP.
    #[error("the connection was lost")]
    Lost(#[source] hyper::Error),
    /// Nothing within `Config::service_timeout`.
    #[error("no answer in time")]
    TimedOut,
    /// The service has trouble, or too much to do.
    #[error("it answers {0}")]
    Status(StatusCode),
}

/// Where the service takes updates.
const HOSTED: &str = "https://www.piesocket.com/api/publish";

impl PieSocketPublisher {
    /// To the hosted service, with the account's API key and secret.
    ///
    /// # Errors
    /// [`PieSocketError::NoCertificates`].
    pub fn new(api_key: &str, secret: &str, config: &Config) -> Result<Self, PieSocketError> {
        Self::at(HOSTED, api_key, secret, config)
    }

    /// To another server that speaks its protocol, such as `live serve`; the URL is that of its `/api/publish`.
    ///
    /// # Errors
    /// [`PieSocketError::Url`], or [`PieSocketError::NoCertificates`] where the URL is `https://`.
    pub fn at(url: &str, api_key: &str, secret: &str, config: &Config) -> Result<Self, PieSocketError> {
        Ok(Self {
            api_key: api_key.to_owned(),
            secret: secret.to_owned(),
            service: Service::new(url)?,
            connection: Mutex::default(),
            timeout: config.service_timeout,
            deadline: config.service_deadline,
            pages: None,
        })
    }

    /// Publishes to this hub as well, before the service: it numbers the updates and keeps the pages.
    #[must_use]
    pub fn with_pages(self, hub: Hub) -> Self {
        Self { pages: Some(hub), ..self }
    }

    /// Sends an update to the readers of a channel. If it is cancelled, the update may have arrived.
    ///
    /// # Errors
    /// [`PieSocketError::Refused`]: change what is sent. [`PieSocketError::Unavailable`]: send it again later.
    pub async fn send(&self, channel: &ChannelId, update: &Update) -> Result<(), PieSocketError> {
        let body: Bytes = Publication::new(&self.api_key, &self.secret, channel, update).to_json().into();
        let deadline = Instant::now() + self.deadline;
        let unavailable = |attempts, last| PieSocketError::Unavailable { attempts, last };
        let Ok(mut connection) = timeout_at(deadline, self.connection.lock()).await else {
            return Err(unavailable(0, PieSocketFailure::TimedOut));
        };
        let mut attempts = 0;
        loop {
            attempts += 1;
            let until = deadline.min(Instant::now() + self.timeout);
            let last = match timeout_at(until, connection.post(&self.service, body.clone())).await {
                Ok(Ok(status)) if status.is_success() => return Ok(()),
                Ok(Ok(status)) if !may_pass(status) => return Err(PieSocketError::Refused { status }),
                Ok(Ok(status)) => PieSocketFailure::Status(status),
                Ok(Err(failure)) => failure,
                Err(_) => PieSocketFailure::TimedOut,
            };
            let delay = back_off(attempts);
            if Instant::now() + delay >= deadline {
                return Err(unavailable(attempts, last));
            }
            tracing::debug!(%channel, %last, ?delay, "trying again");
            sleep(delay).await;
        }
    }
}

/// RFC 9110 §15: what says nothing against the request itself.
fn may_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500..=599)
}

/// Doubles, and the whole of it is random, so that many sites that were cut off at once do not come back together.
fn back_off(attempts: u32) -> Duration {
    let ceiling = (FIRST_DELAY * (1 << attempts.min(8).saturating_sub(1))).min(LONGEST_DELAY);
    // Without randomness the delay is the middle one.
    let random = getrandom::u32().map_or(0.5, |bits| f64::from(bits) / f64::from(u32::MAX));
    ceiling.mul_f64(random)
}

const FIRST_DELAY: Duration = Duration::from_millis(250);
const LONGEST_DELAY: Duration = Duration::from_secs(4);

impl Publisher for PieSocketPublisher {
    fn publish<'a>(&'a self, channel: &'a ChannelId, update: Update) -> BusFuture<'a, Published> {
        Box::pin(async move {
            let published = match &self.pages {
                Some(hub) => hub.publish(channel, update.clone(), None).await?,
                // The service numbers nothing.
                None => Published { cursor: Cursor::new(Epoch::from_bits(0), Version::ZERO), repeated: false },
            };
            self.send(channel, &update).await.map_err(|error| BusError::Service(Box::new(error)))?;
            Ok(published)
        })
    }
}

impl fmt::Debug for PieSocketPublisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the key nor the secret.
        f.debug_struct("PieSocketPublisher").field("host", &self.service.host()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_limit() {
        for attempts in 1..=40 {
            assert!(back_off(attempts) <= FIRST_DELAY * (1 << (attempts - 1).min(4)), "{attempts}");
        }
    }

    #[test]
    fn neither_key_nor_secret_is_shown() {
        let config = Config::default();
        let publisher = PieSocketPublisher::at("http://h/api/publish", "hush", "quiet", &config).unwrap();
        assert_eq!(format!("{publisher:?}"), "PieSocketPublisher { host: \"h\", .. }");
        for url in ["", "h", "h/api", "ftp://h/", "http:///x", "http://u:hush@h/", "/api/publish"] {
            let error = PieSocketPublisher::at(url, "hush", "quiet", &config).unwrap_err();
            assert!(matches!(error, PieSocketError::Url) && !error.to_string().contains("hush"), "{url}");
        }
    }
}
