//! The console: pages for agents and supervisors, who is logged in, and what they may do.

pub mod access;
pub mod account;
pub mod assets;
pub mod audibility;
pub mod curl;
pub mod days;
pub mod forms;
pub mod history;
pub mod ladder;
pub mod live;
pub mod log_in;
pub mod markup;
pub mod models;
pub mod numbers;
pub mod pages;
pub mod sessions;
pub mod svg;
pub mod team;
pub mod texts;
pub mod typed;
pub mod urls;
pub mod views;

use std::net::IpAddr;

use chrono::TimeDelta;
use chrono_tz::Tz;
use url::Url;

use self::live::card::Alarms;
use crate::agents::passwords::Passwords;
use crate::clock::SharedClock;
use crate::middleware::limiter::LogInLimiter;
use crate::settings::ConsoleSettings;

/// What the console shares.
pub struct Console {
    /// Compares passwords.
    pub passwords: Passwords,
    /// How often somebody may try to log in.
    pub log_ins: LogInLimiter,
    /// How long a session lasts that nobody uses.
    pub session_idle: TimeDelta,
    /// How long any session lasts.
    pub session_longest: TimeDelta,
    /// Whether agents see that a supervisor is on the call.
    pub show_supervisors: bool,
    /// From when on what goes on too long is an alarm.
    pub alarms: Alarms,
    /// Scripts that every page loads beside its own: the demo's.
    pub scripts: &'static [&'static str],
    /// Whose days and hours the console counts by.
    pub time_zone: Tz,
    /// Scheme, host and port of the public URL, as browsers write an `Origin`.
    pub origin: String,
}

impl Console {
    /// From the settings.
    pub fn new(settings: &ConsoleSettings, public_url: &str, clock: SharedClock) -> Self {
        let origin = Url::parse(public_url).map(|url| url.origin().ascii_serialization());
        Self {
            passwords: Passwords::default(),
            log_ins: LogInLimiter::new(clock),
            session_idle: TimeDelta::hours(settings.session_idle_hours.into()),
            session_longest: TimeDelta::hours(settings.session_hours.into()),
            show_supervisors: settings.show_supervisors,
            scripts: &[],
            alarms: Alarms {
                dead_air: TimeDelta::seconds(settings.dead_air_secs.into()),
                long_hold: TimeDelta::seconds(settings.long_hold_secs.into()),
            },
            time_zone: settings.time_zone.0,
            origin: origin.unwrap_or_default(),
        }
    }

    /// Whether browsers reach it by https only.
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }

    /// The name of the session's cookie. One with this prefix is taken from this host alone, and over https.
    /// <https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes>
    pub fn cookie_name(&self) -> &'static str {
        if self.is_https() { "__Host-wt_session" } else { "wt_session" }
    }
}

/// Where a browser is and what it calls itself, for the list of somebody's sessions.
#[derive(Debug, Clone)]
pub struct Client {
    /// As the connection says, or a proxy that is trusted.
    pub address: IpAddr,
    /// What it calls itself.
    pub user_agent: String,
}
