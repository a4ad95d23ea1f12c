//! One page that this node follows: where its subscribers are, and what they lack.

use std::sync::Arc;

use live_sync::{Announcements, Sleepers};
use tokio::sync::watch;

use super::numbered::News;
use crate::{bus::memory::TAIL_CAPACITY, cursor::Cursor, page::Numbered};

/// How far the subscription is. It begins anew with each connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Redis is still to be asked.
    New,
    Asked,
    /// Redis has acknowledged: from here on every update is announced.
    Joined,
}

#[derive(Debug)]
pub(super) struct Topic {
    pub(super) announcements: Announcements<Arc<Numbered>>,
    pub(super) phase: watch::Sender<Phase>,
    /// The last update that the subscribers have; `None` before the first snapshot, and when they were told to take another.
    head: Option<Cursor>,
    /// Subscribers lack something that is being fetched. What is announced meanwhile waits here.
    behind: Option<Vec<News>>,
    /// Redis is to be asked again, because something was not announced.
    pub(super) is_doubted: bool,
}

/// Announcements that may wait for what is before them. Of more the rest is fetched as well.
const MAX_WAITING: usize = 64;

/// What has come of an announcement or a fetch.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) sleepers: Sleepers,
    /// There is something to fetch.
    pub(super) is_behind: bool,
}

impl Topic {
    pub(super) fn new() -> Self {
        Self {
            announcements: Announcements::new(TAIL_CAPACITY),
            phase: watch::Sender::new(Phase::New),
            head: None,
            behind: None,
            is_doubted: false,
        }
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Wakes nobody: all who wait for the phase wait for the next one.
    pub(super) fn set_asked(&self) {
        self.phase.send_if_modified(|phase| {
            *phase = Phase::Asked;
            false
        });
    }

    /// Redis announces nothing more: the page is subscribed to again, and what was missed is fetched.
    pub(super) fn set_left(&mut self) {
        self.set_behind();
        self.phase.send_if_modified(|phase| {
            *phase = Phase::New;
            // Who waits for the phase waits for the next subscription, too.
            false
        });
    }

    /// A snapshot was read at this cursor, after the subscription.
    pub(super) fn handle_snapshot(&mut self, cursor: Cursor) {
        self.head.get_or_insert(cursor);
    }

    pub(super) fn handle_news(&mut self, news: News) -> Outcome {
        if let Some(waiting) = &mut self.behind {
            // The last one stays, so that it shows what was dropped before it.
            waiting.truncate(MAX_WAITING - 1);
            waiting.push(news);
            return Outcome::default();
        }
        match (self.head, news) {
            (Some(head), news) if is_old(&news, head) => Outcome::default(),
            (None, News::Update(update)) => self.announce(&update),
            (Some(head), News::Update(update)) if update.prev == head => self.announce(&update),
            // Whoever is about to take a snapshot may get one without it.
            (None, News::Large { .. }) => self.lose(),
            (Some(_), _) => {
                self.behind = Some(Vec::new());
                Outcome { is_behind: true, ..Outcome::default() }
            }
        }
    }

    /// Where to fetch from, if something is missing.
    pub(super) fn lacks_since(&self) -> Option<Cursor> {
        self.head.filter(|_| self.behind.is_some())
    }

    /// After a loss of the connection, or where the head is another: there may be something to fetch.
    pub(super) fn set_behind(&mut self) -> bool {
        if self.head.is_some() && self.behind.is_none() {
            self.behind = Some(Vec::new());
        }
        self.behind.is_some()
    }

    /// Where the subscribers are, unless that is being found out.
    pub(super) fn head(&self) -> Option<Cursor> {
        self.head.filter(|_| self.behind.is_none())
    }

    /// What was fetched, or `None` if it cannot be had update by update.
    pub(super) fn handle_fetched(&mut self, fetched: Option<Vec<News>>) -> Outcome {
        let waiting = self.behind.take().unwrap_or_default();
        let mut outcome = Outcome::default();
        let Some(fetched) = fetched else { return self.lose() };
        for news in fetched {
            let Some(head) = self.head else { return outcome };
            match news {
                news if is_old(&news, head) => {}
                News::Update(update) if update.prev == head => {
                    outcome.sleepers = outcome.sleepers.and(self.announce(&update).sleepers)
                }
                _ => return Outcome { sleepers: outcome.sleepers.and(self.lose().sleepers), is_behind: false },
            }
        }
        for news in waiting {
            let next = self.handle_news(news);
            outcome = Outcome {
                sleepers: outcome.sleepers.and(next.sleepers),
                is_behind: outcome.is_behind || next.is_behind,
            };
        }
        outcome
    }

    fn announce(&mut self, update: &Arc<Numbered>) -> Outcome {
        self.head = Some(update.cursor);
        let sleepers = self.announcements.announce_without_waking(update.cursor.version.number(), update);
        Outcome { sleepers, is_behind: false }
    }

    /// Subscribers take the page as it is now.
    fn lose(&mut self) -> Outcome {
        self.head = None;
        self.behind = None;
        Outcome { sleepers: self.announcements.lose_without_waking(), is_behind: false }
    }
}

/// Whether it is part of the page at `head`. What is of another epoch may be newer, whatever its number.
fn is_old(news: &News, head: Cursor) -> bool {
    let cursor = news.cursor();
    cursor.epoch == head.epoch && cursor.version <= head.version
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use live_sync::{Event, Subscription};

    use super::*;
    use crate::cursor::{Epoch, Version};

    type Followed = Subscription<(), Arc<Numbered>>;

    fn at(version: u64) -> Cursor {
        Cursor::new(Epoch::from_bits(1), Version::saturating(version))
    }

    fn update(prev: Cursor, cursor: Cursor) -> News {
        News::Update(Arc::new(Numbered { prev, cursor, reset: false, changes: Vec::new() }))
    }

    fn step(version: u64) -> News {
        update(at(version - 1), at(version))
    }

    /// A topic at version 1, and who follows it.
    fn topic() -> (Topic, Followed) {
        let mut topic = Topic::new();
        let subscription = topic.announcements.subscribe().follow(1, ());
        topic.handle_snapshot(at(1));
        (topic, subscription)
    }

    /// The versions that have come, and whether continuity was lost after them.
    fn came(subscription: &mut Followed) -> (Vec<u64>, bool) {
        let mut versions = Vec::new();
        loop {
            match subscription.poll_next(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(Some(Event::Item(update))) => versions.push(update.cursor.version.number()),
                Poll::Ready(Some(Event::Snapshot(()))) => {}
                Poll::Ready(Some(Event::Lost)) => return (versions, true),
                Poll::Ready(None) | Poll::Pending => return (versions, false),
            }
        }
    }

    #[test]
    fn announcements_in_order_pass_and_repeated_ones_do_not() {
        let (mut topic, mut follower) = topic();
        for version in [2, 2, 3, 2, 3, 4] {
            assert!(!topic.handle_news(step(version)).is_behind);
        }
        assert_eq!(came(&mut follower), (vec![2, 3, 4], false));
    }

    #[test]
    fn what_is_missing_is_fetched_and_what_came_meanwhile_follows_it() {
        let (mut topic, mut follower) = topic();
        assert!(topic.handle_news(step(3)).is_behind);
        assert!(!topic.handle_news(step(4)).is_behind);
        assert_eq!((topic.lacks_since(), topic.head()), (Some(at(1)), None));
        // Fetched before the fourth was published.
        assert!(!topic.handle_fetched(Some(vec![step(2), step(3)])).is_behind);
        assert_eq!(came(&mut follower), (vec![2, 3, 4], false));
        assert_eq!(topic.head(), Some(at(4)));
    }

    #[test]
    fn what_still_lacks_after_a_fetch_is_fetched_again() {
        let (mut topic, mut follower) = topic();
        assert!(topic.handle_news(step(3)).is_behind);
        topic.handle_news(step(5));
        assert!(topic.handle_fetched(Some(vec![step(2), step(3)])).is_behind);
        assert_eq!(topic.lacks_since(), Some(at(3)));
        assert!(!topic.handle_fetched(Some(vec![step(4), step(5)])).is_behind);
        assert_eq!(came(&mut follower), (vec![2, 3, 4, 5], false));
    }

    #[test]
    fn of_too_many_that_wait_the_rest_is_fetched() {
        let (mut topic, mut follower) = topic();
        let last = MAX_WAITING as u64 + 10;
        (3..=last).for_each(|version| drop(topic.handle_news(step(version))));
        let fetched = (2..=last - 2).map(step).collect();
        // The last announcement shows what was dropped before it.
        assert!(topic.handle_fetched(Some(fetched)).is_behind);
        assert!(!topic.handle_fetched(Some((last - 1..=last).map(step).collect())).is_behind);
        assert_eq!(came(&mut follower), ((2..=last).collect(), false));
    }

    #[test]
    fn what_cannot_be_had_by_itself_is_a_loss() {
        let large = News::Large { cursor: at(2) };
        let forked = Cursor::new(Epoch::from_bits(2), Version::saturating(1));
        let lossy: [fn(&mut Topic) -> Outcome; 3] = [
            |topic| topic.handle_fetched(None),
            |topic| topic.handle_fetched(Some(vec![News::Large { cursor: at(2) }])),
            |topic| topic.handle_fetched(Some(vec![step(3)])),
        ];
        for fetch in lossy {
            let (mut topic, mut follower) = topic();
            topic.set_behind();
            assert!(!fetch(&mut topic).is_behind);
            assert_eq!((came(&mut follower), topic.head()), ((vec![], true), None));
        }
        for news in [large, update(forked, at(9)), update(at(1), forked)] {
            let is_next = matches!(&news, News::Update(update) if update.prev == at(1));
            let (mut topic, _follower) = topic();
            assert_eq!(topic.handle_news(news).is_behind, !is_next);
        }
    }

    #[test]
    fn an_announcement_that_overtakes_its_snapshot_is_not_taken_back() {
        let mut topic = Topic::new();
        let tail = topic.announcements.subscribe();
        topic.handle_news(step(2));
        topic.handle_snapshot(at(1));
        assert_eq!(topic.head(), Some(at(2)));
        assert_eq!(came(&mut tail.follow(1, ())), (vec![2], false));
    }

    #[test]
    fn before_the_first_snapshot_nothing_is_fetched() {
        let mut topic = Topic::new();
        assert!(!topic.set_behind());
        let mut follower = topic.announcements.subscribe().follow(1, ());
        topic.handle_news(News::Large { cursor: at(2) });
        assert_eq!(came(&mut follower), (vec![], true));
    }
}
