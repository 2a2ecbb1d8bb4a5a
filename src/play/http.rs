//! HTTP requests to a workspace and their responses.
//!
//! | request | response |
//! | --- | --- |
//! | `GET /TOKEN/` | the page |
//! | `GET /open/CODE` | redirects to the page, once |
//! | `GET /TOKEN/NAME`, `POST /TOKEN/NAME` | the answer to the [request](super::request) of this name |
//!
//! Sentences are in the first language of `Accept-Language`, if they are in it at all.
//!
//! Errors are answered with `{ "error": "…" }`, a sentence for users: 400 not JSON, 403 access denied, 404 unknown
//! path, 405 wrong method, 413 too long, 415 not declared as JSON, 422 impossible action.

use super::answer::{Answer, JSON, Refusal, Refused};
use super::assets;
use super::guard::AccessDenied;
use super::request::Request;
use super::workspace::Workspace;
use crate::interop::MAX_BYTES;
use crate::language::Language;
use hyper::body::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

/// Maximum length of a request body, in bytes: the longest text that can be opened, of which JSON may escape every
/// character.
pub const MAX_BODY: usize = 2 * MAX_BYTES + 1024;

/// The page runs scripts from this server only, talks to this server only, and cannot be framed.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                   base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Headers of every response: for this page only, and not to be cached.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (header::CONTENT_SECURITY_POLICY, CSP),
];

/// Why a request failed.
#[derive(Debug)]
pub(super) struct HttpError {
    status: StatusCode,
    refused: Refused,
}

impl HttpError {
    pub(super) fn new(status: StatusCode, why: impl ToString) -> HttpError {
        // The status says what kind it is.
        HttpError { status, refused: Refused::new(Refusal::Denied, why) }
    }

    pub(super) fn answer(&self) -> Response<Bytes> {
        let mut response = response(JSON, self.refused.to_json());
        *response.status_mut() = self.status;
        response
    }
}

impl From<AccessDenied> for HttpError {
    fn from(outsider: AccessDenied) -> HttpError {
        HttpError::new(StatusCode::FORBIDDEN, outsider)
    }
}

impl From<Refused> for HttpError {
    fn from(refused: Refused) -> HttpError {
        let status = match refused.kind {
            Refusal::Unknown => StatusCode::NOT_FOUND,
            Refusal::Malformed => StatusCode::BAD_REQUEST,
            Refusal::Denied => StatusCode::UNPROCESSABLE_ENTITY,
            Refusal::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        };
        HttpError { status, refused }
    }
}

/// Redirects a browser to this path.
pub(super) fn lead_to(path: &str) -> Response<Bytes> {
    let mut response = response("text/plain", "");
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().extend(HeaderValue::from_str(path).map(|value| (header::LOCATION, value)));
    response
}

/// Responds to an authorized request ([`Guard`](super::Guard)) for `what`, the part of its path after the token.
pub(super) fn respond(workspace: &mut Workspace, what: &str, head: &Parts, body: &[u8]) -> Response<Bytes> {
    let part = assets::find(what);
    let Some(reads) = Request::reads(what).or(part.as_ref().map(|_| true)) else {
        return HttpError::new(StatusCode::NOT_FOUND, "the playground has no such path").answer();
    };
    let method = if reads { Method::GET } else { Method::POST };
    if head.method != method {
        let why = format!("this path takes {method}, not {}", head.method);
        let mut response = HttpError::new(StatusCode::METHOD_NOT_ALLOWED, why).answer();
        let allowed = HeaderValue::from_str(method.as_str());
        response.headers_mut().extend(allowed.map(|value| (header::ALLOW, value)));
        return response;
    }
    match part {
        Some((media, text)) => response(media, text.into_owned()),
        None => ask(workspace, what, head, body).unwrap_or_else(|refused| refused.answer()),
    }
}

fn ask(
    workspace: &mut Workspace,
    what: &str,
    head: &Parts,
    body: &[u8],
) -> Result<Response<Bytes>, HttpError> {
    if head.method == Method::POST {
        is_json(head)?;
    }
    let Answer { media, file, body } = workspace.respond(Request::parse(what, body)?, language(head))?;
    let mut response = response(media, body);
    if let Some(name) = file {
        let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
        response.headers_mut().extend(disposition.map(|value| (header::CONTENT_DISPOSITION, value)));
    }
    Ok(response)
}

/// The language that the page asks for: it names one.
fn language(head: &Parts) -> Language {
    let asked = head.headers.get(header::ACCEPT_LANGUAGE).and_then(|tags| tags.to_str().ok());
    Language::of_tag(asked.and_then(|tags| tags.split([',', ';']).next()).unwrap_or_default().trim())
}

/// A form on another page cannot claim to send JSON.
fn is_json(head: &Parts) -> Result<(), HttpError> {
    let given = head.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let media = given.and_then(|value| value.split(|b| *b == b';').next()).map(<[u8]>::trim_ascii);
    if media.is_some_and(|media| media.eq_ignore_ascii_case(JSON.as_bytes())) {
        return Ok(());
    }
    Err(HttpError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("the body must be {JSON}")))
}

fn response(media: &'static str, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.extend(HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}
