//! Controls Chromium by WebDriver.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::webdriver::{Locator, Session};

/// A browser with one page. It is closed when this value is dropped.
pub struct Browser {
    session: Session,
    _driver: Driver,
}

impl Browser {
    pub async fn start() -> Self {
        let (driver, port) = (0..10).find_map(|_| start_driver()).expect("a chromedriver that starts");
        let capabilities = json!({
            "goog:chromeOptions": {
                "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                    "--window-size=1280,720", "--force-device-scale-factor=1", "--hide-scrollbars"],
            },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let session = Session::start(&format!("http://localhost:{port}"), capabilities).await.unwrap();
        let browser = Self { session, _driver: driver };
        let size = json!({ "width": 1280, "height": 720, "deviceScaleFactor": 1, "mobile": false });
        browser.devtools("Emulation.setDeviceMetricsOverride", size).await;
        browser
    }

    pub async fn open(&self, url: &str) {
        self.session.open(url).await.unwrap();
    }

    /// The text of the first matching element, if there is one. The page may be redrawn at any time.
    pub async fn text(&self, css: &str) -> Option<String> {
        self.session.text(Locator::Css(css)).await.ok()
    }

    /// Waits until the text of `css` is right, and returns it.
    pub async fn text_when(&self, css: &str, what: &str, is_right: impl Fn(&str) -> bool) -> String {
        let started = Instant::now();
        loop {
            let text = self.text(css).await.unwrap_or_default();
            if is_right(&text) {
                return text;
            }
            assert!(started.elapsed() < Duration::from_secs(120), "{what}: {css} has {text:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub async fn click(&self, locator: Locator<'_>) {
        let started = Instant::now();
        // The page may be redrawn between finding and clicking.
        while let Err(error) = self.session.click(locator).await {
            assert!(started.elapsed() < Duration::from_secs(20), "{locator:?} cannot be clicked: {error}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Types into the element that has the focus.
    pub async fn keys(&self, keys: &str) {
        self.session.send_keys(keys).await.unwrap();
    }

    pub async fn script(&self, script: &str) -> Value {
        self.session.execute(script).await.unwrap()
    }

    /// Errors in the log of a page, and requests to other hosts than this machine.
    pub async fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = entries(&self.log("browser").await)
            .map(|entry| entry["message"].as_str().unwrap_or_default().to_owned())
            .collect();
        for entry in entries(&self.log("performance").await) {
            let event: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
            let Some(url) = event["message"]["params"]["request"]["url"].as_str() else { continue };
            if url.starts_with("http") && !url.starts_with("http://localhost:") {
                faults.push(format!("a request to {url}"));
            }
        }
        faults
    }

    async fn log(&self, kind: &'static str) -> Value {
        self.session.post("se/log", json!({ "type": kind })).await.unwrap()
    }

    /// Takes a picture for people: `target/screenshots/NAME.png`.
    pub async fn picture(&self, name: &str) {
        let file = super::target().join("screenshots").join(format!("{name}.png"));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let picture = self.session.screenshot().await.unwrap();
        assert!(picture.len() > 5_000, "{name} is empty");
        std::fs::write(file, picture).unwrap();
    }

    /// A command of Chromium's DevTools protocol.
    pub async fn devtools(&self, command: &'static str, parameters: Value) {
        let body = json!({ "cmd": command, "params": parameters });
        self.session.post("goog/cdp/execute", body).await.unwrap();
    }
}

/// Starts the driver and returns its port. It takes a port that is free on IPv4, and fails if the port is
/// used on IPv6.
fn start_driver() -> Option<(Driver, String)> {
    let driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromedriver: Debian's package chromium-driver has it");
    let mut driver = Driver(driver);
    let mut lines = BufReader::new(driver.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let port = lines
        .find_map(|line| Some(line.split_once("successfully on port ")?.1.trim_end_matches('.').to_owned()));
    std::thread::spawn(move || lines.for_each(drop));
    Some((driver, port?))
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Without this, the browser would outlive its driver.
        tokio::task::block_in_place(|| Handle::current().block_on(self.session.end()));
    }
}

/// A running chromedriver. It is stopped when this value is dropped.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn entries(log: &Value) -> impl Iterator<Item = &Value> {
    log.as_array().into_iter().flatten()
}
