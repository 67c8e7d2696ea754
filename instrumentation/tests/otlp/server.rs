//! An HTTP server on a free loopback port, which records requests and sends prepared responses.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

/// A received request.
#[derive(Debug)]
pub struct Received {
    pub request_line: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub at: Instant,
}

/// A response of the server.
#[derive(Clone)]
pub enum Reply {
    Respond {
        status: u16,
        headers: &'static str,
        body: Vec<u8>,
    },
    /// Closes the connection without a response.
    HangUp,
    /// Keeps the connection open, and never responds.
    Silence,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self::Respond { status, headers: "", body: Vec::new() }
    }

    pub fn with_headers(status: u16, headers: &'static str) -> Self {
        Self::Respond { status, headers, body: Vec::new() }
    }

    pub fn with_body(status: u16, body: Vec<u8>) -> Self {
        Self::Respond { status, headers: "", body }
    }
}

pub struct Server {
    address: SocketAddr,
    received: mpsc::Receiver<Received>,
}

impl Server {
    /// Sends `replies` one after the other, then 200 with an empty body.
    pub fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("the server's address");
        let replies = Arc::new(Mutex::new(VecDeque::from_iter(replies)));
        let (sender, received) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (sender, replies) = (sender.clone(), Arc::clone(&replies));
                thread::spawn(move || serve(stream, &sender, &replies));
            }
        });
        Self { address, received }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().expect("a URL")
    }

    /// Waits for the next request.
    pub fn next(&self) -> Received {
        self.received.recv_timeout(Duration::from_secs(20)).expect("a request within 20 s")
    }

    /// The received requests that were not taken yet.
    pub fn rest(&self) -> Vec<Received> {
        self.received.try_iter().collect()
    }
}

fn serve(mut stream: TcpStream, sender: &mpsc::Sender<Received>, replies: &Mutex<VecDeque<Reply>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle of the connection"));
    while let Some(received) = read_request(&mut reader) {
        let _ = sender.send(received);
        let reply = replies.lock().expect("the replies").pop_front().unwrap_or(Reply::status(200));
        match reply {
            Reply::Respond { status, headers, body } => {
                let length = body.len();
                let head = format!("HTTP/1.1 {status} Reason\r\n{headers}content-length: {length}\r\n\r\n");
                let _ = stream.write_all(&[head.as_bytes(), &body].concat());
            }
            Reply::HangUp => return,
            // Returns when the client closes the connection.
            Reply::Silence => drop(reader.read(&mut [0])),
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Received> {
    let request_line = read_line(reader)?;
    let mut headers = HeaderMap::new();
    while let Some((name, value)) = read_line(reader)?.split_once(": ") {
        let name: HeaderName = name.parse().expect("a header's name");
        headers.append(name, HeaderValue::from_str(value).expect("a header's value"));
    }
    let length = headers.get("content-length").map_or("0", |length| length.to_str().expect("a number"));
    let mut body = vec![0; length.parse().expect("a number")];
    reader.read_exact(&mut body).ok()?;
    Some(Received { request_line, headers, body, at: Instant::now() })
}

fn read_line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    (reader.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_owned())
}
