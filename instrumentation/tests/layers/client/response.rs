//! The middleware does not change a response.

use async_trait::async_trait;
use http::Extensions;
use reqwest::{Method, Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next};

use super::{Callee, recorded};
use crate::http::client;
use crate::support::Telemetry;

#[tokio::test]
async fn a_response_has_the_same_url_head_length_and_body_as_without_the_middleware() {
    let (telemetry, callee) = (Telemetry::new(), Callee::start().await);
    let recorded = recorded(&telemetry.instrumentation());
    for (method, path) in [
        (Method::GET, "/status/200"),
        (Method::GET, "/status/404"),
        (Method::GET, "/status/204"),
        (Method::HEAD, "/status/200"),
        (Method::POST, "/status/500"),
        (Method::GET, "/moved"),
    ] {
        let plain = client().request(method.clone(), callee.url(path)).send().await.expect("an answer");
        let ours = recorded.request(method, callee.url(path)).send().await.expect("an answer");
        assert_eq!(ours.url(), plain.url(), "{path}");
        assert_eq!(ours.status(), plain.status(), "{path}");
        assert_eq!(ours.version(), plain.version(), "{path}");
        assert_eq!(ours.remote_addr(), Some(callee.address), "{path}");
        let without_date = |response: &Response| {
            let mut headers = response.headers().clone();
            headers.remove("date");
            headers
        };
        // The echoed `traceparent` of `/moved` is longer with the middleware.
        if path != "/moved" {
            assert_eq!(without_date(&ours), without_date(&plain), "{path}");
            assert_eq!(ours.content_length(), plain.content_length(), "{path}");
            let (ours, plain) = (ours.bytes().await, plain.bytes().await);
            assert_eq!(ours.expect("the body"), plain.expect("the body"), "{path}");
        }
    }
}

#[tokio::test]
async fn the_url_of_a_response_is_the_one_that_was_redirected_to() {
    let (telemetry, callee) = (Telemetry::new(), Callee::start().await);
    let request = recorded(&telemetry.instrumentation()).get(callee.url("/moved"));
    let response = request.send().await.expect("the server answers");
    assert_eq!(response.url().as_str(), callee.url("/echo?moved"));
}

#[derive(Clone, Debug, PartialEq)]
struct Mark(u8);

/// A middleware after ours that adds an extension to the response.
struct AddMark;

#[async_trait]
impl Middleware for AddMark {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let mut response = next.run(request, extensions).await?;
        response.extensions_mut().insert(Mark(7));
        Ok(response)
    }
}

#[tokio::test]
async fn the_extensions_of_a_response_are_kept() {
    let (telemetry, callee) = (Telemetry::new(), Callee::start().await);
    let ours = instrumentation::client::ClientMiddleware::new(&telemetry.instrumentation());
    let client = ClientBuilder::new(client()).with(ours).with(AddMark).build();
    let response = client.get(callee.url("/echo")).send().await.expect("the server answers");
    assert_eq!(response.extensions().get::<Mark>(), Some(&Mark(7)));
    assert_eq!(response.headers()["x-reply"], "1");
}
