//! Other processes: this very test binary, started again with a role. And what is left of one that was killed.

use std::{
    collections::{HashMap, HashSet},
    env,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, mpsc},
    thread,
};

use live_core::{Cursor, Epoch, EventBus as _, PostId, Render, Update, bus::SqliteBus, page::Standing};

use super::{DEADLINE, Folder, channel, config, open, page, post, publish};

/// What a child does with the file.
#[derive(Clone, Copy)]
pub(super) enum Role {
    /// Opens it and keeps it until its input ends.
    Hold,
    /// Publishes to the channel `page` until it is killed.
    Publish,
}

/// Another process with this test binary. It ends with this value.
pub(super) struct Child {
    process: std::process::Child,
    lines: mpsc::Receiver<String>,
}

const ROLE: &str = "LIVE_TEST_CHILD";
const FILE: &str = "LIVE_TEST_FILE";
/// Sets what a child says apart from what the test harness prints.
const MARK: &str = "child: ";

impl Child {
    pub(super) fn start(role: Role, file: &Path) -> Self {
        Self::spawn(Self::command(role, file))
    }

    /// As a user to whom permissions apply.
    pub(super) fn start_unprivileged(role: Role, file: &Path) -> Self {
        let mut command = Self::command(role, file);
        if Self::is_privileged() {
            command.uid(65_534).gid(65_534);
        }
        Self::spawn(command)
    }

    pub(super) fn is_privileged() -> bool {
        let folder = Folder::new();
        std::os::unix::fs::chown(&folder.0, Some(65_534), None).is_ok()
    }

    fn command(role: Role, file: &Path) -> Command {
        let mut command = Command::new(env::current_exe().unwrap());
        let role = match role {
            Role::Hold => "hold",
            Role::Publish => "publish",
        };
        command.args(["--exact", "sqlite::child::act", "--nocapture"]).env(ROLE, role).env(FILE, file);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    }

    fn spawn(mut command: Command) -> Self {
        let mut process = command.spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some((_, said)) = line.split_once(MARK) {
                    let _ = sender.send(said.to_owned());
                }
            }
        });
        Self { process, lines }
    }

    fn next_line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("the child says nothing")
    }

    pub(super) fn wait_for(&self, beginning: &str) -> String {
        loop {
            let line = self.next_line();
            if line.split(' ').next() == Some(beginning) {
                return line;
            }
        }
    }

    /// Lets it end by itself.
    pub(super) fn finish(mut self) {
        drop(self.process.stdin.take());
        self.process.wait().unwrap();
    }

    /// Ends it by SIGKILL.
    pub(super) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Ends it by SIGKILL and returns what it still said.
    fn kill_and_hear(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.lines.iter().collect()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The child's side. Without a role it is a test like others, and passes.
#[test]
fn act() {
    let (Some(role), Some(file)) = (env::var_os(ROLE), env::var_os(FILE)) else { return };
    println!("{MARK}opening");
    let bus = match SqliteBus::open(&file, &config()) {
        Ok(bus) => bus,
        Err(error) => return println!("{MARK}refused {error}"),
    };
    println!("{MARK}open");
    if role == "publish" {
        return publish_for_ever(bus);
    }
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn publish_for_ever(bus: SqliteBus) {
    let bus = Arc::new(bus);
    let life = getrandom::u32().unwrap();
    let tasks = (0..4).map(|task| {
        let bus = Arc::clone(&bus);
        tokio::spawn(async move {
            for number in 0.. {
                let id = format!("{life}-{task}-{number}");
                let pair = post(&format!("{id}-a"), "x").render(render(&format!("{id}-b")));
                let published = publish(&*bus, "page", pair).await;
                println!("{MARK}ack {id} {}", published.cursor);
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

fn render(id: &str) -> Render {
    Render::new(PostId::new(id).unwrap(), "y".repeat(3_000))
}

/// An acknowledgement that a child printed: the post, and where the page was with it.
fn acknowledged(line: &str) -> Option<(String, Cursor)> {
    let mut words = line.split(' ');
    (words.next()? == "ack").then_some(())?;
    Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let rounds = if env::var("LIVE_TEST_SIZE").is_ok_and(|size| size == "long") { 60 } else { 6 };
    let folder = Folder::new();
    let mut acknowledgements: HashMap<String, Cursor> = HashMap::new();
    let mut total = 0;
    for round in 0..rounds {
        let child = Child::start(Role::Publish, &folder.file());
        child.wait_for("open");
        let first = (0..getrandom::u32().unwrap() % 40).map(|_| child.next_line()).collect::<Vec<_>>();
        let heard = [first, child.kill_and_hear()].concat();
        let heard: Vec<_> = heard.iter().filter_map(|line| acknowledged(line)).collect();
        let latest = heard.last().map(|(_, cursor)| *cursor);
        total += heard.len();
        acknowledgements.extend(heard);

        let bus = open(&folder.file());
        let page = page(&bus, "page").await;
        for (id, cursor) in &acknowledgements {
            for half in ["a", "b"] {
                let post = page.post(&format!("{id}-{half}"));
                assert_eq!(post.map(|post| post.version()), Some(cursor.version), "{id}-{half}, round {round}");
            }
        }
        let halves = page.posts().filter(|post| {
            let id = post.id.as_str();
            let other = if let Some(id) = id.strip_suffix("-a") { format!("{id}-b") } else { id.replace("-b", "-a") };
            page.post(&other).map(|other| other.version()) != Some(post.version())
        });
        assert_eq!(halves.count(), 0, "half an update, round {round}");
        // Each life and each look at it was an opening; the page knows the last sixteen.
        let epochs: HashSet<Epoch> = page.forks().map(|fork| fork.epoch).collect();
        assert!(latest.is_none_or(|cursor| epochs.contains(&cursor.epoch)), "round {round}");
        for cursor in acknowledgements.values().filter(|cursor| epochs.contains(&cursor.epoch)) {
            assert_eq!(
                bus.standing(&channel("page"), *cursor).await.unwrap(),
                Standing::At(cursor.version),
                "round {round}"
            );
        }
        if page.posts().count() > 8_000 {
            publish(&bus, "page", Update::replace([])).await;
            acknowledgements.clear();
        }
    }
    assert!(total > 0, "no child got as far as one publish");
}
