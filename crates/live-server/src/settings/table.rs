//! The settings: one row each, for flag, environment variable, file, `--help`, `--check` and the page in `docs/`.

mod pages;
mod private;
mod server;

use super::{Settings, value::Value};

/// One setting. `--NAME` is its flag, `LIVE_NAME` its variable, `NAME` its key in the file.
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) group: &'static str,
    pub(crate) help: &'static str,
    /// How its value is written, in `--help`.
    pub(crate) form: &'static str,
    pub(crate) value: Value,
    /// Whether `-h` shows it, too.
    pub(crate) everyday: bool,
}

impl Setting {
    const fn new(group: &'static str, name: &'static str, value: Value, help: &'static str) -> Self {
        Self { name, group, help, form: "", value, everyday: false }
    }

    const fn everyday(self) -> Self {
        Self { everyday: true, ..self }
    }

    const fn form(self, form: &'static str) -> Self {
        Self { form, ..self }
    }

    /// The name of its variable.
    pub(crate) fn variable(&self) -> String {
        format!("LIVE_{}", self.name.replace('-', "_").to_ascii_uppercase())
    }

    /// How its value is written.
    pub(crate) fn value_name(&self) -> &'static str {
        self.value.name().unwrap_or(self.form)
    }

    /// What is in force if nobody says anything.
    pub(crate) fn default_text(&self) -> String {
        self.value.show(&mut Settings::default())
    }
}

/// All settings, in the order of `--help`.
pub(crate) fn settings() -> impl Iterator<Item = &'static Setting> {
    server::SETTINGS.iter().chain(private::SETTINGS).chain(pages::SETTINGS)
}

/// The setting with this name.
pub(crate) fn find(name: &str) -> Option<&'static Setting> {
    settings().find(|setting| setting.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Fields of `Config` that are not a setting of the same name.
    const ELSEWHERE: [&str; 9] = [
        // For whoever renders the HTML, which this server does not.
        "public_url",
        // For whoever has a page source, which this server has not.
        "max_page_loads",
        // For whoever publishes to a hosted service, which this server does not.
        "service_timeout",
        "service_deadline",
        // publish-token and publish-token-file.
        "publishing",
        // piesocket-key and piesocket-secret.
        "piesocket",
        // The jwt- settings and private-channels.
        "tokens",
        // The fields within are settings.
        "page",
        // For tests.
        "clock",
    ];

    #[test]
    fn every_field_of_the_configuration_is_a_setting() {
        let debug = format!("{:#?}", live_axum::Config::default());
        let field_of = |line: &str| {
            let (name, _) = line.strip_prefix("    ")?.split_once(':')?;
            name.starts_with(|first: char| first.is_ascii_lowercase()).then(|| name.to_owned())
        };
        let fields: BTreeSet<String> = debug.lines().filter_map(field_of).collect();
        assert!(fields.contains("heartbeat") && fields.len() > 30, "{fields:?}");
        for field in fields.iter().filter(|field| !ELSEWHERE.contains(&field.as_str()) && *field != "echo") {
            assert!(find(&field.replace('_', "-")).is_some(), "{field} has no setting");
        }
    }

    /// The settings as tables, one for each group.
    fn tables() -> String {
        let (mut lines, mut group) = (Vec::new(), "");
        for setting in settings() {
            if setting.group != group {
                group = setting.group;
                lines.push(format!("\n**{group}**\n\n| setting | default | meaning |\n|---|---|---|"));
            }
            let default = match setting.default_text() {
                text if text.is_empty() => String::new(),
                text => format!("`{}`", text.replace(',', ", ")),
            };
            let form = setting.value_name().replace('|', "\\|");
            let help = setting.help.replace('|', "\\|");
            lines.push(format!("| `{}` {form} | {default} | {help}. |", setting.name));
        }
        lines.join("\n").trim_start().to_owned()
    }

    #[test]
    fn the_page_in_the_docs_has_these_settings() {
        let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/live-serve.md")).unwrap();
        let (_, rest) = page.split_once("<!-- settings, as the code has them -->").unwrap();
        let (there, _) = rest.split_once("<!-- end of the settings -->").unwrap();
        assert!(there.trim() == tables(), "docs/live-serve.md should have these settings:\n\n{}\n", tables());
    }

    #[test]
    fn every_default_reads_back_as_it_is_shown() {
        for setting in settings() {
            let text = setting.default_text();
            if text.is_empty() {
                continue;
            }
            let mut settings = Settings::default();
            setting.value.read(&mut settings, &text).unwrap_or_else(|error| panic!("{}: {error}", setting.name));
            assert_eq!(setting.value.show(&mut settings), text, "{}", setting.name);
        }
    }

    #[test]
    fn every_setting_has_one_name_and_says_how_it_is_written() {
        let names: BTreeSet<_> = settings().map(|setting| setting.name).collect();
        assert_eq!(names.len(), settings().count());
        for setting in settings() {
            assert!(!setting.value_name().is_empty(), "{}", setting.name);
            assert!(!setting.help.ends_with('.'), "{}", setting.name);
        }
    }
}
