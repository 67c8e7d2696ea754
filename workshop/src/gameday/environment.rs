//! What surrounds the service on a game day. It is the same for all faults, so that it gives away none.

mod clock;
mod lock;
mod proxy;

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use console::Console;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::GameDay;
use clock::HttpbinClock;

/// The variables of the service that a game day sets.
pub const VARIABLES: [&str; 2] = ["HTTPBIN_URL", "DATABASE_URL"];

/// The running surroundings. The folder of the database is deleted when this value is dropped.
pub struct Environment {
    /// The port of httpbin behind the proxy.
    pub httpbin_port: u16,
    /// Where httpbin sends its telemetry.
    pub endpoint: String,
    folder: TempDir,
}

impl Environment {
    /// Starts the proxy on `proxy_port`, and what the other faults need.
    ///
    /// # Errors
    ///
    /// A port is not free, or no folder can be created.
    pub async fn start(game: &Arc<GameDay>, proxy_port: u16, console: Arc<Console>) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("handson-").tempdir()?;
        let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, proxy_port)).await?;
        let receiver = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let endpoint = format!("http://{}", receiver.local_addr()?);
        // Released at once, so that httpbin can take it.
        let httpbin_port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?.port();
        let environment = Self { httpbin_port, endpoint, folder };

        tokio::spawn(proxy::serve(proxy, Arc::clone(game), httpbin_port));
        let clock = Arc::new(HttpbinClock::new(Arc::clone(game), console));
        let receiving = axum::serve(receiver, otlp::router(clock, otlp::Limits::default()));
        tokio::spawn(receiving.into_future());
        tokio::spawn(lock::hold(Arc::clone(game), environment.database()));
        Ok(environment)
    }

    /// The value of `DATABASE_URL`.
    pub fn database_url(&self) -> String {
        format!("sqlite://{}?mode=rwc", self.database().display())
    }

    fn database(&self) -> std::path::PathBuf {
        self.folder.path().join("handson.db")
    }
}
