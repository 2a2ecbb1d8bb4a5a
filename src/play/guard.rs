//! Access control: requests need the token, and come from the page itself, on this machine.

use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use std::cell::Cell;
use std::time::Duration;

/// What browsers say about the origin of a request.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Length of the token in bytes: 128 bits cannot be guessed.
pub const TOKEN_BYTES: usize = 16;

/// How long after the server's start the browser may use its code.
pub const CODE_LIFE: Duration = Duration::from_secs(120);

/// The part of a path before the code.
const OPEN: &str = "/open/";

/// Why access is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessDenied {
    /// Its `Host` is not this machine: a foreign name resolves to it (DNS rebinding).
    #[error("the playground answers requests to its loopback address only")]
    Host,
    /// It was made by another page.
    #[error("the playground answers requests from its own page only")]
    Origin,
    /// It lacks the token.
    #[error("the URL lacks the token: use the one that `macvlab play` printed")]
    Token,
    /// Its code is wrong, used, too old, or another user's.
    #[error("this URL opens the page once, for one user: use the one that `macvlab play` printed")]
    Code,
}

/// What a request must present.
#[derive(Clone, Debug)]
pub struct Guard {
    token: String,
    /// The code that can be exchanged for the token, once.
    code: Cell<Option<u128>>,
    /// The `Host` values of this server.
    hosts: [String; 2],
}

impl Guard {
    /// Creates a guard for the server on this port of the loopback interface, with a token made of random bytes.
    #[must_use]
    pub fn new(port: u16, random: [u8; TOKEN_BYTES]) -> Guard {
        let token = hex(random);
        Guard {
            token,
            code: Cell::new(None),
            hosts: [format!("127.0.0.1:{port}"), format!("localhost:{port}")],
        }
    }

    /// The URL of the page.
    #[must_use]
    pub fn url(&self) -> String {
        let [host, _] = &self.hosts;
        format!("http://{host}/{}/", self.token)
    }

    /// A URL that leads to the page once, within [`CODE_LIFE`], and for the user of this server only. It may appear
    /// where other users of the machine can read it, such as in the arguments of a program.
    pub fn one_time_url(&self, random: [u8; TOKEN_BYTES]) -> String {
        self.code.set(Some(u128::from_be_bytes(random)));
        let [host, _] = &self.hosts;
        format!("http://{host}{OPEN}{}", hex(random))
    }

    /// The path of the page, for a request that has the one-time code at this age of the server. `None`: it asks for
    /// something else. `is_own` says whether it comes from the user of this server; other users cannot use up the code.
    ///
    /// # Errors
    /// [`AccessDenied`].
    pub fn redeem(
        &self,
        path: &str,
        headers: &HeaderMap,
        age: Duration,
        is_own: impl FnOnce() -> bool,
    ) -> Option<Result<String, AccessDenied>> {
        let given = path.strip_prefix(OPEN)?;
        if let Err(outsider) = self.is_own_page(headers) {
            return Some(Err(outsider));
        }
        let right = self.code.get().filter(|_| age < CODE_LIFE);
        let right = right.is_some_and(|code| same(given.as_bytes(), hex(code.to_be_bytes()).as_bytes()));
        if !right || !is_own() {
            return Some(Err(AccessDenied::Code));
        }
        self.code.set(None);
        Some(Ok(format!("/{}/", self.token)))
    }

    /// The part of a request's path after the token.
    ///
    /// # Errors
    /// [`AccessDenied`].
    pub fn admit<'p>(&self, path: &'p str, headers: &HeaderMap) -> Result<&'p str, AccessDenied> {
        self.is_own_page(headers)?;
        let (token, rest) = path.strip_prefix('/').and_then(|path| path.split_once('/')).unwrap_or_default();
        if same(token.as_bytes(), self.token.as_bytes()) { Ok(rest) } else { Err(AccessDenied::Token) }
    }

    /// Whether the request comes from the page or the user, and through this server's address.
    fn is_own_page(&self, headers: &HeaderMap) -> Result<(), AccessDenied> {
        // A duplicate header counts as a wrong one.
        let one = |name: HeaderName| {
            let mut all = headers.get_all(name).iter();
            (all.next().map(|value| value.as_bytes()), all.next().is_some())
        };
        let (host, more) = one(HOST);
        if more || !self.hosts.iter().any(|own| host == Some(own.as_bytes())) {
            return Err(AccessDenied::Host);
        }
        let (origin, more) = one(ORIGIN);
        let own = |origin: &[u8]| self.hosts.iter().any(|own| origin == format!("http://{own}").as_bytes());
        if more || !origin.is_none_or(own) {
            return Err(AccessDenied::Origin);
        }
        let (site, _) = one(SEC_FETCH_SITE);
        if !site.is_none_or(|site| [&b"same-origin"[..], b"none"].contains(&site)) {
            return Err(AccessDenied::Origin);
        }
        Ok(())
    }
}

fn hex(random: [u8; TOKEN_BYTES]) -> String {
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares in constant time.
fn same(given: &[u8], right: &[u8]) -> bool {
    let differing = given.iter().zip(right).fold(0, |differing, (a, b)| differing | (a ^ b));
    given.len() == right.len() && std::hint::black_box(differing) == 0
}
