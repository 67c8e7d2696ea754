//! The judge of a game day, for `cargo workshop gameday`.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use console::Console;
use serde::{Deserialize, Serialize};

use crate::gameday::GameDay;
use crate::gameday::answer::Answer;
use crate::gameday::evidence::Evidence;
use crate::gameday::judge::{Finding, Judgement};
use crate::steps::Lang;

/// What the judge says, in the language of the answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reply {
    /// Whether all of the answer is right.
    pub right: bool,
    /// Why there are no findings.
    pub note: Option<String>,
    /// About what, where and since when.
    pub findings: Vec<ShownFinding>,
    /// After a right answer: the fault, and how to find it.
    pub reveal: Vec<String>,
}

/// What the judge says about one part of an answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct ShownFinding {
    /// `what`, `where` or `since`.
    pub part: String,
    /// Whether it is right.
    pub right: bool,
    /// What the telemetry shows.
    pub text: String,
    /// The address of a trace that shows it.
    pub trace: Option<String>,
}

/// `POST /gameday`
pub(super) async fn judge(
    State(console): State<Arc<Console>>,
    Extension(game): Extension<Arc<GameDay>>,
    Json(answer): Json<Answer>,
) -> Json<Reply> {
    let lang = if answer.lang == Lang::Ja.code() { Lang::Ja } else { Lang::En };
    let judgement = game.judge(&answer, &Evidence::new(console.spans()));
    Json(Reply::new(judgement, game.console_url(), lang))
}

impl Reply {
    fn new(judgement: Judgement, url: &str, lang: Lang) -> Self {
        match judgement {
            Judgement::NotShown(note) => {
                let note = Some(note.in_lang(lang));
                Self { right: false, note, findings: Vec::new(), reveal: Vec::new() }
            }
            Judgement::Judged { what, place, since, reveal } => {
                let shown = |(part, finding): (&str, Finding)| ShownFinding {
                    part: part.to_owned(),
                    right: finding.right,
                    text: finding.text.in_lang(lang),
                    trace: finding.trace.map(|id| format!("{url}/traces/{id}")),
                };
                let findings = [("what", what), ("where", place), ("since", since)].map(shown).into();
                let reveal: Vec<String> = reveal.iter().map(|message| message.in_lang(lang)).collect();
                Self { right: !reveal.is_empty(), note: None, findings, reveal }
            }
        }
    }
}
