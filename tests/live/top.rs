//! `hoptap top` beside real load of known size: what it prints and what is on its screen is what was sent.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hoptap_tests::client::{Connection, To};
use hoptap_tests::hoptap::{self, Hoptap, lacking};
use hoptap_tests::lab::{Lab, Plan};
use hoptap_tests::load::Load;
use hoptap_tests::process::{Process, Scratch, Stdout, free_port, signal};
use hoptap_tests::suite::{self, Suite};
use hoptap_tests::terminal::Terminal;
use hoptap_tests::traefik;
use serde_json::Value;

/// Set for this program itself, in a terminal: it takes the screen and panics.
const PANIC: &str = "HOPTAP_TEST_PANIC";

/// For attaching on a busy machine, and for a table to be printed.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    if std::env::var_os(PANIC).is_some() {
        panic_on_screen();
    }
    let lacking = lacking().or_else(|| traefik::program().err().map(|error| format!("{error:#}")));
    let suite = Suite::new(Plan { hoptap: Some(&[]), ..Plan::default() })
        .case("tables from a hoptap that serves its metrics", async |lab: &Lab| counted(lab, &remote(lab)?).await)
        .case("tables from a capture of its own", async |lab: &Lab| counted(lab, &here(lab)).await)
        .case("across a restart of the hoptap that counts", restarted)
        .case("a screen that is looked at, typed at and resized", looked_at)
        .case("whatever ends it, the terminal is given back", given_back)
        .case("the screen of a capture of its own", own_screen)
        .case("text where there is no terminal", text)
        .case("a source that is none", no_source);
    suite::run(vec![("top", suite)], lacking.as_deref())
}

fn remote(lab: &Lab) -> Result<Vec<String>> {
    let hoptap = lab.hoptap.as_ref().context("expected a lab with hoptap")?;
    Ok(vec!["--from".to_owned(), format!("http://{}", hoptap.address())])
}

fn here(lab: &Lab) -> Vec<String> {
    ["--from", "here", "--pid", &lab.traefik.pid().to_string()].map(str::to_owned).to_vec()
}

/// The one that serves `any.test`.
fn server(lab: &Lab) -> Result<String> {
    let mut named = lab.backends.named();
    let found = named.find(|(name, _)| *name == "be1").context("expected a backend be1")?;
    Ok(found.1.to_string())
}

/// `hoptap top` that prints until it is stopped.
struct Top {
    process: Process,
    tables: PathBuf,
    _scratch: Scratch,
}

impl Top {
    /// Starts it and waits for its first table.
    async fn start(arguments: &[String], window: &str) -> Result<Self> {
        let scratch = Scratch::new("top")?;
        let tables = scratch.path().join("tables");
        let mut command = Command::new(hoptap::program()?);
        command.arg("top").args(arguments).args(["--format", "json", "--window", window]);
        command.stdout(File::create(&tables)?);
        let mut process = Process::start(command, &scratch.path().join("top.log"), Stdout::AsSet)?;
        process.stop_with_interrupt();
        let mut top = Self { process, tables, _scratch: scratch };
        let tables = top.tables.clone();
        top.process
            .wait_until("printed", PATIENCE, async || {
                std::fs::read_to_string(&tables).is_ok_and(|all| all.ends_with('\n'))
            })
            .await?;
        Ok(top)
    }

    fn tables(&self) -> Result<Vec<Value>> {
        let text = std::fs::read_to_string(&self.tables)?;
        text.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| Ok(serde_json::from_str(line)?))
            .collect()
    }

    /// Waits until the rows of all tables together count as many requests.
    async fn wait_for(&self, view: &str, name: &str, requests: f64) -> Result<Vec<Value>> {
        let begun = Instant::now();
        loop {
            let tables = self.tables()?;
            let sum = Sum::of(&tables, view, name);
            if sum.requests >= requests || begun.elapsed() > PATIENCE {
                ensure!(sum.requests == requests, "expected {requests} of {view} {name}, found {sum:?}");
                return Ok(tables);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// What the rows of one name say over many tables.
#[derive(Debug, Default, PartialEq)]
struct Sum {
    requests: f64,
    failed: f64,
    refused: f64,
}

impl Sum {
    fn of(tables: &[Value], view: &str, name: &str) -> Self {
        rows(tables, view, name).fold(Self::default(), |sum, (_, row)| {
            let number = |key: &str| row[key].as_f64().unwrap_or_default();
            Self {
                requests: sum.requests + number("requests"),
                failed: sum.failed + number("requests") * number("errors"),
                refused: sum.refused + number("requests") * number("refused"),
            }
        })
    }

    fn is(&self, requests: u32, failed: u32, refused: u32) -> bool {
        let near = |one: f64, other: u32| (one - f64::from(other)).abs() < 1e-6;
        near(self.requests, requests) && near(self.failed, failed) && near(self.refused, refused)
    }
}

/// The seconds of each table, and its row of that name.
fn rows<'a>(tables: &'a [Value], view: &'a str, name: &'a str) -> impl Iterator<Item = (f64, &'a Value)> {
    tables.iter().flat_map(move |table| {
        let rows = table[view].as_array().into_iter().flatten().filter(move |row| row["name"] == name);
        rows.map(|row| (table["seconds"].as_f64().unwrap_or_default(), row))
    })
}

const TEMPLATES: [&str; 4] = [
    "GET /x?id={id}&d=30ms HTTP/1.1\r\nHost: any.test\r\n\r\n",
    "POST /x?id={id}&d=30ms HTTP/1.1\r\nHost: any.test\r\nContent-Length: 5\r\n\r\nhello",
    "GET /status/503?id={id}&d=30ms HTTP/1.1\r\nHost: any.test\r\n\r\n",
    "GET /x?id={id} HTTP/1.1\r\nHost: nope.test\r\n\r\n",
];

async fn send(lab: &Lab, label: &str, each: u32) -> Result<()> {
    let load = Load {
        to: lab.traefik.address("web")?,
        connections: 4,
        requests: usize::try_from(each)? * TEMPLATES.len(),
        templates: TEMPLATES.map(str::to_owned).to_vec(),
        label: label.to_owned(),
    };
    load.run().await.map(drop)
}

/// Every request is in exactly one of the tables, which follow on each other.
async fn counted(lab: &Lab, from: &[String]) -> Result<()> {
    const EACH: u32 = 100;
    const HANGING: usize = 7;
    let mut top = Top::start(from, "1").await?;
    send(lab, "table", EACH).await?;
    top.wait_for("entrypoints", "web", f64::from(4 * EACH)).await?;
    let tables = top.wait_for("routers", "any@file", f64::from(3 * EACH)).await?;
    let server = server(lab)?;
    for (view, name, expected) in [
        ("entrypoints", "web", (4 * EACH, EACH, EACH)),
        ("routers", "any@file", (3 * EACH, EACH, 0)),
        ("routers", "(no router)", (EACH, 0, EACH)),
        ("services", "be1@file", (3 * EACH, EACH, 0)),
        ("servers", &server, (3 * EACH, EACH, 0)),
    ] {
        let sum = Sum::of(&tables, view, name);
        ensure!(sum.is(expected.0, expected.1, expected.2), "{view} {name}: expected {expected:?}, found {sum:?}");
    }
    for (seconds, row) in rows(&tables, "routers", "any@file") {
        let number = |key: &str| row[key].as_f64();
        let (rate, requests) = (number("rate").context("rate")?, number("requests").context("requests")?);
        ensure!((rate * seconds - requests).abs() < 1e-6, "{requests} in {seconds} s are no {rate}/s");
        ensure!(number("p50").is_some() == (requests > 0.0), "{row}");
        if let (Some(p50), Some(p99)) = (number("p50"), number("p99")) {
            // Each takes 30 ms at the backend, so that all are above the bound of 25.
            ensure!((0.025..1.0).contains(&p50) && p50 <= p99, "{row}");
        }
        ensure!(row["bytes_in"].as_f64().is_some_and(|bytes| bytes >= 0.0), "{row}");
    }
    let bytes: f64 = rows(&tables, "routers", "any@file")
        .map(|(seconds, row)| row["bytes_in"].as_f64().unwrap_or_default() * seconds)
        .sum();
    ensure!((bytes - f64::from(5 * EACH)).abs() < 1e-3, "expected {} bytes in, found {bytes}", 5 * EACH);
    let seconds: Vec<f64> = tables.iter().filter_map(|table| table["seconds"].as_f64()).collect();
    ensure!(seconds.iter().all(|seconds| (0.5..5.0).contains(seconds)), "{seconds:?}");

    let mut open = Vec::new();
    for number in 0..HANGING {
        let mut connection = Connection::open(lab.traefik.address("web")?).await?;
        connection
            .send(format!("GET /x?id=hang-{number}&d=5000ms HTTP/1.1\r\nHost: any.test\r\n\r\n").as_bytes())
            .await?;
        open.push(connection);
    }
    let hanging = HANGING as f64;
    let begun = Instant::now();
    while !rows(&top.tables()?, "entrypoints", "web").any(|(_, row)| row["active"] == hanging) {
        ensure!(
            begun.elapsed() < Duration::from_secs(20),
            "expected {HANGING} under way, found {:?}",
            top.tables()?.last()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for connection in &mut open {
        connection.response(To::Other).await?;
    }
    top.wait_for("routers", "any@file", f64::from(3 * EACH) + hanging).await?;
    let status = top.process.stop()?;
    ensure!(status.code() == Some(0), "expected 0, found {status}: {}", top.process.output());
    Ok(())
}

/// The second hoptap counts from nothing, and top says what it counted, no more and no less.
async fn restarted(lab: &Lab) -> Result<()> {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let pid = lab.traefik.pid().to_string();
    let start = async || Hoptap::start_at(address, &["--pid", &pid], &[], Stdout::Nowhere).await;
    let first = start().await?;
    send(lab, "before", 50).await?;
    // It waits while nothing answers in the middle of its life, but only on the screen: scripts must not wait for ever.
    let url = format!("http://{address}");
    let mut terminal = Terminal::start(command(&["--from", &url, "--window", "60", "--filter", "any@"])?, (100, 20))?;
    send(lab, "first", 50).await?;
    terminal.wait_for("the first load", |text| text.contains("any@file")).await?;
    drop(first);
    terminal.wait_for("that it is gone", |text| text.contains("nothing answers at")).await?;
    let _second = start().await?;
    terminal.wait_for("that it is back", |text| !text.contains("nothing answers at")).await?;
    send(lab, "second", 25).await?;
    let text = terminal
        .wait_for("the second load alone", |text| {
            window_requests(text, "any@file").is_some_and(|(count, per)| (count - 75.0).abs() <= per)
        })
        .await;
    let text = text?;
    ensure!(!text.contains("nothing answers"), "{text}");
    terminal.press("q")?;
    ensure!(terminal.ended().await?.success(), "{}", terminal.text());
    Ok(())
}

/// Requests within the window as far as a rate with its digits tells, and how far that is off at most.
fn window_requests(text: &str, name: &str) -> Option<(f64, f64)> {
    let seconds: f64 = text.split("over ").nth(1)?.split(' ').next()?.parse().ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    let rate: f64 = line.get(name.len()..)?.split_whitespace().next()?.parse().ok()?;
    Some((rate * seconds, 0.05 * seconds + 0.05 * rate + 1e-6))
}

fn command(arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(hoptap::program()?);
    command.arg("top").args(arguments);
    Ok(command)
}

fn terminal(from: &[String], size: (u16, u16)) -> Result<Terminal> {
    let mut arguments: Vec<&str> = from.iter().map(String::as_str).collect();
    arguments.extend(["--window", "2"]);
    Terminal::start(command(&arguments)?, size)
}

/// A load that goes on until it is dropped.
struct Going(tokio::task::JoinHandle<Result<()>>);

impl Going {
    fn start(lab: &Lab) -> Result<Self> {
        let load = Load {
            to: lab.traefik.address("web")?,
            connections: 2,
            requests: 1_000_000,
            templates: TEMPLATES.map(str::to_owned).to_vec(),
            label: "going".to_owned(),
        };
        Ok(Self(tokio::spawn(async move { load.run().await.map(drop) })))
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn looked_at(lab: &Lab) -> Result<()> {
    let _going = Going::start(lab)?;
    let mut terminal = terminal(&remote(lab)?, (80, 24))?;
    let text = terminal
        .wait_for("routers with their numbers", |text| text.contains("any@file") && text.contains("(no router)"))
        .await?;
    for part in ["hoptap ", "1 Traefik", "req/s", "ROUTERS", "*REQ/S", "ERR%", "TRAEFIK", "q quit", "all requests told"]
    {
        ensure!(text.contains(part), "expected {part:?} in:\n{text}");
    }
    ensure!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    // A third of what any.test gets fails, within what three templates in turn leave over.
    let line = text.lines().find(|line| line.starts_with("any@file")).unwrap_or_default();
    let errors: Option<f64> = line.split_whitespace().nth(2).and_then(|errors| errors.parse().ok());
    ensure!(errors.is_some_and(|errors| (25.0..42.0).contains(&errors)), "{text}");
    show("80 by 24", &text);

    terminal.press("1")?;
    let text = terminal.wait_for("entrypoints", |text| text.contains("ENTRYPOINTS") && text.contains("\nweb ")).await?;
    ensure!(text.contains("ACTIVE") && !text.contains("TRAEFIK"), "{text}");
    show("entrypoints", &text);
    terminal.press("4")?;
    let server = server(lab)?;
    terminal.wait_for("servers", |text| text.contains("SERVERS") && text.contains(&server)).await?;
    terminal.press("2/ANY")?;
    let text = terminal.wait_for("a filter", |text| text.contains("filter: ANY_")).await?;
    ensure!(text.contains("any@file") && !text.contains("(no router)"), "{text}");
    terminal.press("\x1b")?;
    terminal.wait_for("no filter", |text| text.contains("(no router)") && !text.contains("filter:")).await?;
    terminal.press("\x1b[C\x1b[Ci")?;
    let text = terminal.wait_for("another order", |text| text.contains("*4XX%") && text.contains("inverted")).await?;
    let at = |name: &str| text.find(name);
    ensure!(at("any@file") < at("(no router)"), "{text}");

    terminal.press(" ")?;
    terminal.wait_for("a pause", |text| text.contains("PAUSED")).await?;
    let rows = |text: &str| text.lines().skip(3).map(str::to_owned).collect::<Vec<_>>();
    let before = rows(&terminal.text());
    tokio::time::sleep(Duration::from_millis(2500)).await;
    ensure!(rows(&terminal.text()) == before, "it moves:\n{}", terminal.text());
    terminal.press(" ")?;
    terminal.wait_for("no pause", |text| !text.contains("PAUSED")).await?;

    terminal.resize((120, 12))?;
    let text = terminal.wait_for("a wide window", |text| text.contains("IN/S") && text.contains("OUT/S")).await?;
    ensure!(text.lines().nth(11).is_some_and(|line| line.contains("q quit")), "{text}");
    show("120 by 12", &text);
    terminal.resize((40, 10))?;
    terminal
        .wait_for("a small window", |text| {
            text.contains("any@file") && !text.contains("OUT/S") && text.lines().all(|line| line.chars().count() <= 40)
        })
        .await?;
    terminal.press("q")?;
    ensure!(terminal.ended().await?.success(), "{}", terminal.text());
    terminal.is_given_back()
}

/// For whoever wants to see it: `HOPTAP_SHOW=1`.
#[expect(clippy::print_stderr, reason = "a test shows what it was asked to show")]
fn show(what: &str, text: &str) {
    if std::env::var_os("HOPTAP_SHOW").is_some() {
        eprintln!("--- {what}\n{text}\n---");
    }
}

async fn given_back(lab: &Lab) -> Result<()> {
    for keys in ["q", "\x1b", "\x03", "/abc\x03"] {
        let mut terminal = terminal(&remote(lab)?, (80, 24))?;
        terminal.wait_for("a screen", |text| text.contains("q quit")).await?;
        terminal.press(keys)?;
        let status = terminal.ended().await?;
        ensure!(status.code() == Some(0), "{keys:?}: expected 0, found {status}\n{}", terminal.text());
        terminal.is_given_back().with_context(|| format!("{keys:?}"))?;
    }
    for number in [libc::SIGTERM, libc::SIGINT] {
        let mut terminal = terminal(&remote(lab)?, (80, 24))?;
        terminal.wait_for("a screen", |text| text.contains("q quit")).await?;
        signal(terminal.pid(), number);
        let status = terminal.ended().await?;
        ensure!(status.code() == Some(0), "signal {number}: expected 0, found {status}\n{}", terminal.text());
        terminal.is_given_back().with_context(|| format!("signal {number}"))?;
    }
    let mut command = Command::new(std::env::current_exe()?);
    command.env(PANIC, "1").env("RUST_BACKTRACE", "0");
    let mut terminal = Terminal::start(command, (80, 24))?;
    let status = terminal.ended().await?;
    ensure!(status.code() == Some(101), "expected 101, found {status}\n{}", terminal.text());
    let taken = terminal.written();
    ensure!(taken.windows(8).any(|bytes| bytes == b"\x1b[?1049h"), "the screen was not taken over");
    ensure!(terminal.text().contains("panicked at"), "what it panicked with cannot be read:\n{}", terminal.text());
    terminal.is_given_back().context("a panic")
}

fn panic_on_screen() {
    let screen = ::hoptap::top::Screen::open();
    assert!(screen.is_err(), "with the screen taken over");
}

async fn own_screen(lab: &Lab) -> Result<()> {
    let _going = Going::start(lab)?;
    let mut terminal = terminal(&here(lab), (80, 24))?;
    let text =
        terminal.wait_for("routers", |text| text.contains("any@file") && text.contains("watching from here")).await?;
    ensure!(text.contains("1 Traefik"), "{text}");
    // Nothing of the log is mixed in.
    ensure!(!text.contains("INFO") && !text.contains("attached to"), "{text}");
    show("its own capture", &text);
    terminal.press("q")?;
    ensure!(terminal.ended().await?.success(), "{}", terminal.text());
    terminal.is_given_back()
}

async fn text(lab: &Lab) -> Result<()> {
    let going = Going::start(lab)?;
    let run = |more: &[&str]| -> Result<String> {
        let from = remote(lab)?;
        let output = Command::new(hoptap::program()?)
            .arg("top")
            .args(&from)
            .args(["--window", "1"])
            .args(more)
            .stdin(Stdio::null())
            .output()?;
        ensure!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    };
    let (once, three) = tokio::task::block_in_place(|| -> Result<_> {
        Ok((run(&["--once"])?, run(&["--batch", "3", "--view", "servers", "--sort", "name"])?))
    })?;
    drop(going);
    show("--once", &once);
    ensure!(!once.contains('\x1b'), "{once:?}");
    ensure!(once.lines().any(|line| line.starts_with("any@file ")), "{once}");
    ensure!(once.matches("*REQ/S").count() == 1 && three.matches("*NAME").count() == 3, "{once}\n{three}");
    Ok(())
}

async fn no_source(lab: &Lab) -> Result<()> {
    let free = free_port()?;
    let traefik = lab.traefik.address("web")?;
    let api = lab.traefik.address("traefik")?;
    let cases = BTreeMap::from([
        (format!("--from http://127.0.0.1:{free}"), (69, "nothing answers at http://127.0.0.1")),
        (format!("--from {traefik}"), (64, "answers 404")),
        (format!("--from http://{api}/ping"), (64, "is no page of hoptap's metrics")),
        ("--from https://127.0.0.1:9464".to_owned(), (64, "http alone")),
        (format!("--from {traefik} --pid 1"), (64, "the flags of the capture are for --from here")),
        ("--from here --pid 4194303".to_owned(), (69, "no process has the id 4194303")),
        ("--batch 0".to_owned(), (64, "invalid value '0'")),
    ]);
    for (arguments, (code, part)) in cases {
        let mut command = command(&arguments.split(' ').collect::<Vec<_>>())?;
        let output = tokio::task::block_in_place(|| command.stdin(Stdio::null()).output())?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(code), "{arguments}: expected {code}, found {}: {said}", output.status);
        ensure!(said.contains(part), "{arguments}: expected {part:?} in {said}");
        ensure!(output.stdout.is_empty(), "{arguments}: {:?}", String::from_utf8_lossy(&output.stdout));
    }
    Ok(())
}
