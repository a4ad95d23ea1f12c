//! Whose connection it is: the peer's address, or behind a trusted proxy the one that the proxy vouches for.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::HeaderMap;

use crate::config::ConfigError;

/// Networks of proxies that are believed when they say whom they forward for, in the one header that they write: what they pass
/// on of the other, anyone may have written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrustedProxies {
    networks: Vec<(IpAddr, u8)>,
    header: ForwardedHeader,
}

/// The header in which a proxy says whom it forwards for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`, which nginx, HAProxy and most others append to.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl TrustedProxies {
    /// Networks such as `10.0.0.0/8`, `::1` or `192.0.2.7`, of proxies that write `X-Forwarded-For`.
    ///
    /// # Errors
    /// [`ConfigError`] if one does not parse.
    pub fn new<'a>(networks: impl IntoIterator<Item = &'a str>) -> Result<Self, ConfigError> {
        let error = ConfigError { field: "trusted_proxies", wanted: "addresses or networks (10.0.0.0/8, ::1)" };
        let networks =
            networks.into_iter().map(|network| parse_network(network).ok_or(error)).collect::<Result<_, _>>()?;
        Ok(Self { networks, header: ForwardedHeader::default() })
    }

    /// The header that these proxies write.
    #[must_use]
    pub fn header(self, header: ForwardedHeader) -> Self {
        Self { header, ..self }
    }

    /// The reader's address: the peer's own, or if the peer is a trusted proxy, the right-most entry of the proxies' header that is
    /// not a trusted proxy itself. What stands left of that, anyone may have written.
    pub fn reader(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.contains(peer) {
            return peer;
        }
        let mut last = peer;
        for entry in self.forwarded_for(headers).into_iter().rev() {
            let Some(address) = parse_node(&entry) else { return last };
            last = address;
            if !self.contains(address) {
                break;
            }
        }
        last
    }

    /// The chain of addresses, the reader's own first.
    fn forwarded_for(&self, headers: &HeaderMap) -> Vec<String> {
        match self.header {
            ForwardedHeader::XForwardedFor => items(headers, "x-forwarded-for").map(str::to_owned).collect(),
            ForwardedHeader::Forwarded => items(headers, "forwarded").map(for_node).collect(),
        }
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|(network, bits)| is_within(address, *network, *bits))
    }
}

/// What counts as one address: an IPv4 address, or an IPv6 /64, which is what one subscriber gets.
pub(crate) fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

fn parse_network(network: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = match network.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (network, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(most);
    (bits <= most).then_some((address, bits))
}

fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (address, network, length) = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (u128::from(a.to_bits()), u128::from(n.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(n)) => (a.to_bits(), n.to_bits(), 128),
        _ => return false,
    };
    let dropped = u32::from(length - bits);
    address.checked_shr(dropped).unwrap_or(0) == network.checked_shr(dropped).unwrap_or(0)
}

/// The items of a list header, in order, from however many lines it came in (RFC 9110 §5.3).
fn items<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

/// The node of `for=`, unquoted; empty if there is none.
fn for_node(element: &str) -> String {
    let pair = element
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    pair.map_or(String::new(), |(_, node)| node.trim().trim_matches('"').to_owned())
}

/// `192.0.2.7`, `192.0.2.7:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80` (RFC 7239 §6).
fn parse_node(node: &str) -> Option<IpAddr> {
    let plain = node.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(node);
    let address = plain.parse().ok().or_else(|| node.parse::<SocketAddr>().ok().map(|address| address.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let proxies = TrustedProxies::new(["10.0.0.0/8", "::1"]).unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        proxies.reader(peer.parse().unwrap(), &map).to_string()
    }

    #[test]
    fn only_a_trusted_peer_may_say_whom_it_forwards_for() {
        assert_eq!(reader("192.0.2.1", &[("x-forwarded-for", "198.51.100.9")]), "192.0.2.1");
        assert_eq!(reader("10.1.2.3", &[("x-forwarded-for", "198.51.100.9")]), "198.51.100.9");
        assert_eq!(reader("::ffff:10.1.2.3", &[("x-forwarded-for", "198.51.100.9")]), "198.51.100.9");
    }

    #[test]
    fn the_right_most_untrusted_entry_counts() {
        assert_eq!(reader("10.0.0.1", &[("x-forwarded-for", "6.6.6.6, 198.51.100.9, 10.9.9.9")]), "198.51.100.9");
        assert_eq!(
            reader("10.0.0.1", &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "198.51.100.9")]),
            "198.51.100.9"
        );
        assert_eq!(reader("10.0.0.1", &[("x-forwarded-for", "198.51.100.9, garbage")]), "10.0.0.1");
        assert_eq!(reader("::1", &[]), "::1");
    }

    #[test]
    fn the_standard_header_counts_where_the_proxies_write_it_and_nowhere_else() {
        let forwarded = ("forwarded", "for=6.6.6.6, For=\"[2001:db8::1]:4711\";proto=https;by=10.0.0.1");
        let x_forwarded_for = ("x-forwarded-for", "198.51.100.9");
        assert_eq!(reader("10.0.0.1", &[forwarded, x_forwarded_for]), "198.51.100.9");
        let headers: HeaderMap = [forwarded, x_forwarded_for]
            .into_iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        let proxies = TrustedProxies::new(["10.0.0.0/8"]).unwrap().header(ForwardedHeader::Forwarded);
        assert_eq!(proxies.reader("10.0.0.1".parse().unwrap(), &headers).to_string(), "2001:db8::1");
    }

    #[test]
    fn an_ipv6_subscriber_counts_once() {
        let count = |address: &str| counted_as(address.parse().unwrap());
        assert_eq!(count("2001:db8:1:2::1"), count("2001:db8:1:2:ffff::9"));
        assert_ne!(count("2001:db8:1:2::1"), count("2001:db8:1:3::1"));
        assert_eq!(count("::ffff:192.0.2.1"), count("192.0.2.1"));
        assert!(TrustedProxies::new(["10.0.0.0/33"]).is_err());
    }
}
