//! What `cargo xtask bench` and `cargo xtask scale` run: servers, readers, and the programs that start, feed and compare them.
//!
//! - `live-bench table …`: what a reader costs, against the limit.
//! - `live-bench bytes [FILE]`: what a reader downloads over each transport, and what compression would save.
//! - `live-bench scale …`: very many readers, on many nodes and one Redis.
//!
//! Both start the rest, each in a process of its own that ends with its standard input:
//! - `live-bench bare TRANSPORT CHANNELS`: the limit, a loop of `write` calls over the sockets and nothing else.
//! - `live-bench bare-tokio TRANSPORT CHANNELS`: the same over tokio's sockets.
//! - `live-bench live ADAPTER BUS CHANNELS HEARTBEAT`: Live under an adapter.
//! - `live-bench readers TRANSPORT ADDRESS PREFIX COUNT FIRST..END SOURCE [CURSOR]`: readers of some channels that check what they get.
//! - `live-bench slow ADDRESS PREFIX BYTES`: one WebSocket reader that reads so many bytes in a second.
//! - `live-bench plain FRAMEWORK`: what the framework itself makes of an empty answer, and of one with as many bytes as an update.
//! - `live-bench pollers ADDRESS PATH COUNT`: readers who poll at intervals, for the tests with a cache.
//! - `live-bench visits ADDRESS COUNT SOURCE`: so many connections, each of which is answered once, and once more for each line.
//! - `live-bench polls ADDRESS SECONDS METHOD PATH`: requests without a pause.
//! - `live-bench parked READERS OTHERS UPDATES`: what a publish takes while readers wait, in memory, on its page and on others.
//! - `live-bench page POSTS UPDATES`: what a change costs on a long page.
//! - `live-bench peer NAME`: another server, to compare with.
//! - `live-bench keep PROGRAM …`: another program, which would not end by itself.

mod addresses;
mod bytes;
mod keep;
mod latencies;
mod long_page;
mod machine;
mod median;
mod parked;
mod peers;
mod pollers;
mod polls;
mod process;
mod readers;
mod scale;
mod servers;
mod table;
mod update;
mod visits;

use std::{ops::Range, process::ExitCode, time::Duration};

use anyhow::{Context, bail, ensure};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn range(text: &str) -> anyhow::Result<Range<usize>> {
    let (start, end) = text.split_once("..").context("FIRST..END has two numbers")?;
    let range = start.parse()?..end.parse()?;
    ensure!(!range.is_empty(), "there is no channel in {text}");
    Ok(range)
}

fn run(arguments: &[&str]) -> anyhow::Result<()> {
    match arguments {
        ["table", options @ ..] => table::run(options),
        ["scale", options @ ..] => scale::run(options),
        ["bare", transport, channels] => servers::bare::run(transport.parse()?, channels.parse()?),
        ["bare-tokio", transport, channels] => servers::bare::run_on_tokio(transport.parse()?, channels.parse()?),
        ["live", adapter, bus, channels, heartbeat] => {
            let heartbeat = Duration::from_secs(heartbeat.parse().context("HEARTBEAT is no number of seconds")?);
            servers::live::run(adapter.parse()?, bus, channels.parse()?, heartbeat)
        }
        ["readers", transport, address, prefix, count, channels, source, cursor @ ..] => {
            readers::run(&readers::Crowd {
                transport: transport.parse()?,
                address: address.parse()?,
                prefix: (*prefix).to_owned(),
                readers: count.parse()?,
                channels: range(channels)?,
                source: source.parse()?,
                cursor: cursor.first().map(|cursor| (*cursor).to_owned()),
            })
        }
        ["slow", address, prefix, bytes] => readers::slow::run(address.parse()?, prefix, bytes.parse()?),
        ["polls", address, seconds, method, path] => polls::run(address.parse()?, seconds.parse()?, method, path),
        ["visits", address, count, source] => visits::run(address.parse()?, count.parse()?, source.parse()?),
        ["bytes"] => bytes::run(None),
        ["bytes", file] => bytes::run(Some(file)),
        ["pollers", address, path, count] => {
            pollers::run(address.parse()?, path, count.parse().context("COUNT is no number")?)
        }
        ["plain", framework] => servers::plain::run(framework),
        ["parked", readers, others, updates] => parked::run(readers.parse()?, others.parse()?, updates.parse()?),
        ["page", posts, updates] => long_page::run(posts.parse()?, updates.parse()?),
        ["peer", name] => peers::serve(name),
        ["keep", program, arguments @ ..] => keep::run(program, arguments),
        _ => bail!("usage: live-bench table | scale; see cargo xtask help"),
    }
}
