//! The `live` server and its commands.

mod client;
mod logs;
mod serve;
mod settings;
mod tls;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

fn main() -> ExitCode {
    let ran = match Live::parse().command {
        Command::Serve(args) => serve::run(args),
        Command::Publish(args) => client::publish::run(args),
        Command::Watch(args) => client::watch::run(args),
        Command::Replay(args) => client::replay::run(args),
        Command::Bench(args) => client::bench::run(args),
    };
    ran.unwrap_or_else(|error| {
        eprintln!("live: {error:#}");
        ExitCode::FAILURE
    })
}

/// Makes a page live: posts change on the server, every open page shows it.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Live {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server that readers connect to and publishers post to.
    Serve(serve::Args),
    /// Publish a post, or one for each line of standard input.
    Publish(client::publish::Args),
    /// Follow a channel in the terminal.
    Watch(client::watch::Args),
    /// Publish a recorded run of posts.
    Replay(client::replay::Args),
    /// Connect many readers, publish and report what they saw.
    Bench(client::bench::Args),
}
