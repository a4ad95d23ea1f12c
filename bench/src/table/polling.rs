//! Interval polling, against the frameworks themselves.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::{
    goal::Goal,
    grouped::grouped,
    options::Options,
    plot::Bars,
    rounds::{compare, middle},
    rows::Row,
    section::Section,
};
use crate::process::{self, Process};

/// Requests per second of the server's CPU.
struct Rates {
    /// The framework's own: nothing, nothing at a route like Live's, and the same bytes each time.
    empty: f64,
    routed: f64,
    bytes: f64,
    /// Live's: nothing new, something new, and what Wagtail Live's interval polling asks first.
    nothing: f64,
    update: f64,
    head: f64,
}

/// tungstenite answers no polls, and the two ways of actix answer them alike.
const FRAMEWORKS: &[&str] = &["axum", "warp", "actix"];

pub(super) fn measure(row: &Row, options: &Options) -> Result<Section> {
    // A row of a few readers is one for a look, not for figures.
    let seconds = if options.is_usual() { 2.0 } else { 0.2 };
    let rates = compare(options, FRAMEWORKS, |framework| rates(framework, seconds))?;
    let heads = [
        "",
        "empty handler",
        "the same, at Live's route",
        "nothing new (204)",
        "ratio",
        "ratio to the same route",
        "Wagtail Live's HEAD",
        "ratio",
        "same bytes",
        "something new (200)",
        "ratio",
    ];
    let mut section = Section::new(row, &heads);
    let mut plot = Bars::new("Polls that one core answers in a second", "requests per second of CPU", BARS);
    let goal = |what: &str, wanted| Goal::new(format!("{what}, in polls per second of CPU"), wanted, ROUTING);
    let mut nothing = goal("nothing new, against an empty handler", "at least 0.90");
    let mut head = goal("Wagtail Live's HEAD, against an empty handler", "at least 0.90");
    let mut update = goal("an update, against the same bytes each time", "at least 0.80");
    for (framework, own) in FRAMEWORKS.iter().zip(&rates) {
        nothing.at_least(framework, middle(own, |rates| rates.nothing / rates.empty), 0.90);
        head.at_least(framework, middle(own, |rates| rates.head / rates.empty), 0.90);
        update.at_least(framework, middle(own, |rates| rates.update / rates.bytes), 0.80);
        let rate = |of: fn(&Rates) -> f64| grouped(middle(own, of).round());
        // Each round has both.
        let part = |of: fn(&Rates) -> f64| format!("{:.2}", middle(own, of));
        section.table.push(vec![
            (*framework).to_owned(),
            rate(|rates| rates.empty),
            rate(|rates| rates.routed),
            rate(|rates| rates.nothing),
            part(|rates| rates.nothing / rates.empty),
            part(|rates| rates.nothing / rates.routed),
            rate(|rates| rates.head),
            part(|rates| rates.head / rates.empty),
            rate(|rates| rates.bytes),
            rate(|rates| rates.update),
            part(|rates| rates.update / rates.bytes),
        ]);
        let bars: [fn(&Rates) -> f64; BARS.len()] =
            [|rates| rates.empty, |rates| rates.nothing, |rates| rates.bytes, |rates| rates.update];
        plot.group(framework, bars.map(|of| middle(own, of)).to_vec());
    }
    section.goals = vec![nothing, head, update];
    section.plots = vec![("performance-polling.svg", plot.svg())];
    Ok(section)
}

/// Why a poll cannot be as cheap as the empty handler.
const ROUTING: &str = "Live is mounted under a prefix, and the name of the page is the end of the path, where the empty handler has a route of \
    one fixed word; what the framework itself makes of an empty handler there is the column beside it. What Live does for a poll, which is to \
    check its header, its host and its origin, to read its cursor and to say when to come again, is [counted](instructions.md).";

/// The bars of the plot: what Live does is beside what the framework itself does.
const BARS: &[&str] = &["empty handler", "nothing new (204)", "the same bytes", "an update (200)"];

fn rates(framework: &str, seconds: f64) -> Result<Rates> {
    let mut plain = Process::start(&["plain", framework], process::SERVERS)?;
    let printed = plain.line(DEADLINE)?;
    let address = printed.trim();
    let empty = rate(&plain, address, seconds, "GET", "/empty", "204")?;
    let routed = rate(&plain, address, seconds, "GET", "/live/updates/0/?cursor=0", "204")?;
    let bytes = rate(&plain, address, seconds, "GET", "/bytes", "200")?;
    drop(plain);
    let mut live = Process::start(&["live", framework, "memory:", "1", "25"], process::SERVERS)?;
    let printed = live.line(DEADLINE)?;
    let (address, prefix) = printed.split_once(' ').context("a server prints its address and prefix")?;
    let mut cursor = |number: usize| {
        live.say(number)?;
        live.say("cursor")?;
        live.line(DEADLINE)
    };
    let (old, head) = (cursor(1)?, cursor(2)?);
    let path = |cursor: &str| format!("{prefix}/updates/0/?cursor={cursor}");
    let nothing = rate(&live, address, seconds, "GET", &path(&head), "204")?;
    let update = rate(&live, address, seconds, "GET", &path(&old), "200")?;
    let head = rate(&live, address, seconds, "HEAD", &format!("{prefix}/get-updates/0/"), "200")?;
    Ok(Rates { empty, routed, bytes, nothing, update, head })
}

fn rate(server: &Process, address: &str, seconds: f64, method: &str, path: &str, status: &str) -> Result<f64> {
    let mut polls = Process::start(&["polls", address, &seconds.to_string(), method, path], process::READERS)?;
    ensure!(polls.line(DEADLINE)? == "connected", "the polls did not connect");
    let before = server.cpu()?;
    let line = polls.line(DEADLINE + Duration::from_secs_f64(seconds))?;
    let (answered, last) = line.split_once(' ').context("polls print number and status")?;
    ensure!(last == status, "{method} {path} was answered {last}");
    Ok(answered.parse::<f64>()? / (server.cpu()? - before).as_secs_f64())
}

const DEADLINE: Duration = Duration::from_secs(20);
