//! What comes from Redis, without Redis.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll, Wake, Waker},
};

use live_sync::Event;

use super::super::message;
use super::*;
use crate::bus::Subscription;

fn topics() -> Topics {
    Topics::new(Arc::new(Rules::new(&Config::default()).unwrap()))
}

fn channel() -> ChannelId {
    ChannelId::new("a").unwrap()
}

const A: Named<'_> = Named { channel: "a", number: None };

fn followed(number: u64) -> Followed {
    Followed { channel: channel(), number }
}

fn take(topics: &Topics, message: &[u8]) {
    topics.take(A, message, message::decode(message, usize::MAX));
}

fn message(topics: &Topics, post: &str) {
    take(topics, format!("{{\"renders\": {{\"{post}\": {{\"content\": \"x\"}}}}}}").as_bytes());
}

/// Redis has been asked, and has acknowledged.
fn joined(topics: &Topics) -> Subscription {
    let (tail, phase) = topics.enter(&channel()).unwrap();
    assert_eq!(topics.changes(), Changes { join: vec![followed(1)], leave: vec![] });
    message(topics, "of-an-earlier-subscription");
    assert_ne!(*phase.borrow(), Phase::Joined);
    topics.join(A);
    assert_eq!(*phase.borrow(), Phase::Joined);
    let page = topics.page(&channel()).unwrap();
    tail.follow(page.cursor().version.number(), page)
}

fn next(subscription: &mut Subscription) -> Option<Event<Page, Arc<Numbered>>> {
    match subscription.poll_next(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(event) => event,
        Poll::Pending => None,
    }
}

#[test]
fn a_page_begins_with_the_acknowledgement_of_its_subscription() {
    let topics = topics();
    let mut subscription = joined(&topics);
    message(&topics, "1");
    assert!(matches!(next(&mut subscription), Some(Event::Snapshot(page)) if !page.has_log()));
    assert!(matches!(next(&mut subscription), Some(Event::Item(update)) if update.changes.len() == 1));
    let page = topics.page(&channel()).unwrap();
    assert_eq!(page.posts().map(|post| post.id.as_str()).collect::<Vec<_>>(), ["1"]);
    assert_eq!(topics.head(&channel()), page.cursor());
}

#[test]
fn a_channel_that_somebody_enters_while_it_is_left_is_joined_anew() {
    let topics = topics();
    let first = joined(&topics);
    let epoch = topics.head(&channel()).epoch;
    assert_eq!(topics.changes(), Changes::default());
    drop(first);
    assert_eq!(topics.changes(), Changes { join: vec![], leave: vec![followed(1)] });
    // Redis has not answered yet, and what it has sent already is not for the newcomer.
    let (_tail, phase) = topics.enter(&channel()).unwrap();
    message(&topics, "late");
    topics.lose(A);
    assert_eq!(topics.changes(), Changes { join: vec![followed(2)], leave: vec![] });
    topics.join(A);
    assert_eq!(*phase.borrow(), Phase::Joined);
    assert!(!topics.page(&channel()).unwrap().has_log());
    assert_ne!(topics.head(&channel()).epoch, epoch);
}

#[test]
fn a_channel_that_is_left_before_redis_was_asked_is_forgotten() {
    let topics = topics();
    drop(topics.enter(&channel()).unwrap());
    assert_eq!(topics.changes(), Changes::default());
    assert!(lock(&topics.state).topics.is_empty());
}

#[test]
fn whoever_is_subscribed_learns_of_every_end() {
    let ends: [fn(&Topics); 2] = [|topics| topics.lose(A), |topics| topics.end()];
    for end in ends {
        let topics = topics();
        let mut subscription = joined(&topics);
        let arrival = topics.expect(&channel(), b"on its way").unwrap();
        assert!(matches!(next(&mut subscription), Some(Event::Snapshot(_))));
        end(&topics);
        assert!(matches!(next(&mut subscription), Some(Event::Lost)));
        assert!(arrival.blocking_recv().is_err(), "the publisher does not wait for ever");
        assert_eq!(topics.head(&channel()).epoch, topics.rules.origin);
    }
}

#[test]
fn nobody_enters_a_connection_that_has_ended() {
    let topics = topics();
    topics.end();
    assert!(matches!(topics.enter(&channel()), Err(BusError::Unavailable)));
}

#[test]
fn what_publishers_gave_up_waiting_for_is_not_kept() {
    let topics = topics();
    let _subscription = joined(&topics);
    for _ in 0..100 {
        drop(topics.expect(&channel(), b"given up"));
    }
    assert_eq!(lock(&topics.state).topics[&channel()].expected(), 1);
}

/// How often it was woken while the topics were free, and how often while somebody held them.
struct Looks {
    topics: Topics,
    free: AtomicUsize,
    held: AtomicUsize,
}

impl Looks {
    fn new() -> Arc<Self> {
        Arc::new(Self { topics: topics(), free: AtomicUsize::new(0), held: AtomicUsize::new(0) })
    }
}

impl Wake for Looks {
    fn wake(self: Arc<Self>) {
        let count = if self.topics.state.try_lock().is_ok() { &self.free } else { &self.held };
        count.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn nobody_is_woken_while_the_topics_are_locked() {
    let wakes: [fn(&Topics); 5] = [
        |topics| message(topics, "1"),
        |topics| take(topics, b"on its way"),
        |topics| assert!(topics.seed(&channel(), Update::replace([])).is_ok()),
        |topics| topics.lose(A),
        |topics| topics.refuse(&followed(1)),
    ];
    for wake in wakes {
        let looks = Looks::new();
        let waker = Waker::from(Arc::clone(&looks));
        let mut cx = Context::from_waker(&waker);
        let mut subscription = joined(&looks.topics);
        let mut arrival = looks.topics.expect(&channel(), b"on its way").unwrap();
        assert!(matches!(next(&mut subscription), Some(Event::Snapshot(_))));
        assert!(subscription.poll_next(&mut cx).is_pending());
        assert!(std::pin::Pin::new(&mut arrival).poll(&mut cx).is_pending());
        wake(&looks.topics);
        assert_eq!(looks.held.load(Ordering::SeqCst), 0);
        assert_ne!(looks.free.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn nobody_who_waits_for_a_channel_is_woken_while_the_topics_are_locked() {
    let looks = Looks::new();
    let waker = Waker::from(Arc::clone(&looks));
    let (tail, mut phase) = looks.topics.enter(&channel()).unwrap();
    let mut acknowledged = Box::pin(phase.wait_for(|phase| *phase == Phase::Joined));
    assert!(acknowledged.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(looks.topics.changes().join, [followed(1)]);
    looks.topics.join(A);
    assert_eq!((looks.free.load(Ordering::SeqCst), looks.held.load(Ordering::SeqCst)), (1, 0));
    assert!(acknowledged.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    drop((acknowledged, tail));
    let arrival = looks.topics.expect(&channel(), b"on its way").unwrap();
    let mut arrival = Box::pin(arrival);
    assert!(arrival.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(looks.topics.changes().leave, [followed(1)]);
    assert_eq!((looks.free.load(Ordering::SeqCst), looks.held.load(Ordering::SeqCst)), (2, 0));
}

#[test]
fn an_update_that_no_page_has_room_for_leaves_the_page_as_it_is() {
    let mut config = Config::default();
    config.page.max_posts = 2;
    let topics = Topics::new(Arc::new(Rules::new(&config).unwrap()));
    let mut subscription = joined(&topics);
    ["1", "2"].into_iter().for_each(|post| message(&topics, post));
    let before = topics.page(&channel()).unwrap();
    let render = |post: &str| format!("\"{post}\": {{\"content\": \"x\"}}");
    let three = format!("{{\"renders\": {{{}}}}}", ["3", "4", "5"].map(render).join(","));
    take(&topics, three.as_bytes());
    assert_eq!(topics.page(&channel()).unwrap().cursor(), before.cursor());
    message(&topics, "1");
    while let Some(event) = next(&mut subscription) {
        assert!(!matches!(event, Event::Lost));
    }
    // One that an empty page has room for is its first.
    message(&topics, "3");
    assert!(matches!(next(&mut subscription), Some(Event::Lost)));
    assert_eq!(topics.page(&channel()).unwrap().posts().count(), 1);
}
