//! Plays a file of posts into the blog as it happened, only faster.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use live_core::PostId;
use serde::Deserialize;
use tokio::time::{Instant, sleep, sleep_until};

use crate::{blog::Blog, options::Speed, post::Draft, progress::Progress, text::tidy};

/// The posts of a file, in its order.
#[derive(Debug)]
pub(crate) struct Replay {
    lines: Vec<Line>,
}

/// One line of the file.
#[derive(Debug, Clone, Deserialize)]
struct Line {
    /// Seconds since the beginning of what is told.
    at: f64,
    id: PostId,
    speaker: Option<String>,
    vehicle: Option<String>,
    text: String,
}

impl Replay {
    /// Reads a file of JSON lines.
    ///
    /// # Errors
    /// The file cannot be read, or a line is not a post; the message names the line.
    pub(crate) fn load(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Self::parse(&text).with_context(|| format!("cannot replay {}", file.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut lines = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            lines.push(Line::parse(line).with_context(|| format!("line {}", index + 1))?);
        }
        ensure!(!lines.is_empty(), "the file has no posts");
        Ok(Self { lines })
    }

    /// Plays the posts that the blog does not have yet. Ends when all are posted.
    pub(crate) async fn play(self, blog: Arc<Blog>, speed: Speed) {
        let mut progress = Progress::new(self.lines.len());
        if let Err(error) = self.play_with(&blog, speed, &mut progress).await {
            progress.failed(&error);
        }
    }

    async fn play_with(self, blog: &Blog, speed: Speed, progress: &mut Progress) -> anyhow::Result<()> {
        let total = self.lines.len();
        let known = blog.known(self.lines.iter().map(|line| line.id.clone()).collect()).await?;
        let waiting: Vec<Line> = self.lines.into_iter().filter(|line| !known.contains(&line.id)).collect();
        progress.begin(total - waiting.len());
        let due = due_times(&waiting, speed);
        let start = Instant::now();
        let mut done = 0;
        while done < waiting.len() {
            sleep_until(start + due[done]).await;
            // A page that fell behind, or is to be filled at once, gets what is due in one update.
            let ripe = due[done..].iter().take_while(|due| **due <= start.elapsed()).count().clamp(1, BATCH);
            let batch = &waiting[done..done + ripe];
            post(blog, batch).await;
            progress.posted(ripe, batch[ripe - 1].at);
            done += ripe;
        }
        progress.finished();
        Ok(())
    }
}

/// Posts a batch, again until the blog takes it: its ids make that harmless.
async fn post(blog: &Blog, batch: &[Line]) {
    while let Err(error) = blog.post_all(batch.iter().cloned().map(Line::into_draft).collect()).await {
        tracing::warn!(%error, "the replay waits");
        sleep(RETRY_AFTER).await;
    }
}

impl Line {
    fn parse(json: &str) -> anyhow::Result<Self> {
        let line: Self = serde_json::from_str(json)?;
        ensure!(line.at.is_finite() && line.at >= 0.0, "\"at\" is a number of seconds, not below 0");
        let line = Self { text: tidy(&line.text), ..line };
        ensure!(!line.text.is_empty(), "\"text\" is empty");
        Ok(line)
    }

    fn into_draft(self) -> Draft {
        Draft {
            id: Some(self.id),
            text: self.text,
            author: self.speaker,
            vehicle: self.vehicle,
            elapsed: Some(self.at as u64),
        }
    }
}

/// When each post is due after the start: as far apart as in the file, divided by the speed, but no silence longer than
/// [`LONGEST_SILENCE`]. The order is the file's: in a transcript, a time that goes back is a slip of the pen, not another order.
fn due_times(lines: &[Line], speed: Speed) -> Vec<Duration> {
    let mut due = Duration::ZERO;
    let mut last = lines.first().map_or(0.0, |line| line.at);
    let mut times = Vec::with_capacity(lines.len());
    for line in lines {
        if let Speed::Times(times_faster) = speed {
            let seconds = ((line.at - last) / times_faster).clamp(0.0, LONGEST_SILENCE.as_secs_f64());
            due += Duration::from_secs_f64(seconds);
        }
        last = line.at;
        times.push(due);
    }
    times
}

/// A crew that sleeps for eight hours must not look like a server that is down; nor one mistyped time end the replay for days.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);
/// Posts in one transaction and one update: some 80 KB.
const BATCH: usize = 200;
const RETRY_AFTER: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use live_core::ChannelId;

    use super::*;
    use crate::{
        blog::Readers,
        store::Store,
        test_support::{TemporaryFolder, hub},
    };

    const THREE: &str = r#"{"at": 4, "id": "a", "speaker": "CDR", "vehicle": "EAGLE", "text": " Clock. "}

{"at": 20, "id": "b", "speaker": "CC", "text": "Go."}
{"at": 20.5, "id": "c", "text": "Roger.", "extra": true}
"#;

    #[test]
    fn a_line_is_a_post() {
        let lines = Replay::parse(THREE).unwrap().lines;
        assert_eq!(lines.iter().map(|line| line.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        let draft = lines[0].clone().into_draft();
        assert_eq!(
            (draft.author.as_deref(), draft.vehicle.as_deref(), draft.elapsed),
            (Some("CDR"), Some("EAGLE"), Some(4))
        );
        assert_eq!(draft.text, "Clock.");
    }

    #[test]
    fn a_malformed_line_is_named_by_its_number() {
        for (line, cause) in [
            ("{", "EOF"),
            (r#"{"id": "x", "text": "t"}"#, "missing field `at`"),
            (r#"{"at": 1, "text": "t"}"#, "missing field `id`"),
            (r#"{"at": 1, "id": "", "text": "t"}"#, "post id is empty"),
            (r#"{"at": 1, "id": "<", "text": "t"}"#, "not allowed"),
            (r#"{"at": -1, "id": "x", "text": "t"}"#, "not below 0"),
            (r#"{"at": 1, "id": "x", "text": " "}"#, "empty"),
        ] {
            let error = format!("{:#}", Replay::parse(&format!("{THREE}{line}\n")).unwrap_err());
            assert!(error.starts_with("line 5: ") && error.contains(cause), "{error}");
        }
        assert!(Replay::parse("\n \n").is_err());
    }

    #[test]
    fn posts_are_as_far_apart_as_in_the_file_divided_by_the_speed() {
        let lines = Replay::parse(THREE).unwrap().lines;
        assert_eq!(
            due_times(&lines, Speed::Times(2.0)),
            [Duration::ZERO, Duration::from_secs(8), Duration::from_millis(8250)]
        );
        let back = Replay::parse(&format!("{THREE}{{\"at\": 3, \"id\": \"d\", \"text\": \"x\"}}")).unwrap().lines;
        assert_eq!(due_times(&back, Speed::Times(2.0))[3], Duration::from_millis(8250));
        assert_eq!(due_times(&lines, Speed::Max), [Duration::ZERO; 3]);
    }

    #[test]
    fn a_long_silence_is_cut_short() {
        let lines = Replay::parse(
            "{\"at\": 0, \"id\": \"a\", \"text\": \"x\"}\n{\"at\": 1e300, \"id\": \"b\", \"text\": \"x\"}",
        )
        .unwrap()
        .lines;
        assert_eq!(due_times(&lines, Speed::Times(1e-300)), [Duration::ZERO, LONGEST_SILENCE]);
    }

    #[tokio::test]
    async fn a_replay_goes_on_where_it_stopped_and_brings_no_deleted_post_back() {
        let folder = TemporaryFolder::new();
        let (hub, channel) = (hub(), ChannelId::new("blog").unwrap());
        let store = Store::open(&folder.path("blog.db")).unwrap();
        let blog = Arc::new(Blog::open(store, hub.clone(), channel.clone(), Readers::Here).await.unwrap());
        let ids = async || {
            let page = hub.page(&channel).await.unwrap();
            let mut posts: Vec<_> = page.posts().map(|post| (post.sort(), post.id.to_string())).collect();
            posts.sort();
            posts.into_iter().map(|(_, id)| id).collect::<Vec<_>>()
        };
        Replay::parse(THREE).unwrap().play(blog.clone(), Speed::Max).await;
        assert_eq!(ids().await, ["a", "b", "c"]);

        blog.delete("b").await.unwrap();
        let longer = format!("{THREE}{{\"at\": 21, \"id\": \"d\", \"text\": \"x\"}}");
        Replay::parse(&longer).unwrap().play(blog.clone(), Speed::Max).await;
        assert_eq!(ids().await, ["a", "c", "d"]);
    }
}
