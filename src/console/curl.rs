//! What was said as commands that say it again: for a terminal with a POSIX shell. No secret is in them; where one is needed
//! stands its name.

/// What stands where Twilio's signature belongs.
const SIGNATURE: &str = "$TWILIO_SIGNATURE";

/// A request of Twilio's to us. The signature is of the URL and the form: change either, and it must be made anew.
pub fn of_webhook(method: &str, url: &str, form: &[(String, String)]) -> String {
    let header = format!("\"X-Twilio-Signature: {SIGNATURE}\"");
    let mut lines = vec![format!("curl -X {} {}", word(method), word(url)), format!("-H {header}")];
    lines.extend(form.iter().map(field));
    lines.join(" \\\n  ")
}

/// A request of ours to Twilio.
pub fn of_request(method: &str, base_url: &str, path: &str, form: &[(String, String)]) -> String {
    let base = word(&format!("{}/2010-04-01/Accounts/", base_url.trim_end_matches('/')));
    let url = format!("{base}\"$TWILIO_ACCOUNT_SID\"{}", word(path));
    let user = "\"$TWILIO_ACCOUNT_SID:$TWILIO_AUTH_TOKEN\"";
    let mut lines = vec![format!("curl -X {} {url}", word(method)), format!("-u {user}")];
    lines.extend(form.iter().map(field));
    lines.join(" \\\n  ")
}

fn field((name, value): &(String, String)) -> String {
    // What stands before the first `=` is sent as it is.
    let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    format!("--data-urlencode {}", word(&format!("{name}={value}")))
}

/// One word of a shell, whatever is in it.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/:@%+,=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// What a shell makes of it: its words, by a `curl` that only tells them.
    fn words(command: &str) -> Vec<String> {
        let script = format!("curl() {{ printf '%s\\0' \"$@\"; }}\n{command}");
        let output = Command::new("sh")
            .args(["-c", &script])
            .env("TWILIO_ACCOUNT_SID", "AC1")
            .env("TWILIO_AUTH_TOKEN", "t")
            .env("TWILIO_SIGNATURE", "s=")
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_shell_takes_every_value_as_it_was(value in "[^\0]{0,40}", name in "[A-Za-z<]{1,8}") {
            let form = [(name.clone(), value.clone())];
            let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
            let field = format!("{name}={value}");
            let sent = words(&of_webhook("POST", "https://calls.example.com/twiml/x?a=1&b='", &form));
            prop_assert_eq!(sent, ["-X", "POST", "https://calls.example.com/twiml/x?a=1&b='", "-H", "X-Twilio-Signature: s=", "--data-urlencode", &field]);
            let asked = words(&of_request("POST", "https://api.twilio.com", "/Calls.json?a&b", &form));
            let url = "https://api.twilio.com/2010-04-01/Accounts/AC1/Calls.json?a&b";
            prop_assert_eq!(asked, ["-X", "POST", url, "-u", "AC1:t", "--data-urlencode", &field]);
        }
    }
}
