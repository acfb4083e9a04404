//! Owns `X-Twilio-Signature`: computing it and checking it. Pure; the request it came with belongs to
//! [`crate::middleware::signature`].
//!
//! Twilio signs the URL exactly as it requests it and appends the form's parameters in order of name and value, each
//! distinct pair once. <https://www.twilio.com/docs/usage/webhooks/webhooks-security>

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "X-Twilio-Signature";
/// The header that says with which algorithm a request was signed; absent for HMAC-SHA1 with the Auth Token.
pub const SETTINGS_HEADER: &str = "X-Twilio-Webhooks-Signature-Settings";

/// The query parameter in which Twilio puts the hash of a body that is not a form.
const BODY_HASH: &str = "bodySHA256";

type HmacSha1 = Hmac<Sha1>;
type Tag = [u8; 20];

/// The signature Twilio would send with this request.
///
/// `url` is absolute, with its query exactly as it is requested; `params` are the decoded parameters of a form body,
/// none for any other request.
pub fn sign<N: AsRef<str>, V: AsRef<str>>(auth_token: &str, url: &str, params: &[(N, V)]) -> String {
    STANDARD.encode(tag(keyed(auth_token), without_fragment(url), &signed_order(params)))
}

/// Whether this is the signature of that request, with or without the URL's port.
///
/// Twilio is inconsistent about ports, so a URL is accepted without its port and with it, or with its scheme's own
/// port if it has none. The comparison takes the same time wherever a signature differs.
pub fn verify<N: AsRef<str>, V: AsRef<str>>(
    auth_token: &str,
    url: &str,
    params: &[(N, V)],
    signature: &str,
) -> bool {
    let (origin, rest) = url.split_at(origin_length(url));
    let tokens = [SecretString::from(auth_token)];
    SignatureCheck::new(origin, &tokens).verify(rest, &signed_order(params), signature)
}

/// Whether this is the signature of a request whose body is no form: Twilio signs the URL alone, and the URL's
/// `bodySHA256` is the body's hash.
pub fn verify_body(auth_token: &str, url: &str, body: &[u8], signature: &str) -> bool {
    let (origin, rest) = url.split_at(origin_length(url));
    SignatureCheck::new(origin, &[SecretString::from(auth_token)]).verify_body(rest, body, signature)
}

/// Whether the settings header, if any, asks for the algorithm this service knows. Shared keys (HMAC-SHA256) are not
/// supported, so a request signed with one is not accepted.
pub fn settings_are_supported(header: &str) -> bool {
    let algorithm = header
        .split(',')
        .filter_map(|part| part.split_once('='))
        .find(|(name, value)| name.trim() == "algorithm" && !value.trim().is_empty());
    algorithm.is_none_or(|(_, value)| value.trim().eq_ignore_ascii_case("HMAC_SHA1"))
}

/// Parameters as they are signed: by name, then by value, in code-point order, each distinct pair once.
pub fn signed_order<N: AsRef<str>, V: AsRef<str>>(params: &[(N, V)]) -> Vec<(&str, &str)> {
    in_signed_order(params.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect())
}

/// The same for pairs that are already borrowed.
pub(crate) fn in_signed_order<'a>(mut pairs: Vec<(&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
    // Bytes of UTF-8 sort as their code points do.
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// Checks the signatures of requests to one public URL, with one or, while tokens are rotated, several Auth Tokens.
///
/// What all requests have in common, the keys and the beginning of the URL, is hashed once, when this is built.
#[derive(Clone)]
pub struct SignatureCheck {
    public_url: String,
    /// One for each token and each way to write the port.
    begun: Vec<HmacSha1>,
}

impl SignatureCheck {
    /// `public_url` is how Twilio reaches the service, from settings and never from a request, without the path of the
    /// view; a path prefix that a proxy removes belongs to it, a final slash does not matter.
    pub fn new(public_url: &str, auth_tokens: &[SecretString]) -> Self {
        let public_url = public_url.trim_end_matches('/');
        let urls = [public_url.to_owned(), other_port_form(public_url)];
        let begun = auth_tokens
            .iter()
            .map(|token| keyed(token.expose_secret()))
            .flat_map(|key| urls.iter().map(move |url| key.clone().chain_update(url)))
            .collect();
        Self { public_url: public_url.to_owned(), begun }
    }

    /// How Twilio reaches the service, without a final slash.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Whether this signs the request for the public URL followed by `path_and_query`, whose form holds `params`,
    /// already in [`signed_order`].
    pub fn verify(&self, path_and_query: &str, params: &[(&str, &str)], signature: &str) -> bool {
        let Some(given) = decoded(signature) else { return false };
        let path_and_query = without_fragment(path_and_query);
        self.begun.iter().any(|mac| tag(mac.clone(), path_and_query, params).ct_eq(&given).into())
    }

    /// Whether this signs the request for the public URL followed by `path_and_query`, whose body is no form.
    pub fn verify_body(&self, path_and_query: &str, body: &[u8], signature: &str) -> bool {
        let Some(hash) = body_hash(path_and_query) else { return false };
        let same_body: bool = hex(&Sha256::digest(body)).as_bytes().ct_eq(hash.as_bytes()).into();
        self.verify(path_and_query, &[], signature) && same_body
    }
}

impl fmt::Debug for SignatureCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureCheck").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}

/// A MAC with this token as its key.
fn keyed(auth_token: &str) -> HmacSha1 {
    // HMAC's own rule for keys (RFC 2104): a longer one than a block is hashed, a shorter one is filled up with zeros.
    let mut key = hmac::digest::Key::<HmacSha1>::default();
    if auth_token.len() <= key.len() {
        key[..auth_token.len()].copy_from_slice(auth_token.as_bytes());
    } else {
        let hashed = Sha1::digest(auth_token);
        key[..hashed.len()].copy_from_slice(&hashed);
    }
    HmacSha1::new(&key)
}

fn tag(mut mac: HmacSha1, url: &str, params: &[(&str, &str)]) -> Tag {
    mac.update(url.as_bytes());
    for (name, value) in params {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    mac.finalize().into_bytes().into()
}

fn decoded(signature: &str) -> Option<Tag> {
    let mut bytes = [0; 21]; // 28 characters of base64 are at most 21 bytes.
    let length = STANDARD.decode_slice(signature, &mut bytes).ok()?;
    bytes.get(..length)?.try_into().ok()
}

/// Twilio does not send the fragment, where it keeps its connection settings, and does not sign it.
fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(url, _)| url)
}

/// The length of `scheme://host:port` at the beginning of a URL.
fn origin_length(url: &str) -> usize {
    let authority = url.find("://").map_or(0, |at| at + 3);
    url[authority..].find(['/', '?', '#']).map_or(url.len(), |at| authority + at)
}

/// The same URL the other way round: without its port, or with its scheme's own if it has none.
fn other_port_form(url: &str) -> String {
    let (origin, path) = url.split_at(origin_length(url));
    let host = origin.rfind(['/', '@']).map_or(0, |at| at + 1);
    // The colons of an IPv6 address stand inside brackets.
    let brackets = origin[host..].rfind(']').map_or(host, |at| host + at);
    match origin[brackets..].find(':') {
        Some(colon) => format!("{}{path}", &origin[..brackets + colon]),
        None if origin.starts_with("http:") => format!("{origin}:80{path}"),
        None => format!("{origin}:443{path}"),
    }
}

fn body_hash(path_and_query: &str) -> Option<String> {
    let (_, query) = without_fragment(path_and_query).split_once('?')?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == BODY_HASH).map(|(_, hash)| hash.into_owned())
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // A String takes whatever is written.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
