//! How a node keeps up with a page.

use live_core::bus::Event;

use super::{RedisServer, channel, next, open, page, post};

#[tokio::test]
async fn what_one_node_publishes_reaches_the_others() {
    let redis = RedisServer::start();
    let (a, b) = (open(&redis), open(&redis));
    let blog = channel("blog");
    let mut subscription = b.subscribe(&blog).await.unwrap();
    assert!(matches!(next(&mut subscription).await, Event::Snapshot(_)));
    let published = a.publish(&blog, post("1", "one"), None).await.unwrap();
    match next(&mut subscription).await {
        Event::Item(update) => assert_eq!(update.cursor, published.cursor),
        other => panic!("{other:?}"),
    }
    assert_eq!(page(&*b, &blog).await.cursor(), published.cursor);
}
