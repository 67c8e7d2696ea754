//! Lets the items of one export share their lists of keys: most spans of a program have the same ones.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::KeyValue;

/// Maximum number of lists that a new one is compared with.
const MAX_LISTS: usize = 16;

/// The lists of keys that were used most recently, the last one first.
#[derive(Default)]
pub(crate) struct SharedKeys(RefCell<VecDeque<Arc<Vec<String>>>>);

impl SharedKeys {
    /// The keys of these pairs, in their order.
    pub(crate) fn for_pairs(&self, pairs: &[KeyValue]) -> Arc<Vec<String>> {
        let mut lists = self.0.borrow_mut();
        let known = lists.iter().position(|keys| keys.iter().eq(pairs.iter().map(|pair| &pair.key)));
        let keys = match known {
            Some(0) => return Arc::clone(&lists[0]),
            Some(at) => lists.remove(at),
            None => {
                lists.truncate(MAX_LISTS - 1);
                None
            }
        };
        let keys = keys.unwrap_or_else(|| Arc::new(pairs.iter().map(|pair| pair.key.clone()).collect()));
        lists.push_front(Arc::clone(&keys));
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(keys: &[&str]) -> Vec<KeyValue> {
        keys.iter().map(|key| KeyValue { key: (*key).to_owned(), ..KeyValue::default() }).collect()
    }

    #[test]
    fn the_same_keys_in_the_same_order_are_shared() {
        let shared = SharedKeys::default();
        let first = shared.for_pairs(&pairs(&["a", "b"]));
        assert_eq!(*shared.for_pairs(&pairs(&["b", "a"])), ["b", "a"]);
        assert_eq!(*shared.for_pairs(&pairs(&["a"])), ["a"]);
        assert!(Arc::ptr_eq(&first, &shared.for_pairs(&pairs(&["a", "b"]))));
        let third = shared.for_pairs(&pairs(&["b", "a"]));
        assert!(Arc::ptr_eq(&third, &shared.for_pairs(&pairs(&["b", "a"]))));
    }

    #[test]
    fn the_number_of_lists_that_are_compared_is_bounded() {
        let shared = SharedKeys::default();
        for at in 0..1_000 {
            assert_eq!(*shared.for_pairs(&pairs(&[&at.to_string()])), [at.to_string()]);
        }
        assert_eq!(shared.0.borrow().len(), MAX_LISTS);
    }
}
