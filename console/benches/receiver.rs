//! Measures the cost of the console's receiver, and checks its promises under load:
//!
//! ```sh
//! cargo bench --package handson-console --bench receiver
//! cargo bench --package handson-console --bench receiver -- --seconds 1 --cycles 1  # whether it works
//! ```
//!
//! The console runs as a separate process. It is first filled beyond its memory limit, so that every export
//! causes the oldest traces to be dropped. An export is what the service sends: 500 spans with 13 attributes.
//! CPU time is that of the console, from /proc, so it needs Linux; figures are medians.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark that cannot go on should stop")]

mod shared;

use std::time::{Duration, Instant};

use shared::{BATCH, Console, SPANS, export, exports, spans};
use statistics::Spread;

const MEMORY: u64 = 128 * 1024 * 1024;
/// Number of traces that are searched, searches that find none of them, and how often each is repeated.
const SEARCHED: usize = 10_000;
const SEARCHES: [&str; 5] = [
    "service=handson http.response.status_code>=500 duration>100ms -name~health",
    "name=nowhere",
    "nowhere",
    "http.response.status_code>=500",
    "url.full~nowhere",
];
const REPEATED: u32 = 50;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str, default: usize| {
        let at = arguments.iter().position(|argument| argument == name);
        at.map_or(default, |at| arguments[at + 1].parse().unwrap())
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure(option("--seconds", 5), option("--cycles", 5)));
}

async fn measure(seconds: usize, cycles: usize) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let console = Console::start(MEMORY);
    let (empty, _) = console.process.resident();
    let post = async |body: Vec<u8>| {
        let post = client
            .post(format!("{}/v1/traces", console.otlp))
            .header("content-type", "application/x-protobuf");
        let answer = post.body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.bytes().await.unwrap().is_empty(), "nothing is rejected");
    };

    // Until the oldest traces are dropped.
    let mut sent: u128 = 1;
    while gone(&client, &console).await == 0 {
        for body in exports(sent, 50) {
            post(body).await;
        }
        sent += (50 * BATCH / SPANS) as u128;
    }
    let (mut rates, mut walls) = (Vec::new(), Vec::new());
    for _ in 0..cycles {
        let (mut cpu, mut wall, mut count) = (Duration::ZERO, Duration::ZERO, 0);
        while wall < Duration::from_secs(seconds as u64) {
            // The bodies are built beforehand, so that only sending is measured.
            let bodies = exports(sent, 40);
            sent += (40 * BATCH / SPANS) as u128;
            let (cpu_before, started) = (console.process.cpu(), Instant::now());
            for body in bodies {
                post(body).await;
                count += BATCH;
            }
            cpu += console.process.cpu() - cpu_before;
            wall += started.elapsed();
        }
        rates.push(count as f64 / cpu.as_secs_f64());
        walls.push(count as f64 / wall.as_secs_f64());
    }
    let (resident, most) = console.process.resident();
    // The newest trace must be complete, and every trace must either be present or have been dropped to make
    // room.
    let page = async |path: String, accept: &str| {
        let get = client.get(format!("{}{path}", console.url)).header("accept", accept);
        get.send().await.unwrap().text().await.unwrap()
    };
    let newest = page(format!("/traces/{:032x}", sent - 1), "application/json").await;
    assert_eq!(newest.matches("\"spanId\"").count(), SPANS, "{newest}");
    let footer = page("/".to_owned(), "text/html").await;
    let here: u128 = number_before(&footer, " traces").unwrap();
    let lost = (sent - 1) - here - u128::from(gone(&client, &console).await);

    post(export(spans(u128::MAX, 1000).collect())).await;
    let mut pages = Vec::new();
    for _ in 0..20 {
        let started = Instant::now();
        let page = page(format!("/traces/{:032x}", u128::MAX), "text/html").await;
        pages.push(started.elapsed().as_secs_f64() * 1e3);
        assert_eq!(page.matches("data-span").count(), 1000);
    }

    let searches = searches(&client).await;
    let mib = |bytes: u64| bytes as f64 / 1024.0 / 1024.0;
    println!("spans a second of CPU time    {:>9.0}", Spread::from_values(rates.clone()).median);
    println!("spans a second, one sender    {:>9.0}", Spread::from_values(walls).median);
    println!("traces lost                   {lost:>9}");
    println!("page of 1,000 spans, ms       {:>9.1}", Spread::from_values(pages.clone()).median);
    println!("resident when empty, MiB      {:>9.1}", mib(empty));
    println!("resident at --memory {:.0}MiB   {:>9.1}   most {:.1}", mib(MEMORY), mib(resident), mib(most));
    for (query, time) in &searches {
        println!("search of {SEARCHED} traces, ms  {time:>9.1}   {query}");
    }
    // Half of the promised rate, because the machine may be busy.
    assert_eq!(lost, 0, "traces were lost");
    assert!(Spread::from_values(rates).median > 25_000.0, "the receiver is slow");
    assert!(Spread::from_values(pages).median < 200.0, "the page is slow");
    let limit = if cfg!(debug_assertions) { 600.0 } else { 60.0 };
    for (query, time) in &searches {
        assert!(*time < limit, "the search for {query} is slow");
    }
    assert!(most < MEMORY + 60 * 1024 * 1024, "the memory is not bounded");
}

/// The console's CPU time in ms, for searches that find nothing in many traces.
async fn searches(client: &reqwest::Client) -> [(&'static str, f64); SEARCHES.len()] {
    let console = Console::start(4 * MEMORY);
    for body in exports(1, SEARCHED * SPANS / BATCH) {
        let post = client.post(format!("{}/v1/traces", console.otlp));
        let answer = post.header("content-type", "application/x-protobuf").body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let mut searches = SEARCHES.map(|query| (query, 0.0));
    for (query, time) in &mut searches {
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let before = console.process.cpu();
        for _ in 0..REPEATED {
            let get = client.get(format!("{}/traces?q={encoded}", console.url));
            let answer = get.header("accept", "application/json").send().await.unwrap();
            assert_eq!(answer.text().await.unwrap(), r#"{"traces":[]}"#);
        }
        *time = (console.process.cpu() - before).as_secs_f64() * 1e3 / f64::from(REPEATED);
    }
    searches
}

async fn gone(client: &reqwest::Client, console: &Console) -> u64 {
    let page =
        client.get(&console.url).header("accept", "text/html").send().await.unwrap().text().await.unwrap();
    number_before(&page, " oldest traces dropped").unwrap_or(0)
}

fn number_before<T: std::str::FromStr>(text: &str, word: &str) -> Option<T> {
    text.split(word).find_map(|before| before.rsplit([' ', '>', '\n']).next()?.parse().ok())
}
