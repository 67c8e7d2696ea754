//! Writes protobuf's wire format: <https://protobuf.dev/programming-guides/encoding/>.
//!
//! The functions that write a field omit it if it has its default value, as proto3 does. Functions with
//! `always` in their names do not: a member of a `oneof` and an element of a list are written even with the
//! default value.

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH_DELIMITED: u32 = 2;
const FIXED32: u32 = 5;

/// Number of bytes to reserve for the length of a message that will be written.
///
/// After a wrong guess, the message's content must be moved, but the result is the same.
#[derive(Clone, Copy)]
pub(super) enum ExpectedLength {
    /// Up to 127 bytes.
    Short = 1,
    /// 128 bytes to 16 KiB.
    Medium = 2,
    /// 16 KiB to 2 MiB.
    Long = 3,
}

/// Appends fields to a buffer.
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Starts an empty message in `buffer`. The content of the buffer is dropped, and its memory is reused.
    pub(super) fn new(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        Self { bytes: buffer }
    }

    /// The message.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    #[inline]
    pub(super) fn string(&mut self, field: u32, value: &str) {
        if !value.is_empty() {
            self.bytes_always(field, value.as_bytes());
        }
    }

    #[inline]
    pub(super) fn bytes_always(&mut self, field: u32, value: &[u8]) {
        let tag = tag(field, LENGTH_DELIMITED);
        if value.len() < 0x80 {
            self.bytes.extend_from_slice(&[tag, value.len() as u8]);
        } else {
            self.bytes.push(tag);
            self.varint(value.len() as u64);
        }
        self.bytes.extend_from_slice(value);
    }

    /// Writes fields that are encoded already.
    pub(super) fn encoded(&mut self, fields: &[u8]) {
        self.bytes.extend_from_slice(fields);
    }

    #[inline]
    pub(super) fn integer(&mut self, field: u32, value: u32) {
        if value != 0 {
            self.integer_always(field, u64::from(value));
        }
    }

    #[inline]
    pub(super) fn integer_always(&mut self, field: u32, value: u64) {
        self.bytes.push(tag(field, VARINT));
        self.varint(value);
    }

    /// Unlike in the other functions, `field` may be greater than 15.
    #[inline]
    pub(super) fn fixed32(&mut self, field: u32, value: u32) {
        if value != 0 {
            self.varint(u64::from(field << 3 | FIXED32));
            self.bytes.extend_from_slice(&value.to_le_bytes());
        }
    }

    #[inline]
    pub(super) fn fixed64(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.fixed64_always(field, value);
        }
    }

    #[inline]
    pub(super) fn double_always(&mut self, field: u32, value: f64) {
        self.fixed64_always(field, value.to_bits());
    }

    #[inline]
    fn fixed64_always(&mut self, field: u32, value: u64) {
        let mut encoded = [tag(field, FIXED64); 9];
        encoded[1..].copy_from_slice(&value.to_le_bytes());
        self.bytes.extend_from_slice(&encoded);
    }

    /// Writes a nested message, even if it has no content.
    ///
    /// The length of a message is encoded before its content, but is known only after it. So its bytes are
    /// reserved first and filled in last.
    #[inline]
    pub(super) fn message(&mut self, field: u32, expected: ExpectedLength, content: impl FnOnce(&mut Self)) {
        let reserved = expected as usize;
        // The tag, and space for the length, which is overwritten later.
        self.bytes.extend_from_slice(&[tag(field, LENGTH_DELIMITED); 4][..1 + reserved]);
        let start = self.bytes.len();
        content(self);
        let length = self.bytes.len() - start;
        let needed = varint_size(length as u64);
        if needed != reserved {
            self.move_content(start, reserved, needed);
        }
        put_varint(&mut self.bytes[start - reserved..], length as u64);
    }

    /// Moves the content that begins at `start`, so that `needed` bytes are free before it instead of
    /// `reserved`.
    #[cold]
    fn move_content(&mut self, start: usize, reserved: usize, needed: usize) {
        let gap = start - reserved;
        self.bytes.splice(gap..start, std::iter::repeat_n(0, needed));
    }

    #[inline]
    fn varint(&mut self, value: u64) {
        if value < 0x80 {
            self.bytes.push(value as u8);
        } else {
            let mut encoded = [0; 10];
            let size = put_varint(&mut encoded, value);
            self.bytes.extend_from_slice(&encoded[..size]);
        }
    }
}

/// The tag of a field. It fits into one byte because `field` is less than 16.
#[inline]
fn tag(field: u32, wire_type: u32) -> u8 {
    debug_assert!(field < 16, "field {field} needs a tag of two bytes");
    (field << 3 | wire_type) as u8
}

/// Writes `value` to the beginning of `to`, 7 bits per byte, and returns the number of bytes.
#[inline]
fn put_varint(to: &mut [u8], mut value: u64) -> usize {
    let mut size = 0;
    while value >= 0x80 {
        to[size] = value as u8 | 0x80;
        value >>= 7;
        size += 1;
    }
    to[size] = value as u8;
    size + 1
}

/// The number of bytes that [`put_varint`] writes.
#[inline]
fn varint_size(value: u64) -> usize {
    (value | 1).ilog2() as usize / 7 + 1
}
