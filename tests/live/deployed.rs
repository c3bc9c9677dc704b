//! hoptap as `deploy/` runs it: as a user without root's rights but those that the unit gives, and behind the gateway of a
//! cluster.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hoptap_tests::hoptap::{self, Hoptap, lacking};
use hoptap_tests::lab::{Lab, Plan};
use hoptap_tests::load::Load;
use hoptap_tests::process::{Process, Scratch, Stdout, free_port, on_path};
use hoptap_tests::span::Kind;
use hoptap_tests::suite::{self, Suite};
use hoptap_tests::{traefik, validators};

/// Nobody's user and group: of files and processes it owns nothing.
const NOBODY: &str = "65534";

fn main() -> ExitCode {
    let lacking = lacking().or_else(|| traefik::program().err().map(|error| format!("{error:#}")));
    let no_setpriv = on_path("setpriv").is_none().then(|| "setpriv is not on PATH".to_owned());
    let no_collector = validators::collector().err().map(|error| format!("{error:#}"));
    let unit = Suite::new(Plan::default())
        .case("nobody with the capabilities of the unit tells all", with_all)
        .case("nobody without CAP_SYS_ADMIN tells what needs no probe, and says what is missing", with_fewer);
    let cluster = Suite::new(Plan::default()).case("what goes through the gateway arrives", through_the_gateway);
    let unit = suite::run(vec![("systemd", unit)], lacking.clone().or(no_setpriv).as_deref());
    let cluster = suite::run(vec![("cluster", cluster)], lacking.or(no_collector).as_deref());
    if unit == ExitCode::SUCCESS { cluster } else { unit }
}

fn deploy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(file)
}

async fn send(lab: &Lab, requests: usize) -> Result<()> {
    let load = Load {
        to: lab.traefik.address("web")?,
        connections: 5,
        requests,
        templates: [
            "GET /x?id={id} HTTP/1.1\r\nHost: any.test\r\n\r\n",
            "POST /x?id={id} HTTP/1.1\r\nHost: other.test\r\nContent-Length: 5\r\n\r\nhello",
            "GET /chunked?id={id} HTTP/1.1\r\nHost: any.test\r\n\r\n",
        ]
        .map(str::to_owned)
        .into(),
        label: "deployed".to_owned(),
    };
    let failed: Vec<_> = load.run().await?.into_iter().filter(|outcome| outcome.status != 200).collect();
    ensure!(failed.is_empty(), "{failed:#?}");
    Ok(())
}

/// The rights that the unit gives, in the words of `setpriv`: `+bpf,+perfmon`.
fn capabilities() -> Result<String> {
    let unit = fs::read_to_string(deploy("systemd/hoptap.service"))?;
    let given = unit.lines().find_map(|line| line.strip_prefix("AmbientCapabilities=")).context("expected some")?;
    let given: Vec<String> = given
        .split_ascii_whitespace()
        .filter_map(|name| name.strip_prefix("CAP_").map(|name| format!("+{}", name.to_lowercase())))
        .collect();
    ensure!(given.len() == 5, "expected five capabilities, found {given:?}");
    Ok(given.join(","))
}

/// Runs hoptap as nobody, with these capabilities and no way to get others; returns what `/readyz` says as well.
async fn as_nobody(lab: &Lab, given: &str, effective: &str) -> Result<(Hoptap, String)> {
    // Where nobody can reach it, whatever folder it was built in.
    let scratch = Scratch::new("nobody")?;
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755))?;
    let program = scratch.path().join("hoptap");
    fs::copy(hoptap::program()?, &program)?;
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--no-new-privs"])
        .args(["--bounding-set", &format!("-all,{given}")])
        .args(["--inh-caps", &format!("-all,{given}"), "--ambient-caps", &format!("-all,{given}")])
        .arg(&program);
    let endpoint = lab.collector.endpoint();
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    let pid = lab.traefik.pid().to_string();
    let hoptap = Hoptap::start_by(command, &["--pid", &pid], &environment).await?;
    let status = fs::read_to_string(format!("/proc/{}/status", hoptap.pid()))?;
    let sets = ["CapEff", "CapBnd"].map(|set| format!("{set}:\t{effective}"));
    for expected in ["Uid:\t65534", "NoNewPrivs:\t1"].into_iter().chain(sets.iter().map(String::as_str)) {
        ensure!(status.contains(expected), "expected `{expected}` in\n{status}");
    }
    let ready = hoptap.get("/readyz").await?;
    let ready = String::from_utf8_lossy(&ready.body).into_owned();
    Ok((hoptap, ready))
}

async fn with_all(lab: &Lab) -> Result<()> {
    let before = lab.begin()?;
    let (_hoptap, ready) = as_nobody(lab, &capabilities()?, "000000c000280004").await?;
    ensure!(ready.contains("\"missing\": []"), "expected every probe to be in place:\n{ready}");
    send(lab, 60).await?;
    lab.verdict(before, 60).await?.check()
}

/// Of the client's hop all is told, of the backend's nothing. Kernels since July 2025 want CAP_SYS_ADMIN for probes in programs (CVE-2025-38466), those before do not.
async fn with_fewer(lab: &Lab) -> Result<()> {
    let before = lab.begin()?;
    let given = capabilities()?.replace(",+sys_admin", "");
    let (_hoptap, ready) = as_nobody(lab, &given, "000000c000080004").await?;
    send(lab, 60).await?;
    if ready.contains("\"missing\": []") {
        return lab.verdict(before, 60).await?.check();
    }
    ensure!(ready.contains("CAP_SYS_ADMIN") || ready.contains("Permission denied"), "expected a reason:\n{ready}");
    lab.rows(before, 60).await?;
    let spans = lab.spans(60, 0).await;
    let servers: Vec<_> = spans.iter().filter(|span| span.kind == Kind::Server).collect();
    let named = servers.iter().filter(|span| span.attributes.contains_key("traefik.router.name")).count();
    ensure!((servers.len(), named) == (60, 60), "expected the clients' hops of 60 requests, found {spans:#?}");
    Ok(())
}

async fn through_the_gateway(lab: &Lab) -> Result<()> {
    let scratch = Scratch::new("gateway")?;
    let addresses = [free_port()?, free_port()?].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    let [grpc, http] = addresses.map(|address| address.to_string());
    let mut command = Command::new(validators::collector()?);
    command
        .arg("--config")
        .arg(deploy("cluster/collector.yaml"))
        .env("OTLP_GRPC_ADDRESS", &grpc)
        .env("OTLP_HTTP_ADDRESS", &http)
        .env("TEMPO_ENDPOINT", lab.collector.endpoint());
    let mut gateway = Process::start(command, &scratch.path().join("otelcol.log"), Stdout::Log)?;
    let listens = async || tokio::net::TcpStream::connect(&grpc).await.is_ok();
    gateway.wait_until("listening", Duration::from_secs(20), listens).await?;
    let before = lab.begin()?;
    let pid = lab.traefik.pid().to_string();
    let endpoint = format!("http://{grpc}");
    let environment = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
    ];
    let _hoptap = Hoptap::start(&["--pid", &pid], &environment, Stdout::Log).await?;
    send(lab, 60).await?;
    lab.verdict(before, 60).await?.check()
}
