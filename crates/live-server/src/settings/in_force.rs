//! From everything that was said to what is in force: flag, then variable, then file, then default.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
};

use super::{
    Settings, check,
    flags::{Args, CONFIG_VARIABLE},
    sources::{self, Source},
    table::settings,
    wagtail,
};
use crate::client;

/// The variables of a process.
pub(super) type Environment = BTreeMap<String, String>;

/// The settings and where each came from.
pub(crate) struct InForce {
    pub(crate) settings: Settings,
    pub(super) sources: BTreeMap<&'static str, Source>,
    /// What is allowed and perhaps not meant, to be logged.
    pub(crate) notes: Vec<String>,
}

impl InForce {
    /// Reads everything and checks it.
    ///
    /// # Errors
    /// All [`Mistakes`] at once.
    pub(crate) fn new(args: &Args) -> Result<Self, Mistakes> {
        let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
        Self::resolve(args, &std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect())
    }

    pub(super) fn resolve(args: &Args, environment: &Environment) -> Result<Self, Mistakes> {
        let (file, in_file) = read_file(args, environment)?;
        let wagtail = wagtail::translate(environment);
        let mut mistakes = wagtail.mistakes;
        let settings_in_force = Settings { secure_websockets: wagtail.secure_websockets, ..Settings::default() };
        let mut in_force = Self { settings: settings_in_force, sources: BTreeMap::new(), notes: wagtail.notes };
        for setting in settings() {
            let variable = setting.variable();
            let in_environment = environment.get(&variable).filter(|text| !text.is_empty());
            let by_flag = args.values.get(setting.name).map(|text| (text, Source::Flag(setting.name)));
            let found = by_flag
                .or_else(|| in_environment.map(|text| (text, Source::Variable(variable))))
                .or_else(|| wagtail.values.get(setting.name).map(|(text, name)| (text, Source::Other(name))))
                .or_else(|| in_file.get(setting.name).map(|text| (text, Source::File(file.clone()))));
            let Some((text, source)) = found else { continue };
            if let Err(mistake) = setting.value.read(&mut in_force.settings, text) {
                mistakes.push(format!("{} (from {source}): {mistake}", setting.name));
            }
            in_force.sources.insert(setting.name, source);
        }
        // What does not read is not compared with the rest.
        if mistakes.is_empty() {
            mistakes = check::settle(&mut in_force);
        }
        in_force.notes.extend(unread(environment));
        if mistakes.is_empty() { Ok(in_force) } else { Err(Mistakes(mistakes)) }
    }

    pub(crate) fn source(&self, name: &str) -> &Source {
        self.sources.get(name).unwrap_or(&Source::Default)
    }

    /// Whether somebody said it.
    pub(crate) fn is_said(&self, name: &str) -> bool {
        self.sources.contains_key(name)
    }

    /// What `--check` prints: a file that says the same, with the source of each line. Secrets are not shown.
    pub(crate) fn describe(&mut self) -> String {
        let (mut lines, mut group) = (Vec::new(), "");
        for setting in settings() {
            if setting.group != group {
                group = setting.group;
                lines.push(format!("\n# {group}"));
            }
            let text = setting.value.show(&mut self.settings);
            let line = match setting.value.is_secret() || text.is_empty() {
                true if text.is_empty() => format!("# {} is not set", setting.name),
                true => format!("# {} is set, and not shown", setting.name),
                false if setting.value.is_redacted(&self.settings) => {
                    format!("# {} is set, and not shown: {text}", setting.name)
                }
                false if setting.value.is_bare() => format!("{} = {text}", setting.name),
                false => format!("{} = {}", setting.name, toml::Value::String(text)),
            };
            lines.push(format!("{line:<50} # {}", self.source(setting.name)));
        }
        lines.join("\n").trim_start().to_owned()
    }
}

fn read_file(args: &Args, environment: &Environment) -> Result<(String, BTreeMap<&'static str, String>), Mistakes> {
    let from_environment = || environment.get(CONFIG_VARIABLE).filter(|file| !file.is_empty()).map(PathBuf::from);
    let Some(file) = args.config.clone().or_else(from_environment) else { return Ok(Default::default()) };
    let said = sources::read_file(&file).map_err(Mistakes)?;
    Ok((file.display().to_string(), said))
}

/// A note about variables with our prefixes that nothing reads: a name that is misspelt, most likely. Their values may be secrets.
fn unread(environment: &Environment) -> Option<String> {
    let ours: BTreeSet<String> = settings().map(|setting| setting.variable()).collect();
    let is_read = |name: &str| {
        ours.contains(name)
            || name == CONFIG_VARIABLE
            || wagtail::VARIABLES.contains(&name)
            || client::VARIABLES.contains(&name)
    };
    let has_prefix = |name: &str| name.starts_with("LIVE_") || name.starts_with("WAGTAIL_LIVE_");
    let said = environment.iter().filter(|(_, text)| !text.is_empty()).map(|(name, _)| name.as_str());
    let unread: Vec<&str> = said.filter(|name| has_prefix(name) && !is_read(name)).collect();
    (!unread.is_empty()).then(|| format!("nothing here reads {}; live serve --help has the names", unread.join(", ")))
}

/// Everything that is wrong with the settings.
#[derive(Debug)]
pub(crate) struct Mistakes(Vec<String>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [mistake] => f.write_str(mistake),
            mistakes => write!(f, "{} mistakes in the settings:\n  {}", mistakes.len(), mistakes.join("\n  ")),
        }
    }
}

impl std::error::Error for Mistakes {}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn resolve(flags: &[(&'static str, &str)], environment: &[(&str, &str)]) -> Result<InForce, Mistakes> {
        let values = flags.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
        let environment = environment.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        InForce::resolve(&Args { values, ..Args::default() }, &environment)
    }

    fn mistake(flags: &[(&'static str, &str)], environment: &[(&str, &str)]) -> String {
        resolve(flags, environment).err().expect("a mistake").to_string()
    }

    #[test]
    fn a_flag_wins_over_its_variable_and_an_empty_variable_says_nothing() {
        let both = resolve(&[("heartbeat", "20s")], &[("LIVE_HEARTBEAT", "15s"), ("LIVE_LINGER", "")]).unwrap();
        assert_eq!(both.settings.config.heartbeat.as_secs(), 20);
        assert_eq!(both.source("heartbeat").to_string(), "--heartbeat");
        let variable = resolve(&[], &[("LIVE_HEARTBEAT", "15s")]).unwrap();
        assert_eq!(variable.settings.config.heartbeat.as_secs(), 15);
        assert_eq!(variable.source("heartbeat").to_string(), "LIVE_HEARTBEAT");
        assert!(!both.is_said("linger"));
    }

    #[test]
    fn all_mistakes_are_told_at_once_each_with_where_it_came_from() {
        let mistakes = mistake(&[("heartbeat", "25")], &[("LIVE_MAX_POSTS", "many")]);
        assert!(mistakes.starts_with("2 mistakes in the settings:"), "{mistakes}");
        assert!(mistakes.contains("heartbeat (from --heartbeat): \"25\" is not a duration; write"), "{mistakes}");
        assert!(mistakes.contains("max-posts (from LIVE_MAX_POSTS): \"many\""), "{mistakes}");
    }

    #[test]
    fn settings_are_compared_with_each_other() {
        let mistakes = mistake(&[("heartbeat", "2m")], &[]);
        assert_eq!(mistakes, "silence-deadline must be longer than heartbeat");
        assert_eq!(
            mistake(&[("linger", "5s")], &[("LIVE_POLL_INTERVAL", "2s")]),
            "linger (5s, from --linger) must be at least three times poll-interval (2s, from LIVE_POLL_INTERVAL)"
        );
    }

    #[test]
    fn a_linger_that_nobody_chose_follows_the_poll_interval() {
        let raised = resolve(&[], &[("WAGTAIL_LIVE_POLLING_INTERVAL", "60000")]);
        let mut raised = raised.unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(raised.settings.config.linger.as_secs(), 180);
        let text = raised.describe();
        let line = text.lines().find(|line| line.starts_with("linger")).unwrap();
        assert!(line.starts_with("linger = \"3m\"") && line.ends_with("# three times poll-interval"), "{line}");
        let short = resolve(&[("poll-interval", "1s")], &[]).unwrap();
        assert_eq!(short.settings.config.linger.as_secs(), 60);
        let longest = resolve(&[("max-poll-interval", "30s")], &[]).unwrap();
        assert_eq!(longest.settings.config.linger.as_secs(), 90);
    }

    #[test]
    fn a_longest_poll_interval_that_nobody_chose_follows_the_linger() {
        let mut lowered = resolve(&[("linger", "13s")], &[]).unwrap();
        let text = lowered.describe();
        let line = text.lines().find(|line| line.starts_with("max-poll-interval")).unwrap();
        assert!(line.starts_with("max-poll-interval = \"4333ms\"") && line.ends_with("# a third of linger"), "{line}");
        assert_eq!(
            mistake(&[("linger", "13s"), ("max-poll-interval", "5s")], &[]),
            "linger (13s, from --linger) must be at least three times max-poll-interval (5s, from --max-poll-interval)"
        );
    }

    #[test]
    fn a_variable_that_nobody_reads_is_told_by_its_name() {
        let unread = [("LIVE_HARTBEAT", "hush"), ("WAGTAIL_LIVE_RECIEVER", "hush"), ("LIVE_EMPTY", "")];
        let read = [("LIVE_SERVER", "http://h"), ("LIVE_CA_FILE", "f"), ("LIVE_HEARTBEAT", "20s"), ("ALIVE_X", "1")];
        let notes = resolve(&[], &[&unread[..], &read[..]].concat()).unwrap().notes.join("\n");
        assert!(notes.contains("nothing here reads LIVE_HARTBEAT, WAGTAIL_LIVE_RECIEVER"), "{notes}");
        for other in ["hush", "LIVE_EMPTY", "LIVE_SERVER", "LIVE_CA_FILE", "LIVE_HEARTBEAT", "ALIVE_X"] {
            assert!(!notes.contains(other), "{notes}");
        }
        let quiet = resolve(&[], &[("WAGTAIL_LIVE_POLLING_INTERVAL", "5000"), ("LIVE_PUBLISHER", "sse")]);
        assert!(!quiet.unwrap().notes.join("\n").contains("nothing here reads"));
    }

    #[test]
    fn a_description_is_a_file_and_has_no_secrets() {
        let flags = [("publish-token", "hush"), ("bus", "redis+pubsub://u:hush@h/1"), ("heartbeat", "20s")];
        let text = resolve(&flags, &[]).unwrap().describe();
        assert!(!text.contains("hush"), "{text}");
        let bus = text.lines().find(|line| line.contains("redis+pubsub://***@h/1")).unwrap();
        assert!(bus.starts_with("# bus is set, and not shown: ") && bus.ends_with("# --bus"), "{bus}");
        let line = text.lines().find(|line| line.starts_with("heartbeat")).unwrap();
        assert!(line.starts_with("heartbeat = \"20s\"") && line.ends_with("# --heartbeat"), "{line}");
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table["max-posts"].as_integer(), Some(10_000));
        assert!(!table.contains_key("bus"), "{text}");
        assert!(text.contains("# publish-token is set, and not shown"), "{text}");
    }
}
