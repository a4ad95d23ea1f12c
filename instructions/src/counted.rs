//! The one function that callgrind looks into.

use std::hint::black_box;

/// Runs `work`, whose instructions are counted: callgrind is told to collect while a function of this name runs. What is prepared
/// outside of it costs nothing, and neither does starting the program.
#[inline(never)]
pub(crate) fn run_counted(work: &mut dyn FnMut()) {
    work();
    // Otherwise the call is a jump, and callgrind does not see where it ends.
    black_box(());
}

/// Counts what `work` does, dropping its result included.
pub(crate) fn counted<T>(work: impl FnOnce() -> T) {
    let mut work = Some(work);
    run_counted(&mut || {
        black_box(work.take().map(|work| work()));
    });
}
