//! The settings of pages and their readers: sizes, times, limits.

use super::Setting;
use crate::settings::{
    choices,
    value::{self, Value},
};

const PAGES: &str = "Pages";
const TIMES: &str = "Times";
const LIMITS: &str = "Limits";

pub(super) static SETTINGS: &[Setting] = &[
    Setting::new(
        PAGES,
        "page-retention",
        Value::Duration(|settings| &mut settings.config.page_retention),
        "How long a page without a publish is kept; longer than HTML is cached",
    ),
    Setting::new(PAGES, "max-posts", Value::Count(|settings| &mut settings.config.page.max_posts), "Posts of a page"),
    Setting::new(
        PAGES,
        "max-page-bytes",
        Value::Bytes(|settings| &mut settings.config.page.max_page_bytes),
        "HTML of a page's posts",
    ),
    Setting::new(
        PAGES,
        "max-post-bytes",
        Value::Bytes(|settings| &mut settings.config.page.max_post_bytes),
        "HTML of one post",
    ),
    Setting::new(
        PAGES,
        "max-update-items",
        Value::Count(|settings| &mut settings.config.page.max_update_items),
        "Renders and removals of one update",
    ),
    Setting::new(
        PAGES,
        "when-full",
        Value::Other {
            read: |settings, text| {
                choices::read_when_full(text).map(|when_full| settings.config.page.when_full = when_full)
            },
            show: |settings| choices::show_when_full(settings.config.page.when_full),
        },
        "What a publish to a full page does: it fails, or the lowest posts make room",
    )
    .form("refuse|remove-oldest"),
    Setting::new(
        PAGES,
        "max-tombstones",
        Value::Count(|settings| &mut settings.config.max_tombstones),
        "Removals that a page remembers; readers who were away for more begin anew",
    ),
    Setting::new(
        PAGES,
        "max-pages",
        Value::Count(|settings| &mut settings.config.max_pages),
        "Pages that the bus keeps",
    ),
    Setting::new(
        PAGES,
        "max-open-pages",
        Value::Count(|settings| &mut settings.config.max_open_pages),
        "Pages with readers; readers of more get 503",
    ),
    Setting::new(
        PAGES,
        "linger",
        Value::Duration(|settings| &mut settings.config.linger),
        "How long a page is followed after its last reader has left; at least three of the longest poll intervals, and raised to that if nobody sets it",
    ),
    Setting::new(
        PAGES,
        "grace",
        Value::Duration(|settings| &mut settings.config.grace),
        "How far back a reader without a cursor is served",
    ),
    Setting::new(
        PAGES,
        "ring-frames",
        Value::Count(|settings| &mut settings.config.ring_frames),
        "Recent frames that a page keeps as they were sent",
    ),
    Setting::new(
        PAGES,
        "ring-bytes",
        Value::Bytes(|settings| &mut settings.config.ring_bytes),
        "Bytes of these frames",
    ),
    Setting::new(
        PAGES,
        "gzip-from-bytes",
        Value::Bytes(|settings| &mut settings.config.gzip_from_bytes),
        "Frames from this size on are sent with gzip to readers who poll and accept it",
    ),
    Setting::new(
        PAGES,
        "conflate-after",
        Value::Count(|settings| &mut settings.config.conflate_after),
        "A slow reader that lacks more frames than this gets one in their place",
    ),
    Setting::new(
        PAGES,
        "conflated-bytes",
        Value::Bytes(|settings| &mut settings.config.conflated_bytes),
        "Bytes of such frames that a page keeps to be shared",
    ),
    Setting::new(
        TIMES,
        "heartbeat",
        Value::Duration(|settings| &mut settings.config.heartbeat),
        "Silence after which a stream gets an empty frame and a ping; below the patience of any proxy in between",
    ),
    Setting::new(
        TIMES,
        "silence-deadline",
        Value::Duration(|settings| &mut settings.config.silence_deadline),
        "A WebSocket from which nothing came for this long, not even a pong, is closed. Time in which the server itself was stopped or had too much to do does not count",
    ),
    Setting::new(
        TIMES,
        "write-deadline",
        Value::Duration(|settings| &mut settings.config.write_deadline),
        "A connection whose socket takes nothing for this long is closed",
    ),
    Setting::new(
        TIMES,
        "poll-interval",
        Value::Duration(|settings| &mut settings.config.poll_interval),
        "What interval polling waits between two polls",
    ),
    Setting::new(
        TIMES,
        "max-poll-interval",
        Value::Duration(|settings| &mut settings.config.max_poll_interval),
        "What it waits at most when more than polls-per-second would come; at most a third of linger, and lowered to that if nobody sets it",
    ),
    Setting::new(
        TIMES,
        "long-poll-timeout",
        Value::Duration(|settings| &mut settings.config.long_poll_timeout),
        "The longest that a long poll waits",
    ),
    Setting::new(
        TIMES,
        "header-timeout",
        Value::Duration(|settings| &mut settings.config.header_timeout),
        "How long a client may take for its TLS handshake, and then for a request's header",
    ),
    Setting::new(
        TIMES,
        "body-timeout",
        Value::Duration(|settings| &mut settings.config.body_timeout),
        "How long the body of a publish may take",
    ),
    Setting::new(
        TIMES,
        "bus-deadline",
        Value::Duration(|settings| &mut settings.config.bus_deadline),
        "How long a request waits for the bus; then it is answered 503",
    ),
    Setting::new(
        TIMES,
        "publish-deadline",
        Value::Duration(|settings| &mut settings.config.publish_deadline),
        "How long a publish may take in Redis; then it is answered 503, and may be repeated with its key",
    ),
    Setting::new(
        TIMES,
        "compare-interval",
        Value::Duration(|settings| &mut settings.config.compare_interval),
        "How often the server compares its pages with the bus",
    ),
    Setting::new(
        LIMITS,
        "max-connections",
        Value::Count(|settings| &mut settings.config.max_connections),
        "Readers at a time; more get 503",
    ),
    Setting::new(
        LIMITS,
        "max-connections-per-address",
        Value::Count(|settings| &mut settings.config.max_connections_per_address),
        "Readers at a time from one address (IPv6: one /64); more get 429. Loopback has no limit",
    ),
    Setting::new(
        LIMITS,
        "polls-per-second",
        Value::Count(|settings| &mut settings.config.polls_per_second),
        "Interval polls that the server wants to answer in a second; readers are told to wait longer when more would come",
    ),
    Setting::new(
        LIMITS,
        "max-sockets",
        Value::Count(|settings| &mut settings.config.max_sockets),
        "Sockets of a listener beside those that became WebSockets or streams of events; more wait to be accepted",
    ),
    Setting::new(
        LIMITS,
        "max-unsent-bytes",
        Value::Other {
            read: |settings, text| {
                let bytes = value::parse_bytes(text)?.try_into().map_err(|_| format!("{text:?} is too large"))?;
                settings.config.max_unsent_bytes = bytes;
                Ok(())
            },
            show: |settings| value::show_bytes(settings.config.max_unsent_bytes as usize),
        },
        "Bytes that the kernel holds for a connection before they are on their way",
    )
    .form("SIZE"),
    Setting::new(
        LIMITS,
        "max-incoming-bytes",
        Value::Bytes(|settings| &mut settings.config.max_incoming_bytes),
        "One message from a reader; readers send nothing",
    ),
    Setting::new(
        LIMITS,
        "max-header-bytes",
        Value::Bytes(|settings| &mut settings.config.max_header_bytes),
        "A request's header",
    ),
    Setting::new(
        LIMITS,
        "max-publish-bytes",
        Value::Bytes(|settings| &mut settings.config.max_publish_bytes),
        "The body of a publish",
    ),
];
