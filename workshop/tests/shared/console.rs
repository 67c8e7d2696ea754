//! `cargo workshop console` as a process, for tests that send to it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running console on free ports. It ends when this value is dropped.
pub struct ConsoleProcess {
    process: Child,
    /// The URLs of its pages, of OTLP over HTTP, and of OTLP over gRPC.
    pub urls: [String; 3],
}

impl ConsoleProcess {
    pub fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_workshop"))
            .args(["console", "--console-port", "0", "--otlp-port", "0", "--otlp-grpc-port", "0"])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut urls = Vec::new();
        while urls.len() < 3 {
            let line = lines.next().expect("the console ended");
            let words = line.split_whitespace().map(|word| word.trim_end_matches(','));
            urls.extend(words.filter(|word| word.starts_with("http://")).map(str::to_owned));
        }
        // It would end without a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, urls: urls.try_into().unwrap() }
    }
}

impl Drop for ConsoleProcess {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A client for its pages and its receiver.
pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}
