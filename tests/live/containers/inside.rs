//! hoptap as a container: a root that it cannot write to, and no capability that it does not need.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hoptap_tests::client::Connection;
use hoptap_tests::docker::{Image, libraries};
use hoptap_tests::hoptap::program;
use hoptap_tests::process::{Scratch, free_port};

use crate::site::{Site, TRAEFIK};

/// A user that owns nothing else.
const NOBODY: u32 = 65_534;

/// README says the same.
const CAPABILITIES: [&str; 4] = ["BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH"];

/// What an engine gives that was built before it knew of the first two: they were part of this one.
const OLDER: [&str; 3] = ["SYS_ADMIN", "SYS_PTRACE", "DAC_READ_SEARCH"];

pub(crate) async fn inside(site: &mut Site) -> Result<()> {
    site.hoptap = None;
    site.collector.clear();
    let hoptap = program()?;
    // A build for this machine needs its libraries.
    site.docker.image("hoptap", &Image { program: Some((&hoptap, "hoptap")), files: &libraries(&hoptap)? })?;
    // The socket of another engine, which it may not ask.
    let folder = Scratch::new("inside")?;
    let closed = folder.path().join("podman.sock");
    let _listener = UnixListener::bind(&closed)?;
    std::os::unix::fs::chown(&closed, Some(NOBODY), Some(NOBODY))?;
    std::fs::set_permissions(&closed, Permissions::from_mode(0o600))?;
    let closed = format!("{}:/run/podman/podman.sock", closed.display());
    let port = free_port()?;
    let endpoint = format!("OTEL_EXPORTER_OTLP_ENDPOINT={}", site.collector.endpoint());
    let (listen, socket) =
        (format!("127.0.0.1:{port}"), format!("{}:/var/run/docker.sock:ro", site.docker.socket().display()));
    let options = [
        "run",
        "--detach",
        "--name",
        "demo-hoptap-1",
        "--pid",
        "host",
        "--network",
        "host",
        "--read-only",
        "--cap-drop",
        "ALL",
        "--security-opt",
        "no-new-privileges",
        "--volume",
        &socket,
        "--volume",
        &closed,
        "--env",
        &endpoint,
        "--env",
        "OTEL_BSP_SCHEDULE_DELAY=100",
    ];
    let with = |capabilities: &[&str]| {
        let added: Vec<String> = capabilities.iter().map(|capability| format!("--cap-add={capability}")).collect();
        let last = ["hoptap", "--listen", &listen, "--container", TRAEFIK];
        let arguments: Vec<&str> = options.into_iter().chain(added.iter().map(String::as_str)).chain(last).collect();
        site.docker.run(&arguments)
    };
    match with(&CAPABILITIES) {
        Err(error) if error.to_string().contains("unknown capability") => drop(with(&OLDER)?),
        other => drop(other?),
    }
    let outcome = named(site, ([127, 0, 0, 1], port).into()).await;
    let logged = site.docker.logs("demo-hoptap-1").unwrap_or_default();
    site.remove("demo-hoptap-1")?;
    let warnings = logged.lines().filter(|line| line.contains("WARN") && line.contains("/run/podman/podman.sock"));
    let warnings: Vec<&str> = warnings.collect();
    let says = |line: &&str| line.contains("may not be asked") && line.contains("containers: {podman: off}");
    ensure!(warnings.len() == 1 && warnings.iter().all(says), "expected one warning that says what to do: {logged}");
    outcome.with_context(|| format!("hoptap in its container: {logged}"))
}

async fn named(site: &Site, pages: SocketAddr) -> Result<()> {
    let begun = Instant::now();
    let request = b"GET /readyz HTTP/1.1\r\nHost: hoptap\r\nConnection: close\r\n\r\n";
    let ready = async || Connection::open(pages).await?.exchange(request).await;
    while !ready().await.is_ok_and(|response| response.status == 200) {
        ensure!(begun.elapsed() < Duration::from_secs(60), "it is not ready after a minute");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut answered = vec![site.first("demo-a-1").await?, site.first("demo-b-1").await?];
    site.backend("joined", &[])?;
    answered.push(site.first("joined").await?);
    site.check_names(&answered).await?;
    site.remove("joined")
}
