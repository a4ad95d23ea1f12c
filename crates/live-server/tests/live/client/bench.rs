//! `live bench`.

use std::process::Command;

use live_axum::Transport;

use super::{command::run, site::Site};

#[test]
fn a_bench_reports_what_it_measured_and_leaves_nothing_behind() {
    let site = Site::start();
    let pid = std::process::id().to_string();
    let arguments = ["bench", &site.url(), "--readers", "7", "--channels", "2", "--updates", "10", "--rate", "0"];
    let arguments = [&arguments[..], &["--channel", "b", "--pid", &pid]].concat();
    let ran = run(site.live(&arguments), "").ends_with(0);
    for part in ["7 readers over websocket on 2 channels", "to the last reader", "0 missing", "CPU server", "CPU bench"]
    {
        assert!(ran.out.contains(part), "{part} is not in {ran:?}");
    }
    assert_eq!((site.ids("b-1"), site.ids("b-2")), (Vec::new(), Vec::new()));
    site.has_readers(0);
}

#[test]
fn every_delivery_is_accounted_for_on_every_transport() {
    let site = Site::start();
    for transport in Transport::ALL {
        let arguments = ["bench", &site.url(), "--json", "--readers", "5", "--updates", "8", "--rate", "100"];
        let arguments = [&arguments[..], &["--transport", transport.name()]].concat();
        let ran = run(site.live(&arguments), "").ends_with(0);
        let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let number = |name: &str| report[name].as_u64().unwrap();
        assert_eq!((number("expected"), number("missing"), number("readers_lost")), (40, 0, 0), "{report}");
        let delivered = report["delivered"]["count"].as_u64().unwrap();
        assert_eq!(delivered + number("left_out"), 40, "{report}");
        assert_eq!(report["last_reader"]["count"], 8, "{report}");
        assert_eq!(report["answered"]["count"], 8, "{report}");
    }
}

#[test]
fn a_bench_that_cannot_be_is_refused_with_what_to_do() {
    let site = Site::start();
    // The server must be named: an environment variable is not enough.
    run(site.live(&["bench"]), "").ends_with(2).saying("<URL>");
    run(site.live(&["bench", &site.url(), "--pid", "4294967295"]), "").ends_with(2).saying("process 4294967295");
    let mut few_files = Command::new("sh");
    let bench = format!("ulimit -n 100; exec {} bench {} --readers 200", env!("CARGO_BIN_EXE_live"), site.url());
    few_files.args(["-c", &bench]);
    run(few_files, "").ends_with(2).saying("ulimit -n");
    let elsewhere = format!("http://{}/elsewhere", site.address);
    run(site.live(&["bench", &elsewhere]), "").ends_with(3).saying("404");
}

#[test]
fn a_server_with_too_few_places_ends_the_bench() {
    let config = live_axum::Config { max_connections: 3, ..super::site::quick() };
    let site = Site::with(config, |hub| axum::Router::new().nest("/live", live_axum::routes(hub)));
    run(site.live(&["bench", &site.url(), "--readers", "5"]), "").ends_with(4).saying("of 5: the server answers 503");
    site.has_readers(0);
}
