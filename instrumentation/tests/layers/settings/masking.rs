//! Masks passwords in texts.

use std::borrow::Cow;

use instrumentation::settings::{mask_user_info, masked};
use url::Url;

#[test]
fn user_and_password_of_each_url_in_a_text_are_masked() {
    let cases = [
        ("http://user:s3cr3t@collector:4318", "http://***@collector:4318"),
        ("http://user@collector", "http://***@collector"),
        ("http://user:p@ss@collector/x", "http://***@collector/x"),
        (
            "cannot send from https://a:b@one/path to 'postgres://c:d@two:5432/db', then \"x://e@three\".",
            "cannot send from https://***@one/path to 'postgres://***@two:5432/db', then \"x://***@three\".",
        ),
        ("http://user:s3cr3t@[::1]:4318/", "http://***@[::1]:4318/"),
        ("http://桜:ひみつ@collector/", "http://***@collector/"),
        ("http://user:s3cr3t@", "http://***@"),
    ];
    for (text, expected) in cases {
        assert_eq!(mask_user_info(text), expected, "{text}");
    }
}

#[test]
fn texts_without_user_and_password_stay_as_they_are() {
    for text in [
        "",
        "plain text",
        "http://collector:4318/path?x=y#z",
        "mail to ops@example.com",
        "http://collector/@scope/package",
        "http://collector?user=a@b",
        "http://collector#a@b",
        "see http://collector and mail to ops@example.com",
        "://",
        "http://",
    ] {
        assert_eq!(mask_user_info(text), text);
    }
    assert!(matches!(mask_user_info("http://collector"), Cow::Borrowed(_)), "nothing is copied");
}

#[test]
fn a_url_is_shown_without_user_and_password() {
    for (url, expected) in [
        ("http://user:s3cr3t@collector:4318/v1/traces", "http://collector:4318/v1/traces"),
        ("https://user@collector/", "https://collector/"),
        ("http://collector/@x", "http://collector/@x"),
        ("file:///tmp/x", "file:///tmp/x"),
    ] {
        assert_eq!(masked(&Url::parse(url).expect("a URL")), expected);
    }
}
