//! The translations are complete, and the report is translated: compares the table with the templates of
//! `text!` in the source.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

/// The English templates in the source, each with a file that contains it.
fn templates() -> BTreeMap<String, PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut templates = BTreeMap::new();
    for file in rust_files(&source) {
        let text = fs::read_to_string(&file).unwrap();
        let tokens = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        collect(tokens, &mut |template| {
            templates.insert(template, file.strip_prefix(&source).unwrap().to_owned());
        });
    }
    assert!(templates.len() > 100, "only {} templates were found: {templates:?}", templates.len());
    templates
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// Passes the first argument of each `text!(…)` to `take`, also inside other macros. The definition of
/// `text!` calls itself without a literal.
fn collect(tokens: TokenStream, take: &mut impl FnMut(String)) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        if let [.., TokenTree::Ident(name), TokenTree::Punct(mark)] = &tokens[..index]
            && *name == "text"
            && mark.as_char() == '!'
            && let Some(TokenTree::Literal(literal)) = group.stream().into_iter().next()
        {
            let syn::Lit::Str(template) = syn::Lit::new(literal.clone()) else {
                panic!("the template of text! is not a string literal: {literal}");
            };
            take(template.value());
        }
        collect(group.stream(), take);
    }
}

/// English templates, each with its Japanese translation.
fn japanese() -> BTreeMap<String, String> {
    let text = include_str!("../../messages/ja.toml");
    // The error itself would print the whole table.
    toml::from_str(text).unwrap_or_else(|error: toml::de::Error| panic!("ja.toml: {}", error.message()))
}

/// Templates about a backend, each with the one about a program in any language.
fn any_language() -> BTreeMap<String, String> {
    let text = include_str!("../../messages/any-language.toml");
    toml::from_str(text)
        .unwrap_or_else(|error: toml::de::Error| panic!("any-language.toml: {}", error.message()))
}

/// The templates that can be shown: those in the source, and those for a program in any language.
fn shown_templates() -> BTreeMap<String, PathBuf> {
    let others = any_language().into_values().map(|template| (template, "any-language.toml".into()));
    templates().into_iter().chain(others).collect()
}

/// The `{name}` of each argument. `{{` and `}}` stand for one brace.
fn placeholders(template: &str) -> BTreeSet<&str> {
    let is_literal = |name: &&str| name.starts_with('{');
    let names = template.split_inclusive('}').filter_map(|part| part.split_once('{')?.1.strip_suffix('}'));
    names.filter(|name| !is_literal(name)).collect()
}

/// Whether there is text to translate, apart from the arguments.
fn has_letters(template: &str) -> bool {
    let without_arguments = placeholders(template)
        .iter()
        .fold(template.to_owned(), |text, name| text.replace(&format!("{{{name}}}"), ""));
    without_arguments.chars().any(char::is_alphabetic)
}

#[track_caller]
fn assert_none(problem: &str, found: &[String]) {
    assert!(found.is_empty(), "{} {problem}:\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_template_is_translated() {
    let japanese = japanese();
    let lacking = shown_templates()
        .into_iter()
        .filter(|(template, _)| has_letters(template) && !japanese.contains_key(template));
    let lacking: Vec<String> =
        lacking.map(|(template, file)| format!("{}: {template:?}", file.display())).collect();
    assert_none("templates have no entry in messages/ja.toml", &lacking);
}

#[test]
fn every_translation_is_used() {
    let templates = shown_templates();
    let unused: Vec<String> = japanese()
        .into_keys()
        .filter(|template| !templates.contains_key(template))
        .map(|template| format!("{template:?}"))
        .collect();
    assert_none("entries of messages/ja.toml are the translation of no template", &unused);
}

#[test]
fn every_text_for_any_language_replaces_one_and_has_its_placeholders() {
    let templates = templates();
    let wrong: Vec<String> = any_language()
        .into_iter()
        // It may leave out what only a backend has.
        .filter(|(template, other)| {
            !templates.contains_key(template) || !placeholders(other).is_subset(&placeholders(template))
        })
        .map(|(template, other)| format!("{template:?} = {other:?}"))
        .collect();
    assert_none(
        "entries of messages/any-language.toml replace no template, or have other placeholders",
        &wrong,
    );
}

#[test]
fn no_text_about_a_program_in_any_language_speaks_of_rust_or_of_a_backend() {
    let only_for_backends = ["canary", "datadog_sdk", "delivery", "deploy"];
    let is_shown = |file: &Path| {
        let check = file.strip_prefix("checks").ok().and_then(Path::to_str);
        check.is_some_and(|check| !only_for_backends.iter().any(|step| check.starts_with(step)))
    };
    let words = "src/ .rs :: #[ !( println! .await argo crate tokio tracing axum sqlx layer middleware subscriber future guard \
                 panic Drop macro with_ i64 f64 MatchedPath package Rust";
    let words: Vec<&str> = words.split_whitespace().chain(["the backend", "the base", "impl "]).collect();
    let any_language = any_language();
    let wrong: Vec<String> = templates()
        .into_iter()
        .filter(|(_, file)| is_shown(file))
        .map(|(template, file)| (any_language.get(&template).cloned().unwrap_or(template), file))
        .filter(|(template, _)| words.iter().any(|word| template.contains(word)))
        .map(|(template, file)| format!("{}: {template:?}", file.display()))
        .collect();
    assert_none("texts need an entry in messages/any-language.toml", &wrong);
}

#[test]
fn every_translation_has_the_placeholders_of_its_template() {
    let different: Vec<String> = japanese()
        .iter()
        .filter(|(english, japanese)| placeholders(english) != placeholders(japanese))
        .map(|(english, japanese)| format!("{english:?} = {japanese:?}"))
        .collect();
    assert_none("translations have other placeholders than their template", &different);
}

#[test]
fn no_translation_is_the_english_text() {
    let same: Vec<String> = japanese()
        .into_iter()
        .filter(|(english, japanese)| english == japanese && has_letters(english))
        .map(|(english, _)| format!("{english:?}"))
        .collect();
    assert_none("entries of messages/ja.toml are not translated", &same);
}

#[test]
fn placeholders_are_the_names_in_single_braces() {
    assert_eq!(placeholders("{a} of {b}: {a}"), BTreeSet::from(["a", "b"]));
    assert_eq!(placeholders("`by {{version}}` of {service}"), BTreeSet::from(["service"]));
    assert_eq!(placeholders("none"), BTreeSet::new());
    assert!(has_letters("{a}: b") && !has_letters("{a}: {b}"));
}
