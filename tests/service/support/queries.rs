//! Queries of received telemetry.

use std::collections::BTreeMap;

use otlp::model::{Attributes, Data, Event, Metric, Span, Telemetry, Temporality, Value};

/// The kind of an instrument, as far as it is visible in OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instrument {
    Counter,
    UpDownCounter,
    Gauge,
    Histogram,
}

/// A data point of a metric, of any kind.
#[derive(Debug, Clone)]
pub struct Point<'a> {
    pub metric: &'a Metric,
    pub instrument: Instrument,
    /// Whether it counts since the start of the process, not since the last export.
    pub is_cumulative: bool,
    pub attributes: &'a Attributes,
    /// The number; for a histogram, the number of recorded values.
    pub value: f64,
    /// For a histogram: the sum of the values.
    pub sum: f64,
    /// For a histogram: the upper bounds of the buckets.
    pub bounds: &'a [f64],
}

/// Queries that several tests use.
pub trait Queries {
    /// The only span with this name.
    ///
    /// # Panics
    ///
    /// There is no such span, or more than one.
    fn span(&self, name: &str) -> &Span;

    /// The spans on which a failure was recorded: those with an `exception` event.
    fn exceptions(&self) -> Vec<(&Span, &Event)>;

    /// The points of all metrics, in the order of arrival.
    fn points(&self) -> Vec<Point<'_>>;

    /// The newest points of a metric: one for each process and set of attributes.
    fn newest(&self, metric: &str) -> Vec<Point<'_>>;

    /// The sum over the newest points of a cumulative metric whose attributes `matches` accepts.
    fn total(&self, metric: &str, matches: impl Fn(&Attributes) -> bool) -> f64;
}

impl Queries for Telemetry {
    fn span(&self, name: &str) -> &Span {
        let spans: Vec<&Span> = self.spans.iter().filter(|span| span.name == name).collect();
        let [span] = spans[..] else { panic!("expected one span `{name}`, got {}", spans.len()) };
        span
    }

    fn exceptions(&self) -> Vec<(&Span, &Event)> {
        let events = self.spans.iter().flat_map(|span| span.events.iter().map(move |event| (span, event)));
        events.filter(|(_, event)| event.name == "exception").collect()
    }

    fn points(&self) -> Vec<Point<'_>> {
        self.metrics.iter().flat_map(points).collect()
    }

    fn newest(&self, metric: &str) -> Vec<Point<'_>> {
        let mut newest = BTreeMap::new();
        for point in self.points().into_iter().filter(|point| point.metric.name == metric) {
            let instance = point.metric.resource.get("service.instance.id");
            newest.insert(format!("{instance:?} {:?}", sorted(point.attributes)), point);
        }
        newest.into_values().collect()
    }

    fn total(&self, metric: &str, matches: impl Fn(&Attributes) -> bool) -> f64 {
        let points = self.newest(metric);
        assert!(points.iter().all(|point| point.is_cumulative), "{metric} is not cumulative");
        points.iter().filter(|point| matches(point.attributes)).map(|point| point.value).sum()
    }
}

/// The attributes in alphabetical order, because their order has no meaning.
pub fn sorted(attributes: &Attributes) -> Vec<(&str, &Value)> {
    let mut pairs: Vec<_> = attributes.iter().collect();
    pairs.sort_by_key(|(name, _)| *name);
    pairs
}

fn points(metric: &Metric) -> Vec<Point<'_>> {
    let instrument = match &metric.data {
        Data::Gauge(_) => Instrument::Gauge,
        Data::Sum { monotonic: true, .. } => Instrument::Counter,
        Data::Sum { monotonic: false, .. } => Instrument::UpDownCounter,
        Data::Histogram { .. } => Instrument::Histogram,
        other => {
            panic!("the metric {} has data that no instrument of the service makes: {other:?}", metric.name)
        }
    };
    let is_cumulative = matches!(
        &metric.data,
        Data::Sum { temporality: Temporality::Cumulative, .. }
            | Data::Histogram { temporality: Temporality::Cumulative, .. }
    );
    let point = |attributes, value, sum, bounds| Point {
        metric,
        instrument,
        is_cumulative,
        attributes,
        value,
        sum,
        bounds,
    };
    match &metric.data {
        Data::Gauge(points) | Data::Sum { points, .. } => {
            points.iter().map(|it| point(&it.attributes, it.value, 0.0, &[][..])).collect()
        }
        Data::Histogram { points, .. } => points
            .iter()
            .map(|it| point(&it.attributes, it.count as f64, it.sum.unwrap_or_default(), &it.bounds))
            .collect(),
        _ => Vec::new(),
    }
}
