//! The server's side of PieSocket's protocol, version 3: pages of the service's own SDK and of Wagtail Live connect to it, and
//! Wagtail Live's publisher publishes to it. What its messages say is Live's own JSON.

use std::fmt::Display;

use bytes::{Buf, Bytes};
use http::request::Parts;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{json, value::RawValue};

use super::{Answer, ChannelId, Refusal, guard::Caller, publish, query, wagtail::ERROR_DELAY, websocket};
use crate::{
    config::Config,
    frame::text_message,
    hub::{Hub, Words},
    update::Update,
};

/// A reader's handshake. Its API key is known to everybody; who may read a private channel is said by its token.
pub(super) async fn upgrade(
    hub: &Hub,
    channel: &ChannelId,
    parts: &Parts,
    caller: &Caller<'_>,
) -> Result<Answer, Refusal> {
    let answer = connect(hub, channel, parts, caller).await;
    if answer.is_err() {
        // Once it was connected, the SDK repeats a refused handshake at once and for ever.
        tokio::time::sleep(ERROR_DELAY).await;
    }
    answer
}

async fn connect(hub: &Hub, channel: &ChannelId, parts: &Parts, caller: &Caller<'_>) -> Result<Answer, Refusal> {
    let is_known = query(parts, "api_key").is_some_and(|api_key| hub.config().piesocket.knows(&api_key));
    if !is_known {
        return Err(Refusal::Key("api_key is not one of this server's"));
    }
    let mut answer = websocket::upgrade(channel, parts, caller).await?;
    if let Answer::Upgrade(upgrade) = &mut answer {
        upgrade.reader.speak(Words { greeting: greeting(parts), admission_ended: text_message(ENDED) });
    }
    Ok(answer)
}

/// Its SDK reconnects at once and for ever with the token that has just expired, unless it was told of an error before. Wagtail
/// Live's script needs the other two fields.
const ENDED: &[u8] = br#"{"error":"Authentication ended, provide a new jwt token.","renders":{},"removals":[]}"#;

/// Who asks for presence is told that it is there. Live keeps no list of readers, and tells none of another.
fn greeting(parts: &Parts) -> Option<Bytes> {
    query(parts, "presence").filter(|presence| matches!(&**presence, "1" | "true"))?;
    let member = json!({"uuid": query(parts, "uuid"), "user": query(parts, "user")});
    let data = json!({"members": [member]});
    let message = json!({"event": "system:member_list", "data": data, "renders": {}, "removals": []});
    Some(text_message(message.to_string().as_bytes()))
}

/// What a publisher sends. The account is in the body, so all of it has to be read before it is known who asks.
#[derive(Deserialize)]
struct Publication<'a> {
    #[serde(default)]
    key: String,
    #[serde(default)]
    secret: String,
    #[serde(rename = "channelId", alias = "roomId")]
    channel: ChannelId,
    #[serde(borrow)]
    message: &'a RawValue,
}

/// What makes a message an update.
#[derive(Deserialize)]
struct Message {
    renders: Option<IgnoredAny>,
    removals: Option<IgnoredAny>,
}

pub(super) async fn publish<B>(hub: &Hub, parts: &Parts, body: B) -> Result<Answer, Refusal>
where
    B: http_body::Body<Data: Buf, Error: Display>,
{
    let key = publish::idempotency_key(parts)?;
    let body = publish::collect(hub, body).await?;
    let (channel, update) = publish::in_background(hub, move |config| parse(config, &body)).await?;
    publish::to_page(hub, &channel, update, key.as_ref()).await
}

fn parse(config: &Config, body: &[u8]) -> Result<(ChannelId, Update), Refusal> {
    let bad = |error: serde_json::Error| Refusal::Bad(error.to_string());
    let Publication { key, secret, channel, message } = serde_json::from_slice(body).map_err(bad)?;
    if !config.piesocket.admits(&key, &secret) {
        return Err(Refusal::Key("key and secret are not of an account of this server"));
    }
    // Other messages of the service have no place in the state of a page.
    match serde_json::from_str(message.get()) {
        Ok(Message { renders: None, removals: None }) | Err(_) => {
            Err(Refusal::Bad("message must be an object with renders or removals".to_owned()))
        }
        Ok(_) => Ok((channel, publish::parse(config, message.get().as_bytes())?)),
    }
}
