//! What a bench prints.

use std::{fmt, time::Duration};

use serde::Serialize;

use super::histogram::Summary;

/// The result, as `--json` prints it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Report {
    pub(super) server: String,
    pub(super) transport: String,
    pub(super) readers: u64,
    pub(super) channels: u64,
    /// Of each channel.
    pub(super) updates: u64,
    pub(super) post_bytes: u64,
    /// From the first publish to the last delivery.
    pub(super) seconds: f64,
    pub(super) updates_per_second: f64,
    pub(super) deliveries_per_second: f64,
    pub(super) answered: Summary,
    pub(super) delivered: Summary,
    pub(super) last_reader: Summary,
    /// Updates times their readers.
    pub(super) expected: u64,
    /// Deliveries that a newer one stood for.
    pub(super) left_out: u64,
    /// Deliveries that did not come until the deadline, or to readers that were lost.
    pub(super) missing: u64,
    pub(super) readers_lost: u64,
    /// Why one of them was.
    pub(super) lost_because: Option<String>,
    pub(super) client_cpu_seconds: Option<f64>,
    /// Of the process `--pid`.
    pub(super) server_cpu_seconds: Option<f64>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, transport, readers, channels, updates, post_bytes, .. } = self;
        writeln!(f, "{server}: {readers} readers over {transport} on {}", count(*channels, "channel"))?;
        writeln!(
            f,
            "{updates} updates of {post_bytes} bytes on each, {:.1} a second in all\n",
            self.updates_per_second
        )?;
        writeln!(f, "{:<26}{:>10}{:>10}{:>10}{:>10}", "milliseconds from sending", "p50", "p99", "max", "count")?;
        for (name, summary) in [
            ("to the server's answer", self.answered),
            ("to a reader", self.delivered),
            ("to the last reader", self.last_reader),
        ] {
            let Summary { count, p50_ms, p99_ms, max_ms } = summary;
            writeln!(f, "{name:<26}{p50_ms:>10.2}{p99_ms:>10.2}{max_ms:>10.2}{count:>10}")?;
        }
        let Self { expected, left_out, missing, .. } = self;
        write!(f, "\ndeliveries  {} of {expected}, {:.0} a second", self.delivered.count, self.deliveries_per_second)?;
        writeln!(f, "; a newer one stood for {left_out}, {missing} missing")?;
        if let Some(reason) = &self.lost_because {
            writeln!(f, "lost        {}, one because {reason}", count(self.readers_lost, "reader"))?;
        }
        self.write_cpu(f, "CPU server", self.server_cpu_seconds)?;
        self.write_cpu(f, "CPU bench", self.client_cpu_seconds)
    }
}

impl Report {
    fn write_cpu(&self, f: &mut fmt::Formatter<'_>, name: &str, seconds: Option<f64>) -> fmt::Result {
        let Some(seconds) = seconds else { return Ok(()) };
        let each = Duration::from_secs_f64(seconds / self.delivered.count.max(1) as f64);
        writeln!(f, "{name:<12}{seconds:.2} s, {:.1} µs a delivery", each.as_secs_f64() * 1e6)
    }
}

fn count(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let summary = Summary { count: 100, p50_ms: 0.5, p99_ms: 1.25, max_ms: 3.0 };
        Report {
            server: "http://127.0.0.1:8765".to_owned(),
            transport: "websocket".to_owned(),
            readers: 5,
            channels: 1,
            updates: 20,
            post_bytes: 500,
            seconds: 1.0,
            updates_per_second: 20.0,
            deliveries_per_second: 100.0,
            answered: summary,
            delivered: summary,
            last_reader: summary,
            expected: 100,
            left_out: 0,
            missing: 0,
            readers_lost: 0,
            lost_because: None,
            client_cpu_seconds: Some(0.02),
            server_cpu_seconds: None,
        }
    }

    #[test]
    fn a_report_has_what_was_measured_and_leaves_out_what_was_not() {
        let text = report().to_string();
        assert!(text.contains("5 readers over websocket on 1 channel\n"), "{text}");
        assert!(text.contains("to a reader                     0.50      1.25      3.00       100"), "{text}");
        assert!(text.contains("CPU bench   0.02 s, 200.0 µs a delivery"), "{text}");
        assert!(!text.contains("CPU server") && !text.contains("lost"), "{text}");
        let lost = Report { readers_lost: 1, lost_because: Some("it ended".to_owned()), ..report() };
        assert!(lost.to_string().contains("lost        1 reader, one because it ended"));
    }
}
