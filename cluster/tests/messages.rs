//! What is played: messages as a newsroom posts them, with edits and removals in between.

use serde::Deserialize;

/// One message.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) speaker: String,
    pub(crate) text: String,
}

/// As many as a mission to the moon has; a short run plays fewer.
const ALL: usize = 8_415;
const SHORT: usize = 1_000;

pub(crate) fn is_long() -> bool {
    std::env::var("LIVE_TEST_SIZE").is_ok_and(|size| size == "long")
}

/// The lines of the file that `LIVE_MESSAGES` names, or made up.
pub(crate) fn load() -> Vec<Message> {
    let count = if is_long() { ALL } else { SHORT };
    let Ok(file) = std::env::var("LIVE_MESSAGES") else { return (0..count).map(invent).collect() };
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    text.lines().take(count).map(|line| serde_json::from_str(line).expect("a line is a message")).collect()
}

fn invent(number: usize) -> Message {
    let speakers = ["CC", "CDR", "CMP", "LMP"];
    let text = "Roger, we copy. ".repeat(1 + number % 17);
    Message { id: format!("m-{number:05}"), speaker: speakers[number % 4].to_owned(), text }
}
