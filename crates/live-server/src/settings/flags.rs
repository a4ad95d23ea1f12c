//! The settings as flags of `live serve`.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::table::{Setting, settings};

/// What the command line says. Made by hand, because the flags are made from the table.
#[derive(Debug, Default)]
pub(crate) struct Args {
    pub(super) values: BTreeMap<&'static str, String>,
    pub(super) config: Option<PathBuf>,
    /// Print what is in force instead of serving.
    pub(crate) check: bool,
}

impl clap::FromArgMatches for Args {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut args = Self::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for setting in settings() {
            if let Some(text) = matches.get_one::<String>(setting.name) {
                self.values.insert(setting.name, text.clone());
            }
        }
        self.config = matches.get_one(CONFIG).cloned();
        self.check = matches.get_flag(CHECK);
        Ok(())
    }
}

impl clap::Args for Args {
    fn augment_args(command: Command) -> Command {
        let command = command.arg(config()).arg(check());
        settings()
            .fold(command, |command, setting| command.arg(flag(setting)))
            .after_help(AFTER_HELP)
            .after_long_help(AFTER_LONG_HELP)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

const CONFIG: &str = "config";
const CHECK: &str = "check";
/// The variable in place of `--config`.
pub(super) const CONFIG_VARIABLE: &str = "LIVE_CONFIG";

fn config() -> Arg {
    Arg::new(CONFIG)
        .long(CONFIG)
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help("A TOML file with settings, by the names of the flags: heartbeat = \"20s\" [env: LIVE_CONFIG]")
}

fn check() -> Arg {
    Arg::new(CHECK)
        .long(CHECK)
        .action(ArgAction::SetTrue)
        .help("Check the configuration, print what is in force and where it came from, and end")
}

fn flag(setting: &Setting) -> Arg {
    let default = match setting.default_text() {
        text if text.is_empty() => String::new(),
        text => format!(" [default: {text}]"),
    };
    Arg::new(setting.name)
        .long(setting.name)
        .value_name(setting.value_name())
        .help_heading(setting.group)
        .help(format!("{}{default} [env: {}]", setting.help, setting.variable()))
        .hide_short_help(!setting.everyday)
        // The last one counts, so that a script can be told more.
        .overrides_with(setting.name)
}

const AFTER_HELP: &str = "\
Try it:
  live serve --publish-token none
  live watch news                       (in another terminal)
  live publish news --text 'Hello!'     (in a third)

All settings: live serve --help. A flag wins over its variable, a variable over the file.";

const AFTER_LONG_HELP: &str = "\
Examples:
  A first look; whoever is on this machine may publish:
    live serve --publish-token none

  For real: pages are on the disk, publishers need a token, the site is behind the same proxy:
    live serve --bus sqlite:/var/lib/live/live.db --publish-token-file /etc/live/token \\
        --trusted-proxies 127.0.0.1

  In place of Wagtail Live's run_publisher, with the settings that the site has already:
    WAGTAIL_LIVE_PUBLISHER=wagtail_live.publishers.starlette.StarlettePublisher live serve

  The same as a file, checked before it is used:
    live serve --config live.toml --check

Wagtail Live's settings are understood from the environment, below Live's own variables:
WAGTAIL_LIVE_PUBLISHER (by class name), WAGTAIL_LIVE_SERVER_HOST, WAGTAIL_LIVE_SERVER_PORT,
WAGTAIL_LIVE_REDIS_URL, WAGTAIL_LIVE_POLLING_TIMEOUT (seconds), WAGTAIL_LIVE_POLLING_INTERVAL
(milliseconds) and WAGTAIL_LIVE_USE_SECURE_WS_CONNECTION. LIVE_PUBLISHER names one transport.

Signals: SIGTERM and SIGINT drain (readers are told when to come back), a second one ends at once;
SIGHUP reads the certificate again.

Exit codes: 0 stopped as asked, 1 could not start or go on, or ended at once by a second signal,
2 the settings are wrong.";
