//! The commands of [WebDriver](https://www.w3.org/TR/webdriver2/) that these tests need. A complete client
//! would bring thirty crates into the build of everybody who runs `cargo test`.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

/// The name of the field that holds an element's id, from the specification.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The character that stands for the key Enter.
pub const ENTER: &str = "\u{E007}";
/// The same for Escape.
pub const ESCAPE: &str = "\u{E00C}";
/// The same for the arrow to the right.
pub const ARROW_RIGHT: &str = "\u{E014}";

/// How an element is found.
#[derive(Debug, Clone, Copy)]
pub enum Locator<'a> {
    Css(&'a str),
    /// A link with exactly this text.
    LinkText(&'a str),
}

/// A command failed: the error's code and message from the driver.
#[derive(Debug)]
pub struct CommandFailed(String);

impl fmt::Display for CommandFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A session of a driver: one browser with one window.
pub struct Session {
    client: reqwest::Client,
    url: String,
}

impl Session {
    /// Starts a browser with these capabilities.
    pub async fn start(driver: &str, capabilities: Value) -> Result<Self, CommandFailed> {
        // The client needs a TLS provider, although the driver speaks plain HTTP. Another test may have
        // installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let session = value(client.post(format!("{driver}/session")).body(body.to_string())).await?;
        let id = session["sessionId"].as_str().expect("the id of the session");
        Ok(Self { client, url: format!("{driver}/session/{id}") })
    }

    /// Ends the browser.
    pub async fn end(&self) {
        // The driver may be gone.
        let _ = self.client.delete(&self.url).send().await;
    }

    /// Sends a command of WebDriver, or one that the driver adds to it.
    pub async fn post(&self, path: &str, body: Value) -> Result<Value, CommandFailed> {
        value(self.client.post(format!("{}/{path}", self.url)).body(body.to_string())).await
    }

    async fn get(&self, path: &str) -> Result<Value, CommandFailed> {
        value(self.client.get(format!("{}/{path}", self.url))).await
    }

    pub async fn open(&self, url: &str) -> Result<(), CommandFailed> {
        self.post("url", json!({ "url": url })).await.map(drop)
    }

    /// The text of the first such element.
    pub async fn text(&self, locator: Locator<'_>) -> Result<String, CommandFailed> {
        let element = self.find(locator).await?;
        let text = self.get(&format!("element/{element}/text")).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Clicks on the first such element.
    pub async fn click(&self, locator: Locator<'_>) -> Result<(), CommandFailed> {
        let element = self.find(locator).await?;
        self.post(&format!("element/{element}/click"), json!({})).await.map(drop)
    }

    /// Types into the element that has the focus.
    pub async fn send_keys(&self, keys: &str) -> Result<(), CommandFailed> {
        let element = id(&self.get("element/active").await?);
        self.post(&format!("element/{element}/value"), json!({ "text": keys })).await.map(drop)
    }

    /// Runs the body of a JavaScript function, and returns its result.
    pub async fn execute(&self, script: &str) -> Result<Value, CommandFailed> {
        self.post("execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// A picture of the window, as PNG.
    pub async fn screenshot(&self) -> Result<Vec<u8>, CommandFailed> {
        let picture = self.get("screenshot").await?;
        Ok(BASE64.decode(picture.as_str().unwrap_or_default()).expect("base64"))
    }

    async fn find(&self, locator: Locator<'_>) -> Result<String, CommandFailed> {
        let (using, value) = match locator {
            Locator::Css(selector) => ("css selector", selector),
            Locator::LinkText(text) => ("link text", text),
        };
        Ok(id(&self.post("element", json!({ "using": using, "value": value })).await?))
    }
}

fn id(element: &Value) -> String {
    element[ELEMENT].as_str().expect("the id of an element").to_owned()
}

/// The `value` of a response, which holds the result, or the error and its message.
async fn value(request: reqwest::RequestBuilder) -> Result<Value, CommandFailed> {
    let response = request.send().await.expect("a response of the driver");
    let is_success = response.status().is_success();
    let body = response.bytes().await.expect("the body of the driver's response");
    let mut body: Value = serde_json::from_slice(&body).expect("JSON from the driver");
    let value = body["value"].take();
    if is_success { Ok(value) } else { Err(CommandFailed(value.to_string())) }
}
