//! The cases, by what they are about.

use crate::case::Case;

mod admissions;
mod bodies;
mod bursts;
mod channels;
mod cursors;
mod deadlines;
mod draining;
mod faults;
mod floods;
mod grace;
mod handshakes;
mod heartbeats;
mod hidden;
mod idempotency;
mod incoming;
mod leaving;
mod limits;
mod logs;
mod origins;
mod own_server;
mod packing;
mod panics;
mod piesocket;
mod polls;
mod publishing;
mod replay;
mod restarts;
mod routes;
mod schedules;
mod scripts;
mod slow;
mod smuggling;
mod streams;
mod tokens;
mod wagtail;
mod wagtail_errors;

/// Every case of the suite.
pub(crate) fn all() -> impl Iterator<Item = Case> {
    let modules = [
        admissions::CASES,
        bodies::CASES,
        bursts::CASES,
        channels::CASES,
        cursors::CASES,
        deadlines::CASES,
        draining::CASES,
        faults::CASES,
        floods::CASES,
        grace::CASES,
        handshakes::CASES,
        heartbeats::CASES,
        hidden::CASES,
        idempotency::CASES,
        incoming::CASES,
        leaving::CASES,
        limits::CASES,
        logs::CASES,
        origins::CASES,
        own_server::CASES,
        packing::CASES,
        panics::CASES,
        piesocket::CASES,
        polls::CASES,
        publishing::CASES,
        replay::CASES,
        restarts::CASES,
        routes::CASES,
        schedules::CASES,
        scripts::CASES,
        slow::CASES,
        smuggling::CASES,
        streams::CASES,
        tokens::CASES,
        wagtail::CASES,
        wagtail_errors::CASES,
    ];
    modules.into_iter().flatten().copied()
}
