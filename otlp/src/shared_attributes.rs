//! Lets the items of one export share keys and texts, because most spans of a program have the same keys, and
//! often the same value as the span before. They use less memory, and are found faster.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Wire;

use crate::decode::value;
use crate::model::{Attributes, Value};

/// Maximum number of lists of keys with which the keys of an item are compared.
const MAX_LISTS: usize = 16;

/// The lists of keys that were used most recently, the last one first.
#[derive(Default)]
pub(crate) struct SharedAttributes(RefCell<VecDeque<List>>);

struct List {
    keys: Arc<Vec<String>>,
    /// The last text of each key, if there was one.
    texts: Vec<Option<Arc<str>>>,
}

impl SharedAttributes {
    /// The attributes with these keys and values, in the same order.
    pub(crate) fn attributes(&self, pairs: Vec<KeyValue>) -> Attributes {
        if pairs.is_empty() {
            return Attributes::default();
        }
        // It is taken out, because a value may have attributes, too.
        let mut list = self.take_list(&pairs);
        let values = pairs.into_iter().zip(&mut list.texts).map(|(pair, last)| {
            match pair.value.and_then(|value| value.value) {
                Some(Wire::StringValue(text)) => Value::Text(shared(last, &text)),
                other => value(other, self),
            }
        });
        let attributes = Attributes::with_keys(Arc::clone(&list.keys), values.collect());
        self.0.borrow_mut().push_front(list);
        attributes
    }

    fn take_list(&self, pairs: &[KeyValue]) -> List {
        let mut lists = self.0.borrow_mut();
        let has_keys = |list: &List| list.keys.iter().eq(pairs.iter().map(|pair| &pair.key));
        let known = lists.iter().position(has_keys).and_then(|at| lists.remove(at));
        known.unwrap_or_else(|| {
            lists.truncate(MAX_LISTS - 1);
            List {
                keys: Arc::new(pairs.iter().map(|pair| pair.key.clone()).collect()),
                texts: vec![None; pairs.len()],
            }
        })
    }
}

/// The last text if it is the same, otherwise a new one.
fn shared(last: &mut Option<Arc<str>>, text: &str) -> Arc<str> {
    match last {
        Some(last) if **last == *text => Arc::clone(last),
        last => Arc::clone(last.insert(Arc::from(text))),
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValueList};

    use super::*;

    fn pair(key: &str, value: Wire) -> KeyValue {
        KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
    }

    fn pairs(texts: &[(&str, &str)]) -> Vec<KeyValue> {
        texts.iter().map(|(key, text)| pair(key, Wire::StringValue((*text).to_owned()))).collect()
    }

    fn text(attributes: &Attributes, key: &str) -> Arc<str> {
        match attributes.get(key) {
            Some(Value::Text(text)) => Arc::clone(text),
            other => panic!("{key} is {other:?}"),
        }
    }

    #[test]
    fn the_same_keys_and_texts_are_shared_and_others_are_not() {
        let shared = SharedAttributes::default();
        let first = shared.attributes(pairs(&[("a", "1"), ("b", "2")]));
        let swapped = shared.attributes(pairs(&[("b", "2"), ("a", "1")]));
        let second = shared.attributes(pairs(&[("a", "1"), ("b", "3")]));
        assert_eq!(first.keys(), ["a", "b"]);
        assert_eq!(swapped.keys(), ["b", "a"]);
        assert!(std::ptr::eq(first.keys(), second.keys()));
        assert!(Arc::ptr_eq(&text(&first, "a"), &text(&second, "a")));
        assert_eq!((&*text(&first, "b"), &*text(&second, "b")), ("2", "3"));
    }

    #[test]
    fn a_value_may_have_the_keys_of_the_attributes_around_it() {
        let inner = KeyValueList { values: pairs(&[("a", "1")]) };
        let outer = vec![pair("a", Wire::KvlistValue(inner))];
        let attributes = SharedAttributes::default().attributes(outer);
        assert_eq!(attributes.to_string(), r#"{"a": {"a": "1"}}"#);
    }

    #[test]
    fn the_number_of_lists_that_are_compared_is_bounded() {
        let shared = SharedAttributes::default();
        for at in 0..1_000 {
            let key = at.to_string();
            assert_eq!(shared.attributes(pairs(&[(&key, "1")])).keys(), [key]);
        }
        assert_eq!(shared.0.borrow().len(), MAX_LISTS);
    }
}
