//! All programs start, keep running, and end.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::{Up, is_alive, root, within};

const SOON: Duration = Duration::from_secs(30);

fn one<'a>(children: &'a [(i32, String)], what: &str) -> &'a (i32, String) {
    let found: Vec<_> = children.iter().filter(|(_, command)| command.contains(what)).collect();
    assert_eq!(found.len(), 1, "{what} in {children:?}");
    found[0]
}

/// All four processes, as soon as they run: the load generator starts last, when the service is ready.
fn all_children(up: &Up) -> Vec<(i32, String)> {
    within(Duration::from_secs(300), "guard, httpbin, service and load generator run", || {
        up.children().len() == 4
    });
    up.children()
}

/// The local httpbin is the same program with an argument.
fn is_service(command: &str) -> bool {
    !command.contains(' ') && command.ends_with("/handson")
}

#[test]
#[ignore = "builds the service"]
fn ctrl_c_ends_everything_and_leaves_no_process_behind() {
    let mut up = Up::start(&root(), &[]);
    let children = all_children(&up);
    for what in [" guard", "handson httpbin", "loadtest"] {
        one(&children, what);
    }
    up.signal(Signal::INT);
    let status = up.process.wait().unwrap();
    assert!(status.success(), "{status}");
    for (id, command) in children {
        assert!(!is_alive(id), "{command} is still there");
    }
}

#[test]
#[ignore = "builds the service"]
fn the_other_processes_end_if_it_is_killed() {
    let mut up = Up::start(&root(), &[]);
    let children = all_children(&up);
    up.signal(Signal::KILL);
    up.process.wait().unwrap();
    for (id, command) in children {
        within(SOON, &format!("{command} ends"), || !is_alive(id));
    }
}

#[test]
#[ignore = "builds the service"]
fn a_crashed_service_is_restarted_and_the_console_shows_it() {
    let up = Up::start(&root(), &[]);
    up.wait_for_service();
    // The load generator's command line also ends with the address of `/handson`.
    let service = || up.children().into_iter().find(|(_, command)| is_service(command));
    let (id, _) = service().unwrap();
    kill_process(Pid::from_raw(id).unwrap(), Signal::KILL).unwrap();
    within(SOON, "another process", || service().is_some_and(|(other, _)| other != id));
    up.wait_for_service();
    within(SOON, "the page shows it", || {
        let page = std::process::Command::new("curl").args(["-s", &up.url]).output().unwrap();
        String::from_utf8(page.stdout).unwrap().contains("runs again; it ended with a signal")
    });
}
