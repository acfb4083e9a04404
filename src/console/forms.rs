//! What browsers send: JSON of the console's scripts, and forms of its pages.

use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::error::{AppError, from_pairs, unread};

/// The field of a form that proves where it comes from; the middleware has looked at it.
pub const CSRF_FIELD: &str = "csrf";

/// A form of a page, parsed; what is wrong with it is answered with the field's name.
pub struct ValidForm<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for ValidForm<T> {
    type Error = AppError;
    type Future = LocalBoxFuture<'static, Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Bytes::from_request(request, payload);
        Box::pin(async move {
            let body = body.await.map_err(|error| unread(&error))?;
            let pairs = form_urlencoded::parse(&body).filter(|(name, _)| name != CSRF_FIELD);
            let rest = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            from_pairs(rest.as_bytes()).map(Self)
        })
    }
}

/// `POST /login`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    /// Of the account.
    pub name: String,
    /// Of the account.
    pub password: String,
    /// What they wanted to see.
    pub next: Option<String>,
}

/// Query of `GET /login`; what else stands there is nobody's concern.
#[derive(Deserialize)]
pub struct LogInPage {
    /// What they wanted to see.
    pub next: Option<String>,
}

/// Where to go after log-in: an address of this console's pages, or else the first one. Nobody is sent elsewhere by a link.
pub fn local(next: Option<&str>) -> &str {
    let is_local = |next: &&str| {
        let is_path = next.starts_with('/') && !next.starts_with("//");
        // Browsers take a backslash for a slash, and leave out tabs and line ends.
        is_path && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    let is_page = |next: &&str| {
        let path = next.split(['?', '#']).next().unwrap_or_default();
        ["/board", "/calls", "/account", "/team"]
            .iter()
            .any(|page| path.strip_prefix(page).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    next.filter(is_local).filter(is_page).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere_after_log_in() {
        let here =
            ["/board", "/calls/0193?tab=twiml", "/account", "/calls?from=2026-01-01&q=a%20b", "/team#x"];
        for next in here {
            assert_eq!(local(Some(next)), next);
        }
        let elsewhere = [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "javascript:alert(1)",
            "/board\r\nX: y",
            "/board\t",
            "/callsx",
            "/login",
            "/logout",
            "/console/stream",
            "/api/docs",
            "board",
            "/%2f%2fevil.example",
            "///evil.example",
            "/calls/\u{e9}",
        ];
        for next in elsewhere {
            assert_eq!(local(Some(next)), "/", "{next:?}");
        }
        assert_eq!(local(None), "/");
    }
}
