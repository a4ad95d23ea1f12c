//! The cases of the buses, by what they are about.

use super::BusCase;

mod announcements;
mod faults;
mod heads;
mod hidden;
mod keys;
mod limits;
mod numbering;
mod order;
mod outages;
mod pages;
mod places;
mod relays;
mod removals;
mod restarts;
mod retention;
mod revisions;
mod schedules;
mod seeds;
mod standings;
mod subscriptions;

/// Every case of the suite for buses.
pub(crate) fn all() -> impl Iterator<Item = BusCase> {
    let modules = [
        announcements::CASES,
        faults::CASES,
        heads::CASES,
        hidden::CASES,
        keys::CASES,
        limits::CASES,
        numbering::CASES,
        order::CASES,
        outages::CASES,
        pages::CASES,
        places::CASES,
        relays::CASES,
        removals::CASES,
        restarts::CASES,
        retention::CASES,
        revisions::CASES,
        schedules::CASES,
        seeds::CASES,
        standings::CASES,
        subscriptions::CASES,
    ];
    modules.into_iter().flatten().copied()
}
