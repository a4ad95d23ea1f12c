//! The posts of the status page.

use std::time::Duration;

use live_axum::{ChannelId, Config, FanOut, Metrics};

use super::{
    numbers::{bytes, count, escaped, rate, time},
    samples::Samples,
};

/// Everything that the cards show.
pub(super) struct Moment<'a> {
    pub(super) metrics: Metrics,
    pub(super) config: &'a Config,
    /// With their readers, most first.
    pub(super) channels: Vec<(ChannelId, usize)>,
    pub(super) bus_is_up: bool,
    pub(super) is_stopping: bool,
    pub(super) uptime: Duration,
    pub(super) bus: &'a str,
    pub(super) reader_urls: &'a [String],
    pub(super) samples: &'a Samples,
}

/// Each with its name, from the top.
pub(super) fn all(moment: &Moment<'_>) -> Vec<(&'static str, String)> {
    vec![readers(moment), deliveries(moment), bus(moment), channels(moment), trouble(moment), server(moment)]
}

fn card(name: &'static str, title: &str, body: &str) -> (&'static str, String) {
    let html = format!(
        "<section class=\"card\" data-post-id=\"{name}\" aria-labelledby=\"{name}-title\">\
         <h2 id=\"{name}-title\">{title}</h2>{body}</section>"
    );
    (name, html)
}

/// A list of terms; the values are HTML.
fn facts(facts: &[(&str, String)]) -> String {
    let rows: String =
        facts.iter().map(|(term, value)| format!("<div><dt>{term}</dt><dd>{value}</dd></div>")).collect();
    format!("<dl>{rows}</dl>")
}

fn readers(moment: &Moment<'_>) -> (&'static str, String) {
    let transports = &moment.metrics.transports;
    let all: u64 = transports.iter().map(|of| of.readers).sum();
    let rows: Vec<_> = transports.iter().map(|of| (label(of.transport.name()), count(of.readers))).collect();
    let most = count(moment.config.max_connections as u64);
    card(
        "readers",
        "Readers",
        &format!("<p class=\"figure\">{}</p><p class=\"of\">of {most} at most</p>{}", count(all), facts(&rows)),
    )
}

fn label(transport: &str) -> &'static str {
    match transport {
        "websocket" => "WebSocket",
        "sse" => "Server-Sent Events",
        "long-polling" => "Long polling",
        _ => "Interval polling (now)",
    }
}

fn deliveries(moment: &Moment<'_>) -> (&'static str, String) {
    let samples = moment.samples;
    let line = sparkline(&samples.rates(|totals| totals.deliveries));
    let body = facts(&[
        ("Updates per second", rate(samples.rate(|totals| totals.updates))),
        ("Sent per second", samples.rate(|totals| totals.bytes).map_or_else(|| "–".to_owned(), bytes)),
        ("Updates so far", count(moment.metrics.updates)),
        ("Half of the readers get one within", within(&moment.metrics.fan_out, 0.5)),
        ("99 of 100 within", within(&moment.metrics.fan_out, 0.99)),
    ]);
    let figure = rate(samples.rate(|totals| totals.deliveries));
    card("deliveries", "Deliveries per second", &format!("<p class=\"figure\">{figure}</p>{line}{body}"))
}

/// The bound below which this part of the times is.
fn within(fan_out: &FanOut, part: f64) -> String {
    let all: u64 = fan_out.counts.iter().sum();
    if all == 0 {
        return "–".to_owned();
    }
    let mut seen = 0;
    for (bound, times) in FanOut::BOUNDS.iter().zip(fan_out.counts) {
        seen += times;
        if seen as f64 >= part * all as f64 {
            return format!("{bound:?}").replace("µs", " µs").replace("ms", " ms");
        }
    }
    let [.., last] = FanOut::BOUNDS;
    format!("more than {last:?}")
}

/// The last minute as a line; the newest is right.
fn sparkline(rates: &[f64]) -> String {
    const WIDTH: f64 = 240.0;
    const HEIGHT: f64 = 40.0;
    let most = rates.iter().copied().fold(0.0, f64::max);
    let step = WIDTH / 59.0;
    let first = WIDTH - step * rates.len().saturating_sub(1) as f64;
    let point = |(index, rate): (usize, &f64)| {
        let height = if most > 0.0 { rate / most * HEIGHT } else { 0.0 };
        format!("{:.1},{:.1}", first + step * index as f64, HEIGHT + 1.0 - height)
    };
    let points: Vec<_> = rates.iter().enumerate().map(point).collect();
    format!(
        "<svg class=\"line\" viewBox=\"0 0 240 42\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"The last minute: at most {} per second\"><polyline points=\"{}\"/></svg>",
        count(most.round() as u64),
        points.join(" ")
    )
}

fn bus(moment: &Moment<'_>) -> (&'static str, String) {
    let state = match moment.bus_is_up {
        true => "<span class=\"good\">answers</span>",
        false => "<span class=\"bad\">does not answer</span>",
    };
    let body = facts(&[
        ("State", state.to_owned()),
        ("Bus", format!("<code>{}</code>", escaped(moment.bus))),
        ("Subscriptions", count(moment.metrics.subscriptions)),
        ("Pages that it does not confirm", count(moment.metrics.stale_pages)),
        ("Publishes over HTTP", count(moment.metrics.published)),
    ]);
    card("bus", "Bus", &body)
}

fn channels(moment: &Moment<'_>) -> (&'static str, String) {
    let all = moment.channels.len();
    let rows: String = moment
        .channels
        .iter()
        .take(MAX_CHANNELS)
        .map(|(channel, readers)| {
            format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escaped(channel.as_str()), count(*readers as u64))
        })
        .collect();
    let body = match (all, all.saturating_sub(MAX_CHANNELS)) {
        (0, _) => "<p class=\"none\">Nobody reads at the moment.</p>".to_owned(),
        (_, more) => {
            let more =
                if more > 0 { format!("<p class=\"none\">and {} more</p>", count(more as u64)) } else { String::new() };
            format!(
                "<table><thead><tr><th scope=\"col\">Channel</th><th scope=\"col\">Readers</th></tr></thead><tbody>{rows}</tbody></table>{more}"
            )
        }
    };
    card("channels", "Channels", &body)
}

/// More would be a long page; the busiest are enough.
const MAX_CHANNELS: usize = 20;

fn trouble(moment: &Moment<'_>) -> (&'static str, String) {
    let sum = |of: fn(&live_axum::TransportMetrics) -> u64| count(moment.metrics.transports.iter().map(of).sum());
    let body = facts(&[
        ("Frames for slow readers, in place of several", sum(|of| of.conflations)),
        ("Readers who began anew", sum(|of| of.resets)),
        ("Readers sent back to their HTML", sum(|of| of.reloads)),
        ("Publishes that failed", count(moment.metrics.publish_failures)),
    ]);
    card("trouble", "What was not smooth", &body)
}

fn server(moment: &Moment<'_>) -> (&'static str, String) {
    let state = match moment.is_stopping {
        true => "<span class=\"bad\">stops: readers are sent away</span>",
        false => "<span class=\"good\">serves</span>",
    };
    let urls: Vec<_> = moment.reader_urls.iter().map(|url| format!("<code>{}</code>", escaped(url))).collect();
    let body = facts(&[
        ("State", state.to_owned()),
        ("Up for", time(moment.uptime)),
        ("Listens on", urls.join(" ")),
        ("Process", std::process::id().to_string()),
    ]);
    card("server", "Server", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_at_the_right_and_its_top_is_the_most() {
        let line = sparkline(&[0.0, 10.0, 5.0]);
        assert!(line.contains("at most 10 per second"), "{line}");
        assert!(line.contains("points=\"231.9,41.0 235.9,1.0 240.0,21.0\""), "{line}");
        assert!(sparkline(&[]).contains("points=\"\""));
    }

    #[test]
    fn a_quantile_is_the_bound_that_holds_it() {
        let mut fan_out = FanOut::default();
        assert_eq!(within(&fan_out, 0.5), "–");
        fan_out.counts[0] = 98;
        fan_out.counts[4] = 1;
        fan_out.counts[FanOut::BOUNDS.len()] = 1;
        assert_eq!(within(&fan_out, 0.5), "50 µs");
        assert_eq!(within(&fan_out, 0.99), "1 ms");
        assert_eq!(within(&fan_out, 1.0), "more than 10s");
    }
}
