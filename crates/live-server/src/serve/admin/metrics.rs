//! `/metrics`, for Prometheus. No label is a channel: there may be any number of them, and their names are the site's affair.

use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use live_axum::{FanOut, Hub, Metrics, TransportMetrics};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet, text::encode},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};

use crate::serve::health::Health;

/// The route.
pub(super) fn routes(hub: Hub, health: &Arc<Health>) -> Router {
    let mut registry = Registry::default();
    let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    registry.register_collector(Box::new(Exporter { hub, health: Arc::clone(health), started }));
    Router::new().route("/metrics", get(answer)).with_state(Arc::new(registry))
}

async fn answer(State(registry): State<Arc<Registry>>) -> Response {
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")], text).into_response(),
        Err(fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Reads the counters when it is asked.
#[derive(Debug)]
struct Exporter {
    hub: Hub,
    health: Arc<Health>,
    /// Seconds since the Unix epoch.
    started: f64,
}

/// A number of each transport: its name, its help, and where it is.
type Field = (&'static str, &'static str, fn(&TransportMetrics) -> u64);

const COUNTERS_BY_TRANSPORT: [Field; 5] = [
    ("live_joins", "Readers that came; for interval polling: polls", |of| of.joined),
    ("live_deliveries", "Frames that brought a reader something", |of| of.deliveries),
    ("live_conflations", "Frames in place of several, to slow readers of streams", |of| of.conflations),
    ("live_resets", "Frames that replaced the whole page", |of| of.resets),
    ("live_reloads", "Frames that sent a reader back to its HTML", |of| of.reloads),
];

impl Collector for Exporter {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let metrics = self.hub.metrics();
        let by_transport = &metrics.transports;
        gauges(&mut encoder, ("live_readers", "Readers at the moment", |of| of.readers), by_transport)?;
        for field in COUNTERS_BY_TRANSPORT {
            counters(&mut encoder, field, None, by_transport)?;
        }
        let bytes: Field = ("live_sent", "Bytes of frames, heartbeats included, without what HTTP adds", |of| of.bytes);
        counters(&mut encoder, bytes, Some(&Unit::Bytes), by_transport)?;
        self.totals(&mut encoder, &metrics)?;
        fan_out(&mut encoder, &metrics.fan_out)
    }
}

impl Exporter {
    fn totals(&self, encoder: &mut DescriptorEncoder<'_>, metrics: &Metrics) -> fmt::Result {
        for (name, help, value) in [
            ("live_updates", "Updates that reached pages with readers", metrics.updates),
            ("live_publishes", "Publishes over HTTP that succeeded, repetitions of a key included", metrics.published),
            (
                "live_publish_failures",
                "Publishes over HTTP that failed or were refused by the bus",
                metrics.publish_failures,
            ),
        ] {
            one(encoder, name, help, &ConstCounter::new(value))?;
        }
        for (name, help, value) in [
            ("live_open_pages", "Pages with readers, or within the linger", metrics.open_pages),
            ("live_stale_pages", "Those of them whose head the bus does not confirm", metrics.stale_pages),
            ("live_bus_subscriptions", "Channels that the bus is subscribed to", metrics.subscriptions),
            ("live_bus_up", "Whether the bus answers", u64::from(self.health.bus_is_up())),
            ("live_stopping", "Whether readers are being sent away", u64::from(self.health.is_stopping())),
        ] {
            one(encoder, name, help, &ConstGauge::new(value as i64))?;
        }
        let help = "When the process started, since the Unix epoch";
        let started = ConstGauge::new(self.started);
        started.encode(encoder.encode_descriptor(
            "process_start_time",
            help,
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?)?;
        let mut build = encoder.encode_descriptor("live_build", "The version", None, MetricType::Info)?;
        build.encode_info(&[("version", env!("CARGO_PKG_VERSION"))])
    }
}

fn one(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, metric: &impl EncodeMetric) -> fmt::Result {
    metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
}

fn counters(
    encoder: &mut DescriptorEncoder<'_>,
    field: Field,
    unit: Option<&Unit>,
    all: &[TransportMetrics],
) -> fmt::Result {
    let (name, help, value) = field;
    let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Counter)?;
    for each in all {
        let labels = [("transport", each.transport.name())];
        ConstCounter::new(value(each)).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn gauges(encoder: &mut DescriptorEncoder<'_>, field: Field, all: &[TransportMetrics]) -> fmt::Result {
    let (name, help, value) = field;
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for each in all {
        let labels = [("transport", each.transport.name())];
        ConstGauge::new(value(each) as i64).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn fan_out(encoder: &mut DescriptorEncoder<'_>, fan_out: &FanOut) -> fmt::Result {
    let help = "From the arrival of an update until a reader of a stream was handed its frame";
    let mut histogram = encoder.encode_descriptor("live_fan_out", help, Some(&Unit::Seconds), MetricType::Histogram)?;
    let bounds = FanOut::BOUNDS.iter().map(std::time::Duration::as_secs_f64).chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = bounds.zip(fan_out.counts).collect();
    histogram.encode_histogram::<NoLabelSet>(fan_out.sum.as_secs_f64(), fan_out.counts.iter().sum(), &buckets, None)
}
