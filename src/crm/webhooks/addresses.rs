//! Owns where messages may go: to public addresses only, unless a setting says otherwise, so that nobody who may set an
//! endpoint can reach what stands behind our firewall. Every address that a name resolves to is judged, at each delivery, and
//! what was judged is what is connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Blocks that are nobody's on the public internet, or everybody's.
/// <https://www.iana.org/assignments/iana-ipv4-special-registry>
const REFUSED_V4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),        // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),       // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),    // carriers' NAT
    (Ipv4Addr::new(127, 0, 0, 0), 8),      // loopback
    (Ipv4Addr::new(168, 63, 129, 16), 32), // a cloud's own services
    (Ipv4Addr::new(169, 254, 0, 0), 16),   // link-local, and clouds' metadata
    (Ipv4Addr::new(172, 16, 0, 0), 12),    // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),     // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),     // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),   // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),   // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),    // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24),  // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),   // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),      // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),      // reserved, broadcast
];

/// What lies inside the global unicast block, 2000::/3, and is not public all the same.
/// <https://www.iana.org/assignments/iana-ipv6-special-registry>
const REFUSED_V6: [(Ipv6Addr, u32); 3] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo, ORCHID
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

/// Whether somebody on the public internet has this address.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let is_in = |(block, length): (Ipv4Addr, u32)| (ip.to_bits() ^ block.to_bits()) >> (32 - length) == 0;
    !REFUSED_V4.into_iter().any(is_in)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(inner) = inner_v4(ip) {
        return is_public_v4(inner);
    }
    let is_in = |(block, length): (Ipv6Addr, u32)| (ip.to_bits() ^ block.to_bits()) >> (128 - length) == 0;
    is_in((Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3)) && !REFUSED_V6.into_iter().any(is_in)
}

/// The IPv4 address that is really reached: mapped, through NAT64 (64:ff9b::/96), or through 6to4 (2002::/16).
fn inner_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let low = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, a, b] | [0x64, 0xff9b, 0, 0, 0, 0, a, b] | [0x2002, a, b, ..] => {
            Some(low(a, b))
        }
        _ => None,
    }
}

/// Reads an endpoint's URL: https, no user or password, and no address that is not public. Names are judged when they are
/// resolved, but for `localhost`, which says what it is.
///
/// # Errors
/// What is wrong with it, to complete a sentence that its name begins.
pub fn parse_url(text: &str, allow_private_addresses: bool) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("is not an absolute URL: {error}"))?;
    match url.scheme() {
        "https" => {}
        "http" if allow_private_addresses => {}
        _ => return Err("must begin with https://".into()),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user or a password".into());
    }
    let is_refused = match url.host() {
        None => return Err("has no host".into()),
        Some(Host::Ipv4(ip)) => !is_public(ip.into()),
        Some(Host::Ipv6(ip)) => !is_public(ip.into()),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
        }
    };
    if is_refused && !allow_private_addresses {
        return Err(format!("is not a public address ({NOT_PUBLIC})"));
    }
    Ok(url)
}

/// Where it can be changed.
const NOT_PUBLIC: &str = "see the setting webhooks.allow_private_addresses";

/// Resolves names, and gives no address that is not public.
#[derive(Debug, Clone, Copy)]
pub struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let addrs: Addrs = Box::new(judged(found)?.into_iter());
            Ok(addrs)
        })
    }
}

/// All of them, or none if only one is not public: a name that has both is up to no good.
fn judged(found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, NotPublic> {
    if found.iter().all(|addr| is_public(addr.ip())) { Ok(found) } else { Err(NotPublic) }
}

/// A name leads to an address that is not public.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to an address that is not public ({NOT_PUBLIC})")]
pub struct NotPublic;

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_public_addresses_are_taken() {
        let public = [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:4860::8888",
            "64:ff9b::1.1.1.1",
            "::ffff:8.8.8.8",
            "2002:808:808::1",
        ];
        let refused = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "168.63.129.16",
            "169.254.0.0",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.0",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::8.8.8.8",
            "100::1",
            "2001::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
        ];
        for (ips, expected) in [(&public[..], true), (&refused[..], false)] {
            for ip in ips {
                assert_eq!(is_public(IpAddr::from_str(ip).unwrap()), expected, "{ip}");
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_that_the_standard_library_calls_special_is_taken(bits: u32) {
            let ip = Ipv4Addr::from_bits(bits);
            let is_special = ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_broadcast()
                || ip.is_documentation() || ip.is_multicast() || ip.is_unspecified();
            prop_assert!(!(is_special && is_public(ip.into())));
            prop_assert_eq!(is_public(ip.into()), is_public(ip.to_ipv6_mapped().into()));
        }

        #[test]
        fn nothing_outside_global_unicast_is_taken(bits: u128) {
            let ip = Ipv6Addr::from_bits(bits);
            prop_assert!(!(is_public(ip.into()) && inner_v4(ip).is_none() && ip.segments()[0] & 0xe000 != 0x2000));
        }
    }

    #[test]
    fn a_url_must_lead_out() {
        let refused = [
            "",
            "example.com",
            "/hooks",
            "ftp://example.com/",
            "http://example.com/",
            "https://",
            "https://u@example.com/",
            "https://u:p@example.com/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://017700000001/",
            "https://10.0.0.1:8443/",
            "https://169.254.169.254/latest/meta-data/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[fd00:ec2::254]/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://hooks.localhost/",
            "https://１２７.０.０.１/",
            "javascript:alert(1)",
        ];
        for text in refused {
            assert!(parse_url(text, false).is_err(), "{text}");
        }
        for text in ["https://hooks.example.com/x?y=1", "https://8.8.8.8/", "https://[2606:4700::1111]:8443/"]
        {
            assert_eq!(parse_url(text, false).unwrap().as_str(), text);
        }
        for text in ["http://127.0.0.1:9/", "https://localhost/", "http://crm.internal/"] {
            assert!(parse_url(text, true).is_ok(), "{text}");
        }
        for text in ["https://u:p@example.com/", "ftp://127.0.0.1/"] {
            assert!(parse_url(text, true).is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_is_refused_when_any_of_its_addresses_is() {
        let addrs = |ips: &[&str]| ips.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect();
        assert!(judged(addrs(&["8.8.8.8", "2606:4700::1111"])).is_ok());
        for ips in [&["127.0.0.1"][..], &["8.8.8.8", "10.0.0.1"], &["8.8.8.8", "::1"]] {
            assert!(judged(addrs(ips)).is_err(), "{ips:?}");
        }
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_this_machine_leads_nowhere() {
        let Err(error) = PublicOnly.resolve("localhost".parse().unwrap()).await else {
            panic!("localhost was taken");
        };
        assert!(error.to_string().contains("not public"), "{error}");
    }
}
