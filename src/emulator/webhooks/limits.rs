//! Owns the connection settings that a webhook's URL may carry in its fragment.
//! <https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides>

use std::time::Duration;

use url::Url;

/// What went wrong with an attempt, as the retry policy names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// 4xx
    Client,
    /// 5xx
    Server,
    /// The connection was not made.
    Connect,
    /// The answer took too long.
    Read,
    /// Nothing that another attempt would mend.
    Other,
}

/// How long, how often, and after what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(super) connect: Duration,
    pub(super) read: Duration,
    pub(super) total: Duration,
    /// How often it is tried again at the most.
    pub(crate) retries: u64,
    policy: Vec<String>,
}

impl Limits {
    /// The settings of a URL; each that is missing or senseless has Twilio's default.
    pub(crate) fn of(url: &Url) -> Self {
        let pairs = url::form_urlencoded::parse(url.fragment().unwrap_or_default().as_bytes());
        let pairs: Vec<(String, String)> = pairs.into_owned().collect();
        let text = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, v)| v.as_str());
        let number = |name: &str, low: u64, high: u64, default: u64| {
            text(name).and_then(|v| v.parse::<u64>().ok()).map_or(default, |v| v.clamp(low, high))
        };
        let millis =
            |name: &str, high: u64, default: u64| Duration::from_millis(number(name, 100, high, default));
        Self {
            connect: millis("ct", 10_000, 5_000),
            read: millis("rt", 15_000, 15_000),
            total: millis("tt", 15_000, 15_000),
            retries: number("rc", 0, 5, 1),
            policy: text("rp").unwrap_or("ct").split(',').map(|word| word.trim().to_owned()).collect(),
        }
    }

    /// Whether the policy tries again after that.
    pub(super) fn retries_after(&self, trouble: Trouble) -> bool {
        let word = match trouble {
            Trouble::Client => "4xx",
            Trouble::Server => "5xx",
            Trouble::Connect => "ct",
            Trouble::Read => "rt",
            Trouble::Other => return false,
        };
        self.policy.iter().any(|p| p == word || p == "all")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fragment: &str) -> Limits {
        Limits::of(&Url::parse(&format!("http://app/hook#{fragment}")).unwrap())
    }

    #[test]
    fn settings_have_defaults_and_limits() {
        let plain = of("");
        assert_eq!((plain.connect.as_millis(), plain.read.as_millis()), (5_000, 15_000));
        assert_eq!((plain.total.as_millis(), plain.retries), (15_000, 1));
        assert!(plain.retries_after(Trouble::Connect) && !plain.retries_after(Trouble::Read));
        let set = of("ct=1&rt=99999&tt=2000&rc=9&rp=5xx,rt");
        assert_eq!((set.connect.as_millis(), set.read.as_millis()), (100, 15_000));
        assert_eq!((set.total.as_millis(), set.retries), (2_000, 5));
        assert!(set.retries_after(Trouble::Server) && set.retries_after(Trouble::Read));
        assert!(!set.retries_after(Trouble::Connect) && !set.retries_after(Trouble::Client));
        assert!(of("rp=all").retries_after(Trouble::Client) && !of("rp=all").retries_after(Trouble::Other));
        assert_eq!(of("rc=many&ct=").retries, 1);
    }
}
