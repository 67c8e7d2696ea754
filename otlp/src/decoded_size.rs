//! Estimates how much memory a body will use after decoding, from its bytes: a few bytes may represent a
//! large structure, for example `0a 00` an empty span.
//!
//! The estimate is an upper bound: vectors grow by doubling, and the protobuf structures and those of the
//! model exist at the same time.

use std::mem::size_of;

use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::logs::v1 as logs;
use opentelemetry_proto::tonic::metrics::v1 as metrics;
use opentelemetry_proto::tonic::trace::v1 as trace;

use crate::model;

/// Maximum depth of nested messages, which is prost's limit.
const MAX_DEPTH: usize = 100;
/// A vector that grows needs space for its old and its new elements.
const GROWTH: usize = 3;
/// Bytes of a text or an id in addition to its content.
const ALLOCATION: usize = 32;

/// A type of message.
pub(crate) struct Message {
    /// Bytes of an empty one; 0 if it is a part of the message around it, whose size includes it.
    size: usize,
    fields: &'static [(u32, Field)],
}

/// A field whose size depends on the encoded data.
enum Field {
    Message(&'static Message),
    /// A string, or bytes that stay bytes. It is stored once.
    Text,
    /// Bytes that are converted to hex digits.
    Id,
    /// Numbers that may be encoded in one byte each.
    Numbers,
    /// Numbers that are encoded in 8 bytes each.
    Fixed,
}

/// Bytes of a number, in protobuf's vector and in the model's.
const NUMBER_SIZE: usize = (GROWTH + 2) * 8;

const fn message(size: usize, fields: &'static [(u32, Field)]) -> Message {
    Message { size, fields }
}

/// The sum of the sizes of a message in protobuf and in the model.
const fn size<Wire, Model>() -> usize {
    GROWTH * size_of::<Wire>() + 2 * size_of::<Model>()
}

static ANY_VALUE_FIELDS: [(u32, Field); 4] = [
    (1, Field::Text),
    (5, Field::Message(&ARRAY_VALUE)),
    (6, Field::Message(&KEY_VALUE_LIST)),
    (7, Field::Text),
];
/// An element of an array.
static ANY_VALUE: Message = message(size::<common::AnyValue, model::Value>(), &ANY_VALUE_FIELDS);
/// The value of an attribute, or the body of a log record.
static INLINE_VALUE: Message = message(0, &ANY_VALUE_FIELDS);
static ARRAY_VALUE: Message = message(ALLOCATION, &[(1, Field::Message(&ANY_VALUE))]);
static KEY_VALUE_LIST: Message = message(ALLOCATION, &[(1, Field::Message(&KEY_VALUE))]);
static KEY_VALUE: Message = message(
    size::<common::KeyValue, (String, model::Value)>(),
    &[(1, Field::Text), (2, Field::Message(&INLINE_VALUE))],
);
static ENTITY_REF: Message = message(
    size::<common::EntityRef, ()>(),
    &[(1, Field::Text), (2, Field::Text), (3, Field::Text), (4, Field::Text)],
);
static RESOURCE: Message = message(0, &[(1, Field::Message(&KEY_VALUE)), (3, Field::Message(&ENTITY_REF))]);
static SCOPE: Message = message(0, &[(1, Field::Text), (2, Field::Text), (3, Field::Message(&KEY_VALUE))]);

/// `ExportTraceServiceRequest`.
pub(crate) static TRACES: Message = message(0, &[(1, Field::Message(&RESOURCE_SPANS))]);
static RESOURCE_SPANS: Message = message(
    size::<trace::ResourceSpans, model::Attributes>(),
    &[(1, Field::Message(&RESOURCE)), (2, Field::Message(&SCOPE_SPANS)), (3, Field::Text)],
);
static SCOPE_SPANS: Message = message(
    size::<trace::ScopeSpans, model::Scope>(),
    &[(1, Field::Message(&SCOPE)), (2, Field::Message(&SPAN)), (3, Field::Text)],
);
static SPAN: Message = message(
    size::<trace::Span, model::Span>(),
    &[
        (1, Field::Id),
        (2, Field::Id),
        (3, Field::Text),
        (4, Field::Id),
        (5, Field::Text),
        (9, Field::Message(&KEY_VALUE)),
        (11, Field::Message(&EVENT)),
        (13, Field::Message(&LINK)),
        (15, Field::Message(&STATUS)),
    ],
);
static EVENT: Message =
    message(size::<trace::span::Event, model::Event>(), &[(2, Field::Text), (3, Field::Message(&KEY_VALUE))]);
static LINK: Message = message(
    size::<trace::span::Link, model::Link>(),
    &[(1, Field::Id), (2, Field::Id), (3, Field::Text), (4, Field::Message(&KEY_VALUE))],
);
static STATUS: Message = message(0, &[(2, Field::Text)]);

/// `ExportLogsServiceRequest`.
pub(crate) static LOGS: Message = message(0, &[(1, Field::Message(&RESOURCE_LOGS))]);
static RESOURCE_LOGS: Message = message(
    size::<logs::ResourceLogs, model::Attributes>(),
    &[(1, Field::Message(&RESOURCE)), (2, Field::Message(&SCOPE_LOGS)), (3, Field::Text)],
);
static SCOPE_LOGS: Message = message(
    size::<logs::ScopeLogs, model::Scope>(),
    &[(1, Field::Message(&SCOPE)), (2, Field::Message(&LOG_RECORD)), (3, Field::Text)],
);
static LOG_RECORD: Message = message(
    size::<logs::LogRecord, model::LogRecord>(),
    &[
        (3, Field::Text),
        (5, Field::Message(&INLINE_VALUE)),
        (6, Field::Message(&KEY_VALUE)),
        (9, Field::Id),
        (10, Field::Id),
        (12, Field::Text),
    ],
);

/// `ExportMetricsServiceRequest`.
pub(crate) static METRICS: Message = message(0, &[(1, Field::Message(&RESOURCE_METRICS))]);
static RESOURCE_METRICS: Message = message(
    size::<metrics::ResourceMetrics, model::Attributes>(),
    &[(1, Field::Message(&RESOURCE)), (2, Field::Message(&SCOPE_METRICS)), (3, Field::Text)],
);
static SCOPE_METRICS: Message = message(
    size::<metrics::ScopeMetrics, model::Scope>(),
    &[(1, Field::Message(&SCOPE)), (2, Field::Message(&METRIC)), (3, Field::Text)],
);
static METRIC: Message = message(
    size::<metrics::Metric, model::Metric>(),
    &[
        (1, Field::Text),
        (2, Field::Text),
        (3, Field::Text),
        (5, Field::Message(&NUMBERS)),
        (7, Field::Message(&NUMBERS)),
        (9, Field::Message(&HISTOGRAM)),
        (10, Field::Message(&EXPONENTIAL_HISTOGRAM)),
        (11, Field::Message(&SUMMARY)),
        (12, Field::Message(&KEY_VALUE)),
    ],
);
/// `Gauge` and `Sum`.
static NUMBERS: Message = message(0, &[(1, Field::Message(&NUMBER))]);
static NUMBER: Message = message(
    size::<metrics::NumberDataPoint, model::Point>(),
    &[(7, Field::Message(&KEY_VALUE)), (5, Field::Message(&EXEMPLAR))],
);
static HISTOGRAM: Message = message(0, &[(1, Field::Message(&HISTOGRAM_POINT))]);
static HISTOGRAM_POINT: Message = message(
    size::<metrics::HistogramDataPoint, model::HistogramPoint>(),
    &[(9, Field::Message(&KEY_VALUE)), (6, Field::Fixed), (7, Field::Fixed), (8, Field::Message(&EXEMPLAR))],
);
static EXPONENTIAL_HISTOGRAM: Message = message(0, &[(1, Field::Message(&EXPONENTIAL_POINT))]);
static EXPONENTIAL_POINT: Message = message(
    size::<metrics::ExponentialHistogramDataPoint, model::HistogramPoint>() + 4 * ALLOCATION,
    &[
        (1, Field::Message(&KEY_VALUE)),
        (8, Field::Message(&BUCKETS)),
        (9, Field::Message(&BUCKETS)),
        (11, Field::Message(&EXEMPLAR)),
    ],
);
static BUCKETS: Message = message(0, &[(2, Field::Numbers)]);
static SUMMARY: Message = message(0, &[(1, Field::Message(&SUMMARY_POINT))]);
static SUMMARY_POINT: Message = message(
    size::<metrics::SummaryDataPoint, model::SummaryPoint>(),
    &[(7, Field::Message(&KEY_VALUE)), (6, Field::Message(&QUANTILE))],
);
static QUANTILE: Message = message(size::<metrics::summary_data_point::ValueAtQuantile, (f64, f64)>(), &[]);
static EXEMPLAR: Message = message(
    size::<metrics::Exemplar, ()>(),
    &[(7, Field::Message(&KEY_VALUE)), (4, Field::Id), (5, Field::Id)],
);

/// The number of bytes that the message in `wire` uses after decoding. Counting stops at `limit`, and at
/// invalid protobuf, which decoding reports.
pub(crate) fn for_protobuf(message: &Message, wire: &[u8], limit: usize) -> usize {
    let mut size = 0;
    measure(message, wire, limit, 0, &mut size);
    size
}

fn measure(message: &Message, mut wire: &[u8], limit: usize, depth: usize, size: &mut usize) {
    *size += message.size;
    while !wire.is_empty() && *size <= limit {
        let Some(tag) = varint(&mut wire) else { return };
        let field =
            message.fields.iter().find(|(known, _)| u64::from(*known) == tag >> 3).map(|(_, field)| field);
        let skipped = match tag & 7 {
            0 => varint(&mut wire).map(drop),
            1 => take(&mut wire, 8).map(drop),
            2 => {
                let length = varint(&mut wire).and_then(|length| usize::try_from(length).ok());
                let Some(content) = length.and_then(|length| take(&mut wire, length)) else { return };
                match field {
                    Some(Field::Message(inner)) if depth < MAX_DEPTH => {
                        measure(inner, content, limit, depth + 1, size);
                    }
                    Some(Field::Text) => *size += content.len() + ALLOCATION,
                    Some(Field::Id) => *size += 3 * content.len() + 2 * ALLOCATION,
                    Some(Field::Numbers) => *size += NUMBER_SIZE * content.len() + ALLOCATION,
                    Some(Field::Fixed) => *size += NUMBER_SIZE * (content.len() / 8) + ALLOCATION,
                    // Unknown fields are skipped, and messages that are nested too deeply are rejected by
                    // decoding.
                    Some(Field::Message(_)) | None => {}
                }
                Some(())
            }
            // The fields of a group are counted as if they were fields of the message, which can only be too
            // many.
            3 | 4 => Some(()),
            5 => take(&mut wire, 4).map(drop),
            _ => None,
        };
        if skipped.is_none() {
            return;
        }
        // Numbers may also be encoded one by one instead of packed.
        if tag & 7 != 2 && matches!(field, Some(Field::Numbers | Field::Fixed)) {
            *size += NUMBER_SIZE;
        }
    }
}

fn varint(wire: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let (byte, rest) = wire.split_first()?;
        *wire = rest;
        value |= u64::from(byte & 127).checked_shl(shift).unwrap_or_default();
        if byte & 128 == 0 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(wire: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = wire.split_at_checked(length)?;
    *wire = rest;
    Some(taken)
}

/// Bytes of a JSON value, in serde_json's tree and in a dynamic message.
const JSON_VALUE: usize = 200;
/// Additional bytes of an object with members: each is a node of a tree, twice.
const JSON_OBJECT: usize = 1_600;

/// The number of bytes that the JSON in `text` uses after decoding.
pub(crate) fn for_json(text: &[u8]) -> usize {
    let mut size = 3 * text.len();
    let (mut in_string, mut is_escaped) = (false, false);
    let mut previous = b' ';
    for byte in text {
        if in_string {
            in_string = *byte != b'"' || is_escaped;
            is_escaped = *byte == b'\\' && !is_escaped;
            continue;
        }
        match byte {
            b'"' => {
                in_string = true;
                if previous == b'{' {
                    size += JSON_OBJECT;
                }
            }
            b',' | b'[' | b'{' | b':' => size += JSON_VALUE,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            previous = *byte;
        }
    }
    size
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, HISTOGRAM_POINT, KEY_VALUE, LOGS, TRACES, for_json, for_protobuf};

    #[test]
    fn empty_spans_are_counted_by_the_size_of_their_decoded_structures() {
        let spans: Vec<u8> = [0x12, 0].repeat(1_000);
        let scope = [&[0x12, 0xd0, 0x0f][..], &spans].concat();
        let resource = [&[0x0a, 0xd3, 0x0f][..], &scope].concat();
        let size = for_protobuf(&TRACES, &resource, usize::MAX);
        assert!(size > 1_000 * size_of::<crate::model::Span>(), "{size}");
        assert!(for_protobuf(&TRACES, &resource, 10_000) < 20_000, "it stops at the limit");
    }

    #[test]
    fn the_value_of_an_attribute_counts_once() {
        let with_int = for_protobuf(&KEY_VALUE, &[0x12, 2, 0x18, 1], usize::MAX);
        assert_eq!(with_int, for_protobuf(&KEY_VALUE, &[], usize::MAX));
        let with_array = for_protobuf(&KEY_VALUE, &[0x12, 4, 0x2a, 2, 0x0a, 0], usize::MAX);
        assert!(with_array > with_int + size_of::<crate::model::Value>(), "its elements are not in it");
    }

    #[test]
    fn numbers_count_whether_they_are_packed_or_not() {
        let unpacked = for_protobuf(&BUCKETS, &[0x10, 0].repeat(1_000), usize::MAX);
        assert!(unpacked >= 16 * 1_000, "{unpacked}");
        let packed = for_protobuf(&BUCKETS, &[&[0x12, 100][..], &[0; 100]].concat(), usize::MAX);
        assert!(packed >= 16 * 100, "{packed}");
    }

    #[test]
    fn a_number_of_eight_bytes_counts_once() {
        let counts = [&[0x32, 80][..], &[0; 80]].concat();
        let more = for_protobuf(&HISTOGRAM_POINT, &counts, usize::MAX)
            - for_protobuf(&HISTOGRAM_POINT, &[], usize::MAX);
        assert!((16 * 10..100 * 10).contains(&more), "{more}");
    }

    #[test]
    fn invalid_protobuf_ends_the_count() {
        for wire in [&[0xff][..], &[0x0a, 0x7f, 0], &[0x0b, 0x0c], &[0x07], &[0xff; 30]] {
            assert!(for_protobuf(&LOGS, wire, 1_000_000) < 10_000, "{wire:?}");
        }
    }

    #[test]
    fn objects_of_json_cost_more_than_their_text() {
        assert!(for_json(br#"{"a":[{"b":1}]}"#) > 2 * 1_600);
        assert_eq!(for_json(br#""{\"{[,""#), 3 * 8);
    }
}
