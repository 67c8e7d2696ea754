//! `infra`, and `remove` of the files that it added, in a real git repository.

use std::fs;
use std::process::Command;

use workshop::deployment::{PREFIXES, lists};

use super::Repository;

impl Repository {
    /// A repository with everything committed.
    fn with_git() -> Self {
        let repository = Self::new();
        fs::write(repository.path(".gitignore"), "/.workshop\n").unwrap();
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository.git(&["config", "user.name", "sakura"]);
        repository.git(&["config", "user.email", "sakura@example.com"]);
        repository.commit("begin");
        repository
    }

    #[track_caller]
    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git").args(arguments).current_dir(self.0.path()).output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "git {arguments:?}: {stdout}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        stdout
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    fn add(&self, name: &str) -> String {
        self.run(&["new", name]).succeeds();
        self.run(&["infra", name]).succeeds()
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }
}

/// The files that belong to a backend alone.
fn own_files(name: &str) -> [String; 4] {
    let folder = format!("infrastructure/env/handson-api-{name}");
    [
        format!(".github/workflows/distribute-backend-{name}.yaml"),
        format!("{folder}/app.pipecd.yaml"),
        format!("{folder}/servicedef.yaml"),
        format!("{folder}/taskdef.yaml"),
    ]
}

#[test]
fn infra_adds_lines_and_files_and_lists_the_placeholders() {
    let repository = Repository::new();
    let output = repository.add("sakura");
    for list in PREFIXES {
        assert_eq!(
            lists::names(&repository.text(list)),
            ["backend-base", "backend-canary", "backend-sakura"]
        );
        assert!(output.contains(&format!("changed {list}")), "{output}");
    }
    for file in own_files("sakura") {
        assert!(output.contains(&format!("new     {file}")), "{output}");
        let (text, of_base) = (repository.text(&file), repository.text(&file.replace("sakura", "base")));
        // In comments, "base" does not mean the backend.
        assert!(!text.contains("backend-base") && !text.contains("handson-base"), "{file}:\n{text}");
        assert_eq!(text.replace("sakura", "base"), of_base, "{file}");
    }
    for mark in
        ["TODO_AWS_ACCOUNT_ID", "TODO_AWS_REGION", "TODO_SUBNET_1", "TODO_SUBNET_2", "TODO_SECURITY_GROUP"]
    {
        assert!(output.contains(mark), "{mark}: {output}");
    }
}

#[test]
fn infra_keeps_existing_files_and_restores_missing_ones() {
    let repository = Repository::new();
    repository.add("sakura");
    let [workflow, app, service, _] = own_files("sakura");
    fs::write(repository.path(&service), "mine\n").unwrap();
    fs::remove_file(repository.path(&app)).unwrap();
    let output = repository.run(&["infra", "sakura"]).succeeds();
    assert_eq!(repository.text(&service), "mine\n");
    assert!(
        output.contains(&format!("new     {app}")) && !output.contains(&format!("new     {workflow}")),
        "{output}"
    );
    let output = repository.run(&["infra", "sakura"]).succeeds();
    assert!(output.contains("The deployment files of backend-sakura are complete."), "{output}");
}

#[test]
fn infra_refuses_backends_that_belong_to_the_workshop() {
    let repository = Repository::with_git();
    repository.run(&["infra", "sakura"]).refuses_with("invalid value 'sakura' for NAME: expected a backend");
    repository.run(&["infra", "base"]).refuses_with("already has these files");
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
}

#[test]
fn adding_and_removing_an_attendee_leaves_git_status_clean() {
    let repository = Repository::with_git();
    repository.add("sakura");
    repository.run(&["goto", "sakura", "canary"]).succeeds();
    assert!(repository.text("infrastructure/env/base-infra/canaries.tf").contains("\"backend-sakura\","));
    let output = repository.run(&["remove", "sakura"]).succeeds();
    assert_eq!(repository.git(&["status", "--porcelain"]), "", "{output}");
    for file in own_files("sakura") {
        let kept = repository.path(".workshop/sakura/2").join(&file);
        assert!(kept.is_file(), "{} is lost", kept.display());
    }
}

#[test]
fn remove_removes_the_deployment_even_if_the_folder_no_longer_exists() {
    let repository = Repository::with_git();
    repository.add("sakura");
    fs::remove_dir_all(repository.path("backend-sakura")).unwrap();
    repository.run(&["remove", "sakura"]).succeeds();
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
}

#[test]
fn goto_writes_a_deployment_without_placeholders_and_keeps_previous_files() {
    let repository = Repository::new();
    repository.add("sakura");
    let [_, app, service, task] = own_files("sakura");
    fs::write(repository.path(&service), "mine\n").unwrap();
    repository.run(&["goto", "sakura", "deploy"]).succeeds();
    assert_eq!(repository.text(&format!(".workshop/sakura/1/{service}")), "mine\n");
    assert!(!repository.text(&task).contains("TODO_"), "{}", repository.text(&task));
    assert!(!repository.text(&app).contains("pipeline:"));
    repository.run(&["goto", "sakura", "canary"]).succeeds();
    assert!(repository.text(&app).contains("ECS_CANARY_ROLLOUT"));
    // Other steps change only the service.
    repository.run(&["goto", "sakura", "metrics"]).succeeds();
    assert!(repository.text(&app).contains("ECS_CANARY_ROLLOUT"));
}

#[test]
fn answer_shows_the_files_of_a_deployment() {
    let repository = Repository::new();
    let output = repository.run(&["answer", "deploy"]).succeeds();
    for words in [
        "infrastructure/env/handson-api-NAME/taskdef.yaml (new file)",
        "+    \"backend-NAME\",",
        "+family: handson-api-NAME",
    ] {
        assert!(output.contains(words), "{words:?} is missing in\n{output}");
    }
    let output = repository.run(&["answer", "canary"]).succeeds();
    for words in
        ["infrastructure/env/handson-api-NAME/app.pipecd.yaml (changed)", "+      - name: ECS_CANARY_ROLLOUT"]
    {
        assert!(output.contains(words), "{words:?} is missing in\n{output}");
    }
}

#[test]
fn twenty_attendees_have_sorted_lists_and_their_own_files() {
    let repository = Repository::with_git();
    // Out of order, and with common beginnings.
    let names = [
        "sakura",
        "ume",
        "momo",
        "kiku",
        "sakura-two",
        "ume-2",
        "ayame",
        "tsubaki",
        "hasu",
        "ran",
        "fuji",
        "botan",
        "yuri",
        "sumire",
        "tanpopo",
        "asagao",
        "himawari",
        "kosumosu",
        "nadeshiko",
        "suzuran",
    ];
    for name in names {
        repository.add(name);
    }
    for list in PREFIXES {
        let text = repository.text(list);
        let found = lists::names(&text);
        assert!(found.is_sorted() && found.len() == names.len() + 2, "{list}: {found:?}");
    }
    // The files of a backend whose name begins in the same way stay.
    repository.run(&["remove", "sakura"]).succeeds();
    repository.run(&["remove", "ume"]).succeeds();
    for file in own_files("sakura-two").iter().chain(&own_files("ume-2")) {
        assert!(repository.path(file).is_file(), "{file}");
    }
    for name in names.iter().filter(|name| !["sakura", "ume"].contains(name)) {
        repository.run(&["remove", name]).succeeds();
    }
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
}

#[test]
fn the_branches_of_two_attendees_merge_even_if_their_lines_are_adjacent() {
    for (one, other) in [("ayame", "sakura"), ("sakura", "sumire"), ("sumire", "sakura")] {
        let repository = Repository::with_git();
        for name in [one, other] {
            repository.git(&["checkout", "--quiet", "-b", name, "main"]);
            repository.add(name);
            repository.commit(name);
        }
        repository.git(&["checkout", "--quiet", "main"]);
        repository.git(&["merge", "--quiet", "--no-edit", one]);
        repository.git(&["merge", "--quiet", "--no-edit", other]);
        for list in PREFIXES {
            let text = repository.text(list);
            let mut wanted =
                ["backend-base", "backend-canary", &format!("backend-{one}"), &format!("backend-{other}")]
                    .map(str::to_owned);
            wanted.sort();
            let mut found = lists::names(&text);
            found.sort_unstable();
            assert_eq!(found, wanted, "{list}:\n{text}");
        }
        // A merge keeps both lines, but may change their order, also in the list of canaries.
        let canaries = "infrastructure/env/base-infra/canaries.tf";
        let text = repository
            .text(canaries)
            .replace("    \"backend-canary\",\n", "    \"backend-canary\",\n    \"backend-a\",\n");
        fs::write(repository.path(canaries), text).unwrap();
        repository.run(&["infra", one]).succeeds();
        for list in PREFIXES.into_iter().chain([canaries]) {
            assert!(lists::names(&repository.text(list)).is_sorted(), "{}", repository.text(list));
        }
    }
}
