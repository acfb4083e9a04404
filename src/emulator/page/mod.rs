//! Owns the page at `/`: the files are compiled in, and nothing else may run on it.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderName};
use actix_web::web::{self, Path, ServiceConfig};

/// Only what comes from here, nothing inline, and no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Name, type and content of each file.
const FILES: [(&str, &str, &str); 18] = [
    ("style.css", "text/css; charset=utf-8", include_str!("style.css")),
    ("icon.svg", "image/svg+xml", include_str!("icon.svg")),
    ("api.js", SCRIPT, include_str!("api.js")),
    ("audibility.js", SCRIPT, include_str!("audibility.js")),
    ("clock.js", SCRIPT, include_str!("clock.js")),
    ("conferences.js", SCRIPT, include_str!("conferences.js")),
    ("debugger.js", SCRIPT, include_str!("debugger.js")),
    ("details.js", SCRIPT, include_str!("details.js")),
    ("dom.js", SCRIPT, include_str!("dom.js")),
    ("faults.js", SCRIPT, include_str!("faults.js")),
    ("forms.js", SCRIPT, include_str!("forms.js")),
    ("ladder.js", SCRIPT, include_str!("ladder.js")),
    ("main.js", SCRIPT, include_str!("main.js")),
    ("phones.js", SCRIPT, include_str!("phones.js")),
    ("state.js", SCRIPT, include_str!("state.js")),
    ("stream.js", SCRIPT, include_str!("stream.js")),
    ("switches.js", SCRIPT, include_str!("switches.js")),
    ("tabs.js", SCRIPT, include_str!("tabs.js")),
];

/// The routes of the page.
pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/", web::get().to(index)).route("/page/{name}", web::get().to(file));
}

async fn index() -> HttpResponse {
    serve(HTML, include_str!("index.html"))
}

async fn file(name: Path<String>) -> HttpResponse {
    match FILES.iter().find(|(known, ..)| *known == name.as_str()) {
        Some((_, kind, content)) => serve(kind, content),
        None => super::control::unknown().await,
    }
}

fn serve(kind: &'static str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        // The files belong to the program that runs; another one may be on this port tomorrow.
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(content)
}

#[cfg(test)]
mod tests {
    use crate::emulator::Switches;

    #[test]
    fn every_switch_that_is_a_choice_has_its_choices_on_the_page() {
        let script = include_str!("switches.js");
        let switches = serde_json::to_value(Switches::default()).unwrap();
        let words = switches.as_object().unwrap().iter().filter(|(_, value)| value.is_string());
        for (name, value) in words.filter(|(name, _)| *name != "reason_after_kick") {
            let choices = script.lines().find(|line| line.trim_start().starts_with(&format!("{name}: [")));
            assert!(choices.is_some_and(|line| line.contains(&value.to_string())), "{name}");
        }
    }
}
