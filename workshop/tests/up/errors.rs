//! Failures: the group, the monitor that fires, and its recovery.

use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::browser::Browser;
use super::webdriver::Locator;
use super::{Up, root, target};

/// Accepts one POST request, and returns its body.
async fn post(listener: &TcpListener) -> String {
    let (mut stream, _) =
        tokio::time::timeout(Duration::from_secs(60), listener.accept()).await.unwrap().unwrap();
    let mut request = String::new();
    loop {
        let mut bytes = [0; 4096];
        let read = stream.read(&mut bytes).await.unwrap();
        request.push_str(&String::from_utf8_lossy(&bytes[..read]));
        let length = request
            .to_lowercase()
            .split_once("content-length: ")
            .map(|(_, rest)| rest.lines().next().unwrap().trim().parse::<usize>().unwrap());
        if let (Some((_, body)), Some(length)) = (request.split_once("\r\n\r\n"), length)
            && body.len() >= length
        {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
                .await
                .unwrap();
            return body.to_owned();
        }
        assert!(read > 0, "{request}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds the service, and wants chromium"]
async fn errors_form_a_group_and_fire_the_monitor_which_recovers_after_them() {
    let folder = tempfile::tempdir().unwrap();
    let webhook = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let monitor = folder.path().join("monitor.toml");
    let text = format!(
        "service = \"handson\"\nwindow = \"15s\"\nthreshold = 0.1\nmin_requests = 10\nwebhook = \"http://{}/T0/B0\"\n",
        webhook.local_addr().unwrap()
    );
    std::fs::write(&monitor, text).unwrap();
    // The service of `up` has no errors. The one with errors is started separately, so that it can be
    // restarted.
    let up = Up::start(&root(), &["--rate", "0", "--monitor", monitor.to_str().unwrap()]);
    // The address is printed before all programs run.
    up.wait_for_service();
    let calm = up.children();
    let otlp = environment_of(calm.iter().find(|(_, command)| command.ends_with("/handson")).unwrap().0);

    let failing = Service::start(&otlp, "0.5");
    failing.load();
    let browser = Browser::start().await;
    browser.open(&up.url).await;
    let message = post(&webhook).await;
    let message: serde_json::Value = serde_json::from_str(&message).unwrap();
    let message = message["text"].as_str().unwrap();
    let trace = message.split_once("/traces/").unwrap_or_else(|| panic!("{message}")).1;
    assert!(message.contains("handson fails") && trace.len() == 32, "{message}");
    browser.text_when(".monitor", "the monitor fires", |text| text.contains("firing")).await;
    browser.open(&format!("{}/errors", up.url)).await;
    browser.text_when("tbody", "a group of errors", |text| text.contains("RandomError")).await;
    browser.click(Locator::LinkText("RandomError")).await;
    browser.text_when(".stack", "its stack", |text| text.contains("src/fault_injector.rs")).await;
    browser.click(Locator::Css(".plain a")).await;
    browser.text_when(".facts", "a trace of it", |text| text.contains("spans")).await;
    drop(failing);

    let calm = Service::start(&otlp, "0");
    calm.load();
    browser.open(&up.url).await;
    let message = post(&webhook).await;
    assert!(message.contains("handson has recovered"), "{message}");
    browser.text_when(".monitor p", "the monitor is ok", |text| text.starts_with("ok")).await;
    assert_eq!(browser.faults().await, Vec::<String>::new());
}

/// The variables with which a process exports its telemetry.
fn environment_of(id: i32) -> String {
    let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap();
    let environment = String::from_utf8(environment).unwrap();
    let endpoint = environment.split('\0').find_map(|v| v.strip_prefix("OTEL_EXPORTER_OTLP_ENDPOINT="));
    endpoint.unwrap().to_owned()
}

struct Service {
    process: std::process::Child,
    load: std::sync::Mutex<Option<std::process::Child>>,
    port: u16,
}

impl Service {
    fn start(otlp: &str, error_rate: &str) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(target().join("debug/handson"))
            .env("PORT", port.to_string())
            .env("RANDOM_ERROR_RATE", error_rate)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", otlp)
            .env("OTEL_BSP_SCHEDULE_DELAY", "500")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, load: Default::default(), port }
    }

    /// Sends twenty requests per second.
    fn load(&self) {
        let load = Command::new(target().join("debug/loadtest"))
            .args([
                "--rate",
                "20",
                "--duration",
                "0",
                "--url",
                &format!("http://127.0.0.1:{}/handson", self.port),
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        *self.load.lock().unwrap() = Some(load);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        for process in self.load.lock().unwrap().iter_mut().chain([&mut self.process]) {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
