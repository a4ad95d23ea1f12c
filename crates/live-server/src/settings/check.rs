//! The settings against each other, and what follows from several of them.

use std::{net::SocketAddr, path::Path, time::Duration};

use live_axum::{Publishing, TrustedProxies, bus};

use super::{InForce, Settings, addresses::resolve, secrets, sources::Source, token, value::show_duration};
use crate::tls;

/// Makes the configuration of what was read; the sentences say what cannot be.
pub(super) fn settle(in_force: &mut InForce) -> Vec<String> {
    let mut mistakes = Vec::new();
    let mut check = |checked: Result<(), String>| mistakes.extend(checked.err());
    check(settle_publishing(in_force));
    check(secrets::settle_piesocket(in_force).and_then(|()| secrets::settle_tokens(in_force)));
    check(settle_proxies(&mut in_force.settings));
    check(settle_linger(in_force).and_then(|()| check_config(&in_force.settings)));
    let settings = &in_force.settings;
    check(check_sizes(settings));
    check(check_listeners(settings));
    check(check_tls(settings));
    check(check_bus_opens(settings));
    in_force.notes.extend(notes(settings));
    mistakes
}

/// The token, or the file with tokens: the one that was said with more weight.
fn settle_publishing(in_force: &mut InForce) -> Result<(), String> {
    let (token, file) = (in_force.source("publish-token").clone(), in_force.source("publish-token-file").clone());
    let settings = &mut in_force.settings;
    let is_same = std::mem::discriminant(&token) == std::mem::discriminant(&file) && token != Source::Default;
    if is_same {
        return Err(format!("publish-token and publish-token-file are both set ({token}, {file}); choose one"));
    }
    let publishing = match (&settings.publish_token, &settings.publish_token_file) {
        (Some(text), _) if token > file => token::publishing(text),
        (_, Some(path)) => token::publishing_from(path)?,
        _ => Publishing::Off,
    };
    settings.config.publishing = publishing;
    Ok(())
}

fn settle_proxies(settings: &mut Settings) -> Result<(), String> {
    let networks = settings.trusted_proxies.iter().map(String::as_str);
    let proxies = TrustedProxies::new(networks).map_err(|error| error.to_string())?;
    settings.config.trusted_proxies = proxies.header(settings.forwarded_header);
    Ok(())
}

/// Interval polling needs pages that outlive some polls: of linger and the longest interval, what nobody chose follows the other.
fn settle_linger(in_force: &mut InForce) -> Result<(), String> {
    let fits_linger = Duration::from_millis(in_force.settings.config.linger.as_millis() as u64 / LINGER_IN_POLLS);
    if in_force.is_said("linger")
        && !in_force.is_said("max-poll-interval")
        && in_force.settings.config.max_poll_interval > fits_linger
    {
        in_force.settings.config.max_poll_interval = fits_linger;
        in_force.sources.insert("max-poll-interval", Source::Fitted("a third of linger"));
    }
    let config = &mut in_force.settings.config;
    let longest = config.longest_poll_interval();
    if config.linger >= LINGER_IN_POLLS as u32 * longest {
        return Ok(());
    }
    let (name, how) = match longest > config.poll_interval {
        true => ("max-poll-interval", "three times max-poll-interval"),
        false => ("poll-interval", "three times poll-interval"),
    };
    if in_force.sources.contains_key("linger") {
        return Err(format!(
            "linger ({}, from {}) must be at least three times {name} ({}, from {})",
            show_duration(config.linger),
            in_force.source("linger"),
            show_duration(longest),
            in_force.source(name),
        ));
    }
    config.linger = LINGER_IN_POLLS as u32 * longest;
    in_force.sources.insert("linger", Source::Fitted(how));
    Ok(())
}

/// As `Config::linger` says.
const LINGER_IN_POLLS: u64 = 3;

fn check_config(settings: &Settings) -> Result<(), String> {
    let in_flags = |text: &str| text.replace("tokens.", "jwt-").replace('_', "-");
    settings.config.check().map_err(|error| format!("{} must be {}", in_flags(error.field), in_flags(error.wanted)))
}

fn check_sizes(settings: &Settings) -> Result<(), String> {
    let config = &settings.config;
    for (name, bytes) in
        [("max-page-bytes", config.page.max_page_bytes), ("max-publish-bytes", config.max_publish_bytes)]
    {
        if config.page.max_post_bytes > bytes {
            return Err(format!("max-post-bytes must be at most {name}"));
        }
    }
    Ok(())
}

fn check_listeners(settings: &Settings) -> Result<(), String> {
    let mut seen: Vec<SocketAddr> = Vec::new();
    for address in settings.listen.iter().chain(&settings.admin) {
        for resolved in resolve(address)? {
            if resolved.port() != 0 && seen.contains(&resolved) {
                return Err(format!("{address} is there twice; every listener has an address of its own"));
            }
            seen.push(resolved);
        }
    }
    check_open_publishing(settings, &resolve_all(settings)?)
}

fn resolve_all(settings: &Settings) -> Result<Vec<SocketAddr>, String> {
    let resolved: Result<Vec<_>, _> = settings.listen.iter().map(|address| resolve(address)).collect();
    Ok(resolved?.into_iter().flatten().collect())
}

/// Publishing without a token is for this machine alone. `listeners` are the addresses as they are bound, or will be.
pub(crate) fn check_open_publishing(settings: &Settings, listeners: &[SocketAddr]) -> Result<(), String> {
    let public = listeners.iter().find(|address| !address.ip().to_canonical().is_loopback());
    match public {
        Some(address) if settings.publishing_is_open() => Err(format!(
            "publish-token none would let everyone who reaches {address} publish; listen on 127.0.0.1, or give a token"
        )),
        _ => Ok(()),
    }
}

fn check_tls(settings: &Settings) -> Result<(), String> {
    match (&settings.tls_cert, &settings.tls_key) {
        (Some(_), Some(_)) if settings.secure_websockets == Some(false) => {
            Err("WAGTAIL_LIVE_USE_SECURE_WS_CONNECTION says that pages connect with ws://, but with tls-cert this server takes wss:// only".to_owned())
        }
        (Some(cert), Some(key)) => tls::read(cert, key).map(drop).map_err(|error| format!("{error:#}")),
        (Some(_), None) => Err("tls-cert needs its tls-key".to_owned()),
        (None, Some(_)) => Err("tls-key needs its tls-cert".to_owned()),
        (None, None) => Ok(()),
    }
}

fn notes(settings: &Settings) -> Vec<String> {
    let mut notes = Vec::new();
    let is_public = |address: &String| {
        resolve(address).is_ok_and(|resolved| resolved.iter().any(|address| !address.ip().is_loopback()))
    };
    if let Some(admin) = settings.admin.as_ref().filter(|admin| is_public(admin)) {
        notes.push(format!("the status page on {admin} has no password, and others can reach it"));
    }
    if settings.bus == "memory:" {
        notes.push("pages end with this process; --bus sqlite:live.db keeps them".to_owned());
    }
    let nobody = settings.config.publishing.is_off() && settings.config.piesocket.is_off();
    if nobody && !settings.bus.starts_with("redis") {
        notes.push("nobody can publish: there is no publish-token".to_owned());
    }
    if settings.secure_websockets == Some(true) && settings.tls_cert.is_none() {
        notes.push(
            "pages connect with wss://, and there is no tls-cert: a proxy in front has to take TLS off".to_owned(),
        );
    }
    notes
}

/// What there is: the schemes, and how a URL with them looks.
const BUSES: [(&[&str], &str); 7] = [
    (&["memory"], "memory:"),
    (&["sqlite"], "sqlite:FILE"),
    (&["redis", "rediss"], "redis://HOST:PORT/DATABASE"),
    (&["redis+sentinel", "rediss+sentinel"], "redis+sentinel://HOST:PORT,HOST:PORT/SERVICE"),
    (&["redis+cluster", "rediss+cluster"], "redis+cluster://HOST:PORT,HOST:PORT"),
    (&["redis+pubsub", "rediss+pubsub"], "redis+pubsub://HOST:PORT/DATABASE"),
    (&["redis+channels", "rediss+channels"], "redis+channels://HOST:PORT/DATABASE"),
];

/// Whether there is a bus with such a URL.
pub(super) fn check_bus(url: &str) -> Result<(), String> {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme);
    if scheme.is_some_and(is_known) {
        return Ok(());
    }
    let forms: Vec<_> = BUSES.iter().map(|(_, form)| *form).collect();
    Err(format!("{:?} is not a bus; there are {}", redacted(url), forms.join(", ")))
}

/// Whether the bus could be opened, as far as it shows without opening it.
fn check_bus_opens(settings: &Settings) -> Result<(), String> {
    if let Some(("sqlite", file)) = settings.bus.split_once(':') {
        return check_file(Path::new(file.strip_prefix("//").unwrap_or(file)));
    }
    // What the bus would start is dropped before it runs: this runtime is never driven.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let _inside = runtime.enter();
    bus::from_url(&settings.bus, &settings.config).map(drop).map_err(|error| error.to_string())
}

/// A file that is there, or could be made.
fn check_file(file: &Path) -> Result<(), String> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match () {
        () if file.as_os_str().is_empty() => Err("the bus sqlite: names no file; write sqlite:live.db".to_owned()),
        () if file.is_dir() => Err(format!("the bus sqlite:{} is a folder; name a file in it", file.display())),
        () if !folder.is_dir() => {
            Err(format!("the bus sqlite:{}: there is no folder {}", file.display(), folder.display()))
        }
        () => Ok(()),
    }
}

/// A bus's URL without user, password and query; of one that is not known, the scheme.
pub(crate) fn redacted(url: &str) -> String {
    let is_scheme = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    match url.split_once(':') {
        Some(("memory" | "sqlite", _)) => url.to_owned(),
        Some((scheme, rest)) if scheme.starts_with("redis") && is_known(scheme) => {
            format!("{scheme}:{}", redacted_address(rest))
        }
        Some((scheme, _)) if is_scheme(scheme) => format!("{scheme}:{HIDDEN}"),
        None if !url.contains('@') => url.to_owned(),
        _ => HIDDEN.to_owned(),
    }
}

fn is_known(scheme: &str) -> bool {
    BUSES.iter().any(|(schemes, _)| schemes.contains(&scheme))
}

/// What follows the colon of a URL (RFC 3986 §3).
fn redacted_address(rest: &str) -> String {
    let (address, query) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    // An @ after the question mark may end a password with a question mark in it.
    if query.contains('@') || !(rest.is_empty() || rest.starts_with("//")) {
        return HIDDEN.to_owned();
    }
    let address = match address.rsplit_once('@') {
        Some((_, host)) => format!("//{HIDDEN}@{host}"),
        None => address.to_owned(),
    };
    match query.chars().next() {
        Some(mark) => format!("{address}{mark}{HIDDEN}"),
        None => address,
    }
}

const HIDDEN: &str = "***";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_not_shown() {
        assert_eq!(redacted("redis+pubsub://:p@ss@h:1/2"), "redis+pubsub://***@h:1/2");
        assert_eq!(redacted("redis+pubsub://u:p@h"), "redis+pubsub://***@h");
        assert_eq!(redacted("redis+pubsub://h:6379/1"), "redis+pubsub://h:6379/1");
        assert_eq!(redacted("redis+sentinel://u:p@h:1,i:2/site/0"), "redis+sentinel://***@h:1,i:2/site/0");
        assert_eq!(redacted("sqlite:live.db"), "sqlite:live.db");
        assert_eq!(redacted("memory:"), "memory:");
        assert_eq!(redacted("rediss+pubsub://h/1?password=hush"), "rediss+pubsub://h/1?***");
        assert_eq!(redacted("redis+pubsub://u:p@h/1?protocol=3"), "redis+pubsub://***@h/1?***");
        assert_eq!(redacted("redis+pubsub://h?password=a@hush"), "redis+pubsub:***");
        assert_eq!(redacted("redis+pubsub:u:hush@h"), "redis+pubsub:***");
        assert_eq!(redacted("redis+channels://:hush@a,u:hush@b,c/1?key=hush"), "redis+channels://***@b,c/1?***");
    }

    #[test]
    fn of_a_url_that_is_not_known_only_the_scheme_is_shown() {
        assert_eq!(redacted("amqp:hush@h"), "amqp:***");
        assert_eq!(redacted("redis+other://:hush@h"), "redis+other:***");
        for unknown in ["hush@h", ":hush@h", "redis+pubsub//:hush@h", "hush hush:"] {
            assert!(!redacted(unknown).contains("hush"), "{unknown}");
        }
        assert_eq!(redacted("live.db"), "live.db");
    }

    #[test]
    fn a_bus_is_one_that_there_is() {
        for good in [
            "memory:",
            "sqlite:live.db",
            "sqlite:///tmp/live.db",
            "redis+pubsub://127.0.0.1:6379/1",
            "redis+pubsub:",
            "redis://h",
            "redis+cluster://h,i",
            "redis+channels://a,b/1?layer=pubsub",
        ] {
            let settings = Settings { bus: good.to_owned(), ..Settings::default() };
            assert_eq!(check_bus(good).and_then(|()| check_bus_opens(&settings)), Ok(()), "{good}");
        }
        for bad in [
            "memory:x",
            "sqlite:",
            "sqlite:/",
            "sqlite:no/such/folder/live.db",
            "redis+pubsub://:port",
            "redis://h,i",
            "redis+sentinel://h",
            "redis+channels://h?layer=other",
            "kafka://h",
            "",
        ] {
            let settings = Settings { bus: bad.to_owned(), ..Settings::default() };
            assert!(check_bus(bad).and_then(|()| check_bus_opens(&settings)).is_err(), "{bad}");
        }
    }

    #[test]
    fn publishing_without_a_token_is_for_loopback() {
        let mut settings = Settings::default();
        settings.config.publishing = Publishing::Open;
        let check = |address: &str| check_open_publishing(&settings, &[address.parse().unwrap()]);
        assert_eq!(check("127.0.0.1:1"), Ok(()));
        assert_eq!(check("[::1]:1"), Ok(()));
        assert!(check("0.0.0.0:1").unwrap_err().contains("listen on 127.0.0.1, or give a token"));
        assert!(check("192.0.2.1:1").is_err());
    }
}
