//! Owns what every request of a browser passes: whose session it is, whether another site has forged it, and the headers that
//! keep pages from being framed, sniffed, cached or scripted from elsewhere. What programs and Twilio ask is left alone.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::{InternalError, PayloadError};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage};
use futures_util::future::ready;
use futures_util::stream;
use url::form_urlencoded;

use crate::app::SharedApp;
use crate::console::forms::CSRF_FIELD;
use crate::console::sessions::Session;
use crate::console::sessions::services::find;
use crate::error::{AppError, ErrorCode, unread};

/// The header that proves where a request comes from.
pub const CSRF_HEADER: &str = "x-csrf-token";

/// Below these, programs and Twilio ask.
const FOR_PROGRAMS: [&str; 5] = ["/twiml/", "/webhooks/", "/api/", "/healthz", "/readyz"];

/// Nothing but what this server sends is loaded, and no script or style that stands in a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What every answer to a browser says, unless its view says otherwise.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Looks the session up for the view to find, and refuses what is forged.
///
/// # Errors
/// 403 `forged`, 503 when sessions cannot be looked up, and the service's own.
pub async fn browsers<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if FOR_PROGRAMS.iter().any(|start| request.path().starts_with(start)) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let answered = match admit(&mut request).await {
        Ok(()) => next.call(request).await.map(ServiceResponse::map_into_left_body),
        Err(error) => Ok(request.error_response(error).map_into_right_body()),
    };
    match answered {
        Ok(mut response) => {
            protect(response.headers_mut());
            Ok(response)
        }
        Err(error) => {
            let mut response = error.error_response();
            protect(response.headers_mut());
            Err(InternalError::from_response(error, response).into())
        }
    }
}

fn protect(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

async fn admit(request: &mut ServiceRequest) -> Result<(), AppError> {
    let Some(app) = request.app_data::<SharedApp>().cloned() else { return Ok(()) };
    if request.path().starts_with("/static/") {
        return Ok(());
    }
    let is_unsafe = !request.method().is_safe();
    if is_unsafe && !is_from_here(request.headers(), &app.console.origin) {
        return Err(forged("the browser says that another site has sent it"));
    }
    let Some(cookie) = request.cookie(app.console.cookie_name()) else { return Ok(()) };
    let Some(session) = find(&app, cookie.value()).await? else { return Ok(()) };
    // Whoever logs in need not have a session, and leaves the one they have.
    if is_unsafe && request.path() != "/login" {
        let token = presented(request).await?;
        if !session.is_csrf(token.as_deref().unwrap_or_default()) {
            return Err(forged("its token is not the session's"));
        }
    }
    request.extensions_mut().insert::<Session>(session);
    Ok(())
}

fn forged(why: &str) -> AppError {
    AppError::new(ErrorCode::Forged).with_detail(why)
}

/// Whether the browser says that a page of ours has sent it. One that says nothing is no browser of today, and cannot be made to
/// forge anything. <https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html>
fn is_from_here(headers: &HeaderMap, origin: &str) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match text(header::ORIGIN) {
        Some(said) => {
            // A developer may look at it by another name than Twilio does.
            let (scheme, host) = said.split_once("://").unwrap_or_default();
            said == origin || (matches!(scheme, "http" | "https") && Some(host) == text(header::HOST))
        }
        None => {
            matches!(text(HeaderName::from_static("sec-fetch-site")), None | Some("same-origin" | "none"))
        }
    }
}

/// The token that a script has sent in the header, or a form in its field.
async fn presented(request: &mut ServiceRequest) -> Result<Option<String>, AppError> {
    if let Some(header) = request.headers().get(CSRF_HEADER) {
        return Ok(header.to_str().ok().map(str::to_owned));
    }
    if request.content_type() != "application/x-www-form-urlencoded" {
        return Ok(None);
    }
    let body = request.extract::<Bytes>().await.map_err(|error| unread(&error))?;
    let field = form_urlencoded::parse(&body).find(|(name, _)| name == CSRF_FIELD);
    let token = field.map(|(_, value)| value.into_owned());
    // The view reads the body once more.
    let again = stream::once(ready(Ok::<_, PayloadError>(body)));
    request.set_payload(Payload::Stream { payload: Box::pin(again) });
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_site_sends_is_told_from_what_a_page_of_ours_sends() {
        const PUBLIC: &str = "https://calls.example.com";
        let cases = [
            (None, None, true),
            (Some(PUBLIC), None, true),
            (Some(PUBLIC), Some("cross-site"), true),
            (Some("http://127.0.0.1:8080"), None, true),
            (Some("https://127.0.0.1:8080"), None, true),
            (Some("http://127.0.0.1:8081"), None, false),
            (Some("ftp://127.0.0.1:8080"), None, false),
            (Some("127.0.0.1:8080"), None, false),
            (Some("https://evil.example"), None, false),
            (Some("https://calls.example.com.evil.example"), Some("same-origin"), false),
            (Some("http://calls.example.com"), None, false),
            (Some("null"), None, false),
            (Some(""), None, false),
            (None, Some("same-origin"), true),
            (None, Some("none"), true),
            (None, Some("same-site"), false),
            (None, Some("cross-site"), false),
        ];
        for (origin, site, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1:8080"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            if let Some(site) = site {
                headers.insert(HeaderName::from_static("sec-fetch-site"), HeaderValue::from_static(site));
            }
            assert_eq!(is_from_here(&headers, PUBLIC), expected, "{origin:?} {site:?}");
        }
    }
}
