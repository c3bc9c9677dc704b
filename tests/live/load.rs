//! Many requests at once, over few and over many connections: every one linked, none twice, none missing.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use hoptap_tests::client::{Connection, To};
use hoptap_tests::hoptap::lacking;
use hoptap_tests::lab::{Lab, Plan};
use hoptap_tests::load::Load;
use hoptap_tests::oracle::{self, Traces};
use hoptap_tests::suite::{self, Suite};
use hoptap_tests::traefik;

fn main() -> ExitCode {
    let suite = |plan| {
        Suite::new(plan)
            .case("idle connections of before the start", attached_midway)
            .case("2000 requests over 200 connections", crowd)
            .case("a mix of everything over 20 connections", mix)
            .case("ids only in a header", header_ids)
            .case("three requests in one segment", pipelined)
            .case("GETs that Traefik sends again", hidden_resends)
            .case("100 MB down", large_download)
            .case("100 MB up", large_upload)
            .case("websocket session", websocket)
            .case("configuration reloaded at 5 Hz", reloaded)
            .case("names that are others in each configuration", renamed)
    };
    let plans = vec![
        ("std", suite(Plan { hoptap: Some(&[]), ..Plan::default() })),
        ("syscall", suite(Plan { hoptap: Some(&["--capture", "syscall"]), ..Plan::default() })),
        ("fastproxy", suite(Plan { hoptap: Some(&[]), fast_proxy: true, ..Plan::default() })),
    ];
    let lacking = lacking().or_else(|| traefik::program().err().map(|error| format!("{error:#}")));
    suite::run(plans, lacking.as_deref())
}

const GET: &str = "GET /x?id={id} HTTP/1.1\r\nHost: any.test\r\n\r\n";
const POST: &str = "POST /x?id={id} HTTP/1.1\r\nHost: other.test\r\nContent-Length: 5\r\n\r\nhello";

async fn check(lab: &Lab, label: &str, connections: usize, requests: usize, templates: &[&str]) -> Result<()> {
    let before = lab.begin()?;
    Load {
        to: lab.traefik.address("web")?,
        connections,
        requests,
        templates: templates.iter().map(|&template| template.to_owned()).collect(),
        label: label.to_owned(),
    }
    .run()
    .await?;
    lab.verdict(before, requests).await?.check()
}

async fn crowd(lab: &Lab) -> Result<()> {
    check(lab, "crowd", 200, 2000, &[GET, POST]).await
}

async fn mix(lab: &Lab) -> Result<()> {
    let templates = [
        GET,
        POST,
        "GET /chunked?id={id} HTTP/1.1\r\nHost: any.test\r\n\r\n",
        "HEAD /big?id={id} HTTP/1.1\r\nHost: any.test\r\n\r\n",
        "GET /big?id={id}&n=70000 HTTP/1.1\r\nHost: other.test\r\n\r\n",
        "GET /x?id={id} HTTP/1.1\r\nHost: nope.test\r\n\r\n",
        "GET /x?id={id} HTTP/1.1\r\nHost: any.test\r\nConnection: close\r\n\r\n",
        "GET /close?id={id} HTTP/1.1\r\nHost: any.test\r\n\r\n",
        "GET /status/204?id={id} HTTP/1.1\r\nHost: two.test\r\n\r\n",
        "GET /a?id={id} HTTP/1.1\r\nHost: tree.test\r\n\r\n",
        "GET /api/v?id={id}&d=5ms HTTP/1.1\r\nHost: strip.test\r\n\r\n",
        "GET /x?id={id} HTTP/1.1\r\nHost: basic.test\r\n\r\n",
        "GET /x?id={id} HTTP/1.0\r\nHost: any.test\r\n\r\n",
        "POST /x?id={id} HTTP/1.1\r\nHost: any.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "GET /x?id={id} HTTP/1.1\r\nHost: down.test\r\n\r\n",
    ];
    check(lab, "mix", 20, 1500, &templates).await
}

async fn header_ids(lab: &Lab) -> Result<()> {
    // Nothing that a span shows tells them apart but the size of the body.
    let body = |size: usize| "b".repeat(size);
    let template = |size| {
        let head = "POST /x HTTP/1.1\r\nHost: any.test\r\nX-Request-Id: {id}";
        format!("{head}\r\nContent-Length: {size}\r\n\r\n{}", body(size))
    };
    let before = lab.begin()?;
    let outcomes = Load {
        to: lab.traefik.address("web")?,
        connections: 50,
        requests: 500,
        templates: (0..47).map(template).collect(),
        label: "header".to_owned(),
    }
    .run()
    .await?;
    lab.rows(before, 500).await?;
    let spans = lab.spans(500, 500).await;
    let traces = Traces::new(&spans);
    for outcome in outcomes {
        let servers = traces.servers_from(outcome.local.port());
        let Some(server) = servers.get(outcome.ordinal) else {
            anyhow::bail!("no SERVER span for {outcome:?}");
        };
        let sizes: Vec<_> =
            [*server].iter().chain(traces.children(server)).map(|span| span.number("http.request.body.size")).collect();
        let expected = Some(i64::try_from(outcome.template)?);
        ensure!(sizes == [expected, expected], "{outcome:?}: body sizes are {sizes:?} on its hops");
    }
    Ok(())
}

async fn pipelined(lab: &Lab) -> Result<()> {
    let before = lab.begin()?;
    let mut connection = Connection::open(lab.traefik.address("web")?).await?;
    let three: String = (0..3).map(|number| GET.replace("{id}", &format!("pipe-{number}"))).collect();
    connection.send(three.as_bytes()).await?;
    for _ in 0..3 {
        ensure!(connection.response(To::Other).await?.status == 200, "expected 200");
    }
    lab.verdict(before, 3).await?.check()
}

async fn hidden_resends(lab: &Lab) -> Result<()> {
    // Idle connections to the backend, each of which Traefik may try in turn.
    check(lab, "warm", 8, 80, &["GET /x?id={id}&d=20ms HTTP/1.1\r\nHost: any.test\r\n\r\n"]).await?;
    let before = lab.begin()?;
    let mut connection = Connection::open(lab.traefik.address("web")?).await?;
    let response = connection.exchange(b"GET /abort?id=again HTTP/1.1\r\nHost: any.test\r\n\r\n").await?;
    ensure!(response.status == 502, "expected 502, found {}", response.status);
    lab.rows(before, 1).await?;
    let arrived = lab.backends.received_of("again").len();
    let spans = lab.spans(1, arrived).await;
    let traces = Traces::new(&spans);
    let servers = traces.servers_of("again");
    ensure!(servers.len() == 1, "{servers:#?}");
    let resends: Vec<_> = traces
        .children(servers[0])
        .iter()
        .map(|child| child.number("http.request.resend_count").unwrap_or_default())
        .collect();
    let expected: Vec<_> = (0..i64::try_from(arrived)?).collect();
    ensure!(resends == expected, "{arrived} arrived, resend counts are {resends:?}");
    Ok(())
}

async fn large_download(lab: &Lab) -> Result<()> {
    sized(lab, "GET /big?id=large&n=100000000 HTTP/1.1\r\nHost: any.test\r\n\r\n", 0, "http.response.body.size").await
}

async fn large_upload(lab: &Lab) -> Result<()> {
    let head = "POST /x?id=large HTTP/1.1\r\nHost: any.test\r\nContent-Length: 100000000\r\n\r\n";
    sized(lab, head, 100_000_000, "http.request.body.size").await
}

async fn sized(lab: &Lab, head: &str, upload: usize, attribute: &str) -> Result<()> {
    let before = lab.begin()?;
    let mut connection = Connection::open(lab.traefik.address("web")?).await?;
    connection.send(head.as_bytes()).await?;
    let piece = vec![b'u'; 1_000_000];
    for _ in 0..upload / piece.len() {
        connection.send(&piece).await?;
    }
    let response = connection.response(To::Other).await?;
    ensure!(response.status == 200 && !response.incomplete, "{}", response.status);
    let rows = lab.rows(before, 1).await?;
    let spans = lab.spans(1, 1).await;
    oracle::compare(&rows, &spans, &lab.backends.received()).check()?;
    let traces = Traces::new(&spans);
    let server = traces.servers[0];
    for span in [server].iter().chain(traces.children(server)) {
        let size = span.number(attribute);
        ensure!(size == Some(100_000_000), "{} is {size:?} in {span:#?}", attribute);
    }
    Ok(())
}

async fn websocket(lab: &Lab) -> Result<()> {
    let before = lab.begin()?;
    let mut connection = Connection::open(lab.traefik.address("web")?).await?;
    let response = connection
        .exchange(
            b"GET /upgrade?id=ws HTTP/1.1\r\nHost: any.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
              Sec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        )
        .await?;
    ensure!(response.status == 101, "expected 101, found {}", response.status);
    // What looks like HTTP is none any more.
    let inside = b"GET /inside HTTP/1.1\r\nHost: any.test\r\n\r\n";
    for _ in 0..10 {
        connection.send(inside).await?;
        let mut echoed = 0;
        while echoed < inside.len() {
            echoed += connection.read().await?.len();
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    drop(connection);
    lab.verdict(before, 1).await?.check()
}

async fn attached_midway(lab: &Lab) -> Result<()> {
    let before = lab.begin()?;
    let mut early = lab.take_early();
    for (number, connection) in early.iter_mut().enumerate() {
        let response = connection.exchange(GET.replace("{id}", &format!("early-{number}")).as_bytes()).await?;
        ensure!(response.status == 200, "expected 200, found {}", response.status);
    }
    lab.verdict(before, early.len()).await?.check()
}

async fn reloaded(lab: &Lab) -> Result<()> {
    let dynamic = lab.dynamic().to_owned();
    let before = lab.begin()?;
    let load = Load {
        to: lab.traefik.address("web")?,
        connections: 10,
        requests: 2000,
        templates: vec!["GET /x?id={id}&d=4ms HTTP/1.1\r\nHost: any.test\r\n\r\n".to_owned()],
        label: "reload".to_owned(),
    };
    let running = tokio::spawn(async move { load.run().await });
    let mut count = 0;
    while !running.is_finished() {
        count += 1;
        let marker = format!("    m{count}: {{headers: {{customRequestHeaders: {{X-Count: \"{count}\"}}}}}}\n");
        lab.traefik.reload(&dynamic.replace("  middlewares:\n", &format!("  middlewares:\n{marker}")))?;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    running.await??;
    lab.traefik.reload(&dynamic)?;
    lab.verdict(before, 2000).await?.check()
}

/// Each configuration has as many routers and services as the one before, with names of the same length: what one leaves
/// in memory is what the next is made of.
async fn renamed(lab: &Lab) -> Result<()> {
    const ROUTERS: usize = 20;
    const REQUESTS: usize = 6000;
    let dynamic = lab.dynamic().to_owned();
    let backend = lab.backends.named().next().map(|(_, address)| address);
    let backend = backend.ok_or_else(|| anyhow::anyhow!("expected a backend"))?;
    let before = lab.begin()?;
    let load = Load {
        to: lab.traefik.address("web")?,
        connections: 20,
        requests: REQUESTS,
        templates: (0..ROUTERS)
            .map(|number| format!("GET /x?id={{id}}&d=4ms HTTP/1.1\r\nHost: n{number}.test\r\n\r\n"))
            .collect(),
        label: "renamed".to_owned(),
    };
    let configure = |count: usize| {
        let (mut routers, mut services) = ("  routers:\n".to_owned(), "  services:\n".to_owned());
        for number in 0..ROUTERS {
            let name = format!("{:05}", (number + 7) * (count + 3) % 89_989);
            routers += &format!("    r{name}: {{rule: \"Host(`n{number}.test`)\", service: s{name}}}\n");
            services += &format!("    s{name}: {{loadBalancer: {{servers: [{{url: \"http://{backend}\"}}]}}}}\n");
        }
        lab.traefik.reload(&dynamic.replace("  routers:\n", &routers).replace("  services:\n", &services))
    };
    configure(0)?;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let running = tokio::spawn(async move { load.run().await });
    let mut count = 0;
    while !running.is_finished() {
        count += 1;
        configure(count)?;
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    }
    running.await??;
    lab.traefik.reload(&dynamic)?;
    let rows = lab.rows(before, REQUESTS).await?;
    let names: std::collections::BTreeSet<_> = rows.iter().filter_map(|row| row.router.clone()).collect();
    ensure!(names.len() > 5 * ROUTERS, "{count} configurations, and only {} names of routers", names.len());
    lab.verdict(before, REQUESTS).await?.check()
}
