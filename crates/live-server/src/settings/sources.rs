//! Where a value came from, and reading the file.

use std::{collections::BTreeMap, fmt, path::Path};

use super::table::{self, settings};

/// Where a value came from; what stands later here wins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    Default,
    /// Made to fit another setting, because nobody said it; the text says how.
    Fitted(&'static str),
    File(String),
    /// A variable with another name than the setting's own.
    Other(&'static str),
    Variable(String),
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Fitted(how) => f.write_str(how),
            Self::File(file) => f.write_str(file),
            Self::Other(variable) => f.write_str(variable),
            Self::Variable(variable) => f.write_str(variable),
            Self::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// What a file says, by setting, as text.
pub(super) fn read_file(file: &Path) -> Result<BTreeMap<&'static str, String>, Vec<String>> {
    let text =
        std::fs::read_to_string(file).map_err(|error| vec![format!("cannot read {}: {error}", file.display())])?;
    parse(&text).map_err(|mistakes| mistakes.into_iter().map(|each| format!("{}: {each}", file.display())).collect())
}

fn parse(text: &str) -> Result<BTreeMap<&'static str, String>, Vec<String>> {
    let table: toml::Table = text.parse().map_err(|error| vec![located(&error, text)])?;
    let (mut values, mut mistakes) = (BTreeMap::new(), Vec::new());
    for (key, value) in &table {
        match (table::find(key), text_of(value)) {
            (Some(setting), Some(text)) => drop(values.insert(setting.name, text)),
            (Some(setting), None) => mistakes.push(format!("{key} is written as {key} = \"{}\"", setting.value_name())),
            (None, _) => mistakes.push(unknown(key)),
        }
    }
    if mistakes.is_empty() { Ok(values) } else { Err(mistakes) }
}

/// What is wrong, and in which line. Not the line itself, as the error's own text has it: there may be a token in it.
fn located(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.as_bytes().get(..span.start));
    let line = before.map(|before| format!("line {}: ", 1 + before.iter().filter(|byte| **byte == b'\n').count()));
    format!("{}{}", line.unwrap_or_default(), error.message())
}

fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(switch) => Some(switch.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<&str>> = items.iter().map(toml::Value::as_str).collect();
            items.map(|items| items.join(","))
        }
        _ => None,
    }
}

fn unknown(key: &str) -> String {
    let with_hyphens = key.replace('_', "-");
    if table::find(&with_hyphens).is_some() {
        return format!("unknown key {key}; write {with_hyphens}");
    }
    let known: Vec<_> = settings().map(|setting| setting.name).collect();
    format!("unknown key {key}; there are {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_texts_numbers_switches_and_lists() {
        let values = parse(
            "listen = [\"127.0.0.1:1\", \"[::1]:1\"]\nheartbeat = \"20s\"\nmax-posts = 500\npublic-cache = false\nmax-page-bytes = 1048576",
        );
        let values = values.unwrap();
        assert_eq!(values["listen"], "127.0.0.1:1,[::1]:1");
        assert_eq!(values["heartbeat"], "20s");
        assert_eq!((values["max-posts"].as_str(), values["public-cache"].as_str()), ("500", "false"));
    }

    #[test]
    fn an_unknown_key_is_answered_with_the_known_ones() {
        let mistakes = parse("hartbeat = \"20s\"\nmax_posts = 5\n[page]\nx = 1").unwrap_err().join("\n");
        assert!(mistakes.contains("unknown key hartbeat; there are listen, prefix"), "{mistakes}");
        assert!(mistakes.contains("unknown key max_posts; write max-posts"), "{mistakes}");
        assert!(mistakes.contains("unknown key page"), "{mistakes}");
        assert_eq!(parse("heartbeat = 1.5").unwrap_err(), ["heartbeat is written as heartbeat = \"DURATION\""]);
        assert!(parse("heartbeat = ").unwrap_err()[0].contains("line 1"));
    }

    #[test]
    fn a_broken_file_is_told_by_its_line_and_not_by_what_it_says() {
        for broken in [
            "publish-token = \"hush",
            "publish-token = hush",
            "publish-token = \"a\"\npublish-token = \"hush\"",
            "bus = \"redis+pubsub://:hush@h/1",
            "bus = \"redis+pubsub://:\\hush@h/1\"",
            "publish-token: hush",
            "publish-token \"hush\"",
        ] {
            let text = format!("\nheartbeat = \"20s\"\n{broken}");
            let mistakes = parse(&text).unwrap_err().join("\n");
            assert!(mistakes.starts_with(&format!("line {}: ", text.lines().count())), "{mistakes}");
            assert!(!mistakes.contains("hush"), "{mistakes}");
        }
    }
}
