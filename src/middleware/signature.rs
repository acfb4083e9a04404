//! Owns the gate for Twilio's requests: a view gets their parameters only through [`TwilioRequest`], and that exists
//! only when the signature is right.
//!
//! The signature itself is computed in [`crate::twilio::signature`].

use std::fmt;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::http::uri::PathAndQuery;
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::{Serialize, Serializer};

use crate::error::{AppError, ErrorCode};
pub use crate::twilio::signature::SignatureCheck;
use crate::twilio::signature::{SETTINGS_HEADER, SIGNATURE_HEADER, in_signed_order, settings_are_supported};

/// The largest body that is read, in bytes. Twilio's own are about a kilobyte.
pub const BODY_LIMIT: usize = 64 * 1024;

/// The header that stays the same when Twilio repeats one webhook.
const IDEMPOTENCY_HEADER: &str = "I-Twilio-Idempotency-Token";

/// A request that Twilio signed. The application must hold a [`SignatureCheck`] as its data.
///
/// As an argument of a view it is taken before the view runs, and the view does not run without it.
#[derive(Clone)]
pub struct TwilioRequest {
    method: Method,
    path_and_query: PathAndQuery,
    query: Params,
    form: Params,
    body: Bytes,
    idempotency_token: Option<String>,
}

impl TwilioRequest {
    /// A request that was verified when it came and kept since, read again; `None` if it is none.
    pub(crate) fn restored(
        method: &str,
        path_and_query: &str,
        form: &[(String, String)],
        idempotency_token: Option<String>,
    ) -> Option<Self> {
        let path_and_query: PathAndQuery = path_and_query.parse().ok()?;
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        Some(Self {
            method: method.parse().ok()?,
            query: Params::decode(path_and_query.query().unwrap_or_default().as_bytes()),
            path_and_query,
            form: Params::decode(body.as_bytes()),
            body: body.into(),
            idempotency_token,
        })
    }

    /// GET or POST, as Twilio sent it.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path alone.
    pub fn path(&self) -> &str {
        self.path_and_query.path()
    }

    /// The path and the query exactly as they were sent.
    pub fn path_and_query(&self) -> &str {
        self.path_and_query.as_str()
    }

    /// The parameters of the URL, decoded; those of a GET request are Twilio's own and ours together.
    pub fn query(&self) -> &Params {
        &self.query
    }

    /// The parameters of the form body, decoded; none for GET.
    pub fn form(&self) -> &Params {
        &self.form
    }

    /// The body as it came.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The first value of this name: the form's, or else the query's.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.form.get(name).or_else(|| self.query.get(name))
    }

    /// What stays the same when Twilio repeats this webhook, if it says so.
    pub fn idempotency_token(&self) -> Option<&str> {
        self.idempotency_token.as_deref()
    }
}

impl fmt::Debug for TwilioRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither values nor the query: they hold phone numbers.
        f.debug_struct("TwilioRequest")
            .field("method", &self.method)
            .field("path", &self.path_and_query.path())
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}

impl FromRequest for TwilioRequest {
    type Error = SignatureError;
    type Future = LocalBoxFuture<'static, Result<Self, SignatureError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            // Whatever the verdict will be the body is read first, so that the connection can be used again.
            let body = read(declared_length(&request), payload).await?;
            verified(&request, body)
        })
    }
}

/// Parameters in the order in which they came, repeated names included. Serialises as a list of pairs.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params {
    /// All names and values in one piece, so that a request of thirty parameters is not sixty allocations.
    text: String,
    /// Where each name and each value ends.
    ends: Vec<(usize, usize)>,
}

impl Params {
    /// Decodes `application/x-www-form-urlencoded`: a body or a query.
    pub fn decode(encoded: &[u8]) -> Self {
        let mut params = Self { text: String::with_capacity(encoded.len()), ends: Vec::new() };
        if !encoded.is_empty() {
            params.ends.reserve(1 + encoded.iter().filter(|byte| **byte == b'&').count());
        }
        for (name, value) in url::form_urlencoded::parse(encoded) {
            params.text.push_str(&name);
            let name_end = params.text.len();
            params.text.push_str(&value);
            params.ends.push((name_end, params.text.len()));
        }
        params
    }

    /// Every name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.ends.iter().scan(0, |start, (name_end, value_end)| {
            let pair = (&self.text[*start..*name_end], &self.text[*name_end..*value_end]);
            *start = *value_end;
            Some(pair)
        })
    }

    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Every value of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |(key, _)| *key == name).map(|(_, value)| value)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names only: values are phone numbers and what people pressed.
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

impl Serialize for Params {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// Why a request was not let through to its view. The text is for the log, never for whoever sent the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No signature at all: not from Twilio.
    #[error("the request carries no {SIGNATURE_HEADER}")]
    Missing,
    /// Another token, another public URL, or somebody else's request.
    #[error(
        "{SIGNATURE_HEADER} does not fit; if Twilio sent this, compare the public URL and the Auth Token"
    )]
    Wrong,
    /// Signed with a shared key.
    #[error("{SETTINGS_HEADER} names an algorithm other than HMAC_SHA1")]
    UnsupportedAlgorithm,
    /// More than [`BODY_LIMIT`].
    #[error("the body is larger than {BODY_LIMIT} bytes")]
    TooLarge,
    /// The connection broke in the middle of the body.
    #[error("the body could not be read to its end")]
    Unreadable,
    /// The application was put together without a [`SignatureCheck`].
    #[error("the application has no SignatureCheck")]
    NotConfigured,
}

impl SignatureError {
    /// Whoever forges learns nothing from how it was noticed.
    fn code(self) -> ErrorCode {
        match self {
            Self::Missing | Self::Wrong | Self::UnsupportedAlgorithm => ErrorCode::InvalidSignature,
            Self::TooLarge => ErrorCode::PayloadTooLarge,
            Self::Unreadable => ErrorCode::UnreadableBody,
            Self::NotConfigured => ErrorCode::Internal,
        }
    }
}

impl ResponseError for SignatureError {
    fn status_code(&self) -> StatusCode {
        AppError::new(self.code()).status_code()
    }

    fn error_response(&self) -> HttpResponse {
        AppError::new(self.code()).error_response()
    }
}

/// The body, or an error as soon as it is known to be too large.
async fn read(declared: Option<usize>, mut payload: Payload) -> Result<Bytes, SignatureError> {
    if declared.is_some_and(|length| length > BODY_LIMIT) {
        return Err(SignatureError::TooLarge);
    }
    let mut body = match payload.next().await {
        None => return Ok(Bytes::new()),
        Some(chunk) => chunk.map_err(|_| SignatureError::Unreadable)?,
    };
    // Nearly always the first chunk is all there is, and nothing is copied.
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| SignatureError::Unreadable)?;
        if body.len() + chunk.len() > BODY_LIMIT {
            return Err(SignatureError::TooLarge);
        }
        let mut joined = BytesMut::from(body);
        joined.extend_from_slice(&chunk);
        body = joined.freeze();
    }
    if body.len() > BODY_LIMIT { Err(SignatureError::TooLarge) } else { Ok(body) }
}

fn verified(request: &HttpRequest, body: Bytes) -> Result<TwilioRequest, SignatureError> {
    let check = request.app_data::<Data<SignatureCheck>>().ok_or(SignatureError::NotConfigured)?;
    let headers = request.headers();
    let signature = text(headers, SIGNATURE_HEADER).ok_or(SignatureError::Missing)?;
    if headers.contains_key(SETTINGS_HEADER)
        && !text(headers, SETTINGS_HEADER).is_some_and(settings_are_supported)
    {
        return Err(SignatureError::UnsupportedAlgorithm);
    }
    let path_and_query = request.uri().path_and_query().ok_or(SignatureError::Wrong)?;
    let form = form_of(request, &body);
    let genuine = match &form {
        Some(form) => {
            check.verify(path_and_query.as_str(), &in_signed_order(form.iter().collect()), signature)
        }
        None => check.verify_body(path_and_query.as_str(), &body, signature),
    };
    if !genuine {
        return Err(SignatureError::Wrong);
    }
    Ok(TwilioRequest {
        method: request.method().clone(),
        path_and_query: path_and_query.clone(),
        query: Params::decode(request.query_string().as_bytes()),
        form: form.unwrap_or_default(),
        body,
        idempotency_token: text(headers, IDEMPOTENCY_HEADER).map(str::to_owned),
    })
}

/// The parameters that are signed along with the URL; nothing when the body is of another kind and is signed by its hash.
fn form_of(request: &HttpRequest, body: &Bytes) -> Option<Params> {
    // Twilio signs a form only when it posts one, so one in a GET request is nobody's word.
    if body.is_empty() || request.method() == Method::GET {
        return Some(Params::default());
    }
    let kind = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded").then(|| Params::decode(body))
}

fn declared_length(request: &HttpRequest) -> Option<usize> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests;
