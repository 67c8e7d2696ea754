//! A text that is searched in other texts without regard to case.

/// A search takes a time that depends on the length of the searched text alone, by the algorithm of Knuth,
/// Morris and Pratt, and allocates nothing.
#[derive(Debug)]
pub(super) struct Word {
    /// In lower case.
    letters: Vec<char>,
    /// For each letter, the number of letters that still match if the next one does not.
    retained: Vec<usize>,
}

impl Word {
    pub(super) fn new(text: &str) -> Self {
        let letters: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
        let mut retained = vec![0; letters.len()];
        let mut matched = 0;
        for at in 1..letters.len() {
            while matched > 0 && letters[matched] != letters[at] {
                matched = retained[matched - 1];
            }
            if letters[matched] == letters[at] {
                matched += 1;
            }
            retained[at] = matched;
        }
        Self { letters, retained }
    }

    pub(super) fn is_in(&self, text: &str) -> bool {
        if text.is_ascii() {
            // Most texts do not even contain the first letter.
            let is_first = |byte: &u8| self.letters.first() == Some(&char::from(byte.to_ascii_lowercase()));
            let start = text.as_bytes().iter().position(is_first).unwrap_or(text.len());
            let rest = &text.as_bytes()[start..];
            return rest.len() >= self.letters.len()
                && self.is_among(rest.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
        }
        self.is_among(text.chars().flat_map(char::to_lowercase))
    }

    fn is_among(&self, text: impl Iterator<Item = char>) -> bool {
        let mut matched = 0;
        if self.letters.is_empty() {
            return true;
        }
        for letter in text {
            while matched > 0 && self.letters[matched] != letter {
                matched = self.retained[matched - 1];
            }
            if self.letters[matched] == letter {
                matched += 1;
                if matched == self.letters.len() {
                    return true;
                }
            }
        }
        false
    }
}
