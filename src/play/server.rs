//! HTTP on the loopback interface, in one thread: a session is one person's.

use super::api::{self, MAX_BODY, Refused};
use super::guard::Guard;
use super::session::Session;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::rc::Rc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};

/// Connections at once: a browser has six.
const MAX_CONNECTIONS: usize = 32;

/// Headers of a request.
const MAX_HEADERS: usize = 64;

/// The longest head of a request, and what is read at once, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// How long a request may take to come in.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is asked whether the server is to end.
const TICK: Duration = Duration::from_millis(100);

/// A port of the loopback interface; 0: any that is free.
///
/// # Errors
/// The port is taken, or not for this user.
pub fn listen(port: u16) -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves a session until `ended` says so. What a single connection suffers ends that connection only.
///
/// # Errors
/// The system gives no event loop, or the socket cannot be used in it.
pub fn serve(
    listener: TcpListener,
    session: Session,
    guard: Guard,
    ended: impl Fn() -> bool,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let shared = Rc::new(Shared { session: RefCell::new(session), guard });
    LocalSet::new().block_on(&runtime, async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        while !ended() {
            match timeout(TICK, listener.accept()).await {
                // Every connection holds a share of it.
                Ok(Ok((stream, _))) if Rc::strong_count(&shared) <= MAX_CONNECTIONS => {
                    tokio::task::spawn_local(connection(stream, Rc::clone(&shared)));
                }
                Ok(Ok(_)) | Err(_) => {}
                // It is the system that is short of something; that passes.
                Ok(Err(_)) => sleep(TICK).await,
            }
        }
        Ok(())
    })
}

struct Shared {
    session: RefCell<Session>,
    guard: Guard,
}

async fn connection(stream: TcpStream, shared: Rc<Shared>) {
    let service = service_fn(|request| {
        let shared = Rc::clone(&shared);
        async move { Ok::<_, Infallible>(handle(request, &shared).await.map(Full::new)) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD);
    // Whoever broke it off knows.
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}

async fn handle(request: Request<Incoming>, shared: &Shared) -> Response<Bytes> {
    let (head, body) = request.into_parts();
    // Nobody reads what an outsider sends.
    let what = match shared.guard.admit(head.uri.path(), &head.headers) {
        Ok(what) => what,
        Err(outsider) => return Refused::from(outsider).answer(),
    };
    let refused = |status, why: &str| Refused::new(status, why).answer();
    let body = match timeout(PATIENCE, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(e)) if e.is::<http_body_util::LengthLimitError>() => {
            return refused(StatusCode::PAYLOAD_TOO_LARGE, &format!("at most {MAX_BODY} bytes are read"));
        }
        Ok(Err(_)) => return refused(StatusCode::BAD_REQUEST, "the body of the request is broken"),
        Err(_) => return refused(StatusCode::REQUEST_TIMEOUT, "the request takes too long to come"),
    };
    // Nothing waits while the session is held.
    api::answer(&mut shared.session.borrow_mut(), what, &head, &body)
}
