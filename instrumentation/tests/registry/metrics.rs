//! A metric of the SDK in a form that is easy to compare.

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::metrics::data::{self, AggregatedMetrics, MetricData};

/// A metric: its instrument, its unit and its series.
#[derive(Debug)]
pub struct Metric {
    /// `counter`, `updowncounter`, `gauge` or `histogram`, as in the registry of the conventions.
    pub instrument: &'static str,
    pub unit: String,
    pub series: Vec<Series>,
}

/// The attributes of one series and its value; for a histogram, the number of measurements.
#[derive(Debug)]
pub struct Series {
    pub attributes: Vec<KeyValue>,
    pub value: f64,
}

impl Metric {
    /// The first series that has the attribute with this value.
    pub fn series(&self, name: &str, value: impl Into<Value>) -> Option<&Series> {
        let value = value.into();
        self.series.iter().find(|series| series.get(name) == Some(&value))
    }
}

impl Series {
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.attributes.iter().find(|attribute| attribute.key.as_str() == name).map(|found| &found.value)
    }
}

impl From<&data::Metric> for Metric {
    fn from(metric: &data::Metric) -> Self {
        let (instrument, series) = match metric.data() {
            AggregatedMetrics::F64(data) => read(data, |value| value),
            AggregatedMetrics::U64(data) => read(data, |value| value as f64),
            AggregatedMetrics::I64(data) => read(data, |value| value as f64),
        };
        Self { instrument, unit: metric.unit().to_owned(), series }
    }
}

fn read<T: Copy>(data: &MetricData<T>, number: fn(T) -> f64) -> (&'static str, Vec<Series>) {
    match data {
        MetricData::Gauge(gauge) => (
            "gauge",
            gauge.data_points().map(|point| series(point.attributes(), number(point.value()))).collect(),
        ),
        MetricData::Sum(sum) => {
            let instrument = if sum.is_monotonic() { "counter" } else { "updowncounter" };
            (
                instrument,
                sum.data_points().map(|point| series(point.attributes(), number(point.value()))).collect(),
            )
        }
        MetricData::Histogram(histogram) => {
            let points = histogram.data_points();
            ("histogram", points.map(|point| series(point.attributes(), point.count() as f64)).collect())
        }
        MetricData::ExponentialHistogram(histogram) => {
            let points = histogram.data_points();
            ("histogram", points.map(|point| series(point.attributes(), point.count() as f64)).collect())
        }
    }
}

fn series<'a>(attributes: impl Iterator<Item = &'a KeyValue>, value: f64) -> Series {
    Series { attributes: attributes.cloned().collect(), value }
}
