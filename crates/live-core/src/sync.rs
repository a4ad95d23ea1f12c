//! One helper for locks.

use std::sync::{Mutex, MutexGuard};

/// A poisoned lock is recovered: a panic in one connection must not end the others, and each critical section leaves its
/// data consistent at every point where it can panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
