//! The lab itself, without hoptap: what the cases say is what Traefik does, and its own spans can be read.

mod cases;

use std::collections::HashSet;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use hoptap_tests::lab::{Lab, Plan};
use hoptap_tests::load::Load;
use hoptap_tests::span::{Kind, Span};
use hoptap_tests::suite::{self, Suite};
use hoptap_tests::traefik;

fn main() -> ExitCode {
    let all = |plan| cases::ALL.iter().fold(Suite::new(plan), |suite, (group, cases)| suite.cases(group, cases));
    let fast = all(Plan { fast_proxy: true, ..Plan::default() });
    let plain = all(Plan::default()).case("load: client, access log and backends agree", load);
    let tracing = Suite::new(Plan { tracing: true, ..Plan::default() }).case("Traefik's own spans are read", own_spans);
    let lacking = traefik::program().err().map(|error| format!("{error:#}"));
    suite::run(vec![("plain", plain), ("fastproxy", fast), ("tracing", tracing)], lacking.as_deref())
}

async fn load(lab: &Lab) -> Result<()> {
    let before = lab.begin()?;
    let outcomes = Load {
        to: lab.traefik.address("web")?,
        connections: 20,
        requests: 500,
        templates: vec![
            "GET /x?id={id} HTTP/1.1\r\nHost: any.test\r\n\r\n".to_owned(),
            "POST /x HTTP/1.1\r\nHost: other.test\r\nX-Request-Id: {id}\r\nContent-Length: 2\r\n\r\nhi".to_owned(),
            "GET /x?id={id} HTTP/1.1\r\nHost: nope.test\r\nConnection: close\r\n\r\n".to_owned(),
        ],
        label: "load".to_owned(),
    }
    .run()
    .await?;
    let rows = lab.rows(before, 500).await?;
    for outcome in &outcomes {
        let mine: Vec<_> = rows.iter().filter(|row| row.id.as_ref() == Some(&outcome.id)).collect();
        ensure!(mine.len() == 1, "{}: {} rows", outcome.id, mine.len());
        let expected = [200, 200, 404][outcome.template];
        ensure!(mine[0].status == expected && outcome.status == expected, "{outcome:?} {mine:?}");
        let arrived = lab.backends.received_of(&outcome.id).len();
        ensure!(arrived == usize::from(expected == 200), "{}: {arrived} arrived", outcome.id);
        ensure!(u128::from(mine[0].duration) <= outcome.duration.as_nanos(), "{outcome:?} {mine:?}");
    }
    Ok(())
}

async fn own_spans(lab: &Lab) -> Result<()> {
    let to = lab.traefik.address("web")?;
    Load {
        to,
        connections: 2,
        requests: 10,
        templates: vec!["GET /own?id={id} HTTP/1.1\r\nHost: any.test\r\n\r\n".to_owned()],
        label: "own".to_owned(),
    }
    .run()
    .await?;
    // Those of the connections that the lab opens first come to the same collector.
    let own = |spans: &[Span]| -> Vec<Span> {
        let asked = spans.iter().filter(|span| span.text("url.path") == Some("/own"));
        let traces: HashSet<_> = asked.map(|span| &span.trace_id).collect();
        spans.iter().filter(|span| traces.contains(&span.trace_id)).cloned().collect()
    };
    let spans = lab.collector.wait(std::time::Duration::from_secs(20), |spans| own(spans).len() >= 20).await?;
    let spans = own(&spans);
    ensure!(lab.collector.unread().is_empty(), "{:?}", lab.collector.unread());
    let servers: Vec<_> = spans.iter().filter(|span| span.kind == Kind::Server).collect();
    let clients: Vec<_> = spans.iter().filter(|span| span.kind == Kind::Client).collect();
    ensure!(servers.len() == 10 && clients.len() == 10, "{spans:#?}");
    for client in clients {
        let server = servers.iter().find(|server| server.trace_id == client.trace_id);
        let Some(server) = server else {
            anyhow::bail!("no SERVER span in the trace of {client:#?}");
        };
        ensure!(server.number("http.response.status_code") == Some(200), "{server:#?}");
        ensure!(server.start <= client.start && client.end <= server.end, "{server:#?} {client:#?}");
    }
    Ok(())
}
