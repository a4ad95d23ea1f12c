//! Runs the cases as tests with names.

use std::{collections::BTreeMap, net::TcpListener, process::ExitCode};

use libtest_mimic::{Arguments, Trial};

use crate::{
    adapter::{Adapter, Serve},
    buses::{self, BusUnderTest},
    case::Case,
    cases, corpus,
    server::hub_of_nobody,
};

/// The suite, for adapters and buses or several ways of using one.
#[derive(Default)]
pub struct Suite {
    trials: Vec<Trial>,
}

impl Suite {
    /// A suite that runs nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds every case that the adapter has the routes for. `name` begins the names of its tests.
    #[must_use]
    pub fn adapter(mut self, name: &str, adapter: &'static dyn Serve) -> Self {
        let by_framework = has_framework_server(adapter);
        let suiting = cases::all().filter(|case| case.suits(adapter, by_framework));
        self.trials.extend(suiting.map(|case| trial(name, adapter, case)));
        self.trials.extend(corpus::trials(name, adapter));
        self
    }

    /// Adds every case of the buses that suits this one. `name` begins the names of its tests.
    #[must_use]
    pub fn bus(mut self, name: &str, bus: &'static dyn BusUnderTest) -> Self {
        let suiting = buses::all().filter(|case| case.suits(bus));
        self.trials.extend(suiting.map(|case| {
            Trial::test(format!("{name}::{}", case.name()), move || {
                case.run(bus);
                Ok(())
            })
        }));
        self
    }

    /// Adds a test of one's own.
    #[must_use]
    pub fn test(mut self, name: &str, run: fn()) -> Self {
        self.trials.push(Trial::test(name, move || {
            run();
            Ok(())
        }));
        self
    }

    /// Runs what the command line asks for, and says in the exit code whether all passed: the whole of a test's `main`.
    pub fn run(self) -> ExitCode {
        let names: Vec<_> = self.trials.iter().map(|trial| trial.name().to_owned()).collect();
        let mut counts = BTreeMap::new();
        names.iter().for_each(|name| *counts.entry(name).or_insert(0) += 1);
        assert!(counts.values().all(|count| *count == 1), "two tests have one name: {counts:?}");
        libtest_mimic::run(&Arguments::from_args(), self.trials).exit_code()
    }
}

fn trial(name: &str, adapter: &'static dyn Serve, case: Case) -> Trial {
    Trial::test(format!("{name}::{}", case.name()), move || {
        case.run(Adapter(adapter));
        Ok(())
    })
}

/// Asks once for such a server, which is not run.
fn has_framework_server(adapter: &dyn Serve) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    adapter.serve_by_the_framework(listener, hub_of_nobody()).is_some()
}
