//! How much each key may ask, and each address that presents wrong ones: token buckets of this process, on the
//! application's clock.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use governor::clock::Clock;
use governor::middleware::{NoOpMiddleware, StateInformationMiddleware};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock::SharedClock;

/// Wrong keys an address may present at once, and again one for every second.
const WRONG_KEYS: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// Tries to log in that an address may make at once, and again one for every second: many people may sit behind one.
const ADDRESS_TRIES: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// Tries to log in to one account that an address may make at once.
const ACCOUNT_TRIES: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// And again one for every so long.
const ACCOUNT_TRY_EVERY: Duration = Duration::from_secs(10);
/// So many addresses and tokens are remembered; then those that no longer matter are forgotten.
const REMEMBERED: usize = 10_000;

/// What somebody may still ask, as the headers tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Requests at once at the most.
    pub limit: u32,
    /// Requests that are left now.
    pub remaining: u32,
    /// Until all of them are left again.
    pub reset: Duration,
    /// This one is too many: until one more is taken.
    pub wait: Option<Duration>,
}

/// The limits of this process.
pub struct Limiter {
    keys: Buckets<Uuid>,
    wrong_keys: Buckets<IpAddr>,
    /// Addresses that have presented too many wrong keys, and until when none of theirs is looked at.
    shut_out: Mutex<HashMap<IpAddr, Duration>>,
    /// Tokens, as SHA-256, that were right: they get in even from such an address, which may be a proxy's.
    proven: Mutex<HashSet<[u8; 32]>>,
    ticks: Ticks,
}

impl Limiter {
    /// So many requests a second for each key in the long run, and so many at once. `None` for no limit.
    pub fn new(per_second: u32, burst: u32, clock: SharedClock) -> Option<Self> {
        let (per_second, burst) = (NonZeroU32::new(per_second)?, NonZeroU32::new(burst)?);
        let ticks = Ticks::new(clock);
        let one_a_second = Quota::per_second(NonZeroU32::MIN);
        Some(Self {
            keys: Buckets::new(Quota::per_second(per_second).allow_burst(burst), &ticks),
            wrong_keys: Buckets::new(one_a_second.allow_burst(WRONG_KEYS), &ticks),
            shut_out: Mutex::default(),
            proven: Mutex::default(),
            ticks,
        })
    }

    /// Whether this token is not even looked at: its address has presented too many wrong ones.
    pub fn refuses(&self, peer: IpAddr, token: &str) -> Option<Allowance> {
        let until = *lock(&self.shut_out).get(&network(peer))?;
        let wait = until.checked_sub(self.ticks.now()).filter(|wait| !wait.is_zero())?;
        let is_proven = lock(&self.proven).contains(&hash(token));
        (!is_proven).then(|| self.wrong_keys.exhausted(wait))
    }

    /// A request with this token, which was right.
    pub fn right(&self, key_id: Uuid, token: &str) -> Allowance {
        let mut proven = lock(&self.proven);
        if proven.len() >= REMEMBERED {
            proven.clear();
        }
        proven.insert(hash(token));
        drop(proven);
        self.keys.take(&key_id)
    }

    /// A request from there with a token that was wrong.
    pub fn wrong(&self, peer: IpAddr) -> Allowance {
        let network = network(peer);
        let taken = self.wrong_keys.take(&network);
        if let Some(wait) = taken.wait {
            let now = self.ticks.now();
            let mut shut_out = lock(&self.shut_out);
            if shut_out.len() >= REMEMBERED {
                shut_out.retain(|_, until| *until > now);
            }
            shut_out.insert(network, now + wait);
        }
        taken
    }
}

/// How often somebody may try to log in: from one address, and from one address to one account.
pub struct LogInLimiter {
    addresses: Buckets<IpAddr>,
    accounts: Buckets<(IpAddr, [u8; 32])>,
}

impl LogInLimiter {
    /// Nobody has tried yet.
    pub fn new(clock: SharedClock) -> Self {
        let ticks = Ticks::new(clock);
        let account = Quota::with_period(ACCOUNT_TRY_EVERY).unwrap_or(Quota::per_minute(NonZeroU32::MIN));
        Self {
            addresses: Buckets::new(Quota::per_second(NonZeroU32::MIN).allow_burst(ADDRESS_TRIES), &ticks),
            accounts: Buckets::new(account.allow_burst(ACCOUNT_TRIES), &ticks),
        }
    }

    /// Counts a try before it is known whether it is right, so that many at once are no way around; tells how long to wait if it
    /// is one too many.
    pub fn refuses(&self, account: &str, peer: IpAddr) -> Option<Duration> {
        let network = network(peer);
        let wait = self.addresses.take(&network).wait;
        // The name is hashed, as it may be long.
        wait.or_else(|| self.accounts.take(&(network, hash(account))).wait)
    }
}

/// Buckets of one size, one for each of somebody.
struct Buckets<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, HashMapStateStore<K>, Ticks, StateInformationMiddleware>,
    quota: Quota,
    ticks: Ticks,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    fn new(quota: Quota, ticks: &Ticks) -> Self {
        let store = HashMapStateStore::default();
        let limiter = RateLimiter::<_, _, _, NoOpMiddleware<Duration>>::new(quota, store, ticks.clone());
        Self { limiter: limiter.with_middleware(), quota, ticks: ticks.clone() }
    }

    fn take(&self, key: &K) -> Allowance {
        if self.limiter.len() >= REMEMBERED {
            self.limiter.retain_recent();
        }
        match self.limiter.check_key(key) {
            Ok(state) => self.allowance(state.remaining_burst_capacity(), None),
            Err(refusal) => self.exhausted(refusal.wait_time_from(self.ticks.now())),
        }
    }

    fn exhausted(&self, wait: Duration) -> Allowance {
        self.allowance(0, Some(wait))
    }

    fn allowance(&self, remaining: u32, wait: Option<Duration>) -> Allowance {
        let limit = self.quota.burst_size().get();
        let reset = self.quota.replenish_interval() * limit.saturating_sub(remaining);
        Allowance { limit, remaining, reset, wait }
    }
}

/// The application's clock as time that passes: when the machine's clock is put back, nobody waits for it to catch up.
#[derive(Clone)]
struct Ticks {
    clock: SharedClock,
    passed: Arc<Mutex<(DateTime<Utc>, Duration)>>,
}

impl Ticks {
    fn new(clock: SharedClock) -> Self {
        let passed = Arc::new(Mutex::new((clock.now(), Duration::ZERO)));
        Self { clock, passed }
    }
}

impl Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        let mut passed = lock(&self.passed);
        let now = self.clock.now();
        let since = (now - passed.0).to_std().unwrap_or_default();
        *passed = (now, passed.1 + since);
        passed.1
    }
}

/// Whoever has an IPv6 address usually has all of its /64.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

/// Begun seconds count: whoever waits so long has waited long enough.
pub(crate) fn whole_secs(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::clock::StoppedClock;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn limiter(per_second: u32, burst: u32) -> (Limiter, Arc<StoppedClock>) {
        let clock = Arc::new(StoppedClock::default());
        (Limiter::new(per_second, burst, clock.clone()).unwrap(), clock)
    }

    #[test]
    fn none_a_second_means_no_limit() {
        assert!(Limiter::new(0, 10, Arc::new(StoppedClock::default())).is_none());
    }

    #[test]
    fn a_burst_is_taken_at_once_and_comes_back_with_time_for_each_key_alone() {
        let (limiter, clock) = limiter(2, 4);
        let (mine, other) = (Uuid::nil(), Uuid::max());
        for remaining in [3, 2, 1, 0] {
            let taken = limiter.right(mine, "a");
            let reset = Duration::from_millis(500) * (4 - remaining);
            assert_eq!(taken, Allowance { limit: 4, remaining, reset, wait: None });
        }
        let refused = limiter.right(mine, "a");
        assert_eq!((refused.remaining, refused.wait), (0, Some(Duration::from_millis(500))));
        assert_eq!(limiter.right(other, "b").remaining, 3);
        clock.advance(TimeDelta::milliseconds(500));
        assert_eq!(limiter.right(mine, "a").wait, None);
        assert!(limiter.right(mine, "a").wait.is_some());
        clock.advance(TimeDelta::hours(1));
        assert_eq!(limiter.right(mine, "a").remaining, 3, "never more than a burst");
    }

    #[test]
    fn a_clock_that_is_put_back_makes_nobody_wait() {
        let (limiter, clock) = limiter(1, 1);
        assert_eq!(limiter.right(Uuid::nil(), "a").wait, None);
        clock.advance(-TimeDelta::hours(1));
        assert_eq!(limiter.right(Uuid::nil(), "a").wait, Some(Duration::from_secs(1)));
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(limiter.right(Uuid::nil(), "a").wait, None);
    }

    #[test]
    fn an_address_that_guesses_is_looked_at_once_a_second_and_a_proven_key_gets_in_all_the_while() {
        let (limiter, clock) = limiter(50, 100);
        limiter.right(Uuid::nil(), "proven");
        for _ in 0..WRONG_KEYS.get() {
            assert_eq!(limiter.refuses(HERE, "guess"), None);
            assert_eq!(limiter.wrong(HERE).wait, None);
        }
        assert_eq!(limiter.wrong(HERE).wait, Some(Duration::from_secs(1)));
        let refused = limiter.refuses(HERE, "perhaps the right one").unwrap();
        assert_eq!((refused.limit, refused.wait), (WRONG_KEYS.get(), Some(Duration::from_secs(1))));
        assert_eq!(limiter.refuses(HERE, "proven"), None);
        assert_eq!(limiter.refuses("192.0.2.1".parse().unwrap(), "guess"), None, "another address");
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(limiter.refuses(HERE, "guess"), None);
        assert_eq!(limiter.wrong(HERE).wait, None);
        assert!(limiter.wrong(HERE).wait.is_some());
    }

    #[test]
    fn log_ins_are_counted_by_account_and_address_and_by_address() {
        let clock = Arc::new(StoppedClock::default());
        let limiter = LogInLimiter::new(clock.clone());
        let elsewhere = "192.0.2.1".parse().unwrap();
        for _ in 0..ACCOUNT_TRIES.get() {
            assert_eq!(limiter.refuses("dana", HERE), None);
        }
        assert_eq!(limiter.refuses("dana", HERE), Some(ACCOUNT_TRY_EVERY));
        assert_eq!(limiter.refuses("ben", HERE), None, "another account");
        assert_eq!(limiter.refuses("dana", elsewhere), None, "dana herself, at home");
        clock.advance(TimeDelta::seconds(10));
        assert_eq!(limiter.refuses("dana", HERE), None);
        assert!(limiter.refuses("dana", HERE).is_some());
        let refused = (0..100).filter(|n| limiter.refuses(&format!("name{n}"), HERE).is_some()).count();
        assert!(refused >= 40, "{refused}: names are no way around the address's limit");
        assert_eq!(limiter.refuses("kim", elsewhere), None);
    }

    #[test]
    fn a_whole_ipv6_network_is_one_address() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:0:0:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn what_no_longer_matters_is_forgotten() {
        let (limiter, clock) = limiter(1, 1);
        for n in 0..3 * u32::try_from(REMEMBERED).unwrap() {
            limiter.wrong(std::net::Ipv4Addr::from_bits(n).into());
            limiter.right(Uuid::from_u128(n.into()), &n.to_string());
            clock.advance(TimeDelta::milliseconds(1));
        }
        assert!(limiter.wrong_keys.limiter.len() <= REMEMBERED && limiter.keys.limiter.len() <= REMEMBERED);
        assert!(lock(&limiter.proven).len() <= REMEMBERED);
    }

    proptest! {
        /// Whoever waits as long as they are told gets in; and over any time nobody gets in more often than the rate and one
        /// burst allow.
        #[test]
        fn the_rate_holds_and_the_wait_is_the_truth(
            per_second in 1..200_u32, burst in 1..50_u32, gaps in prop::collection::vec(0..200_i64, 1..200),
        ) {
            let (limiter, clock) = limiter(per_second, burst);
            let (mut taken, mut passed_ms) = (0_u64, 0_i64);
            for gap in gaps {
                clock.advance(TimeDelta::milliseconds(gap));
                passed_ms += gap;
                let first = limiter.right(Uuid::nil(), "a");
                taken += 1;
                if let Some(wait) = first.wait {
                    let wait = i64::try_from(wait.as_millis()).unwrap() + 1;
                    clock.advance(TimeDelta::milliseconds(wait));
                    passed_ms += wait;
                    prop_assert_eq!(limiter.right(Uuid::nil(), "a").wait, None);
                }
                let most = u64::from(burst) + u64::try_from(passed_ms).unwrap() * u64::from(per_second) / 1000 + 1;
                prop_assert!(taken <= most, "{} of {}", taken, most);
            }
        }
    }
}
