//! Nodes of a site on one bus: killed and started again while readers hop between them, and what happens to the bus itself.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod faults;
mod messages;
mod nodes;
mod play;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// More than cores: these tests wait for most of their time, for the end of an outage or for a deadline.
const AT_A_TIME: usize = 6;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_A_TIME));
    let mut trials = faults::trials();
    trials.push(trial("play::readers_who_hop_between_nodes_that_die_end_with_exactly_the_page".to_owned(), || {
        play::readers_who_hop_between_nodes_that_die_end_with_exactly_the_page()
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A test in a runtime of its own.
fn trial<F: Future<Output = ()>>(name: String, run: impl FnOnce() -> F + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(run());
        runtime.shutdown_background();
        Ok(())
    })
}
