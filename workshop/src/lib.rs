//! The workshop: derives every state of the service from one source, runs an attendee's copy, and checks it
//! by the telemetry that it emits.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`steps`] | the list of steps: titles, hints, chapters |
//! | [`source`] | derives the state of the service at a step from its marked source |
//! | [`datadog`] | a trace agent that receives what Datadog's SDKs send |
//! | [`deployment`] | the files that deploy a backend to ECS |
//! | [`error`] | what can be wrong with the files of the repository |
//! | [`evidence`] | everything that a run of a backend recorded: responses, calls of httpbin, log lines, telemetry |
//! | [`run`] | builds a backend, starts it, sends requests to it, stops it |
//! | [`checks`] | what each step expects from the evidence |
//! | [`messages`] | texts in the reader's language |
//! | [`gameday`] | a fault around the service, and the judge of what attendees find |
//! | [`guide`] | the chapters of the guide, and the code in them |
//! | [`verdict`] | the result of a check: expectations and failures |
//! | [`new_step`] | creates the files of a new step, and finds missing ones |
//! | [`report`] | reports the results as text and as JSON |
//! | [`pages`] | the pages of the console about steps and guide |
//! | [`commands`] | the commands of `cargo workshop` |

#[cfg(not(unix))]
compile_error!("Native Windows is not supported: use WSL2.");

pub mod checks;
pub mod commands;
pub mod datadog;
pub mod deployment;
pub mod error;
pub mod evidence;
pub mod gameday;
pub mod guide;
pub mod messages;
pub mod new_step;
pub mod pages;
pub mod report;
pub mod run;
pub mod source;
pub mod steps;
pub mod verdict;
