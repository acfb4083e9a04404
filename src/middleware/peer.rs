//! Owns who is at the other end of a request: whoever the connection comes from, or whom a proxy names that is trusted.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::http::header::{HeaderMap, X_FORWARDED_FOR};
use ipnet::IpNet;

/// Networks of reverse proxies whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Addresses, `127.0.0.1`, or networks, `10.0.0.0/8`.
    ///
    /// # Errors
    /// The first that is neither.
    pub fn parse(words: &[String]) -> Result<Self, &String> {
        let network =
            |word: &String| word.parse().ok().or_else(|| word.parse::<IpAddr>().ok().map(IpNet::from));
        words.iter().map(|word| network(word).ok_or(word)).collect::<Result<_, _>>().map(Self)
    }

    /// The last address on the request's way here that is not a trusted proxy's: what stands before it, anybody can write.
    pub fn client(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> IpAddr {
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |addr| addr.ip().to_canonical());
        if self.0.is_empty() {
            return peer;
        }
        let lines = headers.get_all(X_FORWARDED_FOR).filter_map(|line| line.to_str().ok());
        let named: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
        let mut client = peer;
        for name in named.into_iter().rev() {
            if !self.trusts(client) {
                break;
            }
            let Some(before) = address(name) else { break };
            client = before;
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Some proxies write a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']').parse().ok();
    bare.or_else(|| text.parse().ok().map(|addr: SocketAddr| addr.ip()))
        .map(|addr: IpAddr| addr.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn client(trusted: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let words: Vec<String> = trusted.iter().map(|word| (*word).to_owned()).collect();
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_str(line).unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 1);
        Proxies::parse(&words).unwrap().client(Some(peer), &headers).to_string()
    }

    #[test]
    fn only_what_a_trusted_proxy_has_written_is_believed() {
        let cases: [(&[&str], &str, &[&str], &str); 11] = [
            (&[], "192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
            (&["127.0.0.1"], "127.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            (&["127.0.0.1"], "127.0.0.1", &[], "127.0.0.1"),
            (&["127.0.0.1"], "192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
            (&["127.0.0.1"], "127.0.0.1", &["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            (&["127.0.0.1"], "127.0.0.1", &["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
            (&["127.0.0.1", "10.0.0.0/8"], "127.0.0.1", &["198.51.100.7, 10.1.2.3"], "198.51.100.7"),
            (&["10.0.0.0/8"], "10.1.1.1", &["nonsense"], "10.1.1.1"),
            (&["10.0.0.0/8"], "10.1.1.1", &["198.51.100.7:4711"], "198.51.100.7"),
            (&["::1"], "::1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            (&["127.0.0.1"], "::ffff:127.0.0.1", &["2001:db8::1"], "2001:db8::1"),
        ];
        for (trusted, peer, forwarded, expected) in cases {
            assert_eq!(client(trusted, peer, forwarded), expected, "{trusted:?} {peer} {forwarded:?}");
        }
        assert_eq!(Proxies::parse(&["10.0.0.0/33".into()]).unwrap_err(), "10.0.0.0/33");
        assert!(Proxies::default().client(None, &HeaderMap::new()).is_unspecified());
    }
}
