//! The sections of a chapter about the same in each language, as tabs. In plain Markdown, they are sections
//! below headings of level 3, whose text is the name of the language.

use pulldown_cmark::{Event, HeadingLevel, Tag};

use crate::guide::LANGUAGES;

/// Puts the sections of all languages that follow each other into a group of radio buttons, which work
/// without a script and by keys. The style sheet shows the section of the button that is checked, at first
/// the first one; the script remembers it for the next chapter. `legend` is the name of the group.
pub(super) fn with_tabs<'a>(events: Vec<Event<'a>>, legend: &str) -> Vec<Event<'a>> {
    let html = |html: String| Event::Html(html.into());
    let mut with_tabs = Vec::with_capacity(events.len());
    let mut group = 0;
    let mut is_open = false;
    for (index, event) in events.iter().enumerate() {
        let rest = &events[index..];
        match language(rest) {
            Some(language) => {
                if is_open {
                    with_tabs.push(html("</section>".to_owned()));
                } else {
                    group += 1;
                    with_tabs.push(html(buttons(rest, legend, group)));
                }
                with_tabs.push(html(format!("<section data-language=\"{language}\">\n")));
                is_open = true;
            }
            None if is_open && ends_section(event) => {
                with_tabs.push(html("</section></fieldset>\n".to_owned()));
                is_open = false;
            }
            None => {}
        }
        with_tabs.push(event.clone());
    }
    if is_open {
        with_tabs.push(html("</section></fieldset>\n".to_owned()));
    }
    with_tabs
}

/// The language whose section begins here.
fn language(events: &[Event<'_>]) -> Option<&'static str> {
    match events {
        [
            Event::Start(Tag::Heading { level: HeadingLevel::H3, .. }),
            Event::Text(text),
            Event::End(_),
            ..,
        ] => LANGUAGES.into_iter().find(|language| **language == **text),
        _ => None,
    }
}

fn ends_section(event: &Event<'_>) -> bool {
    matches!(event, Event::Start(Tag::Heading { level, .. }) if *level <= HeadingLevel::H3)
}

/// The opening tag of a group, and a button for each of its sections.
fn buttons(events: &[Event<'_>], legend: &str, group: usize) -> String {
    let mut html = format!("<fieldset class=\"languages\"><legend>{legend}</legend>\n");
    let headings = (0..events.len()).filter(|index| ends_section(&events[*index]));
    for (index, language) in headings.map_while(|index| language(&events[index..])).enumerate() {
        let checked = if index == 0 { " checked" } else { "" };
        html.push_str(&format!(
            "<label><input type=\"radio\" name=\"language-{group}\" value=\"{language}\"{checked}>{language}</label>\n"
        ));
    }
    html
}
