//! The pages that the workshop adds to the console, through the real process.
#![allow(clippy::unwrap_used, reason = "a test that cannot continue should panic")]

mod guide;
mod steps;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A running `workshop console` on free ports. It stops when this value is dropped.
struct Console {
    process: Child,
    url: String,
    client: reqwest::Client,
}

impl Console {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_workshop"))
            .args(["console", "--console-port", "0", "--otlp-port", "0", "--otlp-grpc-port", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let url = lines
            .find_map(|line| {
                line.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned)
            })
            .expect("the console ended without printing its address");
        // Without a reader, the console would end at its next line.
        std::thread::spawn(move || lines.for_each(drop));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self { process, url, client }
    }

    async fn html(&self, path: &str) -> (u16, String) {
        let response = self.client.get(format!("{}{path}", self.url)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn json(&self, path: &str) -> Value {
        let get = self.client.get(format!("{}{path}", self.url)).header("accept", "application/json");
        serde_json::from_str(&get.send().await.unwrap().text().await.unwrap()).unwrap()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
