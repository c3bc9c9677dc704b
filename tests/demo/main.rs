//! Traefik with two backends behind it as in a small company, hoptap beside it, and somebody who uses it all.
//!
//! Ends with Ctrl-C, or after DEMO_SECONDS; the exit status is 0 only if exchanges were linked across both hops.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hoptap_tests::backend::Backends;
use hoptap_tests::client::Connection;
use hoptap_tests::collector::Collector;
use hoptap_tests::hoptap::{self, Hoptap};
use hoptap_tests::oracle::Traces;
use hoptap_tests::process::{Stdout, free_port};
use hoptap_tests::traefik::{Setup, Traefik};

/// Where the guide has Traefik; another one is taken where it is in use.
const USUAL_PORT: u16 = 8083;

/// Where hoptap serves its pages by itself; another one likewise.
const USUAL_PAGES: u16 = 9464;

/// Between two requests: slow enough to read along.
const PACE: Duration = Duration::from_millis(700);

const DYNAMIC: &str = "
http:
  routers:
    service-a: {rule: \"PathPrefix(`/api/service-a`)\", service: service-a, middlewares: [service-a-stripprefix]}
    service-b: {rule: \"PathPrefix(`/api/service-b`)\", service: service-b, middlewares: [service-b-stripprefix]}
    orders:    {rule: \"PathPrefix(`/api/orders`)\", service: orders}
  middlewares:
    service-a-stripprefix: {stripPrefix: {prefixes: [/api/service-a]}}
    service-b-stripprefix: {stripPrefix: {prefixes: [/api/service-b]}}
  services:
    service-a: {loadBalancer: {servers: [{url: \"http://{service-a}\"}]}}
    service-b: {loadBalancer: {servers: [{url: \"http://{service-b}\"}]}}
    orders:    {loadBalancer: {servers: [{url: \"http://{nobody}\"}]}}
";

/// What the client asks for, again and again: `|` is CR LF.
const TRAFFIC: &[&str] = &[
    "GET /api/service-a/ HTTP/1.1|Host: localhost||",
    "GET /api/service-b/ HTTP/1.1|Host: localhost||",
    "POST /api/service-a/users HTTP/1.1|Host: localhost|Content-Type: application/json|Content-Length: 35||\
     {\"name\": \"Alice\", \"role\": \"admin\" }",
    "GET /api/service-b/status/404 HTTP/1.1|Host: localhost||",
    "GET /api/service-a/status/500 HTTP/1.1|Host: localhost||",
    "GET /api/service-b/report?d=300ms HTTP/1.1|Host: localhost||",
    "GET /api/orders/7 HTTP/1.1|Host: localhost||",
    "GET /nobody/asked HTTP/1.1|Host: localhost||",
];

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("demo: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let limit = limit()?;
    if let Some(reason) = hoptap::lacking() {
        bail!("{reason}");
    }
    let backends = Backends::start_forgetful(&["service-a", "service-b"]).await?;
    let [a, b] = backends.addresses() else {
        bail!("expected two backends");
    };
    let dynamic = DYNAMIC
        .replace("{service-a}", &a.to_string())
        .replace("{service-b}", &b.to_string())
        .replace("{nobody}", &format!("127.0.0.1:{}", free_port()?));
    let ports = [("web", USUAL_PORT)];
    let mut traefik = Traefik::start(&Setup {
        entrypoints: &[("web", "")],
        ports: if is_free(USUAL_PORT) { &ports } else { &[] },
        dynamic: &dynamic,
        no_access_log: true,
        ..Setup::default()
    })
    .await?;
    let web = traefik.address("web")?;
    say(&format!("== Traefik (pid {}) serves on http://{web}, backends on {a} and {b}", traefik.pid()));

    let collector = Collector::start().await?;
    let pid = traefik.pid().to_string();
    let endpoint = collector.endpoint();
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "200")];
    let pages = if is_free(USUAL_PAGES) { USUAL_PAGES } else { free_port()? };
    let pages = SocketAddr::from(([127, 0, 0, 1], pages));
    // Text wherever it goes: without a terminal, spans alone would be told.
    let arguments = ["--pid", &pid, "--format", "text"];
    let mut hoptap = Hoptap::start_at(pages, &arguments, &environment, Stdout::AsSet).await?;
    say(&format!("== hoptap (pid {}) is attached; metrics: http://{}/metrics", hoptap.pid(), hoptap.address()));
    match limit {
        Some(limit) => say(&format!("== it ends by itself after {} s", limit.as_secs())),
        None => say("== Ctrl-C ends it"),
    }

    tokio::select! {
        failed = ask(web) => failed?,
        () = interrupted() => {}
        () = tokio::time::sleep(limit.unwrap_or(Duration::MAX)) => {}
    }
    // The last exchanges are on their way.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let stopped = hoptap.stop();
    let spans = collector.spans();
    let traces = Traces::new(&spans);
    let linked = traces.servers.iter().filter(|server| !traces.children(server).is_empty()).count();
    traefik.stop()?;
    let status = stopped?;
    say(&format!("== {} exchanges seen, {linked} of them linked across both hops", traces.servers.len()));
    if linked == 0 {
        bail!("expected exchanges that are linked across both hops, found none\n{}", hoptap.output());
    }
    if !status.success() {
        bail!("expected hoptap to end with status 0, found {status}\n{}", hoptap.output());
    }
    Ok(())
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// DEMO_SECONDS.
fn limit() -> Result<Option<Duration>> {
    match std::env::var("DEMO_SECONDS") {
        Err(_) => Ok(None),
        Ok(text) => {
            let seconds = text.parse().with_context(|| format!("expected seconds in DEMO_SECONDS, found {text:?}"))?;
            Ok(Some(Duration::from_secs(seconds)))
        }
    }
}

/// Sends the traffic round and round; returns only with an error.
async fn ask(web: SocketAddr) -> Result<()> {
    let mut connection = Connection::open(web).await?;
    for request in TRAFFIC.iter().cycle() {
        let response = connection.exchange(request.replace('|', "\r\n").as_bytes()).await?;
        if response.last {
            connection = Connection::open(web).await?;
        }
        tokio::time::sleep(PACE).await;
    }
    Ok(())
}

/// Ctrl-C, or a polite kill.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// On stderr: hoptap's own lines have stdout to themselves.
fn say(line: &str) {
    let _nobody_listens = writeln!(std::io::stderr(), "{line}");
}
