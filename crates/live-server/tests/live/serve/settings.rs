//! Flags, environment, file, and `--check`.

use crate::{
    files::Folder,
    server::{live, ran, serve},
};

/// How `live serve --check` ends: its exit code, standard output and standard error.
fn check(arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = live();
    command.args(["serve", "--check"]).args(arguments).envs(environment.iter().copied());
    ran(command)
}

/// The line of a setting: its value, and where it came from.
fn line<'a>(checked: &'a str, name: &str) -> (&'a str, &'a str) {
    let line = checked
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name} = ")))
        .unwrap_or_else(|| panic!("no {name}"));
    let (value, source) = line.split_once(" # ").unwrap();
    (value.trim(), source)
}

#[test]
fn a_flag_wins_over_its_variable_the_variable_over_the_file_and_the_file_over_the_default() {
    let folder = Folder::new();
    let file = folder.write("live.toml", "heartbeat = \"11s\"\ngrace = \"12s\"\nlinger = \"13s\"\nmax-posts = 7");
    let environment = [("LIVE_HEARTBEAT", "21s"), ("LIVE_GRACE", "22s"), ("LIVE_CONFIG", &file)];
    let (code, checked, _) = check(&["--heartbeat", "31s"], &environment);
    assert_eq!(code, 0);
    assert_eq!(line(&checked, "heartbeat"), ("\"31s\"", "--heartbeat"));
    assert_eq!(line(&checked, "grace"), ("\"22s\"", "LIVE_GRACE"));
    assert_eq!(line(&checked, "linger"), ("\"13s\"", file.as_str()));
    assert_eq!(line(&checked, "max-posts"), ("7", file.as_str()));
    assert_eq!(line(&checked, "write-deadline"), ("\"30s\"", "default"));
}

#[test]
fn what_check_prints_is_a_file_that_says_the_same() {
    let folder = Folder::new();
    let arguments =
        ["--origins", "https://a.example,https://b.example", "--max-page-bytes", "3MiB", "--prefix", "/live/"];
    let (_, first, _) = check(&arguments, &[]);
    let file = folder.write("live.toml", &first);
    let (code, second, _) = check(&["--config", &file], &[]);
    assert_eq!(code, 0);
    let values = |checked: &str| -> Vec<String> {
        checked
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split(" # ").next().unwrap().trim().to_owned())
            .collect()
    };
    assert_eq!(values(&first), values(&second));
    assert_eq!(line(&second, "prefix").0, "\"/live\"");
}

#[test]
fn check_shows_no_secret_and_opens_nothing() {
    let folder = Folder::new();
    let bus = format!("sqlite:{}", folder.path("live.db"));
    let (code, out, err) = check(&["--bus", &bus], &[("LIVE_PUBLISH_TOKEN", "hush-hush")]);
    assert_eq!(code, 0);
    assert!(out.contains("publish-token is set, and not shown") && out.contains("# LIVE_PUBLISH_TOKEN"), "{out}");
    let (_, redis, _) = check(&["--bus", "redis+pubsub://me:hush-hush@127.0.0.1:1/1"], &[]);
    assert!(redis.contains("# bus is set, and not shown: redis+pubsub://***@127.0.0.1:1/1 "), "{redis}");
    let broken = Folder::new();
    let file = broken.write("live.toml", "heartbeat = \"20s\"\npublish-token = \"hush-hush");
    let (code, _, mistake) = check(&["--config", &file], &[]);
    assert!(code == 2 && mistake.contains("live.toml: line 2: "), "{mistake}");
    let (_, _, unknown) = check(&["--bus", "amqp:hush-hush@h"], &[]);
    let (_, _, port) = check(&["--bus", "redis+pubsub://:hush-hush@h:port/1?password=hush"], &[]);
    assert!(!format!("{out}{err}{redis}{mistake}{unknown}{port}").contains("hush"));
    assert_eq!(folder.as_path().read_dir().unwrap().count(), 0);
}

#[test]
fn every_mistake_is_told_with_what_to_do() {
    let folder = Folder::new();
    let unknown = folder.write("unknown.toml", "hartbeat = \"20s\"");
    let no_toml = folder.write("no.toml", "heartbeat 20s");
    let empty = folder.write("empty", "\n");
    let missing = folder.path("missing");
    for (arguments, part) in [
        (&["--heartbeat", "25"][..], "heartbeat (from --heartbeat): \"25\" is not a duration; write"),
        (&["--heartbeat", "2m"], "silence-deadline must be longer than heartbeat"),
        (&["--max-posts", "0"], "max-posts (from --max-posts): \"0\" is not a whole number above 0"),
        (&["--max-post-bytes", "1KB"], "write a whole number with KiB, MiB or GiB"),
        (&["--max-post-bytes", "32MiB"], "max-post-bytes must be at most max-page-bytes"),
        (&["--listen", "8765"], "write HOST:PORT"),
        (&["--listen", "127.0.0.1:8766"], "127.0.0.1:8766 is there twice"),
        (&["--prefix", "live"], "write / or a path such as /live"),
        (&["--bus", "kafka://h"], "there are memory:, sqlite:FILE, redis://HOST:PORT/DATABASE"),
        (&["--bus", "redis+sentinel://127.0.0.1"], "the service that the sentinels watch is missing"),
        (&["--bus", "sqlite:no/such/folder/live.db"], "there is no folder no/such/folder"),
        (&["--origins", "https://news.example/"], "write https://news.example, without a path"),
        (&["--trusted-proxies", "proxy"], "addresses or networks"),
        (&["--transports", "pigeon"], "there are websocket, sse, long-polling, interval-polling"),
        (&["--public-cache", "yes"], "neither true nor false"),
        (&["--log", "loud"], "write error, warn, info, debug or trace"),
        (&["--log-format", "xml"], "there are text, json"),
        (&["--publish-token", "two words"], "characters other than visible ASCII"),
        (&["--publish-token", "none", "--listen", "0.0.0.0:0"], "listen on 127.0.0.1, or give a token"),
        (&["--publish-token", "a", "--publish-token-file", &empty], "choose one"),
        (&["--publish-token-file", &empty], "has no token in it"),
        (&["--publish-token-file", &missing], "cannot read"),
        (&["--tls-cert", &missing], "tls-cert needs its tls-key"),
        (&["--tls-cert", &empty, "--tls-key", &empty], "has no certificate in it"),
        (&["--config", &missing], "cannot read"),
        (&["--config", &no_toml], "line 1"),
        (&["--config", &unknown], "unknown key hartbeat; there are listen, prefix, admin"),
    ] {
        let (code, out, err) = check(arguments, &[]);
        assert!(err.contains(part), "{arguments:?}: {err}");
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
    }
}

#[test]
fn the_settings_of_a_wagtail_live_site_are_understood() {
    let starlette = ("WAGTAIL_LIVE_PUBLISHER", "wagtail_live.publishers.starlette.StarlettePublisher");
    let environment = [
        starlette,
        ("WAGTAIL_LIVE_SERVER_PORT", "9001"),
        ("WAGTAIL_LIVE_REDIS_URL", "redis://127.0.0.1:1/3"),
        ("WAGTAIL_LIVE_POLLING_INTERVAL", "5000"),
        ("WAGTAIL_LIVE_POLLING_TIMEOUT", "45"),
    ];
    let (code, checked, _) = check(&[], &environment);
    assert_eq!(code, 0);
    assert_eq!(line(&checked, "listen"), ("\"localhost:9001\"", "WAGTAIL_LIVE_SERVER_PORT"));
    assert_eq!(line(&checked, "bus"), ("\"redis+pubsub://127.0.0.1:1/3\"", "WAGTAIL_LIVE_REDIS_URL"));
    assert_eq!(line(&checked, "transports"), ("\"websocket\"", "WAGTAIL_LIVE_PUBLISHER"));
    assert_eq!(line(&checked, "poll-interval").0, "\"5s\"");
    assert_eq!(line(&checked, "long-poll-timeout").0, "\"45s\"");
    let (_, ours, _) = check(&["--listen", "127.0.0.1:1"], &[starlette, ("LIVE_BUS", "memory:")]);
    assert_eq!(line(&ours, "bus"), ("\"memory:\"", "LIVE_BUS"));
    let channels = ("WAGTAIL_LIVE_PUBLISHER", "wagtail_live.publishers.django_channels.DjangoChannelsPublisher");
    let (_, checked, _) = check(&[], &[channels]);
    assert_eq!(line(&checked, "bus"), ("\"redis+channels://127.0.0.1:6379/0\"", "WAGTAIL_LIVE_PUBLISHER"));

    let (code, _, err) = check(&[], &[("WAGTAIL_LIVE_PUBLISHER", "mysite.publishers.Own")]);
    assert!(code == 2 && err.contains("there are wagtail_live.publishers.starlette.StarlettePublisher"), "{err}");
    let folder = Folder::new();
    let (cert, key) = crate::files::certificate(&folder, "a");
    let plain = [("WAGTAIL_LIVE_USE_SECURE_WS_CONNECTION", "False")];
    let (code, _, err) = check(&["--tls-cert", &cert, "--tls-key", &key], &plain);
    assert!(code == 2 && err.contains("pages connect with ws://"), "{err}");
    let (code, _, err) = check(&[], &[("WAGTAIL_LIVE_USE_SECURE_WS_CONNECTION", "True")]);
    assert!(code == 0 && err.contains("a proxy in front has to take TLS off"), "{err}");
}

#[test]
fn help_has_the_everyday_settings_and_all_of_them_on_request() {
    let help = |flag| {
        let mut command = live();
        command.args(["serve", flag]);
        let (code, out, _) = ran(command);
        assert_eq!(code, 0);
        out.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let (short, long) = (help("-h"), help("--help"));
    for part in
        ["Listening:", "--bus <URL>", "[default: 127.0.0.1:8765] [env: LIVE_LISTEN]", "live serve --publish-token none"]
    {
        assert!(short.contains(part) && (long.contains(part)), "{part}");
    }
    assert!(long.contains("1 could not start or go on, or ended at once by a second signal"), "{long}");
    assert!(!short.contains("--ring-frames") && long.contains("--ring-frames <NUMBER>"));
}

#[test]
fn an_address_that_is_taken_is_named_and_only_the_default_status_page_may_be_missing() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = live();
    command.args(["serve", "--admin", "none", "--listen", &address]);
    let (code, _, err) = ran(command);
    assert!(code == 1 && err.contains(&format!("cannot listen on {address}")), "{err}");
    let mut command = serve();
    command.args(["--admin", &address]);
    let (code, _, err) = ran(command);
    assert!(code == 1 && err.contains(&format!("cannot listen on {address} (admin)")), "{err}");
}

#[test]
fn a_file_that_another_server_holds_is_named() {
    let folder = Folder::new();
    let bus = format!("sqlite:{}", folder.path("live.db"));
    let _first = crate::server::Server::start(&["--bus", &bus]);
    let mut command = serve();
    command.args(["--admin", "none", "--bus", &bus, "--bus-deadline", "100ms"]);
    let (code, _, err) = ran(command);
    assert!(code == 1 && err.contains("cannot open the bus") && err.contains("live.db"), "{err}");
}
