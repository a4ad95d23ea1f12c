//! The URL of the bus: one server, one that sentinels know, or a cluster.

use redis::{ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion};

use super::super::address::prepare_tls;

/// Where the pages are, and under which names.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) servers: Servers,
    /// What the names of all keys begin with.
    pub(super) prefix: String,
    /// Whether a Redis may be used that throws pages away when its memory is full.
    pub(super) evicting: Evicting,
}

#[derive(Debug, Clone)]
pub(super) enum Servers {
    One(ConnectionInfo),
    /// The sentinels know which server is the master at the moment. User, password and database are of the servers.
    Sentinel {
        sentinels: Vec<ConnectionInfo>,
        service: String,
    },
    Cluster(Vec<ConnectionInfo>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evicting {
    Refuse,
    Allow,
}

/// The schemes of this bus.
pub(in crate::bus) const SCHEMES: [&str; 6] =
    ["redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"];

const HOW: &str = "write redis://USER:PASSWORD@HOST:PORT/DATABASE, redis+sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/SERVICE/DATABASE or \
                   redis+cluster://USER:PASSWORD@HOST:PORT,HOST:PORT; user, password, port and database may be left out";

/// Reads the URL.
///
/// # Errors
/// What is wrong with it, and what to write.
pub(super) fn parse(url: &str) -> Result<Place, String> {
    let (scheme, rest) = url.split_once("://").filter(|(scheme, _)| SCHEMES.contains(scheme)).ok_or(HOW)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (prefix, evicting) = parse_query(query)?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, hosts) =
        authority.rsplit_once('@').map_or((String::new(), authority), |(user, hosts)| (format!("{user}@"), hosts));
    let single = if scheme.starts_with("rediss") { "rediss" } else { "redis" };
    if single == "rediss" {
        prepare_tls()?;
    }
    let connections = |database: &str| -> Result<Vec<ConnectionInfo>, String> {
        hosts.split(',').map(|host| connection(&format!("{single}://{user}{host}/{database}"))).collect()
    };
    let servers = match scheme.split_once('+').map(|(_, kind)| kind) {
        None => match connections(path)?.as_slice() {
            [one] => Servers::One(one.clone()),
            _ => return Err(format!("several hosts are a cluster, or are sentinels: {HOW}")),
        },
        Some("sentinel") => {
            let (service, database) = path.split_once('/').unwrap_or((path, ""));
            if service.is_empty() {
                return Err(format!("the service that the sentinels watch is missing: {HOW}"));
            }
            Servers::Sentinel { sentinels: connections(database)?, service: service.to_owned() }
        }
        Some(_) if !matches!(path, "" | "0") => return Err(format!("a cluster has no databases: {HOW}")),
        Some(_) => Servers::Cluster(connections("")?),
    };
    Ok(Place { servers, prefix, evicting })
}

fn parse_query(query: &str) -> Result<(String, Evicting), String> {
    let (mut prefix, mut evicting) = ("live".to_owned(), Evicting::Refuse);
    for option in query.split('&').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("prefix", name)) if is_plain(name) => prefix = name.to_owned(),
            Some(("prefix", _)) => return Err("a prefix is made of letters, digits, - _ . and :".to_owned()),
            Some(("evicting", "allow")) => evicting = Evicting::Allow,
            _ => return Err("after ? the options are prefix=NAME and evicting=allow, with & between them".to_owned()),
        }
    }
    Ok((prefix, evicting))
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
}

fn connection(url: &str) -> Result<ConnectionInfo, String> {
    // The error of the client names no part of the URL.
    let info = url.into_connection_info().map_err(|error| format!("{error}; {HOW}"))?;
    // One RESP3 connection carries everything: what is published, what arrives, and the pings in between.
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    // A small message must not wait for the acknowledgement of the one before it.
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    Ok(info.set_redis_settings(settings).set_tcp_settings(tcp))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(infos: &[ConnectionInfo]) -> Vec<String> {
        infos.iter().map(|info| info.addr().to_string()).collect()
    }

    #[test]
    fn one_server_sentinels_and_a_cluster_are_told_apart() {
        let Servers::One(info) = parse("redis://me:a%40b@example.org:7000/3").unwrap().servers else { panic!() };
        let settings = info.redis_settings();
        assert_eq!((info.addr().to_string(), settings.db()), ("example.org:7000".to_owned(), 3));
        assert_eq!((settings.username(), settings.password()), (Some("me"), Some("a@b")));

        let place = parse("redis+sentinel://:pw@a:26379,b/mymaster/2?prefix=news").unwrap();
        let Servers::Sentinel { sentinels, service } = place.servers else { panic!() };
        assert_eq!((addresses(&sentinels), &*service), (vec!["a:26379".to_owned(), "b:6379".to_owned()], "mymaster"));
        assert_eq!(sentinels[0].redis_settings().db(), 2);
        assert_eq!((&*place.prefix, place.evicting), ("news", Evicting::Refuse));

        let place = parse("redis+cluster://a:7000,b:7000?evicting=allow").unwrap();
        let Servers::Cluster(nodes) = place.servers else { panic!() };
        assert_eq!((addresses(&nodes).len(), place.evicting), (2, Evicting::Allow));
    }

    #[test]
    fn a_url_that_cannot_be_used_is_explained_without_its_password() {
        for (url, part) in [
            ("redis:secret", "write redis://"),
            ("redis://:secret@a,b", "several hosts"),
            ("redis://:secret@host:port", "write redis://"),
            ("redis://:secret@host/x", "write redis://"),
            ("redis+sentinel://:secret@a,b", "the service"),
            ("redis+cluster://:secret@a/1", "no databases"),
            ("redis://:secret@a/?prefix=", "a prefix is"),
            ("redis://:secret@a/?colour=secret", "the options are"),
        ] {
            let error = parse(url).unwrap_err();
            assert!(error.contains(part) && !error.contains("secret"), "{url}: {error}");
        }
    }
}
