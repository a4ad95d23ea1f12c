//! The settings of the server: where it is, who comes in, how it stops.

use super::Setting;
use crate::{
    logs,
    settings::{addresses, check, choices, token, value::Value},
};

const LISTENING: &str = "Listening";
const BUS: &str = "The bus";
const PUBLISHING: &str = "Publishing";
const READERS: &str = "Who may read";
const TLS: &str = "TLS";
const LOGS: &str = "Logs";
const STOPPING: &str = "Stopping";

pub(super) static SETTINGS: &[Setting] = &[
    Setting::new(
        LISTENING,
        "listen",
        Value::Other {
            read: |settings, text| addresses::read_list(text).map(|listen| settings.listen = listen),
            show: |settings| settings.listen.join(","),
        },
        "Where readers and publishers connect; several with commas. Port 0 takes a free one. Sockets from systemd take its place",
    )
    .form("HOST:PORT")
    .everyday(),
    Setting::new(
        LISTENING,
        "prefix",
        Value::Other {
            read: |settings, text| choices::read_prefix(text).map(|prefix| settings.prefix = prefix),
            show: |settings| choices::show_prefix(&settings.prefix),
        },
        "The path before Live's routes, for a proxy that passes paths on as they are. /healthz and /readyz stay where they are",
    )
    .form("PATH")
    .everyday(),
    Setting::new(
        LISTENING,
        "admin",
        Value::Other {
            read: |settings, text| addresses::read_optional(text).map(|admin| settings.admin = admin),
            show: |settings| settings.admin.clone().unwrap_or_else(|| "none".to_owned()),
        },
        "Where the status page and /metrics are, for operators; none switches them off. There is no password: keep it on loopback",
    )
    .form("HOST:PORT|none")
    .everyday(),
    Setting::new(
        BUS,
        "bus",
        Value::Url {
            read: |settings, text| check::check_bus(text).map(|()| settings.bus = text.to_owned()),
            url: |settings| &settings.bus,
        },
        "What numbers, keeps and announces updates. memory: ends with the process; sqlite:FILE is on the disk, for one process; \
         redis://HOST:PORT/DB keeps pages for any number of servers; redis+pubsub://HOST:PORT/DB is what a Wagtail Live site publishes \
         to, redis+channels://HOST:PORT/DB one with Django Channels",
    )
    .form("URL")
    .everyday(),
    Setting::new(
        PUBLISHING,
        "publish-token",
        Value::Secret {
            read: |settings, text| token::read(text).map(|token| settings.publish_token = Some(token)),
            is_set: |settings| settings.publish_token.is_some(),
        },
        "The token that POST /publish/{channel}/ asks for; without one the route does not exist. none: anyone on this machine may \
         publish, which is possible on loopback only. Other users see flags: prefer the variable or a file",
    )
    .form("TOKEN|none")
    .everyday(),
    Setting::new(
        PUBLISHING,
        "publish-token-file",
        Value::Other {
            read: |settings, text| choices::read_path(text).map(|file| settings.publish_token_file = Some(file)),
            show: |settings| choices::show_path(settings.publish_token_file.as_ref()),
        },
        "A file with the token; two lines are two tokens, while one takes over from the other",
    )
    .form("FILE")
    .everyday(),
    Setting::new(
        PUBLISHING,
        "html",
        Value::Other {
            read: |settings, text| choices::read_html(text).map(|html| settings.config.html = html),
            show: |settings| choices::show_html(&settings.config.html),
        },
        "What happens to HTML that is published over HTTP. trust: whoever has the token may run scripts in readers' browsers",
    )
    .form("sanitize|trust"),
    Setting::new(
        READERS,
        "origins",
        Value::Other {
            read: |settings, text| choices::read_origins(text).map(|origins| settings.config.origins = origins),
            show: |settings| choices::show_origins(&settings.config.origins),
        },
        "The web pages that may connect: those on the same host name, a list such as https://news.example, or any. Set it where the \
         site has another host name than this server",
    )
    .form("ORIGINS")
    .everyday(),
    Setting::new(
        READERS,
        "trusted-proxies",
        Value::Other {
            read: |settings, text| {
                choices::read_trusted_proxies(text).map(|networks| settings.trusted_proxies = networks)
            },
            show: |settings| settings.trusted_proxies.join(","),
        },
        "Proxies that are believed when they say whom they forward for, such as 127.0.0.1,10.0.0.0/8. Without it all readers behind \
         a proxy count as one address",
    )
    .form("NETWORKS")
    .everyday(),
    Setting::new(
        READERS,
        "forwarded-header",
        Value::Other {
            read: |settings, text| {
                choices::read_forwarded_header(text).map(|header| settings.forwarded_header = header)
            },
            show: |settings| choices::show_forwarded_header(settings.forwarded_header),
        },
        "The header in which they say it",
    )
    .form("x-forwarded-for|forwarded"),
    Setting::new(
        READERS,
        "transports",
        Value::Other {
            read: |settings, text| {
                choices::read_transports(text).map(|transports| settings.config.transports = transports)
            },
            show: |settings| choices::show_transports(&settings.config.transports),
        },
        "What pages connect with. The server answers on all in any case; interval-polling alone makes Wagtail Live's route \
         answer without waiting",
    )
    .form("NAMES"),
    Setting::new(
        READERS,
        "public-cache",
        Value::Switch(|settings| &mut settings.config.public_cache),
        "Whether a CDN may keep answers to polls, for a second",
    ),
    Setting::new(
        TLS,
        "tls-cert",
        Value::Other {
            read: |settings, text| choices::read_path(text).map(|file| settings.tls_cert = Some(file)),
            show: |settings| choices::show_path(settings.tls_cert.as_ref()),
        },
        "The certificate and its chain, PEM. With it readers come by https:// and wss://. SIGHUP reads it again",
    )
    .form("FILE")
    .everyday(),
    Setting::new(
        TLS,
        "tls-key",
        Value::Other {
            read: |settings, text| choices::read_path(text).map(|file| settings.tls_key = Some(file)),
            show: |settings| choices::show_path(settings.tls_key.as_ref()),
        },
        "The certificate's private key, PEM",
    )
    .form("FILE")
    .everyday(),
    Setting::new(
        LOGS,
        "log",
        Value::Other {
            read: |settings, text| logs::check_filter(text).map(|()| settings.log = text.to_owned()),
            show: |settings| settings.log.clone(),
        },
        "What is logged: error, warn, info, debug or trace, also by part, such as info,live_core=debug",
    )
    .form("FILTER")
    .everyday(),
    Setting::new(
        LOGS,
        "log-format",
        Value::Other {
            read: |settings, text| choices::read_log_format(text).map(|format| settings.log_format = format),
            show: |settings| choices::show_log_format(settings.log_format),
        },
        "Log lines for people or for machines",
    )
    .form("text|json")
    .everyday(),
    Setting::new(
        STOPPING,
        "drain-delay",
        Value::Duration(|settings| &mut settings.drain_delay),
        "How long the server goes on after SIGTERM, with /readyz saying 503, so that a load balancer sends readers elsewhere",
    ),
    Setting::new(
        STOPPING,
        "drain-window",
        Value::Duration(|settings| &mut settings.config.drain_window),
        "Readers of a server that stops are told to come back within this time, each at a moment of its own",
    ),
    Setting::new(
        STOPPING,
        "drain-deadline",
        Value::Duration(|settings| &mut settings.config.drain_deadline),
        "How long that may take before the remaining connections are dropped",
    ),
];
