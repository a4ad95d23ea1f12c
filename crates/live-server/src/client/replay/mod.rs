//! `live replay`: plays a file of posts to a channel, as it happened or faster.

mod batch;
mod progress;
mod schedule;

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use live_core::{ChannelId, Cursor, IdempotencyKey};
use tokio::time::{Instant, sleep_until};

use self::{
    batch::Batch,
    progress::Progress,
    schedule::{Schedule, Speed},
};
use super::{
    connect::Server,
    failure::{Failure, finish},
    lines::Lines,
    notices::{NoticeArgs, Notices},
    post::Entry,
    publisher::{Publisher, random_key},
    seconds,
    server::{ServerArgs, TokenArgs},
};

const MORE: &str = "\
A line is {\"at\": seconds, \"id\": …, \"text\": …}, with \"speaker\" or \"html\" if you like, or any line that live publish takes. Lines are \
played in the file's order, as far apart as their \"at\" says; one that goes back in time is played at once. What is due together is one \
update. The whole file is checked before anything is published, and at the end the page's cursor is printed.

Examples:
  live replay apollo11.jsonl
  live replay apollo11.jsonl blog --speed 60x
  live replay apollo11.jsonl blog --speed max --from 4312

Exit codes:
  0    played to the end
  2    the command line is wrong
  3    refused by the server
  4    the server was not reached in time
  5    a line of the file is not an update
  130  stopped by Ctrl-C
  1    anything else";

#[derive(clap::Args)]
#[command(after_help = MORE)]
pub(crate) struct Args {
    /// A file of JSON lines
    file: PathBuf,
    /// The page [default: the file's name without its ending]
    channel: Option<ChannelId>,
    /// How many times faster than it happened (10x), or max: as fast as the server takes it
    #[arg(long, value_name = "SPEED", default_value = "1x")]
    speed: Speed,
    /// The longest pause between two lines; longer silences are cut short
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = seconds::parse)]
    longest_pause: Duration,
    /// Begin with this line of the file
    #[arg(long, value_name = "LINE", default_value = "1", value_parser = clap::value_parser!(u64).range(1..))]
    from: u64,
    /// How long to try each update, over lost connections and a busy server
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = seconds::parse)]
    deadline: Duration,
    #[command(flatten)]
    notices: NoticeArgs,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    token: TokenArgs,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    finish(runtime.block_on(replay(args)))
}

async fn replay(args: Args) -> anyhow::Result<()> {
    let channel = match args.channel {
        Some(channel) => channel,
        None => channel_of(&args.file)?,
    };
    let server = Server::new(args.server.load()?, &args.server.trust)?;
    let count = check(&args.file, args.from)?;
    let notices = Notices::from(args.notices);
    notices.say(format_args!("{count} lines of {} to {channel} at {}", args.file.display(), server.url));
    let progress = Progress::new(count, notices.clone());
    let token = args.token.load()?;
    let publisher = Publisher::new(server, &channel, token.as_ref(), args.deadline, progress.notices());
    let key = random_key()?;
    let schedule = Schedule::new(args.speed, args.longest_pause);
    let mut player = Player { publisher, progress, key, schedule, next: args.from, updates: 0, cursor: None };
    let began = Instant::now();
    let played = tokio::select! {
        played = player.play(&args.file) => played,
        signal = tokio::signal::ctrl_c() => signal.context("cannot listen for Ctrl-C").and(Err(stopped())),
    };
    player.progress.finish();
    played.map_err(|error| player.how_to_go_on(error))?;
    notices.say(format_args!("{count} lines in {} updates, {:.1} s", player.updates, began.elapsed().as_secs_f64()));
    player.cursor.into_iter().for_each(|cursor| println!("{cursor}"));
    Ok(())
}

fn stopped() -> anyhow::Error {
    Failure::Interrupted("stopped".to_owned()).into()
}

fn channel_of(file: &Path) -> anyhow::Result<ChannelId> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let unfit = |error| Failure::Usage(format!("the file's name makes no channel ({error}); name one after it"));
    Ok(ChannelId::new(stem).map_err(unfit)?)
}

fn open(file: &Path) -> anyhow::Result<Lines<BufReader<File>>> {
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    // It is read twice, and a pipe comes only once.
    if !opened.metadata()?.is_file() {
        let reason = format!("{} is not a file; live publish reads what comes out of a pipe", file.display());
        return Err(Failure::Usage(reason).into());
    }
    Ok(Lines::new(BufReader::new(opened)))
}

fn entry(lines: &Lines<BufReader<File>>, line: &str) -> Result<(Entry, Option<f64>), Failure> {
    Entry::parse(line).map_err(|reason| Failure::Input(format!("line {}: {reason}", lines.number())))
}

/// How many lines there are to play, after a look at every line: a mistake in the last is found before the first is published.
fn check(file: &Path, from: u64) -> anyhow::Result<u64> {
    let mut lines = open(file)?;
    let mut count = 0;
    while let Some(line) = lines.next()? {
        entry(&lines, &line)?;
        count += u64::from(lines.number() >= from);
    }
    if count == 0 {
        let reason = format!("{} has no lines to play from line {from} on", file.display());
        return Err(Failure::Input(reason).into());
    }
    Ok(count)
}

struct Player {
    publisher: Publisher,
    progress: Progress,
    /// What the idempotency keys of this run begin with.
    key: String,
    schedule: Schedule,
    /// The line to go on with: everything before it is published.
    next: u64,
    updates: u64,
    cursor: Option<Cursor>,
}

impl Player {
    async fn play(&mut self, file: &Path) -> anyhow::Result<()> {
        let mut lines = open(file)?;
        let from = self.next;
        let start = Instant::now();
        let mut batch = Batch::default();
        let mut latest = None;
        while let Some(line) = lines.next()? {
            if lines.number() < from {
                continue;
            }
            let (entry, at) = entry(&lines, &line)?;
            let due = start + self.schedule.next(at);
            if due > Instant::now() || !batch.takes(&entry) {
                self.publish(std::mem::take(&mut batch), latest, lines.number()).await?;
                sleep_until(due).await;
            }
            batch.push(entry);
            latest = at.or(latest);
        }
        self.publish(batch, latest, lines.number()).await
    }

    /// Publishes what is before the line `next`.
    async fn publish(&mut self, batch: Batch, at: Option<f64>, next: u64) -> anyhow::Result<()> {
        if batch.lines > 0 {
            let key = IdempotencyKey::new(format!("{}-{}", self.key, self.next))?;
            let acknowledgement = self.publisher.publish(batch.update(), &key).await?;
            self.cursor = Some(acknowledgement.cursor);
            self.updates += 1;
            self.progress.published(batch.lines, at);
        }
        self.next = next;
        Ok(())
    }

    /// Lines that were on their way when it ended are played again: their ids make that harmless.
    fn how_to_go_on(&self, error: anyhow::Error) -> anyhow::Error {
        match error.downcast::<Failure>() {
            Ok(failure) => failure.map(|why| format!("{why}; go on with --from {}", self.next)).into(),
            Err(error) => error,
        }
    }
}
