//! `live watch`: a reader for the terminal.

mod follow;
pub(super) mod frame;
mod page;
mod print;

use std::{future::pending, io, process::ExitCode, time::Duration};

use anyhow::Context;
use live_core::{ChannelId, Start, Transport};

use self::{
    follow::{End, Follower},
    page::Page,
    print::{Form, Printer},
};
use super::{
    connect::Server,
    failure::finish,
    notices::{NoticeArgs, Notices},
    seconds,
    server::ServerArgs,
};

const MORE: &str = "\
Prints a line for each change: \"+\" a new post, \"~\" another content, \"-\" hidden or removed. It begins with what was published in the \
last minute. A lost connection is opened again, and nothing is missed: the reader goes on from its cursor.

Examples:
  live watch blog
  live watch blog --all --once                print the page as it is
  live watch blog --json | jq .renders        every frame, also the empty heartbeats
  live watch a --all --json | live publish b  copy a page, and keep the copy up to date

Exit codes:
  0  seen enough: also by Ctrl-C, or when nobody reads the output any more
  2  the command line is wrong
  3  refused by the server
  4  the server was not reached in time (only with --deadline or --once)
  1  anything else";

#[derive(clap::Args)]
#[command(after_help = MORE)]
pub(crate) struct Args {
    /// The page
    channel: ChannelId,
    /// How to connect: websocket, sse, long-polling or interval-polling
    #[arg(long, value_name = "NAME", default_value_t = Transport::WebSocket)]
    transport: Transport,
    /// Print the frames as they come, a line each; docs/protocol.md explains them
    #[arg(long)]
    json: bool,
    /// Begin with what changed since this cursor
    #[arg(long, value_name = "CURSOR", value_parser = start, conflicts_with = "all")]
    cursor: Option<Start>,
    /// Begin with the whole page
    #[arg(long)]
    all: bool,
    /// End with the first thing that the server says: what there is now, or nothing
    #[arg(long, conflicts_with = "count")]
    once: bool,
    /// End after so many frames that change something
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Give up when the server is away for this long [default: never; with --once 60s]
    #[arg(long, value_name = "TIME", value_parser = seconds::parse)]
    deadline: Option<Duration>,
    #[command(flatten)]
    notices: NoticeArgs,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    finish(runtime.block_on(watch(args)))
}

async fn watch(args: Args) -> anyhow::Result<()> {
    let end = match (args.once, args.count) {
        (true, _) => End::AtOnce,
        (false, Some(frames)) => End::After(frames),
        (false, None) => End::Never,
    };
    let mut follower = Follower {
        server: Server::new(args.server.load()?, &args.server.trust)?,
        transport: args.transport,
        channel: args.channel,
        own: args.cursor.unwrap_or(if args.all { Start::Everything } else { Start::Recent }),
        end,
        deadline: args.deadline.or(args.once.then_some(ONCE_DEADLINE)),
        printer: Printer::new(if args.json { Form::Json } else { Form::Lines(Page::default()) }),
        notices: Notices::from(args.notices),
        link: None,
        misfits: 0,
    };
    let seen = tokio::select! {
        seen = follower.run() => seen,
        signal = tokio::signal::ctrl_c() => signal.context("cannot listen for Ctrl-C"),
        () = nobody_reads() => Ok(()),
    };
    if let Some(link) = follower.link.take() {
        link.close().await;
    }
    match seen {
        Err(error) if is_broken_pipe(&error) => Ok(()),
        other => other,
    }
}

/// A script that looks once must not hang.
const ONCE_DEADLINE: Duration = Duration::from_secs(60);

fn start(text: &str) -> Result<Start, &'static str> {
    match Start::parse(Some(text)) {
        start @ (Start::At(_) | Start::Everything) => Ok(start),
        Start::Recent | Start::Unknown => Err("a cursor is what publish and watch print, or \"*\" for everything"),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Ends when the pipe behind standard output is closed: `live watch blog | head -1` must not wait for a second post to find out.
async fn nobody_reads() {
    use rustix::{
        event::{PollFd, PollFlags, Timespec, poll},
        io::Errno,
    };
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let out = std::io::stdout();
    loop {
        tokio::time::sleep(LOOK_AT_PIPE).await;
        // Without events to wait for, poll(2) still reports errors.
        let mut fds = [PollFd::new(&out, PollFlags::empty())];
        match poll(&mut fds, Some(&at_once)) {
            Ok(_) | Err(Errno::INTR) if !fds[0].revents().contains(PollFlags::ERR) => {}
            Ok(_) => return,
            Err(_) => pending().await,
        }
    }
}

const LOOK_AT_PIPE: Duration = Duration::from_secs(1);
