//! The script that numbers, stores and announces, with this site's limits in it.

use crate::{
    bus::{
        idempotency::{KEY_LIFE, MAX_KEYS},
        memory::TAIL_CAPACITY,
    },
    config::Config,
    page::{PageLimits, WhenFull},
};

/// The script as nodes call it (`EVALSHA`), and as a library of functions for everybody else (`FCALL live_publish`).
#[derive(Debug)]
pub(super) struct Script {
    pub(super) text: String,
    pub(super) library: String,
}

/// Whether pages are spread over the masters of a cluster, which a script cannot look across.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Layout {
    One,
    /// With the epoch of pages without a log, as far as it is one for the whole cluster.
    Cluster {
        epoch: String,
    },
}

/// How long an update can be fetched by itself. A node that was away for longer fetches the page.
const LOG_LIFE_MICROSECONDS: u64 = 10 * 60 * 1_000_000;
/// Updates that a node fetches by themselves; if it lacks more, it fetches the page.
const MAX_SINCE: usize = 256;
/// Bytes of a page's log, unless its newest update alone is larger.
const MAX_LOG_BYTES: usize = 4 << 20;
/// Updates that are cut off the log by one that is added.
const MAX_CUT: usize = 100;
/// Bytes of an update that is sent to every node at once; a larger one is fetched. Redis ends a connection for which too many bytes
/// of announcements wait, by default 8 MiB for a minute.
const MAX_ANNOUNCED_BYTES: usize = 64 << 10;

impl Script {
    pub(super) fn new(limits: &ScriptLimits, layout: &Layout) -> Self {
        let core = CORE.concat().replace("@LIMITS@", &limits.table(layout));
        Self {
            text: format!("{core}{}", include_str!("script/evalsha.lua")),
            library: format!("#!lua name=live\n{core}{}", include_str!("script/library.lua")),
        }
    }
}

/// One script in parts: each uses what stands before it.
const CORE: [&str; 5] = [
    include_str!("script/page.lua"),
    include_str!("script/update.lua"),
    include_str!("script/number.lua"),
    include_str!("script/store.lua"),
    include_str!("script/calls.lua"),
];

/// What of the configuration is part of the script.
#[derive(Debug, Clone, Copy)]
pub(super) struct ScriptLimits {
    page: PageLimits,
    max_tombstones: usize,
    retention_milliseconds: u128,
}

impl ScriptLimits {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            page: config.page,
            max_tombstones: config.max_tombstones,
            retention_milliseconds: config.page_retention.as_millis().max(1),
        }
    }

    fn table(&self, layout: &Layout) -> String {
        let Self { page, max_tombstones, retention_milliseconds } = self;
        let (store, announce) = match layout {
            Layout::One => (String::new(), "PUBLISH"),
            // Within the slot's own nodes, and not over the whole cluster.
            Layout::Cluster { epoch } => (format!(", store_epoch = '{epoch}'"), "SPUBLISH"),
        };
        format!(
            "{{ max_posts = {}, max_page_bytes = {}, max_post_bytes = {}, max_update_items = {}, remove_oldest = {}, \
             max_tombstones = {max_tombstones}, retention = {retention_milliseconds}, max_keys = {MAX_KEYS}, key_life = {}, \
             max_log = {TAIL_CAPACITY}, log_life = {LOG_LIFE_MICROSECONDS}, max_log_bytes = {MAX_LOG_BYTES}, max_cut = {MAX_CUT}, max_since = {MAX_SINCE}, \
             max_announced_bytes = {MAX_ANNOUNCED_BYTES}, announce = '{announce}'{store} }}",
            page.max_posts,
            page.max_page_bytes,
            page.max_post_bytes,
            page.max_update_items,
            page.when_full == WhenFull::RemoveOldest,
            KEY_LIFE.as_micros(),
        )
    }
}
