//! The machine behind the hands-on: it derives every state of the service from one source, runs an attendee's copy, and
//! judges it by the telemetry that it really emits.
//!
//! | module | concern |
//! | --- | --- |
//! | [`steps`] | the steps in their order: titles, hints, chapters |
//! | [`source`] | from the marked source of the service to its state at a step |
//! | [`datadog`] | a trace agent, which takes what Datadog's SDKs send |
//! | [`deployment`] | the files that bring a backend to ECS |
//! | [`error`] | what can be wrong with the files of the repository |
//! | [`evidence`] | all that is known of a backend after it has run: answers, calls of httpbin, log lines, telemetry |
//! | [`run`] | builds a backend, starts it, sends it requests, ends it |
//! | [`checks`] | what each step expects of the evidence |
//! | [`guide`] | the chapters, and the code in them |
//! | [`new_step`] | the places of a step: what a new one needs, and what one still lacks |
//! | [`report`] | verdicts in words, for people and as JSON |
//! | [`pages`] | the steps and the guide, as pages of the console |
//! | [`commands`] | what `cargo workshop …` does |

#[cfg(not(unix))]
compile_error!("Native Windows is not supported: use WSL2.");

pub mod checks;
pub mod commands;
pub mod datadog;
pub mod deployment;
pub mod error;
pub mod evidence;
pub mod guide;
pub mod new_step;
pub mod pages;
pub mod report;
pub mod run;
pub mod source;
pub mod steps;
pub mod verdict;
