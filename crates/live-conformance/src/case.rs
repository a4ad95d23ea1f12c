//! A case: one behaviour, written once.

use std::pin::Pin;

use crate::{
    adapter::{Adapter, Routes, Serve},
    aftermath,
};

/// A case and what it needs.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    module: &'static str,
    name: &'static str,
    begin: fn(Adapter) -> Pin<Box<dyn Future<Output = ()>>>,
    has_threads: bool,
    needs: Needs,
}

/// What a case needs of the adapter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    All,
    /// The WebSocket route.
    WebSocket,
    /// All routes by the framework's own server.
    Framework,
}

impl Case {
    pub(crate) const fn new(
        module: &'static str,
        name: &'static str,
        begin: fn(Adapter) -> Pin<Box<dyn Future<Output = ()>>>,
    ) -> Self {
        Self { module, name, begin, has_threads: false, needs: Needs::All }
    }

    /// Runs its servers and readers on two threads, not on one.
    pub(crate) const fn threaded(self) -> Self {
        Self { has_threads: true, ..self }
    }

    /// Needs no other route than the WebSocket.
    pub(crate) const fn websocket(self) -> Self {
        Self { needs: Needs::WebSocket, ..self }
    }

    /// Runs on the framework's own server.
    pub(crate) const fn framework(self) -> Self {
        Self { needs: Needs::Framework, ..self }
    }

    /// Its name as a test: the module's and its own.
    pub(crate) fn name(&self) -> String {
        let module = self.module.rsplit("::").next().unwrap();
        format!("{module}::{}", self.name)
    }

    pub(crate) fn suits(&self, adapter: &dyn Serve, by_framework: bool) -> bool {
        match self.needs {
            Needs::All => adapter.routes() == Routes::All,
            Needs::WebSocket => true,
            Needs::Framework => by_framework,
        }
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, adapter: Adapter) {
        let mut builder = match self.has_threads {
            true => tokio::runtime::Builder::new_multi_thread(),
            false => tokio::runtime::Builder::new_current_thread(),
        };
        let runtime = builder.worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            aftermath::begin();
            (self.begin)(adapter).await;
            aftermath::check().await;
        });
        runtime.shutdown_background();
    }
}

/// The cases of a module, each with what it needs: `a_reader_gets_it + websocket`.
macro_rules! cases {
    ($($name:ident $(+ $flag:ident)*),* $(,)?) => {
        &[$($crate::case::Case::new(module_path!(), stringify!($name), |adapter| Box::pin($name(adapter)))$(.$flag())*),*]
    };
}
