//! Attributes: keys and values.

use std::fmt::{self, Write as _};
use std::ops::Index;
use std::sync::Arc;

use serde_json::Value as Json;

/// Number of bytes of a binary value that are shown as text.
const MAX_BYTES_SHOWN: usize = 32;

/// OTLP's `AnyValue`.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Value {
    /// An empty value.
    Empty,
    /// Items of one export share equal texts.
    Text(Arc<str>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Vec<u8>),
    Array(Vec<Value>),
    Map(Attributes),
}

/// Keys and values, in their original order. The items of one export that have the same keys share them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes {
    /// `None` if there are no attributes.
    keys: Option<Arc<Vec<String>>>,
    /// As many as keys, in the same order.
    values: Box<[Value]>,
}

impl Attributes {
    /// Keys, and as many values in the same order.
    pub(crate) fn with_keys(keys: Arc<Vec<String>>, values: Box<[Value]>) -> Self {
        debug_assert_eq!(keys.len(), values.len());
        Self { keys: Some(keys), values }
    }

    /// The number of attributes.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are no attributes.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(self.position(key)?)
    }

    fn position(&self, key: &str) -> Option<usize> {
        self.keys().iter().position(|name| name == key)
    }

    /// The keys.
    pub(crate) fn keys(&self) -> &[String] {
        self.keys.as_ref().map_or(&[], |keys| keys)
    }

    /// The values.
    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }

    /// Whether there is a value for `key`.
    pub fn contains_key(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// Iterates over keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.keys().iter().map(String::as_str).zip(&self.values)
    }

    /// The value of `key`, if it is a string.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// The value of `key`, if it is an integer.
    pub fn int(&self, key: &str) -> Option<i64> {
        match self.get(key) {
            Some(Value::Int(int)) => Some(*int),
            _ => None,
        }
    }

    /// Sets `key`, at its present position or at the end.
    pub fn set(&mut self, key: &str, value: Value) {
        match self.position(key) {
            Some(at) => self.values[at] = value,
            None => self.change(|pairs| pairs.push((key.to_owned(), value))),
        }
    }

    /// Removes `key`.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.position(key)?;
        self.change(|pairs| Some(pairs.remove(at).1))
    }

    /// Keeps only the attributes for which `is_kept` is true.
    pub fn retain(&mut self, is_kept: impl Fn(&str, &Value) -> bool) {
        self.change(|pairs| pairs.retain(|(key, value)| is_kept(key, value)));
    }

    fn change<T>(&mut self, change: impl FnOnce(&mut Vec<(String, Value)>) -> T) -> T {
        let mut pairs: Vec<_> = std::mem::take(self).into_iter().collect();
        let result = change(&mut pairs);
        *self = pairs.into_iter().collect();
        result
    }
}

impl FromIterator<(String, Value)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(pairs: I) -> Self {
        let (keys, values): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        if keys.is_empty() { Self::default() } else { Self::with_keys(Arc::new(keys), values.into()) }
    }
}

impl IntoIterator for Attributes {
    type Item = (String, Value);
    type IntoIter = std::iter::Zip<std::vec::IntoIter<String>, std::vec::IntoIter<Value>>;

    fn into_iter(self) -> Self::IntoIter {
        let keys = self.keys.map(Arc::unwrap_or_clone).unwrap_or_default();
        keys.into_iter().zip(self.values)
    }
}

impl Index<&str> for Attributes {
    type Output = Value;

    /// # Panics
    ///
    /// There is no value for `key`.
    fn index(&self, key: &str) -> &Value {
        self.get(key).unwrap_or_else(|| panic!("no attribute {key} among {self}"))
    }
}

impl Value {
    /// The text, if the value is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A string without quotes, and any other value as JSON.
    pub fn unquoted(&self) -> String {
        match self {
            Self::Text(text) => text.to_string(),
            other => other.to_string(),
        }
    }

    /// The first `characters` of [`Value::unquoted`], followed by `…` if there are more. The time does not
    /// depend on the size of the value.
    pub fn shortened(&self, characters: usize) -> String {
        let mut short = Shortened { text: String::new(), left: characters };
        let written = match self {
            Self::Text(text) => short.write_str(text),
            other => write!(short, "{other}"),
        };
        // The only possible error is that the limit was reached.
        if written.is_err() {
            short.text.push('…');
        }
        short.text
    }
}

/// A text with a maximum number of characters.
struct Shortened {
    text: String,
    left: usize,
}

impl fmt::Write for Shortened {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let end = more.char_indices().nth(self.left).map_or(more.len(), |(end, _)| end);
        let taken = &more[..end];
        self.left -= taken.chars().count();
        self.text.push_str(taken);
        if end < more.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

/// A string is only equal to a string: `"200"` is not 200.
impl PartialEq<str> for Value {
    fn eq(&self, text: &str) -> bool {
        self.as_str() == Some(text)
    }
}

impl PartialEq<&str> for Value {
    fn eq(&self, text: &&str) -> bool {
        *self == **text
    }
}

/// An integer is only equal to an integer: 200.0 is not 200.
impl PartialEq<i32> for Value {
    fn eq(&self, int: &i32) -> bool {
        *self == Self::Int((*int).into())
    }
}

/// Equality with JSON of the same type: an integer is not equal to a double, nor a number to a string. JSON
/// has no bytes.
impl PartialEq<Json> for Value {
    fn eq(&self, json: &Json) -> bool {
        match (self, json) {
            (Self::Empty, Json::Null) => true,
            (Self::Text(text), Json::String(json)) => **text == **json,
            (Self::Bool(bool), Json::Bool(json)) => bool == json,
            (Self::Int(int), Json::Number(json)) => json.as_i64() == Some(*int),
            (Self::Double(double), Json::Number(json)) => json.is_f64() && json.as_f64() == Some(*double),
            (Self::Array(values), Json::Array(json)) => values == json,
            (Self::Map(map), Json::Object(json)) => {
                map.len() == json.len()
                    && json.iter().all(|(key, json)| map.get(key).is_some_and(|it| it == json))
            }
            _ => false,
        }
    }
}

impl fmt::Display for Attributes {
    /// Formats the attributes as a JSON object, in their original order.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, (key, value)) in self.iter().enumerate() {
            f.write_str(if at > 0 { ", " } else { "" })?;
            quoted(key, f)?;
            write!(f, ": {value}")?;
        }
        f.write_str("}")
    }
}

impl fmt::Display for Value {
    /// Formats the value as JSON, so that `"200"` and `200` differ. Bytes are shown as hex digits, at most
    /// the first 32.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("null"),
            Self::Text(text) => quoted(text, f),
            Self::Bool(bool) => write!(f, "{bool}"),
            Self::Int(int) => write!(f, "{int}"),
            Self::Double(double) => write!(f, "{double:?}"),
            Self::Bytes(bytes) => {
                f.write_str("0x")?;
                bytes.iter().take(MAX_BYTES_SHOWN).try_for_each(|byte| write!(f, "{byte:02x}"))?;
                if bytes.len() > MAX_BYTES_SHOWN { write!(f, "… ({} bytes)", bytes.len()) } else { Ok(()) }
            }
            Self::Array(values) => {
                f.write_str("[")?;
                for (at, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if at > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Map(map) => write!(f, "{map}"),
        }
    }
}

/// Writes a JSON string directly to the formatter. With an intermediate string at each level, a nested value
/// would be escaped at each level again, and its text would grow exponentially.
fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for letter in text.chars() {
        match letter {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            control if control.is_control() => write!(f, "\\u{:04x}", u32::from(control))?,
            letter => f.write_char(letter)?,
        }
    }
    f.write_str("\"")
}

#[cfg(test)]
mod tests {
    use super::Value;

    #[test]
    fn a_value_is_written_as_json() {
        let inner = [
            ("text".to_owned(), "1\n\"".into()),
            ("int".to_owned(), 1.into()),
            ("bytes".to_owned(), Value::Bytes(vec![1, 0xab])),
        ];
        let inner = Value::Map(inner.into_iter().collect());
        let value = Value::Array(vec![inner, Value::Empty, Value::Double(1.0)]);
        let expected = r#"[{"text": "1\n\"", "int": 1, "bytes": 0x01ab}, null, 1.0]"#;
        assert_eq!(value.to_string(), expected);
        assert_eq!(value.shortened(9), r#"[{"text":…"#);
        assert_eq!(value.shortened(1_000), expected);
        assert_eq!(Value::from("名前").shortened(1), "名…");
        assert_eq!(Value::from("名前").shortened(2), "名前");
        assert_eq!(Value::Bytes(vec![7; 100]).to_string(), format!("0x{}… (100 bytes)", "07".repeat(32)));
    }

    #[test]
    fn the_text_of_a_nested_value_is_as_long_as_the_value() {
        let nested = (0..100).fold(Value::from("\"text\""), |inner, _| Value::Array(vec![inner]));
        assert_eq!(nested.to_string().len(), 2 * 100 + r#""\"text\"""#.len());
    }
}
