//! What comes: one message after the other out of the inbox, in the order of its scores.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use redis::{RedisError, aio::MultiplexedConnection};

use super::{Layer, confirm::Markers, names::Names};
use crate::bus::redis::{
    keeper::Loss,
    relay::{message::MessageError, topics::Topics},
};

/// Where messages go.
pub(super) struct Inbox<'a> {
    pub(super) layer: &'a Layer,
    pub(super) names: &'a Names,
    pub(super) topics: &'a Topics,
    pub(super) markers: &'a Markers,
    pub(super) max_message_bytes: usize,
    /// How long Redis may take for an answer, and how often it has to give one.
    pub(super) deadline: Duration,
    pub(super) ping: Duration,
}

/// What is taken at a time: few, because each may be as large as a page.
const BATCH: usize = 10;

impl Inbox<'_> {
    /// Ends only with the connection.
    pub(super) async fn receive(&self, mut redis: MultiplexedConnection) -> Result<Infallible, Loss> {
        // Redis deletes what nobody has taken within the expiry, so it has to be asked more often.
        let wait = self.ping.min(self.layer.expiry / 4);
        loop {
            let asked = Instant::now();
            let first = redis::cmd("BZPOPMIN").arg(self.names.inbox()).arg(wait.as_secs_f64()).to_owned();
            let first = self.answered(wait, first.query_async(&mut redis)).await?;
            let first: Option<(Vec<u8>, Vec<u8>, f64)> = first;
            let Some((_, message, _)) = first else {
                self.check_time(asked)?;
                continue;
            };
            self.handle(&message);
            while self.take_batch(&mut redis).await? {}
            self.check_time(asked)?;
        }
    }

    /// Whether there was something.
    async fn take_batch(&self, redis: &mut MultiplexedConnection) -> Result<bool, Loss> {
        let (key, mut pipe) = (self.names.inbox(), redis::pipe());
        pipe.atomic().cmd("ZCARD").arg(key).cmd("ZPOPMIN").arg(key).arg(BATCH);
        let batch = self.answered(Duration::ZERO, pipe.query_async(redis)).await?;
        let (waiting, messages): (u64, Vec<(Vec<u8>, f64)>) = batch;
        // With the one that was taken before it was full, and publishers pass over an inbox that is full, without a word.
        if waiting + 1 >= self.layer.capacity {
            return Err(Loss::Missed("the inbox was full"));
        }
        messages.iter().for_each(|(message, _)| self.handle(message));
        Ok(!messages.is_empty())
    }

    /// A process that was stopped does not know what has expired meanwhile.
    fn check_time(&self, asked: Instant) -> Result<(), Loss> {
        if asked.elapsed() < self.layer.expiry { Ok(()) } else { Err(Loss::Missed("messages may have expired")) }
    }

    fn handle(&self, message: &[u8]) {
        if self.markers.is_taken(message) {
            return;
        }
        if let Err(reason) = self.take(message) {
            // It does not say for whom it is.
            tracing::warn!(%reason, "message skipped");
        }
    }

    fn take(&self, message: &[u8]) -> Result<(), MessageError> {
        let prefix = self.layer.random_prefix_length;
        let sealed = message.get(prefix..).ok_or(MessageError::TooShort)?;
        let codec = &self.layer.codec;
        let event = codec.open(sealed, self.max_message_bytes)?;
        let members = codec.channels(&event)?;
        let update = codec.decode(&event);
        for addressee in members.iter().filter_map(|member| self.names.addressee(member)) {
            // Whoever sends it has found the name in the group, also where the acknowledgement is still on its way.
            self.topics.join(addressee.named());
            self.topics.take(addressee.named(), message, update.clone());
        }
        Ok(())
    }

    async fn answered<T>(
        &self,
        wait: Duration,
        answer: impl Future<Output = Result<T, RedisError>>,
    ) -> Result<T, Loss> {
        Ok(tokio::time::timeout(wait + self.deadline, answer).await.map_err(|_| Loss::Silent)??)
    }
}
