use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{HeaderMap, HeaderName};
use ipnet::IpNet;

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// More proxies than this are not looked through.
const MOST_HOPS: usize = 32;

/// Where a request came from, as far as it can be believed: what the headers of trusted proxies say, and else the
/// connection.
///
/// Each proxy appends to `X-Forwarded-For` the address that it was asked from, so the list is read from its end, while
/// whoever appended is trusted. What a client wrote at its beginning is never reached. `Forwarded` (RFC 7239) is not
/// read: with two headers, a client could send the one that its proxy does not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Provenance {
    /// The client's address.
    pub(crate) address: Option<IpAddr>,
    /// Whether the client came to the nearest proxy that it can be believed of by HTTPS.
    pub(crate) is_https: bool,
}

impl Provenance {
    /// Of a request with these headers from `peer`.
    pub(crate) fn of(peer: Option<SocketAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let peer = peer.map(|peer| peer.ip().to_canonical());
        let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
        let Some(mut address) = peer.filter(is_trusted) else { return Self { address: peer, is_https: false } };
        let mut hops = 0;
        for forwarded in backwards(headers, &X_FORWARDED_FOR).take(MOST_HOPS) {
            // What nobody could have sent from ends what is known.
            let Some(before) = parse_address(forwarded) else { break };
            address = before;
            if !is_trusted(&address) {
                break;
            }
            hops += 1;
        }
        Self { address: Some(address), is_https: forwarded_proto(headers, hops).is_some_and(is_https) }
    }
}

/// The scheme that the proxy names which is so many hops away, or that of the farthest one which names any.
fn forwarded_proto(headers: &HeaderMap, hops: usize) -> Option<&str> {
    backwards(headers, &X_FORWARDED_PROTO).take(hops + 1).last()
}

fn is_https(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("https")
}

/// The items of a list, the last one first. A line that is no text counts as one item that is nothing.
fn backwards<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let lines: Vec<&str> = headers.get_all(name).map(|line| line.to_str().unwrap_or_default()).collect();
    lines.into_iter().rev().flat_map(|line| line.rsplit(',').map(str::trim))
}

/// An address, with a port or without.
fn parse_address(text: &str) -> Option<IpAddr> {
    let address = text.parse().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const PROXY: &str = "10.0.0.1:4000";

    fn headers(name: &HeaderName, lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name.clone(), HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        headers
    }

    fn trusted() -> Vec<IpNet> {
        ["10.0.0.0/8", "2001:db8::/32"].map(|network| network.parse().unwrap()).to_vec()
    }

    fn address(peer: &str, lines: &[&str]) -> String {
        let headers = headers(&X_FORWARDED_FOR, lines);
        let provenance = Provenance::of(Some(peer.parse().unwrap()), &headers, &trusted());
        provenance.address.unwrap().to_string()
    }

    #[test]
    fn the_last_address_that_no_trusted_proxy_has_is_the_clients() {
        for (lines, expected) in [
            (&["192.0.2.7"][..], "192.0.2.7"),
            (&["1.1.1.1, 192.0.2.7"], "192.0.2.7"),
            (&["1.1.1.1", "192.0.2.7, 10.0.0.2"], "192.0.2.7"),
            (&["192.0.2.7:5000,10.0.0.2:80"], "192.0.2.7"),
            (&["[2001:db9::7]:443"], "2001:db9::7"),
            (&["::ffff:192.0.2.7"], "192.0.2.7"),
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (&[], "10.0.0.1"),
            (&["192.0.2.7, garbage"], "10.0.0.1"),
            (&["192.0.2.7, garbage, 10.0.0.2"], "10.0.0.2"),
            (&["192.0.2.7, , "], "10.0.0.1"),
            (&["\u{e9}\u{1F600}"], "10.0.0.1"),
        ] {
            assert_eq!(address(PROXY, lines), expected, "{lines:?}");
        }
        assert_eq!(address("[::ffff:10.0.0.1]:9", &["192.0.2.7"]), "192.0.2.7");
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(address("192.0.2.9:1", &["10.0.0.2"]), "192.0.2.9");
        let headers = headers(&X_FORWARDED_PROTO, &["https"]);
        let peer = Some("192.0.2.9:1".parse().unwrap());
        assert!(!Provenance::of(peer, &headers, &trusted()).is_https);
        assert_eq!(Provenance::of(None, &headers, &trusted()), Provenance { address: None, is_https: false });
    }

    #[test]
    fn the_scheme_is_what_the_clients_proxy_names() {
        for (schemes, addresses, expected) in [
            (&["https"][..], &["192.0.2.7"][..], true),
            (&["HTTPS"], &[], true),
            (&["http"], &["192.0.2.7"], false),
            // A client that says so itself, before its proxy tells otherwise.
            (&["https, http"], &["192.0.2.7"], false),
            // TLS ends at the outer of two proxies.
            (&["https, http"], &["192.0.2.7, 10.0.0.2"], true),
            (&["https"], &["192.0.2.7, 10.0.0.2"], true),
            (&[], &["192.0.2.7"], false),
        ] {
            let mut both = headers(&X_FORWARDED_PROTO, schemes);
            for line in addresses {
                both.append(X_FORWARDED_FOR.clone(), HeaderValue::from_str(line).unwrap());
            }
            let provenance = Provenance::of(Some(PROXY.parse().unwrap()), &both, &trusted());
            assert_eq!(provenance.is_https, expected, "{schemes:?} {addresses:?}");
        }
    }

    proptest! {
        /// Whatever a client writes before what its proxy appends changes nothing.
        #[test]
        fn nothing_that_a_client_writes_is_believed(forged in "[0-9a-f:., \\[\\]]{0,80}") {
            prop_assert_eq!(address(PROXY, &[&format!("{forged}, 192.0.2.7")]), "192.0.2.7");
            prop_assert_eq!(address(PROXY, &[&forged, "192.0.2.7"]), "192.0.2.7");
        }
    }
}
