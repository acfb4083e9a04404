//! The table of errors as a page for people, generated so that it is never wrong.

use std::fmt::Write;

use strum::IntoEnumIterator;

use crate::error::ErrorCode;
use crate::twilio::errors::KNOWN_ERRORS;

/// `docs/errors.md`.
pub fn errors_page() -> String {
    let mut page = String::from(
        "# Errors\n\n\
         Generated from `src/error.rs` and `src/twilio/errors.rs`; `UPDATE_DOCS=1 cargo test errors_page` writes it anew, \
         `warm-transfer errors` prints it, and a running service shows it at `/api/docs/errors`.\n\n\
         Whatever goes wrong is answered as a problem document ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457), \
         `application/problem+json`). Programs go by its `code`, which never changes its meaning. `field` names the field it is \
         about, `detail` says more to people, and `request_id` is the request's id in the log.\n\n\
         | code | status | title | what to do |\n| --- | --- | --- | --- |\n",
    );
    for code in ErrorCode::iter() {
        let (name, status, title) = code.entry();
        let _ = writeln!(page, "| `{name}` | {status} | {title} | {} |", code.help());
    }
    page.push_str(
        "\n## What Twilio refuses\n\n\
         A request to us succeeds before Twilio is asked, so what Twilio refuses is told afterwards: the leg, and the transfer it \
         was for, have a `failure`, a `failure_detail` in words, and Twilio's own number in `twilio_code`, in the call and in \
         its events. These are explained; any other comes with Twilio's own words.\n\n\
         | `twilio_code` | what is the matter | what to do |\n| --- | --- | --- |\n",
    );
    for known in KNOWN_ERRORS {
        let _ =
            writeln!(page, "| [{}]({}) | {} | {} |", known.code, known.page(), known.sentence, known.hint);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_page_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, errors_page()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(written == errors_page(), "docs/errors.md is stale: UPDATE_DOCS=1 cargo test errors_page");
    }
}
