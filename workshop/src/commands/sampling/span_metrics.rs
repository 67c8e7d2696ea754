//! Requests as the connector for span metrics has counted them.

use std::collections::BTreeMap;

use otlp::model::{Attributes, Data, Metric, Temporality};

use super::load::SERVICE;

/// Numbers of requests of the first service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Requests {
    pub(super) all: u64,
    pub(super) failed: u64,
}

/// The requests that metrics made of spans count; `None` if there are no such metrics. Their name has a
/// prefix that can be configured, and ends with `calls`.
pub(super) fn requests(metrics: &[Metric]) -> Option<Requests> {
    let mut series: BTreeMap<String, (bool, f64)> = BTreeMap::new();
    for metric in metrics.iter().filter(|metric| metric.name.ends_with("calls")) {
        let Data::Sum { temporality, points, .. } = &metric.data else { continue };
        for point in points.iter().filter(|point| is_request(&metric.resource, &point.attributes)) {
            let failed = point.attributes.text("status.code") == Some("STATUS_CODE_ERROR");
            let key = format!("{} {}", metric.resource, point.attributes);
            let (_, value) = series.entry(key).or_insert((failed, 0.0));
            // In the order of arrival, so the last cumulative value is the newest.
            *value = if *temporality == Temporality::Delta { *value + point.value } else { point.value };
        }
    }
    let sum = |is: &dyn Fn(bool) -> bool| {
        series.values().filter(|(failed, _)| is(*failed)).map(|(_, value)| value).sum::<f64>() as u64
    };
    (!series.is_empty()).then(|| Requests { all: sum(&|_| true), failed: sum(&|failed| failed) })
}

/// Whether a series counts the SERVER spans of the first service.
fn is_request(resource: &Attributes, attributes: &Attributes) -> bool {
    let service = attributes.text("service.name").or_else(|| resource.text("service.name"));
    service == Some(SERVICE) && attributes.text("span.kind") == Some("SPAN_KIND_SERVER")
}
