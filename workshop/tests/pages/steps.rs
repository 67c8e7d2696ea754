//! The page of steps without an attendee, and which sites may start a check.

use super::Console;

#[tokio::test]
async fn without_an_attendee_the_page_of_steps_explains_how_to_create_a_backend() {
    let console = Console::start();
    let (status, page) = console.html("/steps").await;
    assert!(status == 200 && page.contains("cargo workshop new sakura"), "{status} {page}");
    assert_eq!(console.json("/steps").await, serde_json::json!({ "steps": [] }));
    let (_, overview) = console.html("/").await;
    assert!(overview.contains(r#"href="/steps" aria-keyshortcuts="7""#), "{overview}");
}

#[tokio::test]
async fn empty_pages_show_the_commands_of_the_workshop() {
    let console = Console::start();
    for (path, next) in [
        ("/", "curl -i localhost:8080/handson"),
        ("/traces", "curl -i localhost:8080/handson"),
        ("/errors", "cargo workshop up --error-rate 0.5"),
        ("/metrics", "curl -i localhost:8080/handson"),
    ] {
        let (status, page) = console.html(path).await;
        assert!(status == 200 && page.contains(next), "{path} does not say {next}: {page}");
    }
}

#[tokio::test]
async fn pages_of_other_sites_cannot_start_a_check() {
    let console = Console::start();
    let check = format!("{}/steps/check", console.url);
    for (origin, expected) in [
        ("http://evil.example", 403),
        ("null", 403),
        ("http://localhost:1", 403),
        (console.url.as_str(), 200),
    ] {
        let response = console.client.post(&check).header("origin", origin).send().await.unwrap();
        assert_eq!(response.status().as_u16(), expected, "{origin}");
    }
}
