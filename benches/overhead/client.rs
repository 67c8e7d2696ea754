//! The load: plain HTTP/1.1 over connections that are kept open.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep_until},
};
use url::Url;

use crate::{Result, http1::Message};

/// Connections to one service. They are kept open between the slices, like those of a load balancer.
pub struct Client {
    connections: Vec<Connection>,
}

/// The result of one period of load.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Number of requests that were answered with 200. Any other response is an error.
    pub requests: u64,
    /// Time from the first request to the last response.
    pub elapsed: Duration,
}

impl Load {
    /// Requests per second.
    pub fn per_second(self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }
}

impl Client {
    /// Opens this many connections.
    pub async fn connect(url: &Url, connections: u32) -> Result<Self> {
        let mut open = Vec::new();
        for _ in 0..connections {
            open.push(Connection::open(url).await?);
        }
        Ok(Self { connections: open })
    }

    /// A closed loop: every connection sends its next request as soon as it has the response to the last one.
    /// Returns when all responses have arrived, so that no request counts in the slice of another variant.
    pub async fn closed_loop(&mut self, duration: Duration) -> Result<Load> {
        let end = Instant::now() + duration;
        self.on_every_connection(|mut connection, _| async move {
            let mut requests = 0;
            while Instant::now() < end {
                connection.exchange().await?;
                requests += 1;
            }
            Ok((connection, requests))
        })
        .await
    }

    /// An open loop: `rate` requests per second at regular intervals, independently of the responses. The
    /// connections take turns; a request waits only if its connection is still busy.
    pub async fn paced(&mut self, rate: u32, duration: Duration) -> Result<Load> {
        let start = Instant::now();
        let distance = Duration::from_secs(1) / rate;
        let turn = distance * u32::try_from(self.connections.len())?;
        self.on_every_connection(|mut connection, index| async move {
            let mut at = start + distance * index;
            let mut requests = 0;
            while at < start + duration {
                sleep_until(at).await;
                connection.exchange().await?;
                requests += 1;
                at += turn;
            }
            Ok((connection, requests))
        })
        .await
    }

    /// Moves each connection to a task; `work` returns it with the number of requests.
    async fn on_every_connection<W, F>(&mut self, work: W) -> Result<Load>
    where
        W: Fn(Connection, u32) -> F,
        F: Future<Output = Result<(Connection, u64)>> + Send + 'static,
    {
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for (connection, index) in self.connections.drain(..).zip(0..) {
            tasks.spawn(work(connection, index));
        }
        let mut requests = 0;
        while let Some(done) = tasks.join_next().await {
            let (connection, answered) = done??;
            self.connections.push(connection);
            requests += answered;
        }
        Ok(Load { requests, elapsed: start.elapsed() })
    }
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Connection {
    async fn open(url: &Url) -> Result<Self> {
        let host = url.host_str().ok_or("a URL without a host")?;
        let port = url.port_or_known_default().ok_or("a URL without a port")?;
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET {} HTTP/1.1\r\nhost: {host}:{port}\r\nuser-agent: overhead\r\naccept: */*\r\n\r\n",
            url.path()
        );
        Ok(Self { stream, request: request.into_bytes(), answer: Vec::with_capacity(1024) })
    }

    /// Sends a request and reads the whole response, which must be a 200.
    async fn exchange(&mut self) -> Result<()> {
        self.stream.write_all(&self.request).await?;
        self.answer.clear();
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err("the service closed the connection before its answer was complete".into());
            }
            if Message::parse(&self.answer)?.is_some_and(|message| message.len() <= self.answer.len()) {
                break;
            }
        }
        if self.answer.starts_with(b"HTTP/1.1 200 ") {
            Ok(())
        } else {
            Err(format!("the answer is not 200:\n{}", String::from_utf8_lossy(&self.answer)).into())
        }
    }
}

/// Whether `url` currently responds with 200.
pub async fn answers(url: &Url) -> bool {
    match Connection::open(url).await {
        Ok(mut connection) => connection.exchange().await.is_ok(),
        Err(_) => false,
    }
}
