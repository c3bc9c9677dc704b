//! Traefik and its backends in containers of a real engine: every request must be told with the container that answered
//! it, whatever becomes of addresses.

mod backend;
mod inside;
mod site;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hoptap_tests::process::{Scratch, free_port};
use hoptap_tests::sequence::{Case, Sequence};
use hoptap_tests::{docker, exposition, hoptap, traefik};
use libtest_mimic::Failed;
use serde_json::Value;
use site::{Answered, NETWORK, Site, TRAEFIK};
use tokio::runtime::Runtime;

/// Whose a connection is can be proved only while both its ends are there. Under a debugger's build on a machine that is
/// busy with other tests that takes a while.
const PROOF: Duration = Duration::from_millis(700);

macro_rules! case {
    ($function:path) => {
        |runtime, site| runtime.block_on($function(site))
    };
}

/// In the order in which they run.
const CASES: [(&str, Case<Site>); 14] = [
    ("two backends on a network", case!(two)),
    ("one that is added, from its first request on", case!(added)),
    ("one that is started anew", case!(restarted)),
    ("another one with the same address", case!(replaced)),
    ("one that is called otherwise now", case!(renamed)),
    ("on the network of the machine", case!(host)),
    ("two that share an address", case!(shared)),
    ("an address that somebody else has as well", case!(decoy)),
    ("a published port stays an address", case!(published)),
    ("an engine that does not answer", case!(paused)),
    ("what was recorded has the same names", case!(recorded)),
    ("without a socket, by id", case!(without)),
    ("hoptap in a container, with as little as it needs", case!(inside::inside)),
    // The last: Traefik has the socket that was there when it was started.
    ("an engine that is started anew", case!(engine)),
];

fn main() -> ExitCode {
    if std::env::var_os("HOPTAP_TESTS_BACKEND").is_some() {
        return backend::serve();
    }
    let lacking = hoptap::lacking()
        .or_else(|| traefik::program().err().map(|error| format!("{error:#}")))
        .or_else(docker::lacking);
    let start = |runtime: &Runtime| runtime.block_on(Site::start());
    Sequence { start, explain, lacking, cannot: docker::CANNOT }.run(&CASES)
}

fn explain(error: &anyhow::Error, site: &Site) -> Failed {
    let hoptap = site.hoptap.as_ref().map(hoptap::Hoptap::output).unwrap_or_default();
    let traefik = site.docker.logs(TRAEFIK).unwrap_or_default();
    format!("{error:#}\nTraefik: {traefik}\nhoptap: {hoptap}").into()
}

/// As most people run it: with Docker's socket, and told which Traefik by name.
async fn with_socket(site: &mut Site) -> Result<()> {
    if site.hoptap.is_none() {
        let socket = site.docker.socket().display().to_string();
        site.watch(&["--docker", &socket, "--container", TRAEFIK]).await?;
    }
    Ok(())
}

async fn two(site: &mut Site) -> Result<()> {
    site.backend("demo-a-1", &[])?;
    site.backend("demo-b-1", &[])?;
    for name in ["demo-a-1", "demo-b-1"] {
        site.first(name).await?;
    }
    with_socket(site).await?;
    let mut answered = Vec::new();
    for round in 0..40 {
        answered.push(site.ask(if round % 2 == 0 { "demo-a-1" } else { "demo-b-1" }).await?);
    }
    site.check_names(&answered).await?;
    let hoptap = site.hoptap.as_ref().context("expected hoptap")?;
    let ready: Value = serde_json::from_slice(&hoptap.get("/readyz").await?.body)?;
    let containers: Vec<&Value> = ready
        .pointer("/processes")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(_, it)| &it["container"])
        .collect();
    ensure!(containers == [TRAEFIK], "expected {TRAEFIK} in /readyz, found {containers:?}");
    let count = "http_client_request_duration_seconds_count";
    for name in ["demo-a-1", "demo-b-1"] {
        let labels = [("server_address", name), ("server_port", "8000")];
        let found = exposition::sum(&hoptap.metrics().await?, count, &labels);
        ensure!((found - 20.0).abs() < 0.5, "expected 20 requests of {name} in the metrics, found {found}");
    }
    Ok(())
}

async fn added(site: &mut Site) -> Result<()> {
    with_socket(site).await?;
    let mut answered = Vec::new();
    for number in 1..=3 {
        let name = format!("late-{number}");
        site.backend(&name, &[])?;
        answered.push(site.first(&name).await?);
        answered.push(site.ask(&name).await?);
    }
    site.check_names(&answered).await?;
    (1..=3).try_for_each(|number| site.remove(&format!("late-{number}")))
}

async fn restarted(site: &mut Site) -> Result<()> {
    with_socket(site).await?;
    let mut answered = vec![site.first("demo-a-1").await?];
    for _ in 0..2 {
        tokio::time::sleep(PROOF).await;
        site.docker.run(&["restart", "--time", "0", "demo-a-1"])?;
        answered.push(site.first("demo-a-1").await?);
    }
    site.check_names(&answered).await
}

/// Three containers, one after another, with one address, while the same host is asked all the time.
async fn replaced(site: &mut Site) -> Result<()> {
    with_socket(site).await?;
    let address = site.docker.address(1, 77);
    let mut answered = Vec::new();
    for name in ["blue", "green", "blue-again"] {
        // The same router and service for all of them: Traefik keeps connections to the address.
        site.backend_for("slot", name, &["--ip", &address])?;
        for _ in 0..10 {
            answered.push(site.first("slot").await?);
        }
        ensure!(answered.iter().filter(|it| it.by == name).count() == 10, "expected {name} to answer");
        tokio::time::sleep(PROOF).await;
        site.remove(name)?;
    }
    site.check(&answered, |it, span| {
        ensure!(span.text("network.peer.address") == Some(&address), "expected all to go to {address}");
        Ok(it.by.clone())
    })
    .await
}

async fn renamed(site: &mut Site) -> Result<()> {
    with_socket(site).await?;
    site.backend("before", &[])?;
    let first = site.first("before").await?;
    site.check(&[first], |_, _| Ok("before".into())).await?;
    site.docker.run(&["rename", "before", "after"])?;
    // It is heard of within the time that a request takes.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let then = [site.first("before").await?, site.ask("before").await?];
    site.check(&then, |_, _| Ok("after".into())).await?;
    site.remove("after")
}

async fn host(site: &mut Site) -> Result<()> {
    with_socket(site).await?;
    let (port, gateway) = (free_port()?, site.docker.address(1, 1));
    let (listens, url) = (format!("PORT={port}"), url_label("onhost", &gateway, port));
    site.backend("onhost", &["--network", "host", "--env", &listens, "--label", &url])?;
    let answered = [site.first("onhost").await?, site.ask("onhost").await?];
    site.check(&answered, |it, span| {
        ensure!(span.text("network.peer.address") == Some(&gateway), "expected it at {gateway}");
        Ok(it.by.clone())
    })
    .await?;
    site.remove("onhost")
}

/// A container in the network of another one: the port tells them apart.
async fn shared(site: &mut Site) -> Result<()> {
    with_socket(site).await?;
    let guest = ["--network", "container:demo-a-1", "--env", "PORT=8001"];
    let address = site.docker.inspect("demo-a-1")?.address(NETWORK).context("an address")?.to_string();
    let url = url_label("guest", &address, 8001);
    site.backend("guest", &[&guest[..], &["--label", &url]].concat())?;
    let answered = [site.first("guest").await?, site.first("demo-a-1").await?, site.ask("guest").await?];
    // What was told of the owner before the guest came is told anew within a second.
    site.check(&answered, |it, _| Ok(it.by.clone())).await?;
    site.remove("guest")
}

/// A container elsewhere that has the address of a backend as well, as in another network with the same range.
async fn decoy(site: &mut Site) -> Result<()> {
    with_socket(site).await?;
    site.backend("real", &[])?;
    let address = site.docker.inspect("real")?.address(NETWORK).context("an address")?;
    for name in ["decoy-1", "decoy-2"] {
        site.backend(name, &["--network", "none"])?;
        let pid = site.docker.inspect(name)?.pid().to_string();
        let added = Command::new("nsenter")
            .args(["--target", &pid, "--net", "ip", "address", "add", &format!("{address}/32"), "dev", "lo"])
            .status()
            .context("nsenter and ip")?;
        ensure!(added.success(), "nsenter: {added}");
    }
    let answered = [site.first("real").await?, site.ask("real").await?];
    site.check_names(&answered).await?;
    ["real", "decoy-1", "decoy-2"].iter().try_for_each(|name| site.remove(name))
}

/// What listens there is none of the containers, though it hands everything on to one.
async fn published(site: &mut Site) -> Result<()> {
    with_socket(site).await?;
    let (port, gateway) = (free_port()?, site.docker.address(1, 1));
    let (publish, url) = (format!("{gateway}:{port}:8000"), url_label("published", &gateway, port));
    site.backend("published", &["--publish", &publish, "--label", &url])?;
    let answered = [site.first("published").await?, site.ask("published").await?];
    site.check(&answered, |_, _| Ok(gateway.clone())).await?;
    site.remove("published")
}

/// What is known stays known, and what comes then is known again.
async fn paused(site: &mut Site) -> Result<()> {
    site.hoptap = None;
    with_socket(site).await?;
    let before = site.first("demo-b-1").await?;
    hoptap_tests::process::signal(site.docker.pid(), libc::SIGSTOP);
    let during = site.first("demo-b-1").await;
    hoptap_tests::process::signal(site.docker.pid(), libc::SIGCONT);
    site.backend("later", &[])?;
    let answered = [before, during?, site.first("later").await?];
    site.check_names(&answered).await?;
    site.remove("later")
}

/// Containers run on, and are heard of again.
async fn engine(site: &mut Site) -> Result<()> {
    with_socket(site).await?;
    site.backend("first-name", &[])?;
    let mut answered = vec![site.first("first-name").await?];
    site.check_names(&answered).await?;
    site.docker.restart().await?;
    site.docker.run(&["rename", "first-name", "last-name"])?;
    let begun = Instant::now();
    loop {
        tokio::time::sleep(PROOF).await;
        answered = vec![site.first("first-name").await?];
        match site.check(&answered, |_, _| Ok("last-name".into())).await {
            // What was missed meanwhile is asked for, as soon as there is somebody to ask.
            Err(error) if begun.elapsed() > Duration::from_secs(30) => return Err(error),
            Err(_) => {}
            Ok(()) => return site.remove("last-name"),
        }
    }
}

/// Names are in the stream: a replay asks nobody.
async fn recorded(site: &mut Site) -> Result<()> {
    let folder = Scratch::new("recorded")?;
    let file = folder.path().join("stream").display().to_string();
    let socket = site.docker.socket().display().to_string();
    site.watch(&["record", &file, "--docker", &socket, "--container", TRAEFIK]).await?;
    let answered = [site.first("demo-a-1").await?, site.first("demo-b-1").await?, site.ask("demo-a-1").await?];
    tokio::time::sleep(PROOF).await;
    site.hoptap.take().context("expected hoptap")?.stop()?;
    let told = || -> Result<Vec<u8>> {
        let replay = Command::new(hoptap::program()?).args(["replay", &file, "--format", "json"]).output()?;
        ensure!(replay.status.success(), "{}", String::from_utf8_lossy(&replay.stderr));
        Ok(replay.stdout)
    };
    let (once, again) = (told()?, told()?);
    ensure!(once == again, "expected two replays to tell the same");
    let once = String::from_utf8(once)?;
    for Answered { id, by } in answered {
        let line = once.lines().find(|line| line.contains(&format!("id={id}"))).context("expected it in the replay")?;
        let exchange: Value = serde_json::from_str(line)?;
        let found = exchange.pointer("/egress/0/server.address").and_then(Value::as_str);
        ensure!(found == Some(&by), "{id}: expected {by}, found {found:?}");
    }
    Ok(())
}

async fn without(site: &mut Site) -> Result<()> {
    let file = Scratch::new("without")?;
    let file = file.path().join("hoptap.yaml");
    std::fs::write(&file, "version: 2\ncontainers: {docker: off, podman: off}\n")?;
    let id = site.docker.inspect(TRAEFIK)?.short_id();
    site.watch(&["--config", &file.display().to_string(), "--container", &id]).await?;
    let mut answered = vec![site.first("demo-a-1").await?, site.first("demo-b-1").await?];
    site.backend("late", &[])?;
    answered.push(site.first("late").await?);
    site.docker.run(&["restart", "--time", "0", "demo-b-1"])?;
    answered.push(site.first("demo-b-1").await?);
    site.check(&answered, |it, _| Ok(site.docker.inspect(&it.by)?.short_id())).await?;
    site.remove("late")?;
    site.hoptap = None;
    Ok(())
}

fn url_label(name: &str, ip: &str, port: u16) -> String {
    format!("traefik.http.services.{name}.loadbalancer.server.url=http://{ip}:{port}")
}
