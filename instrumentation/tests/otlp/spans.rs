//! Generates spans. The same seed always gives the same spans.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

/// A span with default values.
pub fn span() -> SpanData {
    Generator::new(1).span()
}

/// Generates spans in which every field sometimes has its default value, and lengths are close to the limits
/// of length prefixes with 1, 2 and 3 bytes.
pub struct Generator(u64);

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The SplitMix64 algorithm.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    pub fn span(&mut self) -> SpanData {
        let mut events = SpanEvents::default();
        events.events = self.some(Self::event);
        events.dropped_count = self.count();
        let mut links = SpanLinks::default();
        links.links = self.some(Self::link);
        links.dropped_count = self.count();
        SpanData {
            span_context: self.context(),
            parent_span_id: if self.one_in(3) { SpanId::INVALID } else { SpanId::from(self.next()) },
            parent_span_is_remote: self.one_in(2),
            span_kind: self.kind(),
            name: self.text().into(),
            start_time: self.time(),
            end_time: self.time(),
            attributes: self.some(Self::attribute),
            dropped_attributes_count: self.count(),
            events,
            links,
            status: self.status(),
            instrumentation_scope: self.scope(),
        }
    }

    fn some<T>(&mut self, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(5)).map(|_| item(self)).collect()
    }

    fn context(&mut self) -> SpanContext {
        let state = match self.below(3) {
            0 => TraceState::from_key_value([("vendor", "a"), ("other@tenant", "b")]).expect("a valid state"),
            1 => TraceState::from_key_value([("long", "x".repeat(200))]).expect("a valid state"),
            _ => TraceState::NONE,
        };
        let trace_id = TraceId::from(u128::from(self.next()) << 64 | u128::from(self.next()));
        let flags = TraceFlags::new(self.below(4) as u8);
        SpanContext::new(trace_id, SpanId::from(self.next()), flags, self.one_in(2), state)
    }

    fn kind(&mut self) -> SpanKind {
        use SpanKind::{Client, Consumer, Internal, Producer, Server};
        [Client, Consumer, Internal, Producer, Server][self.below(5) as usize].clone()
    }

    fn status(&mut self) -> Status {
        match self.below(4) {
            0 => Status::Unset,
            1 => Status::Ok,
            2 => Status::error(""),
            _ => Status::error(self.text()),
        }
    }

    fn event(&mut self) -> Event {
        let (name, attributes) = (self.text(), self.some(Self::attribute));
        Event::new(name, self.time(), attributes, self.count())
    }

    fn link(&mut self) -> Link {
        let (context, attributes) = (self.context(), self.some(Self::attribute));
        Link::new(context, attributes, self.count())
    }

    /// One of a few scopes, some of which differ in only one part.
    fn scope(&mut self) -> InstrumentationScope {
        let scope = InstrumentationScope::builder(["", "axum", "sqlx"][self.below(3) as usize]);
        let scope = if self.one_in(2) { scope.with_version("1.2.3") } else { scope };
        let scope = if self.one_in(2) { scope.with_schema_url("https://example.com/1.44.0") } else { scope };
        if self.one_in(2) { scope.with_attributes([KeyValue::new("scope", true)]) } else { scope }.build()
    }

    fn time(&mut self) -> SystemTime {
        match self.below(8) {
            0 => UNIX_EPOCH,
            1 => UNIX_EPOCH - Duration::from_secs(1),
            _ => UNIX_EPOCH + Duration::from_nanos(1_700_000_000_000_000_000 + self.below(1 << 50)),
        }
    }

    fn count(&mut self) -> u32 {
        [0, 0, 1, 127, 128, 16_384, u32::MAX][self.below(7) as usize]
    }

    pub fn attribute(&mut self) -> KeyValue {
        KeyValue::new(self.text(), self.value())
    }

    fn value(&mut self) -> Value {
        match self.below(8) {
            0 => Value::Bool(self.one_in(2)),
            1 => Value::I64(self.integer()),
            2 => Value::F64(self.float()),
            3 => Value::Array(Array::Bool(self.some(|random| random.one_in(2)))),
            4 => Value::Array(Array::I64(self.some(Self::integer))),
            5 => Value::Array(Array::F64(self.some(Self::float))),
            6 => Value::Array(Array::String(self.some(|random| StringValue::from(random.text())))),
            _ => Value::String(self.text().into()),
        }
    }

    fn integer(&mut self) -> i64 {
        [0, 1, -1, 127, 128, i64::MAX, i64::MIN, self.next() as i64][self.below(8) as usize]
    }

    /// Never NaN, which is not equal to itself.
    fn float(&mut self) -> f64 {
        [0.0, -0.0, 1.5, f64::MAX, f64::INFINITY, f64::NEG_INFINITY][self.below(6) as usize]
    }

    fn text(&mut self) -> String {
        let length = match self.below(40) {
            0 => 16_370 + self.below(30),
            1..5 => 110 + self.below(30),
            5..8 => 0,
            _ => self.below(30),
        };
        (0..length).map(|_| ['a', 'z', ' ', 'é', '桜', '\0'][self.below(6) as usize]).collect()
    }
}
