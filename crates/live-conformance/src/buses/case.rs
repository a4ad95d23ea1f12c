//! A case of the buses: one behaviour, written once.

use std::pin::Pin;

use super::{
    store::TestStore,
    under_test::{BusClass, BusFault, BusHabit, BusSharing, BusUnderTest},
};

/// A case and what it needs of a bus.
#[derive(Clone, Copy)]
pub(crate) struct BusCase {
    module: &'static str,
    name: &'static str,
    begin: Begin,
    class: Option<BusClass>,
    sharing: &'static [BusSharing],
    fault: Option<BusFault>,
    without: Option<BusHabit>,
}

type Begin = fn(TestStore) -> Pin<Box<dyn Future<Output = ()>>>;

impl BusCase {
    pub(crate) const fn new(module: &'static str, name: &'static str, begin: Begin) -> Self {
        let sharing = &[BusSharing::Alone, BusSharing::InTurn, BusSharing::Together];
        Self { module, name, begin, class: Some(BusClass::Logged), sharing, fault: None, without: None }
    }

    /// For relayed buses in place of logged ones.
    pub(crate) const fn relayed(self) -> Self {
        Self { class: Some(BusClass::Relayed), ..self }
    }

    /// For buses of both classes.
    pub(crate) const fn both(self) -> Self {
        Self { class: None, ..self }
    }

    /// Needs a store that outlives its nodes.
    pub(crate) const fn lasting(self) -> Self {
        Self { sharing: &[BusSharing::InTurn, BusSharing::Together], ..self }
    }

    /// Needs a store that is opened by one node after the other.
    pub(crate) const fn in_turn(self) -> Self {
        Self { sharing: &[BusSharing::InTurn], ..self }
    }

    /// Needs several nodes at a time.
    pub(crate) const fn together(self) -> Self {
        Self { sharing: &[BusSharing::Together], ..self }
    }

    pub(crate) const fn cut(self) -> Self {
        Self { fault: Some(BusFault::Cut), ..self }
    }

    pub(crate) const fn hang(self) -> Self {
        Self { fault: Some(BusFault::Hang), ..self }
    }

    pub(crate) const fn kill(self) -> Self {
        Self { fault: Some(BusFault::Kill), ..self }
    }

    pub(crate) const fn wipe(self) -> Self {
        Self { fault: Some(BusFault::Wipe), ..self }
    }

    /// Needs a bus that numbers by the clock of its configuration.
    pub(crate) const fn clocked(self) -> Self {
        Self { without: Some(BusHabit::OwnClock), ..self }
    }

    /// Needs a bus that forks.
    pub(crate) const fn forking(self) -> Self {
        Self { without: Some(BusHabit::NeverForks), ..self }
    }

    /// Its name as a test: the module's and its own.
    pub(crate) fn name(&self) -> String {
        let module = self.module.rsplit("::").next().unwrap();
        format!("{module}::{}", self.name)
    }

    pub(crate) fn suits(&self, bus: &dyn BusUnderTest) -> bool {
        self.class.is_none_or(|class| class == bus.class())
            && self.sharing.contains(&bus.sharing())
            && self.fault.is_none_or(|fault| bus.faults().contains(&fault))
            && self.without.is_none_or(|habit| !bus.habits().contains(&habit))
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, bus: &'static dyn BusUnderTest) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async { (self.begin)(TestStore::start(bus)).await });
        runtime.shutdown_background();
    }
}

/// The cases of a module, each with what it needs: `a_node_sees_it + together`.
macro_rules! bus_cases {
    ($($name:ident $(+ $flag:ident)*),* $(,)?) => {
        &[$($crate::buses::case::BusCase::new(module_path!(), stringify!($name), |store| Box::pin($name(store)))$(.$flag())*),*]
    };
}
