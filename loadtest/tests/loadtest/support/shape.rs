//! The form of an output line, independent of its numbers.

/// A line without the parts that differ between runs: a number with its unit becomes `#`, and several spaces
/// or dots become one.
pub fn shape(line: &str) -> String {
    let mut shape = String::new();
    let mut rest = line;
    while let Some(next) = rest.chars().next() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        if next.is_ascii_digit() {
            rest = &rest[end..];
            let unit = ["ns", "µs", "ms", "s"].into_iter().find(|unit| rest.starts_with(unit));
            rest = &rest[unit.map_or(0, str::len)..];
            shape.push('#');
        } else {
            rest = &rest[next.len_utf8()..];
            let repeated =
                matches!(next, ' ' | '.') && shape.ends_with(next) && !shape.trim_start().is_empty();
            if !repeated {
                shape.push(next);
            }
        }
    }
    shape.trim_end().to_owned()
}
