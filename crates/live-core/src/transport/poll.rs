//! Polling: one frame, at once or when there is one. A waiting poll is a cursor in the page's list, without a task or a timer.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use crate::{
    close::Close,
    cursor::{Start, Version},
    frame::Frame,
    hub::{Delivery, LivePage, Look, Pace, Reader},
};

/// The outcome of a poll.
#[derive(Debug)]
pub(crate) enum Polled {
    Frame(Arc<Frame>),
    /// Nothing new within the wait.
    Nothing,
    /// The bus does not confirm that there is nothing new.
    Unconfirmed,
    Ended(Close),
}

/// What a poll that does not wait finds at its only look; `None` if the bus has to be waited for, which takes a reader.
pub(crate) fn glance(page: &LivePage, start: Start, now: u64) -> Option<Polled> {
    let polled = match page.glance(start, now) {
        Look::Frame(frame) | Look::Hello(frame) => Polled::Frame(frame),
        Look::UpToDate => Polled::Nothing,
        Look::Ask(_) | Look::Wait => return None,
    };
    page.count_glance(if let Polled::Frame(frame) = &polled { Some(frame) } else { None });
    Some(polled)
}

/// All that is new for the reader in one frame. Without `wait` it answers at once; only the bus's word on a cursor that this
/// node cannot place is waited for, up to its deadline.
pub(crate) async fn poll_frame(reader: &mut Reader, wait: Option<Duration>) -> Polled {
    let hub = reader.hub().clone();
    let deadline = |wait: Duration| hub.now() + wait.as_millis() as u64;
    let (until, until_bus) = (deadline(wait.unwrap_or_default()), deadline(hub.config().bus_deadline));
    poll_fn(|cx| {
        let due = if wait.is_some() { until } else { until_bus };
        match reader.poll_next(cx, Pace::Poll, due) {
            Poll::Ready(Delivery::Frame(frame)) => return Poll::Ready(Polled::Frame(frame)),
            Poll::Ready(Delivery::Close(close)) => return Poll::Ready(Polled::Ended(close)),
            Poll::Pending => {}
        }
        let (waits_for_bus, now) = (reader.waits_for_bus(), hub.now());
        match () {
            () if waits_for_bus && now >= until_bus => Poll::Ready(Polled::Unconfirmed),
            () if waits_for_bus || now < until => Poll::Pending,
            () if reader.page().is_stale() => Poll::Ready(Polled::Unconfirmed),
            () => Poll::Ready(Polled::Nothing),
        }
    })
    .await
}

/// Waits until the page's head is above `seen`; `false` if it is not by then.
pub(crate) async fn poll_change(reader: &mut Reader, seen: Version, wait: Duration) -> Result<bool, Close> {
    let hub = reader.hub().clone();
    let until = hub.now() + wait.as_millis() as u64;
    poll_fn(|cx| match reader.poll_head(cx, seen, until) {
        Poll::Pending if hub.now() >= until => Poll::Ready(Ok(false)),
        Poll::Pending => Poll::Pending,
        Poll::Ready(result) => Poll::Ready(result.map(|()| true)),
    })
    .await
}
