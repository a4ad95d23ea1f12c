//! The choice of a publisher by one setting.

use std::sync::{Arc, Mutex};

use live_core::{
    ChannelId, Config, Cursor, Epoch, Hub, PostId, Published, Publisher, Publishers, Render, Transport, Update,
    Version,
    bus::{self, BusFuture},
};

/// A hosted service, say.
#[derive(Default)]
struct Hosted(Mutex<Vec<String>>);

impl Publisher for Hosted {
    fn publish<'a>(&'a self, channel: &'a ChannelId, update: Update) -> BusFuture<'a, Published> {
        self.0.lock().unwrap().push(format!("{channel}: {}", serde_json::to_string(&update).unwrap()));
        let cursor = Cursor::new(Epoch::from_bits(0), Version::ZERO);
        Box::pin(async move { Ok(Published { cursor, repeated: false }) })
    }
}

fn hub() -> Hub {
    let config = Config::default();
    Hub::new(bus::from_url("memory:", &config).unwrap(), config).unwrap()
}

#[tokio::test]
async fn without_a_setting_readers_have_all_transports_with_fallback() {
    let publishers = Publishers::new(hub());
    for none in [None, Some("")] {
        assert_eq!(publishers.choose(none).unwrap().transports, Transport::ALL);
    }
    assert_eq!(publishers.choose(Some("long-polling")).unwrap().transports, [Transport::LongPolling]);
}

#[tokio::test]
async fn a_publisher_of_ones_own_is_chosen_by_its_name() {
    let hosted = Arc::new(Hosted::default());
    let publishers = Publishers::new(hub()).register("hosted", hosted.clone(), &[]);
    let chosen = publishers.choose(Some("hosted")).unwrap();
    let channel = ChannelId::new("blog").unwrap();
    let update = Update::new().render(Render::new(PostId::new("1").unwrap(), "x"));
    chosen.publisher.publish(&channel, update).await.unwrap();
    assert!(hosted.0.lock().unwrap()[0].starts_with("blog: {\"renders\":{\"1\":"));
}

#[tokio::test]
async fn the_hub_itself_is_a_publisher() {
    let hub = hub();
    let channel = ChannelId::new("blog").unwrap();
    let chosen = Publishers::new(hub.clone()).choose(Some("sse")).unwrap();
    let update = Update::new().render(Render::new(PostId::new("1").unwrap(), "x"));
    let published = chosen.publisher.publish(&channel, update).await.unwrap();
    assert_eq!(hub.cursor(&channel).await.unwrap(), published.cursor);
}

#[tokio::test]
async fn an_unknown_name_is_an_error_that_lists_the_known() {
    let publishers = Publishers::new(hub()).register("hosted", Arc::new(Hosted::default()), &[]);
    let Err(error) = publishers.choose(Some("websockets")) else { panic!("there is no such publisher") };
    let expected =
        "no publisher is named \"websockets\"; there are websocket, sse, long-polling, interval-polling, hosted";
    assert_eq!(error.to_string(), expected);
}
