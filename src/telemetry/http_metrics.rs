// ANCHOR: metrics
//! The metrics of HTTP servers and clients: <https://opentelemetry.io/docs/specs/semconv/http/http-metrics/>.

use std::sync::LazyLock;
use std::time::Instant;

use opentelemetry::metrics::{Histogram, UpDownCounter};
use opentelemetry::{KeyValue, global};
use opentelemetry_semantic_conventions::{attribute, metric};

/// Bucket boundaries that the conventions advise for `http.*.request.duration`.
const SECONDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

// Made at the first request, when the global meter provider is in place.
static SERVER_DURATION: LazyLock<Histogram<f64>> =
    LazyLock::new(|| duration(metric::HTTP_SERVER_REQUEST_DURATION, "Duration of HTTP server requests."));
static CLIENT_DURATION: LazyLock<Histogram<f64>> =
    LazyLock::new(|| duration(metric::HTTP_CLIENT_REQUEST_DURATION, "Duration of HTTP client requests."));
static ACTIVE_REQUESTS: LazyLock<UpDownCounter<i64>> = LazyLock::new(|| {
    global::meter("handson")
        .i64_up_down_counter(metric::HTTP_SERVER_ACTIVE_REQUESTS)
        .with_unit("{request}")
        .with_description("Number of active HTTP server requests.")
        .build()
});

fn duration(name: &'static str, description: &'static str) -> Histogram<f64> {
    global::meter("handson")
        .f64_histogram(name)
        .with_unit("s")
        .with_description(description)
        .with_boundaries(SECONDS.to_vec())
        .build()
}

/// A request that is being served: active until it is answered, or its caller gives up and it is dropped.
pub(super) struct ServerRequest {
    start: Instant,
    about: [KeyValue; 2],
}

impl ServerRequest {
    pub(super) fn start(method: &'static str) -> Self {
        let about = [
            KeyValue::new(attribute::HTTP_REQUEST_METHOD, method),
            KeyValue::new(attribute::URL_SCHEME, "http"),
        ];
        ACTIVE_REQUESTS.add(1, &about);
        Self { start: Instant::now(), about }
    }

    /// `about`: what is known of the request beside method and scheme.
    pub(super) fn answered(&self, mut about: Vec<KeyValue>) {
        about.extend_from_slice(&self.about);
        SERVER_DURATION.record(self.start.elapsed().as_secs_f64(), &about);
    }
}

impl Drop for ServerRequest {
    fn drop(&mut self) {
        ACTIVE_REQUESTS.add(-1, &self.about);
    }
}

/// A call of another service took this long. `about`: method, server, and how it ended.
pub(super) fn client_request(start: Instant, about: &[KeyValue]) {
    CLIENT_DURATION.record(start.elapsed().as_secs_f64(), about);
}
// ANCHOR_END: metrics
