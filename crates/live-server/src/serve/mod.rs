//! `live serve`: the server.

mod admin;
mod health;
mod listeners;
mod loopback;
mod open_files;
mod readers;
mod signals;
mod systemd;

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{anyhow, bail};
use live_axum::{BusError, EventBus, Hub, bus};
use tokio::{runtime::Runtime, task::JoinSet};

use self::{
    admin::{About, Admin},
    health::Health,
    listeners::Listeners,
    signals::{Signal, Signals},
    systemd::Passed,
};
pub(crate) use crate::settings::Args;
use crate::{
    logs,
    settings::{self, InForce, LogFormat},
    tls::Tls,
};

/// As for flags that the command line's parser refuses.
const WRONG_SETTINGS: u8 = 2;

/// Serves until it is told to stop.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut in_force = match InForce::new(&args) {
        Ok(in_force) => in_force,
        Err(mistakes) => {
            eprintln!("live serve: {mistakes}");
            return Ok(ExitCode::from(WRONG_SETTINGS));
        }
    };
    if args.check {
        print(&in_force.describe());
        in_force.notes.iter().for_each(|note| eprintln!("live serve: {note}"));
        return Ok(ExitCode::SUCCESS);
    }
    // While there is one thread: it takes variables out of the environment.
    let passed = Passed::take()?;
    logs::start(&in_force.settings.log, in_force.settings.log_format);
    in_force.notes.iter().for_each(|note| tracing::warn!("{note}"));
    open_files::raise(in_force.settings.config.max_connections);
    let runtime = Runtime::new()?;
    let ended = runtime.block_on(serve(in_force, passed));
    // A second signal does not wait for what is under way.
    runtime.shutdown_background();
    ended
}

async fn serve(in_force: InForce, passed: Passed) -> anyhow::Result<ExitCode> {
    let signals = Signals::listen()?;
    let listeners = Listeners::open(&in_force, passed)?;
    let settings = in_force.settings;
    settings::check_open_publishing(&settings, &listeners.reader_addresses()?).map_err(|mistake| anyhow!(mistake))?;
    let tls = Tls::load(&settings)?;
    let about = About::new(&settings, &listeners)?;
    let bus = bus::from_url(&settings.bus, &settings.config)?;
    refuse_unfit(&*bus, settings.config.bus_deadline).await?;
    let hub = Hub::new(Arc::clone(&bus), settings.config)?;
    let health = Health::watch(bus, &hub);
    let app = readers::router(&hub, &settings.prefix, &health);
    let mut serving = JoinSet::new();
    for listener in listeners.readers {
        serving.spawn(readers::serve(listener, tls.clone(), app.clone(), hub.clone()));
    }
    announce(&about, settings.log_format);
    let admin = Admin::start(listeners.admin, &hub, &health, about).await?;
    systemd::ready();
    let server = Server { hub, health, tls, drain_delay: settings.drain_delay, serving, signals };
    let ended = server.run().await;
    admin.stop().await;
    ended
}

/// A bus that is down is waited for; one that cannot keep its promises is a mistake in the settings.
async fn refuse_unfit(bus: &dyn EventBus, deadline: Duration) -> anyhow::Result<()> {
    match tokio::time::timeout(deadline, bus.check()).await {
        Ok(Err(error @ BusError::Unfit { .. })) => Err(error.into()),
        _ => Ok(()),
    }
}

/// Says where the server is: to a person on standard output, to a machine in the log.
fn announce(about: &About, format: LogFormat) {
    match format {
        LogFormat::Json => {
            let (readers, admin) = (about.reader_urls.join(" "), about.admin_urls.join(" "));
            tracing::info!(readers, admin, "listening");
        }
        LogFormat::Text => {
            about.reader_urls.iter().for_each(|url| print(&format!("listening on {url}")));
            about.admin_urls.iter().for_each(|url| print(&format!("status page on {url}/")));
        }
    }
}

/// Writes a line to standard output, which may be closed: the server serves all the same.
fn print(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// A server whose listeners are served.
struct Server {
    hub: Hub,
    health: Arc<Health>,
    tls: Option<Arc<Tls>>,
    drain_delay: Duration,
    serving: JoinSet<io::Result<()>>,
    signals: Signals,
}

impl Server {
    async fn run(mut self) -> anyhow::Result<ExitCode> {
        loop {
            tokio::select! {
                signal = self.signals.next() => match signal {
                    Signal::Reload => self.reload(),
                    Signal::Stop => return Ok(self.stop().await),
                },
                Some(ended) = self.serving.join_next() => bail!("a listener ended by itself: {ended:?}"),
            }
        }
    }

    fn reload(&self) {
        // systemd waits for this, whether there is something to read or not.
        systemd::reloading();
        match self.tls.as_ref().map(|tls| tls.reload()) {
            None => tracing::info!("nothing to read again: there is no tls-cert"),
            Some(Ok(())) => tracing::info!("certificate read again"),
            Some(Err(error)) => tracing::error!(error = format!("{error:#}"), "the certificate stays as it was"),
        }
        systemd::ready();
    }

    /// Readers are told when to come back; a second signal ends it.
    async fn stop(self) -> ExitCode {
        let Self { hub, health, drain_delay, mut serving, mut signals, .. } = self;
        health.set_stopping();
        systemd::stopping(hub.readers());
        let drained = async {
            tokio::time::sleep(drain_delay).await;
            hub.drain().await;
            while serving.join_next().await.is_some() {}
        };
        tokio::select! {
            () = drained => {}
            () = signals.stop() => {
                tracing::warn!(readers = hub.readers(), "ending at once");
                return ExitCode::FAILURE;
            }
        }
        match hub.readers() {
            0 => tracing::info!("stopped"),
            readers => tracing::warn!(readers, "stopped; these were not gone in time"),
        }
        ExitCode::SUCCESS
    }
}
