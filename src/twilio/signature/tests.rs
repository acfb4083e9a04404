//! Owns the checks of the signature: the official library's vectors, and what must be refused.

use super::*;

const TOKEN: &str = "test_auth_token_0123456789abcdef";
const CALL: (&str, &str) = ("CallSid", "CA00000000000000000000000000000001");
const NONE: &[(&str, &str)] = &[];

/// The form of vector 1: what Twilio sends when a `Dial` has ended.
const DIAL_ACTION: [(&str, &str); 13] = [
    ("AccountSid", "AC00000000000000000000000000000001"),
    ("ApiVersion", "2010-04-01"),
    CALL,
    ("CallStatus", "in-progress"),
    ("Called", "+15550002222"),
    ("Caller", "+15550001111"),
    ("DialBridged", "true"),
    ("DialCallDuration", "17"),
    ("DialCallSid", "CA00000000000000000000000000000002"),
    ("DialCallStatus", "completed"),
    ("Direction", "outbound-api"),
    ("From", "+15550001111"),
    ("To", "+15550002222"),
];

/// Token, URL, parameters, signature.
type Vector = (&'static str, &'static str, Vec<(&'static str, &'static str)>, &'static str);

/// Computed with the official Python library, version 9.13.0.
fn vectors() -> Vec<Vector> {
    let events = "https://app.example.com/events";
    let example = "https://mycompany.com/myapp.php?foo=1&bar=2";
    vec![
        (
            "12345",
            example,
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
            "https://app.example.com/voice/dial-action?transfer=tr_42&leg=customer",
            DIAL_ACTION.into_iter().rev().collect(),
            "Z7lpGJAttDQoMe79VRpv6M+w4+Y=",
        ),
        (
            TOKEN,
            "https://app.example.com/voice/answer?CallSid=CA00000000000000000000000000000001&From=%2B15550001111&To=%2B15550002222&CallStatus=in-progress",
            vec![],
            "9+iy1BwC0L0IaFsHyb5SK8bMuxM=",
        ),
        (
            TOKEN,
            events,
            vec![
                CALL,
                ("StatusCallbackEvent", "ringing"),
                ("StatusCallbackEvent", "answered"),
                ("StatusCallbackEvent", "answered"),
                ("StatusCallbackEvent", "completed"),
            ],
            "lDQoG/vhPJ5WwemCbB0WS9hdh5Q=",
        ),
        (
            TOKEN,
            events,
            vec![("CallerName", ""), ("FromCity", "ZÜRICH"), ("Digits", "#*1")],
            "rppKpgYd35UpqwDB4ao/K39xhYY=",
        ),
        (TOKEN, events, vec![("b", "2"), ("A", "1"), ("a", "3"), ("B", "4")], "RjlS6aBpmmrjry3miy/dBlhBcxw="),
        (TOKEN, "https://app.example.com:8443/voice", vec![("A", "1")], "ZOohZLW8YVYFTF5a930MSbvppw4="),
        (TOKEN, "https://app.example.com/voice", vec![("A", "1")], "VmxM9TWQt2Sf9o0SDBCBi+8Vph0="),
        (
            "12345",
            example,
            vec![
                ("Sid", "CA123"),
                ("SidAccount", "AC123"),
                ("Digits", "5678"),
                ("Digits", "1234"),
                ("Digits", "1234"),
            ],
            "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
        ),
    ]
}

#[test]
fn the_official_librarys_signatures_are_ours() {
    for (token, url, params, signature) in vectors() {
        assert_eq!(sign(token, url, &params), signature, "{url} {params:?}");
        assert!(verify(token, url, &params, signature), "{url} {params:?}");
    }
}

#[test]
fn any_change_spoils_a_signature() {
    for (token, url, params, signature) in vectors() {
        assert!(!verify("another token", url, &params, signature));
        assert!(!verify(token, &format!("{url}x"), &params, signature));
        assert!(!verify(token, &url.replacen("https", "http", 1), &params, signature));
        assert!(!verify(
            token,
            &url.replacen("app.", "app2.", 1).replacen("my", "your", 1),
            &params,
            signature
        ));
        assert!(!verify(token, url, &params, &signature.to_lowercase()));
        assert!(!verify(token, url, &params, ""));
        assert!(!verify(token, url, &params, &signature[..27]));
        assert!(!verify(token, url, &params, &format!(" {signature}")));
        let mut more = params.clone();
        more.push(("Extra", "1"));
        assert!(!verify(token, url, &more, signature));
        for index in 0..params.len() {
            let mut changed = params.clone();
            changed[index].1 = " ";
            assert!(!verify(token, url, &changed, signature), "{index}");
        }
    }
}

#[test]
fn a_repeated_pair_counts_once_and_the_order_of_parameters_does_not_matter() {
    let url = "https://app.example.com/events";
    let once = sign(TOKEN, url, &[("a", "2"), ("a", "1"), ("b", "")]);
    assert_eq!(once, sign(TOKEN, url, &[("b", ""), ("a", "1"), ("a", "2"), ("a", "1"), ("b", "")]));
    assert_ne!(once, sign(TOKEN, url, &[("a", "2"), ("a", "1"), ("b", " ")]));
    assert_ne!(sign(TOKEN, url, &[("a", "x ")]), sign(TOKEN, url, &[("a", "x")]));
}

#[test]
fn ports_are_accepted_as_the_official_library_does() {
    let signed = |url: &str| sign(TOKEN, url, NONE);
    for (configured, accepted, refused) in [
        (
            "https://h.example/x",
            vec!["https://h.example/x", "https://h.example:443/x"],
            "https://h.example:8443/x",
        ),
        (
            "https://h.example:8443/x",
            vec!["https://h.example/x", "https://h.example:8443/x"],
            "https://h.example:443/x",
        ),
        (
            "http://h.example/x?a=:1",
            vec!["http://h.example/x?a=:1", "http://h.example:80/x?a=:1"],
            "http://h.example:443/x?a=:1",
        ),
        ("http://[::1]/x", vec!["http://[::1]/x", "http://[::1]:80/x"], "http://[/x"),
        ("http://[::1]:90", vec!["http://[::1]", "http://[::1]:90"], "http://[::1]:80"),
        (
            "https://u:p@h.example/x",
            vec!["https://u:p@h.example/x", "https://u:p@h.example:443/x"],
            "https://u/x",
        ),
    ] {
        for url in accepted {
            assert!(verify(TOKEN, configured, NONE, &signed(url)), "{configured} {url}");
        }
        assert!(!verify(TOKEN, configured, NONE, &signed(refused)), "{configured} {refused}");
    }
}

#[test]
fn the_fragment_is_not_signed() {
    let signature = sign(TOKEN, "https://app.example.com/x?a=1", NONE);
    assert!(verify(TOKEN, "https://app.example.com/x?a=1#rc=2&rt=3000", NONE, &signature));
    assert_eq!(sign(TOKEN, "https://app.example.com/x?a=1#rc=2", NONE), signature);
}

#[test]
fn a_body_that_is_no_form_is_checked_by_its_hash() {
    let url = "https://app.example.com/json?x=1&bodySHA256=ecf9e98ec0641e23113ff3ce8bdc78d0ddd249886517fd4a7f68cc83d4e65667";
    let (body, signature) = (br#"{"a":1,"b":"x"}"#, "fj6NXh9ol/0g8graKSv4nwvIAYs=");
    assert_eq!(sign(TOKEN, url, NONE), signature);
    assert!(verify_body(TOKEN, url, body, signature));
    assert!(!verify_body(TOKEN, url, br#"{"a":1,"b":"y"}"#, signature));
    assert!(!verify_body(TOKEN, url, body, "fj6NXh9ol/0g8graKSv4nwvIAYt="));
    let unhashed = "https://app.example.com/json?x=1";
    assert!(!verify_body(TOKEN, unhashed, body, &sign(TOKEN, unhashed, NONE)));
}

#[test]
fn while_tokens_are_rotated_either_is_accepted() {
    let tokens = ["old", "new"].map(SecretString::from);
    let check = SignatureCheck::new("https://h.example/prefix/", &tokens);
    assert_eq!(check.public_url(), "https://h.example/prefix");
    for token in ["old", "new"] {
        assert!(check.verify("/x", &[], &sign(token, "https://h.example/prefix/x", NONE)));
        assert!(check.verify("/x", &[], &sign(token, "https://h.example:443/prefix/x", NONE)));
    }
    assert!(!check.verify("/x", &[], &sign("other", "https://h.example/prefix/x", NONE)));
    assert!(!SignatureCheck::new("https://h.example", &[]).verify(
        "/",
        &[],
        &sign("", "https://h.example/", NONE)
    ));
    assert!(!format!("{check:?}").contains("old"));
}

#[test]
fn a_token_of_any_length_is_a_key() {
    for (length, signature) in LONG_TOKENS {
        assert_eq!(sign(&"k".repeat(length), "https://app.example.com/", NONE), signature, "{length}");
    }
}

/// Computed with the official Python library: one block, and more than one.
const LONG_TOKENS: [(usize, &str); 3] = [
    (64, "uAZ+6qSr99idP9MRay9gYn9uDts="),
    (65, "z1Rp07JOHtqQQL2l/ZUUXYobHNQ="),
    (200, "Wq318HGfpkfbcsTAuTd6KiYmJCg="),
];

#[test]
fn only_the_auth_tokens_algorithm_is_supported() {
    for good in
        ["", "key=webhooks_sharedkey_1", "algorithm=HMAC_SHA1", "key=a, algorithm=hmac_sha1", "algorithm="]
    {
        assert!(settings_are_supported(good), "{good}");
    }
    for bad in [
        "key=a,algorithm=HMAC_SHA256",
        "algorithm=HMAC_SHA512",
        "algorithm=none",
        "algorithm=x,algorithm=HMAC_SHA1",
    ] {
        assert!(!settings_are_supported(bad), "{bad}");
    }
}
