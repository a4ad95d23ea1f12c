//! The own buses do what every bus does.

use std::{process::ExitCode, sync::Arc};

use live_conformance::{BusClass, BusFault, BusHabit, BusStore, BusUnderTest, Suite};
use live_core::{Config, EventBus, bus::BusFuture};
use own_bus::{Broker, LoggedBus, Relay, RelayedBus};

struct Logged;

impl BusUnderTest for Logged {
    fn start(&self) -> Box<dyn BusStore> {
        Box::new(RunningBroker(Broker::new()))
    }

    fn faults(&self) -> &'static [BusFault] {
        &[BusFault::Hang, BusFault::Kill, BusFault::Wipe]
    }

    fn habits(&self) -> &'static [BusHabit] {
        &[BusHabit::NeverForks]
    }
}

struct RunningBroker(Arc<Broker>);

impl BusStore for RunningBroker {
    fn node<'a>(&'a self, config: &'a Config) -> BusFuture<'a, Arc<dyn EventBus>> {
        Box::pin(async move { Ok(Arc::new(LoggedBus::open(Arc::clone(&self.0), config)) as Arc<dyn EventBus>) })
    }

    fn begin(&self, fault: BusFault) {
        self.0.set_away(true);
        if fault == BusFault::Wipe {
            self.0.wipe();
        }
    }

    fn end(&self) {
        self.0.set_away(false);
    }
}

struct Relayed;

impl BusUnderTest for Relayed {
    fn start(&self) -> Box<dyn BusStore> {
        Box::new(RunningRelay(Relay::new()))
    }

    fn class(&self) -> BusClass {
        BusClass::Relayed
    }

    fn faults(&self) -> &'static [BusFault] {
        &[BusFault::Cut, BusFault::Wipe]
    }
}

struct RunningRelay(Arc<Relay>);

impl BusStore for RunningRelay {
    fn node<'a>(&'a self, config: &'a Config) -> BusFuture<'a, Arc<dyn EventBus>> {
        Box::pin(async move { Ok(Arc::new(RelayedBus::open(Arc::clone(&self.0), config)?) as Arc<dyn EventBus>) })
    }

    fn begin(&self, fault: BusFault) {
        match fault {
            BusFault::Cut => self.0.cut(),
            _ => self.0.kill(),
        }
    }

    fn end(&self) {
        self.0.start();
    }
}

fn main() -> ExitCode {
    Suite::new().bus("logged", &Logged).bus("relayed", &Relayed).run()
}
