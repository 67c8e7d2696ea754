//! An httpbin that does what a test wants, and remembers who called.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::StreamExt;

/// What becomes of a call.
#[derive(Debug, Clone, Copy)]
pub enum Reaction {
    /// 200 and some JSON.
    Answer,
    /// This status.
    Status(StatusCode),
    /// 200, half of the body, and the connection is gone.
    BreakOff,
    /// An answer once the test calls [`Upstream::release`].
    Hold,
}

/// A call that came.
#[derive(Debug, Clone)]
pub struct Call {
    /// How many came before it.
    pub number: usize,
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
}

impl Call {
    /// The value of a header; absent where it is not there.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

type React = dyn Fn(&Call) -> Reaction + Send + Sync;

struct Shared {
    react: Box<React>,
    calls: watch::Sender<Vec<Call>>,
    released: watch::Sender<bool>,
}

/// The running httpbin. As it goes out of scope in a failing test, it prints the calls that came.
pub struct Upstream {
    port: u16,
    shared: Arc<Shared>,
}

impl Upstream {
    /// Starts on a free port; `react` says what becomes of each call.
    pub async fn start(react: impl Fn(&Call) -> Reaction + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            react: Box::new(react),
            calls: watch::Sender::default(),
            released: watch::Sender::default(),
        });
        let router = Router::new().fallback(answer).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, shared }
    }

    /// A value for `HTTPBIN_URL`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port alone.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The calls that came so far.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.borrow().clone()
    }

    /// Waits until so many calls have come.
    pub async fn until_called(&self, times: usize) {
        let what = format!("{times} calls of httpbin");
        super::until(&self.shared.calls, &what, |calls| (calls.len() >= times).then_some(())).await;
    }

    /// Answers the calls that are held, and holds no other.
    pub fn release(&self) {
        self.shared.released.send_replace(true);
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let calls = self.shared.calls.borrow();
            eprintln!("--- calls of httpbin: {} ---", calls.len());
            for call in calls.iter().take(20) {
                eprintln!("{call:?}");
            }
        }
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let mut call = Call {
        number: 0,
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        headers: request.headers().clone(),
    };
    shared.calls.send_modify(|calls| {
        call.number = calls.len();
        calls.push(call.clone());
    });
    match (shared.react)(&call) {
        Reaction::Answer => {}
        Reaction::Status(status) => return status.into_response(),
        Reaction::BreakOff => return half_an_answer(),
        Reaction::Hold => {
            shared.released.subscribe().wait_for(|released| *released).await.unwrap();
        }
    }
    axum::Json(serde_json::json!({ "url": call.path })).into_response()
}

fn half_an_answer() -> Response {
    // Between the two, the first is sent.
    let chunks = [Ok("{\"half\": "), Err(io::Error::other("told to break off"))];
    let chunks = tokio_stream::iter(chunks).then(|chunk| async {
        tokio::task::yield_now().await;
        chunk
    });
    let body = Body::from_stream(chunks);
    ([(header::CONTENT_LENGTH, "1000")], body).into_response()
}
