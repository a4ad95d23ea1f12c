//! The messages that are replayed: a file's, or made up in the same shape.

use anyhow::{Context, Result};
use live_core::{PostId, Render, Update};
use serde_json::Value;

/// What is published at one time.
pub(super) struct Moment {
    /// Seconds since the beginning.
    pub(super) at: u64,
    pub(super) update: Update,
}

/// JSON lines with `at`, `id`, `speaker` and `text`; what is due together is one update, as in `live replay`.
pub(super) fn read(file: Option<&str>) -> Result<Vec<Moment>> {
    let text = match file {
        Some(file) => std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?,
        None => (0..MADE_UP).map(made_up).collect(),
    };
    let mut moments: Vec<Moment> = Vec::new();
    let (mut now, mut before) = (0, None);
    for line in text.lines() {
        let message: Value = serde_json::from_str(line).with_context(|| format!("no message: {line}"))?;
        let field = |name: &str| message[name].as_str().with_context(|| format!("no {name}: {line}"));
        let at = message["at"].as_u64().with_context(|| format!("no at: {line}"))?;
        let html = format!("<p><b>{}</b></p><p>{}</p>", escape(field("speaker")?), escape(field("text")?));
        let render = Render::new(PostId::new(field("id")?)?, html);
        // A time that goes back is a slip of the pen; so is one far ahead, or it is a night.
        now += at.saturating_sub(before.replace(at).unwrap_or(at)).min(LONGEST_PAUSE);
        match moments.last_mut() {
            Some(last) if last.at == now => last.update = std::mem::take(&mut last.update).render(render),
            _ => moments.push(Moment { at: now, update: Update::new().render(render) }),
        }
    }
    anyhow::ensure!(!moments.is_empty(), "there are no messages");
    Ok(moments)
}

/// Seconds.
const LONGEST_PAUSE: u64 = 3_600;
const MADE_UP: usize = 1_000;

/// A message of three to thirty words, some twenty seconds after the one before.
fn made_up(number: usize) -> String {
    const WORDS: &str = "roger we have a good view of the gauges and stand by for the next reading over";
    let words: Vec<&str> = WORDS.split(' ').collect();
    let text: Vec<&str> =
        (0..3 + number * 7 % 28).map(|word| words[(number * 31 + word * word) % words.len()]).collect();
    let speaker = ["CC", "CDR", "CMP", "LMP"][number % 4];
    let line = serde_json::json!({"at": number * 21, "id": format!("m-{number:05}"), "speaker": speaker, "text": text.join(" ")});
    format!("{line}\n")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
