//! Metrics: each instrument with its series, and the recent samples of each series.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::ops::Bound;
use std::sync::Arc;

use super::rejection::Rejection;
use super::sample::{Arrived, Sample};
use super::totals::Totals;
use super::traces::is_id;
use super::{HISTORY_WINDOW, cut};
use otlp::Rejected;
use otlp::model::{Attributes, Data, Exemplar, Metric, Temporality, Value};

/// Maximum number of samples of a series.
const MAX_SAMPLES: usize = 400;
/// Maximum number of exemplars of a series, and the number of bytes of one.
const MAX_EXEMPLARS: usize = 5;
const EXEMPLAR_BYTES: usize = size_of::<Exemplar>() + 48 + 32;
/// Maximum number of bytes of an instrument name, which is OpenTelemetry's limit.
const MAX_NAME: usize = 255;
/// Maximum numbers of bytes of a unit, of a scope name, and of a description.
const MAX_UNIT: usize = 63;
const MAX_SCOPE: usize = 256;
const MAX_DESCRIPTION: usize = 1_024;
/// One point may use one part in this many of the memory for metrics.
const PART_OF_A_POINT: usize = 16;

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
    /// The unit, in UCUM.
    pub unit: String,
    /// The description.
    pub description: String,
    /// The kind.
    pub kind: Kind,
    /// Name of the instrumentation scope.
    pub scope: String,
    /// Whether its points count since the start of the process, not since the last export.
    pub cumulative: bool,
    series: BTreeMap<Identity, Series>,
    bytes: usize,
}

/// The recent values for one resource and one set of attributes.
#[derive(Debug)]
pub struct Series {
    /// The attributes of the points, after the attributes of the resource that distinguish processes of one
    /// service.
    pub attributes: Attributes,
    /// The samples, oldest first.
    pub samples: VecDeque<Sample>,
    /// What it has counted so far.
    pub totals: Totals,
    /// The times of points without a recorded value: there are no values from then to the next sample.
    pub gaps: VecDeque<u64>,
    /// The newest exemplars that belong to a trace, newest first.
    pub exemplars: VecDeque<Exemplar>,
    bytes: usize,
    /// Its position in the order of updates.
    update: u64,
}

/// Hashes of a resource and of attributes, independent of their order.
pub type Identity = (u64, u64);

/// Service, then name.
type Key = (String, String);

/// All instruments.
#[derive(Debug)]
pub struct Instruments {
    limit: usize,
    used: usize,
    samples: u64,
    evicted: u64,
    all: BTreeMap<Arc<Key>, Instrument>,
    /// The series in the order of their last updates.
    updates: BTreeMap<u64, (Arc<Key>, Identity)>,
    next_update: u64,
    hashers: (RandomState, RandomState),
}

/// What the series of one resource have in common. The metrics of an export share it.
struct Process {
    resource: Arc<Attributes>,
    identity: Identity,
    /// The attribute that distinguishes it from other processes of its service, if there is one.
    attribute: Option<(String, Value)>,
}

/// Resource attributes that distinguish processes; the first one that is present is used.
const PROCESS: [&str; 5] =
    ["service.instance.id", "host.name", "process.pid", "container.id", "k8s.pod.name"];

impl Instruments {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            used: 0,
            samples: 0,
            evicted: 0,
            all: BTreeMap::new(),
            updates: BTreeMap::new(),
            next_update: 0,
            hashers: (RandomState::new(), RandomState::new()),
        }
    }

    /// All instruments with service and name, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &Instrument)> {
        self.all.iter().map(|(key, instrument)| (key.0.as_str(), key.1.as_str(), instrument))
    }

    /// The number of instruments.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are no instruments.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The instrument of this service and name.
    pub fn get(&self, service: &str, name: &str) -> Option<&Instrument> {
        self.all.get(&(service.to_owned(), name.to_owned()))
    }

    /// The number of bytes in use, and the limit.
    pub(super) fn fill(&self) -> (usize, usize) {
        (self.used, self.limit)
    }

    /// Number of kept samples.
    pub(super) fn samples(&self) -> u64 {
        self.samples
    }

    /// Number of samples that were dropped to make room.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    pub(super) fn add(&mut self, metrics: Vec<Metric>, now: u64) -> Rejected {
        let mut rejected = Rejected::default();
        let mut last: Option<Process> = None;
        for metric in metrics {
            if metric.name.is_empty() || metric.name.len() > MAX_NAME {
                rejected.add(metric.data.len(), Rejection::of_instrument_name(&metric.name, MAX_NAME));
                continue;
            }
            let process = match last.take() {
                Some(process) if Arc::ptr_eq(&process.resource, &metric.resource) => process,
                _ => self.process(&metric.resource),
            };
            self.add_metric(metric, &process, now, &mut rejected);
            last = Some(process);
        }
        rejected
    }

    fn process(&self, resource: &Arc<Attributes>) -> Process {
        let attribute = PROCESS.iter().find_map(|key| Some(((*key).to_owned(), resource.get(key)?.clone())));
        Process { resource: Arc::clone(resource), identity: self.identity(resource), attribute }
    }

    fn add_metric(&mut self, metric: Metric, process: &Process, now: u64, rejected: &mut Rejected) {
        let is_cumulative = |temporality: &Temporality| *temporality != Temporality::Delta;
        let key = Arc::new((metric.service().to_owned(), metric.name));
        for gap in &metric.gaps {
            self.add_gap(&key, self.series_identity(process, &gap.attributes), gap.time);
        }
        let (kind, cumulative) = match &metric.data {
            Data::None => return,
            Data::Gauge(_) => (Kind::Gauge, false),
            Data::Sum { monotonic: true, temporality, .. } => (Kind::Counter, is_cumulative(temporality)),
            Data::Sum { monotonic: false, temporality, .. } => {
                (Kind::UpDownCounter, is_cumulative(temporality))
            }
            Data::Histogram { temporality, .. } | Data::ExponentialHistogram { temporality, .. } => {
                (Kind::Histogram, is_cumulative(temporality))
            }
            Data::Summary(_) => (Kind::Summary, true),
        };
        let max = self.limit / PART_OF_A_POINT;
        for Arrived { attributes, sample, exemplars } in Arrived::all(metric.data) {
            if attributes.heap() + sample.bytes() > max {
                rejected.add(1, Rejection::PointTooLarge { instrument: key.1.clone(), max });
                continue;
            }
            let identity = self.series_identity(process, &attributes);
            let instrument = self.all.entry(Arc::clone(&key)).or_insert_with(|| {
                let bytes = 2 * (size_of::<Instrument>() + key.0.len() + key.1.len()) + 512;
                self.used += bytes;
                Instrument {
                    unit: cut(&metric.unit, MAX_UNIT).to_owned(),
                    description: cut(&metric.description, MAX_DESCRIPTION).to_owned(),
                    kind,
                    scope: cut(&metric.scope.name, MAX_SCOPE).to_owned(),
                    cumulative,
                    series: BTreeMap::new(),
                    bytes,
                }
            });
            (instrument.kind, instrument.cumulative) = (kind, cumulative);
            let series = instrument.series.entry(identity).or_insert_with(|| {
                let all: Attributes = process.attribute.iter().cloned().chain(attributes).collect();
                let bytes = all.heap() + 2 * size_of::<Series>() + 256;
                self.used += bytes;
                Series {
                    attributes: all,
                    samples: VecDeque::new(),
                    totals: Totals::default(),
                    gaps: VecDeque::new(),
                    exemplars: VecDeque::new(),
                    bytes,
                    update: u64::MAX,
                }
            });
            self.updates.remove(&series.update);
            series.update = self.next_update;
            self.next_update += 1;
            self.updates.insert(series.update, (Arc::clone(&key), identity));
            let before = (series.bytes, series.samples.len());
            series.push(sample, cumulative, kind, now);
            series.keep(exemplars);
            self.used = self.used + series.bytes - before.0;
            self.samples = self.samples + series.samples.len() as u64 - before.1 as u64;
            self.make_room();
        }
    }

    fn add_gap(&mut self, key: &Key, identity: Identity, time: u64) {
        let instrument = self.all.get_mut(key);
        if let Some(series) = instrument.and_then(|instrument| instrument.series.get_mut(&identity)) {
            let before = series.bytes;
            series.add_gap(time);
            self.used = self.used + series.bytes - before;
            self.make_room();
        }
    }

    fn series_identity(&self, process: &Process, attributes: &Attributes) -> Identity {
        let (of_resource, own) = (process.identity, self.identity(attributes));
        (of_resource.0 ^ own.0.rotate_left(1), of_resource.1 ^ own.1.rotate_left(1))
    }

    /// Drops the series that have not been updated for the longest time.
    fn make_room(&mut self) {
        while self.used > self.limit {
            let Some((_, (key, identity))) = self.updates.pop_first() else { return };
            let Some(instrument) = self.all.get_mut(&key) else { continue };
            if let Some(series) = instrument.series.remove(&identity) {
                self.used -= series.bytes;
                self.samples -= series.samples.len() as u64;
                self.evicted += series.samples.len() as u64;
            }
            if instrument.series.is_empty() {
                self.used -= instrument.bytes;
                self.all.remove(&key);
            }
        }
    }

    /// The same for the same attributes, in any order.
    fn identity(&self, attributes: &Attributes) -> Identity {
        let hash = |hasher: &RandomState| {
            let pairs = attributes.iter().map(|(key, value)| hash(hasher, key, value));
            pairs.fold(0, u64::wrapping_add)
        };
        (hash(&self.hashers.0), hash(&self.hashers.1))
    }
}

fn hash(hasher: &RandomState, key: &str, value: &Value) -> u64 {
    let mut hasher = hasher.build_hasher();
    key.hash(&mut hasher);
    match value {
        Value::Text(text) => text.hash(&mut hasher),
        Value::Bytes(bytes) => bytes.hash(&mut hasher),
        // The text of other values contains the whole value. Writing to a hasher cannot fail.
        value => drop(write!(HashWriter(&mut hasher), "{value}")),
    }
    hasher.finish()
}

struct HashWriter<'a, H>(&'a mut H);

impl<H: Hasher> Write for HashWriter<'_, H> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

impl Instrument {
    /// The series of the instrument.
    pub fn series(&self) -> impl ExactSizeIterator<Item = &Series> {
        self.series.values()
    }

    /// The series after this one, in a fixed order, so that a long list can be read in parts.
    pub fn series_after(&self, last: Option<Identity>) -> impl Iterator<Item = (Identity, &Series)> {
        let from = last.map_or(Bound::Unbounded, Bound::Excluded);
        self.series.range((from, Bound::Unbounded)).map(|(identity, series)| (*identity, series))
    }
}

impl Series {
    /// Adds a sample, and drops those that are too old or too many.
    fn push(&mut self, mut sample: Sample, cumulative: bool, kind: Kind, now: u64) {
        // Deltas of an up-down counter are added up, because its current value matters.
        if kind == Kind::UpDownCounter
            && !cumulative
            && let Some(last) = self.samples.back()
        {
            sample.value += last.value;
        }
        self.totals.add(&sample, kind, cumulative);
        let before = self.samples.capacity();
        if self.samples.len() == before {
            self.samples.reserve_exact(before / 4 + 4);
        }
        self.bytes += (self.samples.capacity() - before) * size_of::<Sample>() + sample.heap();
        self.samples.push_back(sample);
        let oldest = now.saturating_sub(HISTORY_WINDOW.as_nanos() as u64);
        while self.samples.len() > 2 && (self.samples.len() > MAX_SAMPLES || self.samples[0].time < oldest) {
            self.bytes -= self.samples.pop_front().map_or(0, |sample| sample.heap());
        }
        while self.gaps.front().is_some_and(|gap| *gap < self.samples[0].time) {
            self.gaps.pop_front();
        }
    }

    /// Records that there are no values from this time on. If that is already known, it changes nothing.
    fn add_gap(&mut self, time: u64) {
        if self.samples.back().is_some_and(|last| last.time < time) && !self.has_ended() {
            let before = self.gaps.capacity();
            self.gaps.push_back(time);
            self.bytes += (self.gaps.capacity() - before) * size_of::<u64>();
        }
    }

    /// Whether its sender has reported that there are no more values.
    pub fn has_ended(&self) -> bool {
        let last = self.samples.back().map_or(0, |last| last.time);
        self.gaps.back().is_some_and(|gap| *gap > last)
    }

    /// Keeps the newest exemplars. A cumulative point may repeat those of the point before.
    fn keep(&mut self, exemplars: Vec<Exemplar>) {
        if exemplars.is_empty() {
            return;
        }
        if self.exemplars.capacity() == 0 {
            self.exemplars.reserve_exact(MAX_EXEMPLARS + 1);
            self.bytes += self.exemplars.capacity() * EXEMPLAR_BYTES;
        }
        for exemplar in
            exemplars.into_iter().filter(|exemplar| exemplar.span_id.as_ref().is_none_or(|id| is_id(id, 16)))
        {
            let place = self.exemplars.partition_point(|known| known.time > exemplar.time);
            if place < MAX_EXEMPLARS && !self.exemplars.contains(&exemplar) {
                self.exemplars.insert(place, exemplar);
                self.exemplars.truncate(MAX_EXEMPLARS);
            }
        }
    }
}
