//! What every case must leave behind: its servers serve on, other readers and newcomers alike.

use std::cell::RefCell;

use crate::{
    client::within,
    model::{Reader, Shown},
    server::TestServer,
};

thread_local! {
    /// The servers of the case that runs on this thread.
    static EXPECTED: RefCell<Vec<TestServer>> = const { RefCell::new(Vec::new()) };
}

/// A case before this one on the same thread may have failed, and left servers of a runtime that is gone.
pub(crate) fn begin() {
    EXPECTED.take();
}

/// Has the server looked at when the case is over.
pub(crate) fn expect(server: &TestServer) {
    EXPECTED.with_borrow_mut(|servers| servers.push(server.clone()));
}

/// The case has ended the server itself.
pub(crate) fn forget(server: &TestServer) {
    EXPECTED.with_borrow_mut(|servers| servers.retain(|expected| !expected.is(server)));
}

/// Looks at the servers that the case has left running.
pub(crate) async fn check() {
    for server in EXPECTED.take() {
        if !server.hub.is_draining() {
            within("the aftermath", is_well(&server)).await;
        }
        server.end();
    }
}

/// The bystander was not disturbed, and whoever comes now sees the page as it is, on every transport.
async fn is_well(server: &TestServer) {
    if let Some(bystander) = server.take_bystander() {
        bystander.ends_well(server).await;
    }
    let shown = Shown::by(server, PAGE).await;
    for join in server.joins() {
        let frame = join.first_frame(server, PAGE, Some("*")).await;
        let mut reader = Reader::default();
        reader.apply(&frame.unwrap_or_else(|| panic!("{join:?}: a newcomer gets a frame")));
        assert!(!reader.wants_reload, "{join:?}: a newcomer who asks for everything gets it");
        assert_eq!(reader.shown.contents(), shown.contents(), "{join:?}: a newcomer sees the page as it is");
    }
}

/// The page that most cases are about.
const PAGE: &str = "blog";
