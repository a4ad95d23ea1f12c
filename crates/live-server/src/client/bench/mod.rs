//! `live bench`: many readers, some updates, and how long they take.

mod channel;
mod histogram;
mod process;
mod readers;
mod report;

use std::{
    fmt::Display,
    process::ExitCode,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use live_core::{ChannelId, Cursor, IdempotencyKey, PostId, Start, Transport, Update};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use self::{
    channel::{BenchChannel, Measured},
    process::{SPARE_FILES, allow_open_files, cpu_time},
    readers::{Crowd, Outcome, Place},
    report::Report,
};
use super::{
    connect::Server,
    failure::{Failure, finish},
    notices::{NoticeArgs, Notices},
    publisher::{Publisher, random_key},
    seconds,
    server::{ServerUrl, TokenArgs, TrustArgs},
};

const MORE: &str = "\
Reports how long an update takes to each reader and to the last one. Readers and publishers are one process, so that one clock measures; \
what it needs itself is in the report. It costs the server what it measures: run it against your own, and not beside readers who matter. \
Each channel has one post, which is removed at the end.

Examples:
  live bench http://127.0.0.1:8765
  live bench http://127.0.0.1:8765 --readers 1000 --rate 50 --pid $(pidof live)
  live bench https://example.org/live --readers 20 --transport sse

Exit codes:
  0  measured
  2  the command line is wrong, or the system allows for too few open files
  3  refused by the server
  4  the server was not reached in time
  1  anything else";

#[derive(clap::Args)]
#[command(after_help = MORE)]
pub(crate) struct Args {
    /// The server, with the prefix of its routes if they have one
    #[arg(value_name = "URL")]
    server: String,
    /// Readers, spread over the channels
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    readers: u64,
    /// Channels
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    channels: u64,
    /// What the names of the channels begin with [default: bench and a random number]
    #[arg(long, value_name = "NAME")]
    channel: Option<ChannelId>,
    /// How readers connect: websocket, sse, long-polling or interval-polling
    #[arg(long, value_name = "NAME", default_value_t = Transport::WebSocket)]
    transport: Transport,
    /// Updates of each channel
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    updates: u64,
    /// Updates of each channel in a second; 0 sends the next as soon as the server has answered
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u32).range(0..=100_000))]
    rate: u32,
    /// Bytes of the post in each update
    #[arg(long, value_name = "BYTES", default_value = "500", value_parser = clap::value_parser!(u64).range(1..=262_144))]
    size: u64,
    /// The server's process id, if it runs on this machine: reports its processor time, too (Linux)
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// How long to wait for the last deliveries, and for each answer of the server
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = seconds::parse)]
    deadline: Duration,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    notices: NoticeArgs,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    token: TokenArgs,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    finish(runtime.block_on(bench(args)))
}

async fn bench(args: Args) -> anyhow::Result<()> {
    allow_open_files(args.readers + args.channels + SPARE_FILES)?;
    let pid = args.pid.map(|pid| pid.to_string());
    if let Some(pid) = pid.as_deref().filter(|pid| cpu_time(pid).is_none()) {
        return Err(Failure::Usage(format!("nothing is known of a process {pid}")).into());
    }
    let server = Server::new(ServerUrl::load("the server", &args.server)?, &args.trust)?;
    let notices = Notices::from(args.notices);
    let mut stages = stages(&args, &server, &notices)?;
    let places = seed(&mut stages).await?;
    let measured = Arc::new(Measured::default());
    notices.say(format_args!("connecting {} readers to {}", args.readers, server.url));
    let crowd = match Crowd::connect(&server, args.transport, args.readers, &places, &measured).await {
        Ok(crowd) => crowd,
        Err(failure) => {
            clean_up(stages, &notices).await;
            return Err(failure.into());
        }
    };
    notices.say(format_args!("publishing {} updates to each channel ({})", args.updates, args.channels));

    let cpu = || [cpu_time("self"), pid.as_deref().and_then(cpu_time)];
    let (cpu_before, began) = (cpu(), Instant::now());
    let stages = publish(stages, &args, &measured).await?;
    let outcome = crowd.finish(Instant::now() + args.deadline).await;
    let (cpu_after, took) = (cpu(), began.elapsed());
    clean_up(stages, &notices).await;
    let mut spent = cpu_after.into_iter().zip(cpu_before).map(|(after, before)| Some(after?.saturating_sub(before?)));
    let cpu = Cpu { client: spent.next().flatten(), server: spent.next().flatten() };
    let report = report(&args, &server.url, &measured, took, outcome, cpu);
    if args.json {
        println!("{}", serde_json::to_string(&report)?)
    } else {
        print!("{report}")
    }
    Ok(())
}

/// A channel, and who publishes to it.
struct Stage {
    id: ChannelId,
    channel: Arc<BenchChannel>,
    publisher: Publisher,
    /// What its idempotency keys begin with.
    key: String,
}

impl Stage {
    async fn publish(&mut self, update: &Update, number: impl Display) -> anyhow::Result<Cursor> {
        let key = IdempotencyKey::new(format!("{}-{number}", self.key))?;
        Ok(self.publisher.publish(update, &key).await?.cursor)
    }
}

fn stages(args: &Args, server: &Server, notices: &Notices) -> anyhow::Result<Vec<Stage>> {
    let name = match &args.channel {
        Some(channel) => channel.to_string(),
        None => format!("bench-{:06x}", getrandom::u32()? >> 8),
    };
    let token = args.token.load()?;
    let stage = |number| {
        let id = if args.channels == 1 { name.clone() } else { format!("{name}-{number}") };
        let id = ChannelId::new(id).map_err(|error| Failure::Usage(format!("--channel: {error}")))?;
        // Of the channels, those that come first have one reader more where it does not come out even.
        let readers = args.readers / args.channels + u64::from(number <= args.readers % args.channels);
        let channel = BenchChannel::new(PostId::new("bench")?, args.updates as usize, readers, args.size as usize);
        let publisher = Publisher::new(server.clone(), &id, token.as_ref(), args.deadline, notices.clone());
        Ok(Stage { id, channel: Arc::new(channel), publisher, key: random_key()? })
    };
    (1..=args.channels).map(stage).collect()
}

/// Publishes the post that is edited from then on, so that each reader has a cursor to begin from.
async fn seed(stages: &mut [Stage]) -> anyhow::Result<Vec<Place>> {
    let mut places = Vec::with_capacity(stages.len());
    for stage in stages {
        let update = stage.channel.seed();
        let cursor = stage.publish(&update, "seed").await?;
        let channel = Arc::clone(&stage.channel);
        places.push(Place { id: stage.id.clone(), channel, start: Start::At(cursor) });
    }
    Ok(places)
}

/// Publishes on all channels at a time, and on each one update after the other.
async fn publish(stages: Vec<Stage>, args: &Args, measured: &Arc<Measured>) -> anyhow::Result<Vec<Stage>> {
    let mut publishing = JoinSet::new();
    let (updates, rate) = (args.updates as usize, args.rate);
    for mut stage in stages {
        let measured = Arc::clone(measured);
        publishing.spawn(async move {
            let began = Instant::now();
            for number in 0..updates {
                if rate > 0 {
                    sleep_until(began + Duration::from_secs(number as u64) / rate).await;
                }
                let update = stage.channel.update(number);
                let sent = Instant::now();
                stage.channel.sent(number);
                stage.publish(&update, number).await?;
                measured.answered.add(sent.elapsed());
            }
            anyhow::Ok(stage)
        });
    }
    let mut stages = Vec::new();
    while let Some(published) = publishing.join_next().await {
        stages.push(published??);
    }
    Ok(stages)
}

async fn clean_up(stages: Vec<Stage>, notices: &Notices) {
    for mut stage in stages {
        let removal = stage.channel.removal();
        if let Err(error) = stage.publish(&removal, "removal").await {
            notices.say(format_args!("the post stays in channel {}: {error:#}", stage.id));
        }
    }
}

struct Cpu {
    client: Option<Duration>,
    server: Option<Duration>,
}

fn report(args: &Args, server: &ServerUrl, measured: &Measured, took: Duration, outcome: Outcome, cpu: Cpu) -> Report {
    let delivered = measured.delivered.summary();
    let left_out = measured.left_out.load(Relaxed);
    let expected = args.updates * args.readers;
    let seconds = took.as_secs_f64();
    Report {
        server: server.to_string(),
        transport: args.transport.to_string(),
        readers: args.readers,
        channels: args.channels,
        updates: args.updates,
        post_bytes: args.size,
        seconds,
        updates_per_second: (args.updates * args.channels) as f64 / seconds,
        deliveries_per_second: delivered.count as f64 / seconds,
        answered: measured.answered.summary(),
        delivered,
        last_reader: measured.last.summary(),
        expected,
        left_out,
        missing: expected.saturating_sub(delivered.count + left_out),
        readers_lost: outcome.lost,
        lost_because: outcome.because,
        client_cpu_seconds: cpu.client.map(|time| time.as_secs_f64()),
        server_cpu_seconds: cpu.server.map(|time| time.as_secs_f64()),
    }
}
