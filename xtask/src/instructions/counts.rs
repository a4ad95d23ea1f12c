//! Counts, what was stored of them, and which difference matters.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// Instructions of each scenario, for doing it once.
pub(crate) type Counts = BTreeMap<String, u64>;

/// What the counts depend on beside the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compiler {
    /// `rustc 1.95.0 (59807616e 2026-04-14)`
    pub(crate) version: String,
    /// `x86_64-unknown-linux-gnu`
    pub(crate) host: String,
}

impl Compiler {
    /// The one that cargo uses in this folder.
    pub(crate) fn find(folder: &Path) -> Result<Compiler> {
        let output = Command::new("rustc").arg("-vV").current_dir(folder).output().context("cannot start rustc")?;
        ensure!(output.status.success(), "rustc -vV failed: {}", output.status);
        Compiler::parse(&String::from_utf8(output.stdout)?)
    }

    fn parse(text: &str) -> Result<Compiler> {
        let version = text.lines().next().context("rustc -vV says nothing")?.to_owned();
        let host = text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc -vV names no host")?;
        Ok(Compiler { version, host: host.to_owned() })
    }
}

impl fmt::Display for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", self.version, self.host)
    }
}

/// The stored counts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) compiler: Compiler,
    pub(crate) counts: Counts,
}

impl Stored {
    pub(crate) fn load(file: &Path) -> Result<Stored> {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Stored::parse(&text).with_context(|| format!("{} has no counts; --bless stores them", file.display()))
    }

    fn parse(text: &str) -> Result<Stored> {
        let value: Value = serde_json::from_str(text)?;
        let text = |field: &str| value[field].as_str().map(str::to_owned).with_context(|| format!("no `{field}`"));
        let counts = value["instructions"].as_object().context("no `instructions`")?;
        let counts =
            counts.iter().map(|(name, count)| Ok((name.clone(), count.as_u64().context("a count is a number")?)));
        Ok(Stored {
            compiler: Compiler { version: text("compiler")?, host: text("host")? },
            counts: counts.collect::<Result<_>>()?,
        })
    }

    pub(crate) fn save(&self, file: &Path) -> Result<()> {
        fs::write(file, self.to_json()?).with_context(|| format!("cannot write {}", file.display()))
    }

    fn to_json(&self) -> Result<String> {
        let Compiler { version, host } = &self.compiler;
        let value = json!({ "compiler": version, "host": host, "instructions": self.counts });
        Ok(serde_json::to_string_pretty(&value)? + "\n")
    }

    /// How closely counts of this compiler can be compared with those stored.
    pub(crate) fn tolerance(&self, compiler: &Compiler) -> Tolerance {
        match () {
            () if self.compiler == *compiler => Tolerance::Narrow,
            () if self.compiler.host == compiler.host => Tolerance::Wide,
            () => Tolerance::Boundless,
        }
    }
}

/// How large a difference may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tolerance {
    /// The same compiler made the same of the same code.
    Narrow,
    /// Another version optimises otherwise, by more than a small regression.
    Wide,
    /// Other instructions: there is nothing to compare.
    Boundless,
}

impl Tolerance {
    fn percent(self) -> f64 {
        match self {
            Tolerance::Narrow => 5.0,
            Tolerance::Wide => 20.0,
            Tolerance::Boundless => f64::INFINITY,
        }
    }

    pub(crate) fn explain(self, stored: &Compiler) -> String {
        let percent = self.percent();
        match self {
            Tolerance::Narrow => format!("a rise of more than {percent} % fails"),
            Tolerance::Wide => format!(
                "the stored counts are of {stored}, so a rise of less than {percent} % passes; where the project's compiler changes, store new counts with --bless"
            ),
            Tolerance::Boundless => {
                format!("the stored counts are of {stored}, so nothing is compared: other instructions")
            }
        }
    }

    /// What is not as stored, worth a line each.
    pub(crate) fn compare(self, stored: &Counts, found: &Counts) -> Vec<Finding> {
        let lost = stored.keys().filter(|name| !found.contains_key(*name)).map(|name| Finding::Lost(name.clone()));
        let changed = found.iter().filter_map(|(name, count)| {
            let Some(stored) = stored.get(name) else { return Some(Finding::New(name.clone())) };
            match percent(*count, *stored) {
                change if change > self.percent() => Some(Finding::Risen(name.clone(), change)),
                change if change < -self.percent() => Some(Finding::Fallen(name.clone(), change)),
                _ => None,
            }
        });
        lost.chain(changed).collect()
    }
}

/// A difference that somebody has to do something about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Finding {
    /// By so many percent.
    Risen(String, f64),
    Fallen(String, f64),
    /// Nothing is stored for it.
    New(String),
    /// It is stored, and was not counted.
    Lost(String),
}

impl Finding {
    pub(crate) fn is_for_the_worse(&self) -> bool {
        // What is not stored is not guarded.
        !matches!(self, Finding::Fallen(..))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Risen(name, change) => write!(
                f,
                "{name}: {change:+.1} %; find out why (callgrind_annotate target/callgrind/{name}.out), or store it with --bless and say in the commit what it pays for"
            ),
            Finding::Fallen(name, change) => {
                write!(f, "{name}: {change:+.1} %; store it with --bless, or the way back up goes unseen")
            }
            Finding::New(name) => write!(f, "{name}: nothing is stored; --bless stores it"),
            Finding::Lost(name) => write!(f, "{name}: stored, but not counted any more; --bless removes it"),
        }
    }
}

/// By how much a count is above what was stored.
pub(crate) fn percent(count: u64, stored: u64) -> f64 {
    (count as f64 - stored as f64) * 100.0 / stored.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &[(&str, u64)]) -> Counts {
        counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    fn compiler(version: &str, host: &str) -> Compiler {
        Compiler::parse(&format!("rustc {version}\nbinary: rustc\nhost: {host}\n")).unwrap()
    }

    #[test]
    fn a_rise_above_the_tolerance_fails_and_a_fall_asks_to_be_stored() {
        let stored = counts(&[("apply", 1_000), ("encode", 1_000), ("poll", 1_000), ("since", 1_000)]);
        let found = counts(&[("apply", 1_051), ("encode", 1_050), ("poll", 949), ("since", 950)]);
        let findings = Tolerance::Narrow.compare(&stored, &found);
        let lines: Vec<_> = findings.iter().map(|it| (it.to_string(), it.is_for_the_worse())).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].0.starts_with("apply: +5.1 %") && lines[0].1, "{lines:?}");
        assert!(lines[1].0.starts_with("poll: -5.1 %") && !lines[1].1, "{lines:?}");
        assert_eq!(Tolerance::Wide.compare(&stored, &found), []);
    }

    #[test]
    fn what_is_not_stored_and_what_was_not_counted_fails() {
        let findings = Tolerance::Boundless.compare(&counts(&[("apply", 1)]), &counts(&[("encode", 1)]));
        assert_eq!(findings, [Finding::Lost("apply".to_owned()), Finding::New("encode".to_owned())]);
        assert!(findings.iter().all(Finding::is_for_the_worse));
    }

    #[test]
    fn another_compiler_widens_the_tolerance_and_says_so() {
        let stored = Stored { compiler: compiler("1.95.0", "x86_64"), counts: Counts::new() };
        assert_eq!(stored.tolerance(&compiler("1.95.0", "x86_64")), Tolerance::Narrow);
        assert_eq!(stored.tolerance(&compiler("1.96.0", "x86_64")), Tolerance::Wide);
        assert_eq!(stored.tolerance(&compiler("1.95.0", "aarch64")), Tolerance::Boundless);
        let said = Tolerance::Wide.explain(&stored.compiler);
        assert!(said.contains("1.95.0") && said.contains("--bless"), "{said}");
    }

    #[test]
    fn what_is_blessed_is_read_again() {
        let stored = Stored { compiler: compiler("1.95.0", "x86_64"), counts: counts(&[("apply", 3), ("poll", 5)]) };
        assert_eq!(Stored::parse(&stored.to_json().unwrap()).unwrap(), stored);
    }
}
