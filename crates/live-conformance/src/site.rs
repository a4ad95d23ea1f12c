//! The site that an adapter under test serves beside Live's routes.
//!
//! | route | what |
//! |---|---|
//! | `/` | answers 200 with [`PAGE`] |
//! | `/panic` | panics |
//! | `/members/{route}/{channel}/` | the site's own authentication, [`member`], and then one of Live's routes |

use std::time::{Duration, Instant};

use live_core::{Admission, ChannelId, Route};

/// The text of the site's own page.
pub const PAGE: &str = "the site's own page";

/// Panics, as a handler with a bug does.
pub fn panic() -> &'static str {
    panic!("a bug in the application")
}

/// The site's own authentication, before the adapter's `respond`: a cookie `member=MILLISECONDS` says for how long it is good.
/// The admission goes into the request's extensions. `None` is answered 401.
pub fn member(route: &str, channel: &str, cookie: Option<&str>) -> Option<(Route, Admission)> {
    let milliseconds = cookie?.strip_prefix("member=")?.parse().ok()?;
    let channel = ChannelId::new(channel).ok()?;
    let route = match route {
        "ws" => Route::WebSocket(channel),
        "events" => Route::Events(channel),
        "updates" => Route::Updates(channel),
        _ => Route::WagtailPolling(channel),
    };
    Some((route, Admission { until: Instant::now() + Duration::from_millis(milliseconds) }))
}
