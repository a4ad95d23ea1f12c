//! `live publish`: one post from the command line, or an update for each line of standard input.

use std::{
    io::{BufRead, IsTerminal, Read as _, Write, stdin, stdout},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use live_core::{ChannelId, IdempotencyKey, PostId, Render, Sort, Update};
use serde::Serialize;
use tokio::runtime::Runtime;

use super::{
    connect::Server,
    failure::{Failure, finish},
    lines::{Lines, MAX_LINE_BYTES},
    notices::{NoticeArgs, Notices},
    post::{Content, Entry},
    publisher::{Acknowledgement, Publisher, random_key},
    seconds,
    server::{ServerArgs, TokenArgs},
};

const MORE: &str = "\
Without --text, --html, --hidden or --remove, each line of standard input is one update, published as it comes, in order. A line is \
{\"id\": …, \"text\": …}, {\"id\": …, \"html\": …}, or the JSON of the publish route. For each update the page's new cursor is printed.

Examples:
  live publish blog --text 'Kick-off!'
  live publish blog --id 7 --html '<p>Goal! <b>1:0</b></p>'
  live publish blog --remove 7
  live publish blog < posts.jsonl
  tail -f app.log | live publish blog --lines

Exit codes:
  0  published
  2  the command line is wrong
  3  refused by the server
  4  the server was not reached in time
  5  a line of the input is not an update, or is too long; those before it are published
  1  anything else";

#[derive(clap::Args)]
#[command(after_help = MORE)]
pub(crate) struct Args {
    /// The page
    channel: ChannelId,
    #[command(flatten)]
    post: PostArgs,
    /// Publish each line of standard input as a post of plain text, with ids made for it
    #[arg(long, conflicts_with_all = ["post", "content"])]
    lines: bool,
    /// The idempotency key: repeated with the same key, an update counts once. Standard input: KEY-1 for line 1, and so on
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: Option<IdempotencyKey>,
    /// How long to try each update, over lost connections and a busy server
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = seconds::parse)]
    deadline: Duration,
    /// Print {"cursor": …, "version": …, "ids": […]} in place of the cursor
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    notices: NoticeArgs,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    token: TokenArgs,
}

/// One update, from the command line.
#[derive(clap::Args)]
#[group(id = "post", multiple = true)]
struct PostArgs {
    /// The post to add or edit; without it a new one, with an id made for it
    #[arg(long, value_name = "ID", requires = "content")]
    id: Option<PostId>,
    #[command(flatten)]
    content: ContentArgs,
    /// The post's place, greatest on top; without it a new post goes on top and an edited one stays
    #[arg(long, value_name = "NUMBER", value_parser = sort, requires = "content")]
    sort: Option<Sort>,
    /// The post's revision: it is ignored if the page has a higher one
    #[arg(long, value_name = "NUMBER", requires = "content")]
    rev: Option<u64>,
    /// Remove a post; may be given more than once
    #[arg(long, value_name = "ID")]
    remove: Vec<PostId>,
}

#[derive(clap::Args)]
#[group(id = "content", multiple = false)]
struct ContentArgs {
    /// The post as plain text; "-" reads it from standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// The post as HTML; "-" reads it from standard input
    #[arg(long, value_name = "HTML", allow_hyphen_values = true)]
    html: Option<String>,
    /// Hide the post --id: it keeps its place, and its content is gone
    #[arg(long, requires = "id")]
    hidden: bool,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    finish(publish(args))
}

fn publish(args: Args) -> anyhow::Result<()> {
    let server = Server::new(args.server.load()?, &args.server.trust)?;
    let notices = Notices::from(args.notices);
    let token = args.token.load()?;
    let publisher = Publisher::new(server, &args.channel, token.as_ref(), args.deadline, notices.clone());
    // Standard input is read on this thread, and the connection is looked after on another.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let key = match args.key {
        Some(key) => key.as_str().to_owned(),
        None => random_key()?,
    };
    let output = if args.json { Form::Json } else { Form::Cursor };
    let mut outbox = Outbox { runtime, publisher, key: key.clone(), output };
    let Some((update, made)) = args.post.into_update(&key)? else {
        let kind = if args.lines { LineKind::Text } else { LineKind::Json };
        return outbox.stream(stdin().lock(), kind, &notices);
    };
    outbox.publish(&update, &key)?;
    // It is needed to edit the post.
    made.into_iter().for_each(|id| notices.say(format_args!("the post's id is {id}")));
    Ok(())
}

impl PostArgs {
    /// The update that the flags make, and the id of its post if that was made for it; `None` without any.
    fn into_update(self, key: &str) -> anyhow::Result<Option<(Update, Option<PostId>)>> {
        let removed = self.remove.into_iter().fold(Update::new(), Update::remove);
        let Some(content) = self.content.into_content()? else {
            return Ok((!removed.is_empty()).then_some((removed, None)));
        };
        let (id, made) = match self.id {
            Some(id) => (id, None),
            None => {
                let id = made_id(key)?;
                (id.clone(), Some(id))
            }
        };
        let render = self.sort.into_iter().fold(content.into_render(id), Render::sort);
        let render = self.rev.into_iter().fold(render, Render::rev);
        Ok(Some((removed.render(render), made)))
    }
}

/// The id of a post that was given none: of its key, so that a repetition is the same update.
fn made_id(key: &str) -> Result<PostId, Failure> {
    PostId::new(key).map_err(|error| Failure::Usage(format!("--key makes no post id: {error}")))
}

impl ContentArgs {
    fn into_content(self) -> anyhow::Result<Option<Content>> {
        Ok(match (self.text, self.html, self.hidden) {
            (Some(text), _, _) => Some(Content::Text { text: or_stdin(text)?, speaker: None }),
            (_, Some(html), _) => Some(Content::Html(or_stdin(html)?)),
            (_, _, true) => Some(Content::Hidden),
            _ => None,
        })
    }
}

fn or_stdin(text: String) -> anyhow::Result<String> {
    if text != "-" {
        return Ok(text);
    }
    let mut text = String::new();
    stdin().lock().take(MAX_LINE_BYTES + 1).read_to_string(&mut text).context("cannot read standard input")?;
    if text.len() as u64 > MAX_LINE_BYTES {
        return Err(Failure::Input(format!("standard input: longer than {MAX_LINE_BYTES} bytes")).into());
    }
    Ok(text)
}

/// What a line of standard input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineKind {
    /// An update or a post.
    Json,
    /// A post's text.
    Text,
}

/// What is printed of an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Cursor,
    Json,
}

/// Publishes and prints, one update at a time.
struct Outbox {
    runtime: Runtime,
    publisher: Publisher,
    key: String,
    output: Form,
}

impl Outbox {
    /// Reads a line only when the one before it is published: nothing piles up here, and the order stays.
    fn stream(&mut self, input: impl BufRead + IsTerminal, kind: LineKind, notices: &Notices) -> anyhow::Result<()> {
        if input.is_terminal() {
            notices.say("reading from the terminal, a line for each update; Ctrl-D ends it (see --help)");
        }
        let mut lines = Lines::new(input);
        while let Some(line) = lines.next()? {
            let number = lines.number();
            let update = self.read(&line, kind, number)?;
            // Heartbeats, in what `live watch --json` printed, change nothing.
            if update.is_empty() && !update.is_replace() {
                continue;
            }
            let key = format!("{}-{number}", self.key);
            let published = self.publish(&update, &key);
            published.map_err(|error| match error.downcast::<Failure>() {
                Ok(failure) => failure.map(|why| format!("line {number}: {why}")).into(),
                Err(error) => error,
            })?;
        }
        Ok(())
    }

    fn read(&self, line: &str, kind: LineKind, number: u64) -> anyhow::Result<Update> {
        if kind == LineKind::Text {
            let id = made_id(&format!("{}-{number}", self.key))?;
            let content = Content::Text { text: line.to_owned(), speaker: None };
            return Ok(Update::new().render(content.into_render(id)));
        }
        let entry = Entry::parse(line).map_err(|reason| {
            Failure::Input(format!(
                "line {number}: {reason}. Write {{\"id\": \"7\", \"text\": \"…\"}}, or give --lines to publish lines of plain \
                 text. What came before this line is published"
            ))
        })?;
        Ok(entry.0.into_update())
    }

    fn publish(&mut self, update: &Update, key: &str) -> anyhow::Result<()> {
        let key = IdempotencyKey::new(key).map_err(|error| Failure::Usage(format!("--key: {error}")))?;
        let acknowledgement = self.runtime.block_on(self.publisher.publish(update, &key))?;
        let mut out = stdout().lock();
        let printed = match self.output {
            Form::Cursor => writeln!(out, "{}", acknowledgement.cursor),
            Form::Json => writeln!(out, "{}", serde_json::to_string(&Printed::new(&acknowledgement, update))?),
        };
        printed.and_then(|()| out.flush()).context("cannot write to standard output")
    }
}

#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    acknowledgement: &'a Acknowledgement,
    ids: Vec<&'a PostId>,
}

impl<'a> Printed<'a> {
    fn new(acknowledgement: &'a Acknowledgement, update: &'a Update) -> Self {
        let ids = update.renders().map(Render::id).chain(update.removals()).collect();
        Self { acknowledgement, ids }
    }
}

fn key(text: &str) -> Result<IdempotencyKey, String> {
    IdempotencyKey::new(text).map_err(|error| error.to_string())
}

fn sort(text: &str) -> Result<Sort, String> {
    let number = text.parse().map_err(|_| "sort is a whole number".to_owned())?;
    Sort::new(number).map_err(|error| error.to_string())
}
