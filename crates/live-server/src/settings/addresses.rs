//! `HOST:PORT`, as people write it.

use std::net::{SocketAddr, ToSocketAddrs};

pub(super) fn read_list(text: &str) -> Result<Vec<String>, String> {
    let addresses: Vec<String> = text.split(',').map(|address| address.trim().to_owned()).collect();
    for address in &addresses {
        check(address)?;
    }
    Ok(addresses)
}

pub(super) fn read_optional(text: &str) -> Result<Option<String>, String> {
    if text == "none" {
        return Ok(None);
    }
    check(text).map(|()| Some(text.to_owned()))
}

fn check(address: &str) -> Result<(), String> {
    let wanted = || format!("{address:?} is not an address; write HOST:PORT, such as 127.0.0.1:8765 or [::1]:8765");
    let (host, port) = address.rsplit_once(':').ok_or_else(wanted)?;
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    if host.is_empty() || port.parse::<u16>().is_err() || host.contains([':', '/', ' ']) && !is_bracketed {
        return Err(wanted());
    }
    Ok(())
}

/// The addresses that a name stands for: `localhost` is often two.
///
/// # Errors
/// A sentence with the name.
pub(crate) fn resolve(address: &str) -> Result<Vec<SocketAddr>, String> {
    let resolved = address.to_socket_addrs().map_err(|error| format!("{address}: {error}"))?;
    let mut addresses: Vec<SocketAddr> = resolved.collect();
    addresses.sort();
    addresses.dedup();
    if addresses.is_empty() { Err(format!("{address}: no such address")) } else { Ok(addresses) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for good in ["127.0.0.1:8765", "localhost:0", "[::1]:8765", "live.example:443"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in ["", "8765", ":8765", "127.0.0.1", "::1:8765", "http://a:80", "a:b", "a:70000", "a b:1"] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
        assert_eq!(read_list("127.0.0.1:1, [::1]:1").unwrap(), ["127.0.0.1:1", "[::1]:1"]);
        assert_eq!(read_optional("none"), Ok(None));
    }
}
