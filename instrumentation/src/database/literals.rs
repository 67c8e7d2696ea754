//! Removes the values from the text of a query.

use super::system::System;

/// `sql` with a `?` for each literal, and without comments. Placeholders and quoted identifiers stay.
///
/// The conventions require this unless the values are bound to the query. What counts as a literal depends on
/// the dialect; in case of doubt, text is replaced.
pub(super) fn without_literals(sql: &str, system: System) -> String {
    let mut result = String::with_capacity(sql.len());
    let mut rest = sql;
    while !rest.is_empty() {
        let (kind, length) = next_token(rest, system);
        let (token, after) = rest.split_at(length);
        match kind {
            Kind::Kept => result.push_str(token),
            Kind::Literal => result.push('?'),
            Kind::Comment => {}
        }
        rest = after;
    }
    result
}

enum Kind {
    Kept,
    Literal,
    Comment,
}

/// The kind and the length of the token at the start of `sql`, which is not empty.
fn next_token(sql: &str, system: System) -> (Kind, usize) {
    use System::{Mysql, Other, Postgresql, Sqlite};

    let bytes = sql.as_bytes();
    let next = bytes.get(1).copied().unwrap_or_default();
    let backslash = matches!(system, Mysql);
    match bytes[0] {
        b'\'' => (Kind::Literal, quoted(bytes, b'\'', backslash)),
        b'"' if matches!(system, Mysql | Other(_)) => (Kind::Literal, quoted(bytes, b'"', backslash)),
        quote @ (b'"' | b'`') => (Kind::Kept, quoted(bytes, quote, false)),
        b'[' if system == Sqlite => (Kind::Kept, sql.find(']').map_or(sql.len(), |end| end + 1)),
        b'-' if next == b'-' => (Kind::Comment, sql.find('\n').unwrap_or(sql.len())),
        b'#' if system == Mysql => (Kind::Comment, sql.find('\n').unwrap_or(sql.len())),
        b'/' if next == b'*' => (Kind::Comment, sql[2..].find("*/").map_or(sql.len(), |end| end + 4)),
        b'$' if matches!(system, Postgresql | Other(_)) && !next.is_ascii_digit() => dollar_quoted(sql),
        b'$' => (Kind::Kept, 1 + name(&bytes[1..])),
        b'?' | b':' if matches!(system, Sqlite | Other(_)) => (Kind::Kept, 1 + name(&bytes[1..])),
        b'@' if system != Postgresql => (Kind::Kept, 1 + name(&bytes[1..])),
        b'.' if next.is_ascii_digit() => (Kind::Literal, number(bytes)),
        byte if byte.is_ascii_digit() => (Kind::Literal, number(bytes)),
        byte if is_name(byte) => word(bytes, backslash),
        _ => (Kind::Kept, 1),
    }
}

/// The length of the quoted text at the start of `bytes`. Two quotes stand for one, and so does a quote after
/// a backslash if `backslash` is set.
fn quoted(bytes: &[u8], quote: u8, backslash: bool) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        if bytes[at] == quote {
            if bytes.get(at + 1) != Some(&quote) {
                return at + 1;
            }
            at += 1;
        } else if bytes[at] == b'\\' && backslash {
            at += 1;
        }
        at += 1;
    }
    bytes.len()
}

/// `$$text$$` or `$tag$text$tag$`.
fn dollar_quoted(sql: &str) -> (Kind, usize) {
    let tag = 1 + sql.as_bytes()[1..].iter().take_while(|&&byte| is_name(byte) && byte != b'$').count();
    if sql.as_bytes().get(tag) != Some(&b'$') {
        return (Kind::Kept, tag);
    }
    let (delimiter, text) = sql.split_at(tag + 1);
    (Kind::Literal, text.find(delimiter).map_or(sql.len(), |end| end + 2 * delimiter.len()))
}

/// A keyword, an identifier, or a literal with a letter before its quote, like `x'ff'`.
fn word(bytes: &[u8], backslash: bool) -> (Kind, usize) {
    let length = name(bytes);
    let prefix = length == 1 && matches!(bytes[0].to_ascii_lowercase(), b'b' | b'e' | b'n' | b'x');
    if prefix && bytes.get(1) == Some(&b'\'') {
        let backslash = backslash || bytes[0].eq_ignore_ascii_case(&b'e');
        return (Kind::Literal, 1 + quoted(&bytes[1..], b'\'', backslash));
    }
    (Kind::Kept, length)
}

/// The length of the number at the start of `bytes`: `1`, `1.5`, `1e-5`, `0xff`.
fn number(bytes: &[u8]) -> usize {
    let hexadecimal = bytes.len() > 1 && bytes[1].eq_ignore_ascii_case(&b'x');
    let mut length = 0;
    while let Some(&byte) = bytes.get(length) {
        let sign =
            matches!(byte, b'+' | b'-') && bytes[length - 1].eq_ignore_ascii_case(&b'e') && !hexadecimal;
        if !(byte == b'.' || is_name(byte) || sign) {
            break;
        }
        length += 1;
    }
    length
}

/// The length of the name at the start of `bytes`.
fn name(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|&&byte| is_name(byte)).count()
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSTEMS: [System; 4] = [System::Mysql, System::Postgresql, System::Sqlite, System::Other("Any")];

    #[track_caller]
    fn check(systems: &[System], sql: &str, expected: &str) {
        for system in systems {
            assert_eq!(without_literals(sql, *system), expected, "of {sql:?} for {system:?}");
        }
    }

    #[test]
    fn literals_are_replaced_in_every_dialect() {
        check(&SYSTEMS, "SELECT id FROM users LIMIT 1", "SELECT id FROM users LIMIT ?");
        check(&SYSTEMS, "SELECT 'it''s', 1.5, .5, 1e-5, 0xFF, x'ff', -1", "SELECT ?, ?, ?, ?, ?, ?, -?");
        check(&SYSTEMS, "a LIKE'z%' AND b IN (1,2)", "a LIKE? AND b IN (?,?)");
        check(&SYSTEMS, "SELECT 'not closed", "SELECT ?");
        check(&SYSTEMS, "SELECT '日本', größe, ''", "SELECT ?, größe, ?");
        check(&SYSTEMS, "", "");
    }

    #[test]
    fn names_and_placeholders_stay() {
        check(
            &SYSTEMS,
            "SELECT t1.c2 FROM t1 WHERE c2 = $1 AND c3 = ?",
            "SELECT t1.c2 FROM t1 WHERE c2 = $1 AND c3 = ?",
        );
        check(&[System::Sqlite], "[a 1] = :b2 AND c = ?3 OR d = @e4", "[a 1] = :b2 AND c = ?3 OR d = @e4");
        check(&[System::Postgresql, System::Sqlite], "SELECT \"a'1\" FROM b", "SELECT \"a'1\" FROM b");
        check(&SYSTEMS, "SELECT `a'1` FROM b", "SELECT `a'1` FROM b");
        check(&[System::Postgresql], "SELECT $1::int4, a[1:2]", "SELECT $1::int4, a[?:?]");
    }

    #[test]
    fn comments_are_left_out_whatever_quotes_are_in_them() {
        check(&SYSTEMS, "SELECT 1 -- don't\n, 2", "SELECT ? \n, ?");
        check(&SYSTEMS, "SELECT /* user='x */ 1 -- end", "SELECT  ? ");
        check(&SYSTEMS, "SELECT /* not closed", "SELECT ");
        check(&[System::Mysql], "SELECT 1 # it's\n", "SELECT ? \n");
    }

    #[test]
    fn quotes_follow_the_dialect() {
        check(&[System::Mysql], r#"SELECT 'a\'b', "c\"d", 'e'"#, "SELECT ?, ?, ?");
        check(&[System::Postgresql, System::Sqlite], r"SELECT 'a\', 'b'", "SELECT ?, ?");
        check(&[System::Postgresql], r"SELECT E'a\'b', 'c'", "SELECT ?, ?");
        check(&[System::Postgresql], "DO $$ it's $$, $a$ $$ $a$, $1", "DO ?, ?, $1");
        check(&[System::Postgresql], "SELECT $$ not closed", "SELECT ?");
    }
}
