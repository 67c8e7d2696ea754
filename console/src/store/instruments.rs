//! Metrics: each instrument with its series, and each series with its course.

use std::collections::{BTreeMap, VecDeque};

use super::HISTORY_WINDOW;
use super::sample::Sample;
use otlp::Rejected;
use otlp::model::{Attributes, Data, Metric, Temporality, Value};

/// Samples of one series.
const MAX_SAMPLES: usize = 400;
/// The kind of an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Kind {
    Gauge,
    Counter,
    UpDownCounter,
    Histogram,
    Summary,
}

/// An instrument of one service.
#[derive(Debug)]
pub struct Instrument {
    /// UCUM.
    pub unit: String,
    /// In words.
    pub description: String,
    /// What it is.
    pub kind: Kind,
    /// Name of its instrumentation scope.
    pub scope: String,
    /// Whether its points count from the start of the process, and not from the last export.
    pub cumulative: bool,
    /// By attributes, in words.
    series: BTreeMap<String, Series>,
}

/// The course of one set of attributes.
#[derive(Debug)]
pub struct Series {
    /// Keys and values; those of the resource that tell processes of one service apart come first.
    pub attributes: Attributes,
    /// Oldest first.
    pub samples: VecDeque<Sample>,
    bytes: usize,
    updated: u64,
}

/// Service, then name.
type Key = (String, String);

/// All of them.
#[derive(Debug)]
pub struct Instruments {
    limit: usize,
    used: usize,
    all: BTreeMap<Key, Instrument>,
}

impl Instruments {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, used: 0, all: BTreeMap::new() }
    }

    /// Each with its service and name, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &Instrument)> {
        self.all.iter().map(|((service, name), instrument)| (service.as_str(), name.as_str(), instrument))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// One of them.
    pub fn get(&self, service: &str, name: &str) -> Option<&Instrument> {
        self.all.get(&(service.to_owned(), name.to_owned()))
    }

    pub(super) fn add(&mut self, metrics: Vec<Metric>, now: u64) -> Rejected {
        let mut rejected = Rejected::default();
        for metric in metrics {
            if metric.name.is_empty() || metric.name.len() > 255 {
                rejected.items += 1;
                rejected.why = "an instrument's name has 1 to 255 characters".to_owned();
                continue;
            }
            self.add_metric(metric, now);
        }
        self.make_room();
        rejected
    }

    fn add_metric(&mut self, metric: Metric, now: u64) {
        let is_cumulative = |temporality: &Temporality| *temporality != Temporality::Delta;
        let (kind, cumulative) = match &metric.data {
            Data::None => return,
            Data::Gauge(_) => (Kind::Gauge, false),
            Data::Sum { monotonic: true, temporality, .. } => (Kind::Counter, is_cumulative(temporality)),
            // Its value is what counts, and not the change.
            Data::Sum { monotonic: false, .. } => (Kind::UpDownCounter, true),
            Data::Histogram { temporality, .. } | Data::ExponentialHistogram { temporality, .. } => {
                (Kind::Histogram, is_cumulative(temporality))
            }
            Data::Summary(_) => (Kind::Summary, true),
        };
        let instance = metric.resource.get("service.instance.id").cloned();
        let key = (metric.service().to_owned(), metric.name);
        let instrument = self.all.entry(key).or_insert_with(|| Instrument {
            unit: metric.unit.clone(),
            description: metric.description.clone(),
            kind,
            scope: metric.scope.name.clone(),
            cumulative,
            series: BTreeMap::new(),
        });
        (instrument.kind, instrument.cumulative) = (kind, cumulative);
        let samples = Sample::all(metric.data);
        for (attributes, sample) in samples {
            self.used = (self.used + instrument.add(attributes, instance.as_ref(), sample, now))
                .saturating_sub(instrument.forget(now));
        }
    }

    /// Series that were not heard of for the longest time go first.
    fn make_room(&mut self) {
        while self.used > self.limit {
            let oldest = self
                .all
                .iter()
                .flat_map(|(key, instrument)| {
                    instrument.series.iter().map(move |(name, series)| (series.updated, key, name))
                })
                .min()
                .map(|(_, key, name)| (key.clone(), name.clone()));
            let Some((key, name)) = oldest else { return };
            if let Some(instrument) = self.all.get_mut(&key) {
                let bytes = instrument.series.remove(&name).map_or(0, |series| series.bytes);
                self.used = self.used.saturating_sub(bytes);
                if instrument.series.is_empty() {
                    self.all.remove(&key);
                }
            }
        }
    }
}

impl Instrument {
    /// Its series, ordered by their attributes.
    pub fn series(&self) -> impl ExactSizeIterator<Item = &Series> {
        self.series.values()
    }

    /// Bytes that it takes.
    fn add(&mut self, attributes: Attributes, instance: Option<&Value>, sample: Sample, now: u64) -> usize {
        let mut name = instance.map(|id| format!("{id} ")).unwrap_or_default();
        for (key, value) in &attributes.0 {
            name.push_str(&format!("{key}={value} "));
        }
        let mut bytes = sample.bytes();
        let series = self.series.entry(name).or_insert_with_key(|name| {
            let mut all = Attributes::default();
            if let Some(id) = instance {
                all.set("service.instance.id", id.clone());
            }
            all.0.extend(attributes.0);
            let own = 2 * name.len() + all.heap() + size_of::<Series>();
            bytes += own;
            Series { attributes: all, samples: VecDeque::new(), bytes: own, updated: now }
        });
        series.bytes += sample.bytes();
        series.updated = now;
        series.samples.push_back(sample);
        bytes
    }

    /// Drops samples that are too old or too many; the bytes that this gives.
    fn forget(&mut self, now: u64) -> usize {
        let oldest = now.saturating_sub(HISTORY_WINDOW.as_nanos() as u64);
        let mut given = 0;
        for series in self.series.values_mut() {
            while series.samples.len() > 2
                && (series.samples.len() > MAX_SAMPLES || series.samples[0].time < oldest)
            {
                let bytes = series.samples.pop_front().map_or(0, |sample| sample.bytes());
                series.bytes -= bytes;
                given += bytes;
            }
        }
        given
    }
}
