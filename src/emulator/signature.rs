//! Owns the emulator's own `X-Twilio-Signature`: written from the documentation, not from the service's code.
//! <https://www.twilio.com/docs/usage/webhooks/webhooks-security>

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// Signs a request to `url` (without its fragment), whose form, if it has one, is `form`: base64(HMAC-SHA1(token, url + form)).
pub(super) fn sign(auth_token: &str, url: &str, form: Option<&[(String, String)]>) -> String {
    let mut signed = url.to_owned();
    let mut fields: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in form.unwrap_or_default() {
        fields.entry(name).or_default().insert(value);
    }
    for (name, values) in fields {
        for value in values {
            signed.push_str(name);
            signed.push_str(value);
        }
    }
    // HMAC takes keys of any length: no signature at all is what an impossible failure would leave.
    match Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()) {
        Ok(mut mac) => {
            mac.update(signed.as_bytes());
            STANDARD.encode(mac.finalize().into_bytes())
        }
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "test_auth_token_0123456789abcdef";

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    /// Computed with twilio-python 9.13.
    #[test]
    fn signatures_are_those_of_twilios_own_library() {
        let call = ("CallSid", "CA00000000000000000000000000000001");
        for (token, url, form, expected) in [
            (
                "12345",
                "https://mycompany.com/myapp.php?foo=1&bar=2",
                vec![
                    ("CallSid", "CA1234567890ABCDE"),
                    ("Caller", "+12349013030"),
                    ("Digits", "1234"),
                    ("From", "+12349013030"),
                    ("To", "+18005551212"),
                ],
                "0/KCTR6DLpKmkAf8muzZqo1nDgQ=",
            ),
            (
                TOKEN,
                "https://app.example.com/events",
                vec![
                    call,
                    ("StatusCallbackEvent", "ringing"),
                    ("StatusCallbackEvent", "answered"),
                    ("StatusCallbackEvent", "answered"),
                    ("StatusCallbackEvent", "completed"),
                ],
                "lDQoG/vhPJ5WwemCbB0WS9hdh5Q=",
            ),
            (
                TOKEN,
                "https://app.example.com/events",
                vec![("CallerName", ""), ("FromCity", "ZÜRICH"), ("Digits", "#*1")],
                "rppKpgYd35UpqwDB4ao/K39xhYY=",
            ),
            (
                TOKEN,
                "https://app.example.com/events",
                vec![("b", "2"), ("A", "1"), ("a", "3"), ("B", "4")],
                "RjlS6aBpmmrjry3miy/dBlhBcxw=",
            ),
            (TOKEN, "https://app.example.com:8443/voice", vec![("A", "1")], "ZOohZLW8YVYFTF5a930MSbvppw4="),
        ] {
            assert_eq!(sign(token, url, Some(&pairs(&form))), expected, "{url}");
        }
        let get = "https://app.example.com/voice/answer?CallSid=CA00000000000000000000000000000001&From=%2B15550001111&To=%2B15550002222&CallStatus=in-progress";
        assert_eq!(sign(TOKEN, get, None), "9+iy1BwC0L0IaFsHyb5SK8bMuxM=");
    }
}
