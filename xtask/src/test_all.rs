//! `cargo xtask test-all`: every check and every test, one line a step.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::install::{self, Machine, Program};
use crate::plan::{self, Step, Tests};
use crate::step::{self, Finished, Output, Runner};
use crate::tally::Tally;
use crate::workspace::Workspace;

pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    let options = Options::parse(args)?;
    let steps = plan::select(&options.only)?;
    let workspace = Workspace::load()?;
    let mut run =
        Run { runner: options.runner(&workspace)?, size: options.size, lines: Vec::new(), tally: Tally::default() };
    run.install(&steps, &workspace.target)?;
    for step in &steps {
        run.step(step, &workspace)?;
    }
    run.report(&steps);
    let failed = run.lines.iter().any(|line| line.failure.is_some());
    Ok(ExitCode::from(u8::from(failed)))
}

/// One knob for every test of every language, passed on as `LIVE_TEST_SIZE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    Short,
    Long,
}

impl Size {
    fn word(self) -> &'static str {
        match self {
            Size::Short => "short",
            Size::Long => "long",
        }
    }

    fn proptest_cases(self) -> u32 {
        match self {
            Size::Short => 256,
            Size::Long => 100_000,
        }
    }

    fn deadline(self) -> Duration {
        match self {
            Size::Short => Duration::from_secs(20 * 60),
            Size::Long => Duration::from_secs(6 * 60 * 60),
        }
    }
}

#[derive(Debug)]
struct Options {
    size: Size,
    output: Output,
    only: Vec<String>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Options> {
        let mut options = Options { size: Size::Short, output: Output::Quiet, only: Vec::new() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--long" => options.size = Size::Long,
                "--verbose" => options.output = Output::Verbose,
                "--only" => {
                    let name = args.next().context("`--only` needs the name of a step")?;
                    options.only.push(name.clone());
                }
                other => bail!("test-all does not know `{other}`; see `cargo xtask --help`"),
            }
        }
        Ok(options)
    }

    fn runner(&self, workspace: &Workspace) -> Result<Runner> {
        let screens = workspace.target.join("screens");
        std::fs::create_dir_all(&screens).with_context(|| format!("cannot make {}", screens.display()))?;
        Ok(Runner {
            root: workspace.root.clone(),
            logs: workspace.target.join("test-all"),
            env: vec![
                ("LIVE_TEST_SIZE", self.size.word().to_owned()),
                ("PROPTEST_CASES", self.size.proptest_cases().to_string()),
                ("LIVE_SCREENS", screens.to_string_lossy().into_owned()),
                // Colours would hide the closing lines that the tests are counted by.
                ("CARGO_TERM_COLOR", "never".to_owned()),
                ("NO_COLOR", "1".to_owned()),
                ("TERM", "dumb".to_owned()),
            ],
            deadline: self.size.deadline(),
            output: self.output,
        })
    }
}

/// A test run under way.
struct Run {
    runner: Runner,
    size: Size,
    lines: Vec<Line>,
    tally: Tally,
}

/// A line of the table at the end.
struct Line {
    name: &'static str,
    time: Duration,
    failure: Option<String>,
}

impl Run {
    /// Before the first step, so that nobody waits for minutes to hear that a program is missing.
    fn install(&mut self, steps: &[&Step], target: &Path) -> Result<()> {
        let needed: Vec<Program> = steps.iter().flat_map(|step| step.needs).copied().collect();
        let missing = install::missing(&needed, target);
        if !missing.is_empty() {
            let commands = install::commands(&missing, Machine::detect())?;
            println!("installing with apt-get: {}", install::titles(&missing));
            self.run_install("install", commands)?;
            if install::missing(&missing, target).contains(&Program::Node) {
                println!(
                    "this system's node is too old, so one comes from npm, into {}",
                    target.join("node").display()
                );
                self.run_install("install-node", vec![install::fetch_node(target)])?;
            }
            install::confirm(&missing, target)?;
        }
        if let Some(folder) = install::fetched_node(target) {
            let rest = std::env::var("PATH").unwrap_or_default();
            self.runner.env.push(("PATH", format!("{}:{rest}", folder.display())));
        }
        if let Some(chromium) = install::find_chromium() {
            let path = chromium.to_string_lossy().into_owned();
            self.runner.env.push(("LIVE_CHROMIUM", path));
        }
        Ok(())
    }

    fn run_install(&mut self, name: &'static str, commands: Vec<Command>) -> Result<()> {
        let begin = Instant::now();
        announce(name, self.runner.output)?;
        let finished = self.runner.run(name, commands)?;
        self.close(name, begin.elapsed(), finished.failure.clone());
        let Some(failure) = finished.failure else { return Ok(()) };
        show_tail(&finished.log)?;
        bail!("installing failed: {failure}");
    }

    fn step(&mut self, step: &Step, workspace: &Workspace) -> Result<()> {
        announce(step.name, self.runner.output)?;
        let begin = Instant::now();
        // The log of an earlier run must not speak for this one; most often there is none.
        std::fs::remove_file(self.runner.log(step.name)).ok();
        if let Some(earlier) = step.after.iter().find(|name| self.has_failed(name)) {
            let failure = format!("not run, because {earlier} failed");
            self.close(step.name, begin.elapsed(), Some(failure));
            return Ok(());
        }
        let commands = match (step.commands)(workspace) {
            Ok(commands) => commands,
            Err(error) => {
                self.close(step.name, begin.elapsed(), Some(format!("{error:#}")));
                return Ok(());
            }
        };
        let finished = self.runner.run(step.name, commands)?;
        self.tally += finished.tally;
        let failure = failure_of(step, &finished);
        let has_failed = failure.is_some();
        self.close(step.name, begin.elapsed(), failure);
        // With `--verbose` it has been shown already.
        if has_failed && self.runner.output == Output::Quiet {
            show_tail(&finished.log)?;
        }
        Ok(())
    }

    fn has_failed(&self, name: &str) -> bool {
        self.lines.iter().any(|line| line.name == name && line.failure.is_some())
    }

    /// Ends the line that `announce` began.
    fn close(&mut self, name: &'static str, time: Duration, failure: Option<String>) {
        if self.runner.output == Output::Verbose {
            print!("{name:<WIDTH$}");
        }
        match &failure {
            None => println!("{:>8.1} s", time.as_secs_f64()),
            Some(failure) => println!("{:>8.1} s  FAILED: {failure}", time.as_secs_f64()),
        }
        self.lines.push(Line { name, time, failure });
    }

    fn report(&self, steps: &[&Step]) {
        println!("\n{:<WIDTH$}   seconds", "step");
        for line in &self.lines {
            let mark = line.failure.as_ref().map_or("", |_| "  FAILED");
            println!("{:<WIDTH$}{:>10.1}{mark}", line.name, line.time.as_secs_f64());
        }
        let total: Duration = self.lines.iter().map(|line| line.time).sum();
        println!("{:<WIDTH$}{:>10.1}", "total", total.as_secs_f64());
        for line in &self.lines {
            if let Some(failure) = &line.failure {
                println!("\n{} failed: {failure}", line.name);
                let log = self.runner.log(line.name);
                if log.exists() {
                    println!("log:    {}", log.display());
                }
                println!("repeat: {}", repeat(line.name, self.size));
                // The tail above may have had room for the tests that passed after them only.
                step::failed_tests(&log).iter().take(SHOWN).for_each(|test| println!("\n{test}"));
            }
        }
        // Alone on its line and the last one: CI systems read it.
        if steps.iter().any(|step| step.tests == Tests::Some) {
            println!("\n{}", self.tally);
        }
    }
}

/// The name at once, the seconds when they are known: so one sees what a slow run is at.
fn announce(name: &str, output: Output) -> Result<()> {
    match output {
        Output::Quiet => print!("{name:<WIDTH$}"),
        Output::Verbose => println!("{name} …"),
    }
    io::stdout().flush()?;
    Ok(())
}

fn failure_of(step: &Step, finished: &Finished) -> Option<String> {
    let none_ran = step.tests == Tests::Some && finished.tally.ran() == 0;
    finished.failure.clone().or_else(|| none_ran.then(|| "no test ran".to_owned()))
}

fn repeat(name: &str, size: Size) -> String {
    match size {
        Size::Short => format!("cargo xtask test-all --only {name}"),
        Size::Long => format!("cargo xtask test-all --long --only {name}"),
    }
}

fn show_tail(log: &std::path::Path) -> Result<()> {
    println!("{}\n", step::tail(log, TAIL)?);
    Ok(())
}

/// Of the column with the names.
const WIDTH: usize = 14;

/// Lines of a log that a failed step shows: a compiler's or a test's last words with their reason.
const TAIL: usize = 150;

/// Failed tests of one step that are shown at the end.
const SHOWN: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn parse(args: &[&str]) -> Result<Options> {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        Options::parse(&args)
    }

    #[test]
    fn options_are_read_in_any_order() {
        let options = parse(&["--only", "fmt", "--long", "--only", "doc"]).unwrap();
        assert_eq!(options.size, Size::Long);
        assert_eq!(options.only, ["fmt", "doc"]);
        assert!(parse(&["--only"]).is_err());
        assert!(parse(&["--fast"]).is_err());
    }

    #[test]
    fn a_test_step_that_ran_no_test_fails() {
        let steps = plan::select(&["fmt".to_owned(), "test".to_owned()]).unwrap();
        let finished = Finished { log: PathBuf::new(), tally: Tally::default(), failure: None };
        assert_eq!(failure_of(steps[0], &finished), None);
        assert_eq!(failure_of(steps[1], &finished).as_deref(), Some("no test ran"));
    }

    #[test]
    fn the_command_to_repeat_a_step_keeps_the_size() {
        assert_eq!(repeat("test", Size::Short), "cargo xtask test-all --only test");
        assert_eq!(repeat("test", Size::Long), "cargo xtask test-all --long --only test");
    }
}
