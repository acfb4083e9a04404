//! What settings must be beyond their types: ranges, addresses, and what is needed together.

use secrecy::ExposeSecret;
use url::Url;

use super::{
    DATABASE_URL, PUBLIC_URL, ServerSettings, Settings, SettingsError, TwilioSettings, VoiceSettings,
};
use crate::db::Location;
use crate::telephony::PhoneNumber;

type Check = Result<(), SettingsError>;

impl Settings {
    /// Refuses what cannot work, and brings the public URL into the form that Twilio signs.
    pub(super) fn check(&mut self) -> Check {
        self.server.public_url = self.server.public_url.trim_end_matches('/').to_owned();
        check_server(&self.server)?;
        Location::parse(self.database.url.expose_secret())
            .map_err(|reason| SettingsError::new(DATABASE_URL, reason))?;
        check_twilio(&self.twilio)?;
        check_voice(&self.voice)?;
        self.guard.rules()?;
        self.proxies()?;
        self.check_ranges()
    }

    fn check_ranges(&self) -> Check {
        within("calls.ring_timeout_secs", self.calls.ring_timeout_secs.into(), 5, 600)?;
        within("calls.time_limit_secs", self.calls.time_limit_secs.into(), 1, 86_400)?;
        within("flow.end_limit_secs", self.flow.end_limit_secs.into(), 1, 10)?;
        within("flow.move_limit_secs", self.flow.move_limit_secs.into(), 1, 60)?;
        within("flow.accept_limit_secs", self.flow.accept_limit_secs.into(), 5, 300)?;
        within("flow.consult_limit_secs", self.flow.consult_limit_secs.into(), 10, 3600)?;
        within("flow.finish_limit_secs", self.flow.finish_limit_secs.into(), 1, 3600)?;
        within("flow.watch_secs", self.flow.watch_secs.into(), 10, 3600)?;
        within("flow.ring_grace_secs", self.flow.ring_grace_secs.into(), 1, 60)?;
        within("api.requests_per_second", self.api.requests_per_second.into(), 0, 100_000)?;
        within("api.burst", self.api.burst.into(), 1, 100_000)?;
        within("database.pool_size", self.database.pool_size.into(), 1, 1000)?;
        within("database.pool_timeout_ms", self.database.pool_timeout_ms, 1, 60_000)?;
        within("database.busy_timeout_ms", self.database.busy_timeout_ms, 0, 60_000)?;
        within("database.spool_entries", as_u64(self.database.spool_entries), 1, 10_000_000)?;
        within("database.spool_bytes", self.database.spool_bytes, 1 << 20, 1 << 40)?;
        within("server.workers", as_u64(self.server.workers), 0, 1024)?;
        within("server.shutdown_timeout_secs", self.server.shutdown_timeout_secs, 0, 3600)?;
        within("server.database_budget_ms", self.server.database_budget_ms, 1, 4_000)?;
        within("events.heartbeat_secs", self.events.heartbeat_secs, 1, 300)?;
        within("events.stream_secs", self.events.stream_secs, 1, 86_400)?;
        within("events.slow_reader_secs", self.events.slow_reader_secs, 1, 300)?;
        within("console.dead_air_secs", self.console.dead_air_secs.into(), 1, 600)?;
        within("console.long_hold_secs", self.console.long_hold_secs.into(), 1, 3600)?;
        within("console.session_idle_hours", self.console.session_idle_hours.into(), 1, 8760)?;
        within("console.session_hours", self.console.session_hours.into(), 1, 8760)?;
        within("webhooks.timeout_ms", self.webhooks.timeout_ms, 100, 30_000)?;
        within("webhooks.parallel", as_u64(self.webhooks.parallel), 1, 64)?;
        within("webhooks.disable_after_hours", self.webhooks.disable_after_hours.into(), 1, 720)?;
        within("webhooks.keep_days", self.webhooks.keep_days.into(), 1, 3650)?;
        within("events.max_streams", as_u64(self.events.max_streams), 1, 10_000)?;
        within("twilio.connect_timeout_ms", self.twilio.connect_timeout_ms, 1, 30_000)?;
        within("twilio.timeout_ms", self.twilio.timeout_ms, 1, 30_000)
    }
}

fn as_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn within(name: &str, value: u64, least: u64, most: u64) -> Check {
    let fits = (least..=most).contains(&value);
    if fits {
        Ok(())
    } else {
        Err(SettingsError::new(name, format!("is {value}; expected {least} to {most}")))
    }
}

fn check_server(server: &ServerSettings) -> Check {
    let address = server.bind.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    if address.and_then(|(_, port)| port.parse::<u16>().ok()).is_none() {
        return Err(SettingsError::new("server.bind", "expected host:port, such as 127.0.0.1:8080"));
    }
    if server.public_url.is_empty() { Ok(()) } else { check_public_url(&server.public_url) }
}

/// Twilio signs this URL and must reach it. <https://www.twilio.com/docs/usage/webhooks/webhooks-security>
fn check_public_url(text: &str) -> Check {
    let wrong = |reason| Err(SettingsError::new(PUBLIC_URL, reason));
    let Ok(url) = Url::parse(text) else {
        return wrong("is not an absolute URL such as https://calls.example.com");
    };
    let host = url.host_str().unwrap_or_default();
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match url.scheme() {
        _ if host.is_empty() => wrong("names no host"),
        _ if host.contains('_') => {
            wrong("has an underscore in its host name; Twilio sends no callbacks there")
        }
        _ if !url.username().is_empty() || url.password().is_some() => {
            wrong("must not have a user or password; it stands in every URL that Twilio is given")
        }
        _ if url.query().is_some() || url.fragment().is_some() => wrong("must not have a query or fragment"),
        "https" => Ok(()),
        "http" if is_here => Ok(()),
        _ => wrong("must begin with https://, unless the host is this machine"),
    }
}

fn check_twilio(twilio: &TwilioSettings) -> Check {
    if !is_web_address(&twilio.base_url) {
        let name = "twilio.base_url (TWILIO_API_BASE_URL)";
        return Err(SettingsError::new(name, "is not an absolute http or https URL"));
    }
    if twilio.api_key.is_empty() != twilio.api_secret.expose_secret().is_empty() {
        let names = "twilio.api_key (TWILIO_API_KEY) and twilio.api_secret (TWILIO_API_SECRET)";
        return Err(SettingsError::new(names, "are needed together; give both or neither"));
    }
    if !(0.0..=1000.0).contains(&twilio.calls_per_second) {
        let wrong = format!("is {}; expected 0 to 1000", twilio.calls_per_second);
        return Err(SettingsError::new("twilio.calls_per_second", wrong));
    }
    if !twilio.caller_id.is_empty() {
        let number = twilio.caller_id.parse::<PhoneNumber>();
        number.map_err(|error| SettingsError::new("twilio.caller_id", error))?;
    }
    Ok(())
}

fn check_voice(voice: &VoiceSettings) -> Check {
    if voice.hold_music_url.is_empty() || is_web_address(&voice.hold_music_url) {
        return Ok(());
    }
    let reason = "is not an absolute http or https URL; empty means words instead of music";
    Err(SettingsError::new("voice.hold_music_url", reason))
}

fn is_web_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}
