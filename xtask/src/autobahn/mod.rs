//! `cargo xtask autobahn`: the Autobahn test suite's fuzzing client against every adapter, compared with the stored result.
//!
//! The suite is not part of `test-all`, because it needs Python 2.7. `docs/autobahn.md` says how to get it.

mod outcome;
mod results;

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use self::outcome::Outcome;
use self::results::{Report, Stored, read_report};
use crate::process_group::ProcessGroup;
use crate::workspace::Workspace;

struct Plan {
    wstest: PathBuf,
    adapters: Vec<String>,
    cases: Vec<String>,
    then: Then,
}

/// What becomes of the stored result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Compare,
    Bless,
}

/// What the suite said of one adapter.
struct Run {
    adapter: String,
    report: Report,
    took: Duration,
}

pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    let plan = parse(args)?;
    let workspace = Workspace::load()?;
    let status =
        Command::new("cargo").args(["build", "--package", "live-autobahn"]).current_dir(&workspace.root).status()?;
    ensure!(status.success(), "live-autobahn does not build");
    let runs = plan.adapters.iter().map(|adapter| test(adapter, &plan, &workspace)).collect::<Result<Vec<_>>>()?;
    println!("\n{}", table(&runs));
    let file = workspace.root.join(STORED);
    if plan.then == Then::Bless {
        return bless(&runs, &file);
    }
    compare(&runs, &plan, &Stored::load(&file)?)
}

fn parse(args: &[String]) -> Result<Plan> {
    let mut wstest = None;
    let mut plan = Plan { wstest: PathBuf::new(), adapters: Vec::new(), cases: Vec::new(), then: Then::Compare };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().cloned().with_context(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--wstest" => wstest = Some(value()?),
            "--adapter" => plan.adapters.push(value()?),
            "--cases" => plan.cases.extend(value()?.split(',').map(str::to_owned)),
            "--bless" => plan.then = Then::Bless,
            other => bail!("unknown option {other}; there are --wstest, --adapter, --cases and --bless"),
        }
    }
    let wstest = wstest.context("--wstest PATH says where the suite is; docs/autobahn.md says how to get it")?;
    // The suite runs in a folder of its own.
    plan.wstest = fs::canonicalize(&wstest).with_context(|| format!("there is no {wstest}"))?;
    if let Some(unknown) = plan.adapters.iter().find(|adapter| !ADAPTERS.contains(&adapter.as_str())) {
        bail!("there is no adapter {unknown}; there are {}", ADAPTERS.join(", "));
    }
    if plan.adapters.is_empty() {
        plan.adapters = ADAPTERS.iter().map(|&name| name.to_owned()).collect();
    }
    if plan.cases.is_empty() {
        plan.cases = CASES.iter().map(|&pattern| pattern.to_owned()).collect();
    }
    Ok(plan)
}

/// Starts the adapter's echo server and the suite against it.
fn test(adapter: &str, plan: &Plan, workspace: &Workspace) -> Result<Run> {
    let folder = workspace.target.join("autobahn").join(adapter);
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot remove the last report")?;
    }
    fs::create_dir_all(&folder)?;
    let (mut server, url) = start_echo(&workspace.target.join("debug/live-echo"), adapter)?;
    println!("{adapter}: {url}, report in {}", folder.display());
    let began = Instant::now();
    run_suite(adapter, &url, &folder, plan)?;
    let took = began.elapsed();
    ensure!(server.wait(Instant::now(), || Ok(()))?.is_none(), "the server of {adapter} has ended by itself");
    let index = fs::read_to_string(folder.join("index.json"))
        .with_context(|| format!("the suite made no report; see {}", folder.join(LOG).display()))?;
    Ok(Run { adapter: adapter.to_owned(), report: read_report(&serde_json::from_str(&index)?, adapter)?, took })
}

/// The server, and the URL that it prints when it is ready.
fn start_echo(program: &Path, adapter: &str) -> Result<(ProcessGroup, String)> {
    let (output, writer) = std::io::pipe()?;
    let mut command = Command::new(program);
    command.args(["--adapter", adapter]).stdin(Stdio::null()).stdout(writer);
    let server = ProcessGroup::spawn(&mut command)?;
    // It holds the pipe's other end, which would hide that the server has ended.
    drop(command);
    let mut url = String::new();
    BufReader::new(output).read_line(&mut url)?;
    ensure!(!url.is_empty(), "the server of {adapter} did not start");
    Ok((server, url.trim().to_owned()))
}

fn run_suite(adapter: &str, url: &str, folder: &Path, plan: &Plan) -> Result<()> {
    let spec = folder.join("fuzzingclient.json");
    let server = json!({ "agent": adapter, "url": url });
    let text = json!({
        "outdir": folder, "servers": [server], "cases": plan.cases, "exclude-cases": [], "exclude-agent-cases": {},
    });
    fs::write(&spec, serde_json::to_string_pretty(&text)?)?;
    let log = File::create(folder.join(LOG))?;
    let mut command = Command::new(&plan.wstest);
    command.args(["--mode", "fuzzingclient", "--spec"]).arg(&spec).current_dir(folder);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let mut suite = ProcessGroup::spawn(&mut command)?;
    let status = suite.wait(Instant::now() + DEADLINE, || Ok(()))?;
    let status = status.with_context(|| format!("{adapter} took longer than {} s", DEADLINE.as_secs()))?;
    ensure!(status.success(), "the suite failed; see {}", folder.join(LOG).display());
    Ok(())
}

fn table(runs: &[Run]) -> String {
    let mut lines = vec![format!("{:<12}{:>7}", "", "cases")];
    lines[0].extend(Outcome::ALL.map(|outcome| format!("{:>18}", outcome.name())));
    lines[0].push_str("   seconds");
    for run in runs {
        let count = |outcome| run.report.values().filter(|found| **found == outcome).count();
        let counts: String = Outcome::ALL.map(|outcome| format!("{:>18}", count(outcome))).concat();
        lines.push(format!("{:<12}{:>7}{counts}{:>10.1}", run.adapter, run.report.len(), run.took.as_secs_f64()));
    }
    lines.join("\n")
}

fn bless(runs: &[Run], file: &Path) -> Result<ExitCode> {
    let mut stored = if file.exists() { Stored::load(file)? } else { Stored::default() };
    runs.iter().for_each(|run| stored.bless(&run.adapter, &run.report));
    stored.save(file)?;
    println!("\nstored in {STORED}");
    Ok(ExitCode::SUCCESS)
}

fn compare(runs: &[Run], plan: &Plan, stored: &Stored) -> Result<ExitCode> {
    let mut worse = 0;
    println!();
    for run in runs {
        for difference in stored.compare(&run.adapter, &plan.cases, &run.report) {
            let is_worse = difference.is_for_the_worse();
            worse += usize::from(is_worse);
            let (id, stored, found) = (&difference.id, difference.stored.name(), difference.found.name());
            let verdict = if is_worse { "worse" } else { "no worse; --bless stores it" };
            println!("{} {id}: {found}, stored is {stored} ({verdict})", run.adapter);
        }
    }
    if worse > 0 {
        println!("{worse} case(s) are worse than stored in {STORED}");
        return Ok(ExitCode::FAILURE);
    }
    println!("nothing is worse than stored in {STORED}");
    Ok(ExitCode::SUCCESS)
}

/// As `live-echo` knows them; actix has two ways to carry a WebSocket.
const ADAPTERS: &[&str] = &["actix", "actix-lean", "axum", "tungstenite", "warp"];

/// All sections but 12 and 13: no extension is negotiated, so there is no compression to test.
const CASES: &[&str] = &["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"];

const STORED: &str = "autobahn/expected.json";

const LOG: &str = "wstest.log";

/// For one adapter. It takes twenty seconds; one that leaves every connection open takes four minutes.
const DEADLINE: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(options: &[&str]) -> Result<Plan> {
        // Any file will do where nothing is run.
        let args = [&["--wstest", env!("CARGO_MANIFEST_DIR")], options].concat();
        parse(&args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn without_a_choice_all_adapters_and_all_cases_run() {
        let plan = plan(&[]).unwrap();
        assert_eq!(plan.adapters, ADAPTERS);
        assert_eq!(plan.cases, CASES);
        assert_eq!(plan.then, Then::Compare);
    }

    #[test]
    fn a_choice_is_kept() {
        let plan = plan(&["--adapter", "warp", "--adapter", "axum", "--cases", "6.*,2.1", "--bless"]).unwrap();
        assert_eq!(plan.adapters, ["warp", "axum"]);
        assert_eq!(plan.cases, ["6.*", "2.1"]);
        assert_eq!(plan.then, Then::Bless);
    }

    #[test]
    fn an_unknown_adapter_is_refused_with_the_names_of_the_known() {
        let error = plan(&["--adapter", "rocket"]).err().unwrap();
        assert!(error.to_string().contains("tungstenite"), "{error}");
    }

    #[test]
    fn without_the_suite_it_says_how_to_get_it() {
        let error = parse(&[]).err().unwrap();
        assert!(error.to_string().contains("docs/autobahn.md"), "{error}");
    }
}
