//! A bus whose announcements are not what the bus announced.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex},
    time::Duration,
};

use live_core::{
    BusError, ChannelId, Cursor, EventBus, IdempotencyKey, Published, Update,
    bus::{Announcements, BusFuture, Event, Subscription, TAIL_CAPACITY},
    page::{Numbered, Standing},
};

use crate::random::Random;

/// What happens to announcements on their way. Everything else is the bus's own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tampering {
    /// One in four does not arrive.
    Loses,
    /// Some arrive again, at once and later.
    Doubles,
    /// Some are overtaken by the next.
    Swaps,
}

pub(crate) struct TamperingBus {
    bus: Arc<dyn EventBus>,
    tampering: Tampering,
    random: Mutex<Random>,
}

impl TamperingBus {
    pub(crate) fn new(bus: Arc<dyn EventBus>, tampering: Tampering, random: Random) -> Self {
        Self { bus, tampering, random: Mutex::new(random) }
    }
}

/// Ends when nobody follows it any more.
async fn pass_on(mut subscription: Subscription, to: Announcements<Arc<Numbered>>, how: Tampering, mut random: Random) {
    let mut announced = 0;
    let mut announce = |update: &Arc<Numbered>| {
        // A place of its own for each, or the subscription would drop what came before.
        announced += 1;
        to.announce(announced, update);
    };
    let mut held: Option<Arc<Numbered>> = None;
    while to.subscribers() > 0 {
        let next = poll_fn(|cx| subscription.poll_next(cx));
        let update = match tokio::time::timeout(Duration::from_millis(50), next).await {
            Ok(Some(Event::Item(update))) => update,
            Ok(_) => return to.lose(),
            Err(_) => continue,
        };
        match how {
            Tampering::Loses if random.once_in(4) => {}
            Tampering::Doubles => {
                announce(&update);
                held.iter().filter(|_| random.once_in(3)).for_each(&mut announce);
                (0..random.below(3)).for_each(|_| announce(&update));
                held = Some(update);
            }
            Tampering::Swaps if held.is_none() && random.once_in(3) => held = Some(update),
            Tampering::Loses | Tampering::Swaps => {
                announce(&update);
                held.take().iter().for_each(&mut announce);
            }
        }
    }
}

impl EventBus for TamperingBus {
    fn publish<'a>(
        &'a self,
        channel: &'a ChannelId,
        update: Update,
        key: Option<&'a IdempotencyKey>,
    ) -> BusFuture<'a, Published> {
        self.bus.publish(channel, update, key)
    }

    fn subscribe<'a>(&'a self, channel: &'a ChannelId) -> BusFuture<'a, Subscription> {
        Box::pin(async move {
            let mut subscription = self.bus.subscribe(channel).await?;
            let Some(Event::Snapshot(page)) = poll_fn(|cx| subscription.poll_next(cx)).await else {
                return Err(BusError::Unavailable);
            };
            let announcements = Announcements::new(TAIL_CAPACITY);
            let tail = announcements.subscribe();
            let random = self.random.lock().unwrap().fork();
            tokio::spawn(pass_on(subscription, announcements, self.tampering, random));
            Ok(tail.follow(0, page))
        })
    }

    fn heads<'a>(&'a self, channels: &'a [ChannelId]) -> BusFuture<'a, Vec<Cursor>> {
        self.bus.heads(channels)
    }

    fn standing<'a>(&'a self, channel: &'a ChannelId, cursor: Cursor) -> BusFuture<'a, Standing> {
        self.bus.standing(channel, cursor)
    }

    fn subscriptions(&self) -> usize {
        self.bus.subscriptions()
    }
}
