//! Many streams on one connection, and connections that are older than hoptap.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hoptap_tests::case::Attempt::{Got, Lost};
use hoptap_tests::case::Shot;
use hoptap_tests::http2::Connection;
use hoptap_tests::lab::Lab;
use hoptap_tests::mix;
use hoptap_tests::stream_case::Body::{Bytes, Messages};
use hoptap_tests::stream_case::{Over, StreamCase};
use tokio::task::JoinSet;

const KINDS: [StreamCase; 5] = [
    StreamCase::new("GET", Over::Http2Tls, "GET /x?id={id}&d=50ms any.test", 200),
    StreamCase::new("POST", Over::Http2Tls, "POST /x?id={id}&d=50ms h2c.test", 200).body(Bytes(2000)),
    StreamCase::new("pieces", Over::Http2Tls, "GET /slowbody?id={id}&k=4&p=20ms h2tls.test", 200),
    StreamCase::new("large", Over::Http2Tls, "GET /big?id={id}&n=90000 h1tls.test", 200),
    StreamCase::new("call", Over::Http2Tls, "POST /lab.Echo/Bidi?id={id} h2c.test", 200).body(Messages(5, 10, 10)),
];

const SLOW: StreamCase = StreamCase::new("slow", Over::Http2Tls, "GET /x?id={id}&d=2000ms h2c.test", 499)
    .router("h2c@file")
    .attempts(&[Lost("h2c@file")]);

/// One after another on each connection, to every kind of backend.
const LATER: [StreamCase; 4] = [
    StreamCase::new("to HTTP/1", Over::Http2Tls, "GET /x?id={id} any.test", 200)
        .router("any@file")
        .attempts(&[Got("be1@file", 200)]),
    StreamCase::new("to HTTP/1 with TLS", Over::Http2Tls, "POST /x?id={id} h1tls.test", 200).body(Bytes(5)),
    StreamCase::new("to HTTP/2", Over::Http2Tls, "GET /trailers?id={id} h2c.test", 200),
    StreamCase::new("to HTTP/2 with TLS", Over::Http2Tls, "GET /x?id={id} h2tls.test", 200),
];

/// A hundred streams under way at the same time.
pub(crate) async fn hundred(lab: &Lab) -> Result<()> {
    let before = lab.begin()?;
    let connection = KINDS[0].connect_http2(&lab.doors).await?;
    let shots = fire(KINDS.iter().cycle().take(100), &connection, "hundred").await?;
    let failed: Vec<_> = shots.iter().filter(|shot| shot.status != Some(200)).collect();
    ensure!(failed.is_empty(), "{failed:?}");
    mix::compare(lab, before, &shots, &HashSet::new()).await
}

/// The same over HTTP/3.
pub(crate) async fn hundred_over_http3(lab: &Lab) -> Result<()> {
    let before = lab.begin()?;
    let kinds = KINDS.map(|case| case.over(Over::Http3));
    let connection = Arc::new(kinds[0].connect_http3(&lab.doors).await?);
    let mut under_way = JoinSet::new();
    for (number, &case) in kinds.iter().cycle().take(100).enumerate() {
        let (connection, id) = (Arc::clone(&connection), format!("hundred-http3-{number}"));
        under_way.spawn(async move { case.fire_on_http3(&connection, &id).await });
    }
    let mut shots = Vec::new();
    while let Some(fired) = under_way.join_next().await {
        shots.push(fired??.0);
    }
    let failed: Vec<_> = shots.iter().filter(|shot| shot.status != Some(200)).collect();
    ensure!(failed.is_empty(), "{failed:?}");
    mix::compare(lab, before, &shots, &HashSet::new()).await
}

/// The connection breaks with fifty streams under way.
pub(crate) async fn cut(lab: &Lab) -> Result<()> {
    let before = lab.begin()?;
    let connection = SLOW.connect_http2(&lab.doors).await?;
    let cutter = Arc::clone(&connection);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        cutter.hang_up();
    });
    let shots = fire([SLOW; 50].iter(), &connection, "cut").await?;
    let rows = lab.rows(before, shots.len()).await?;
    let others: Vec<_> = rows.iter().filter(|row| row.status != 499).collect();
    ensure!(others.is_empty(), "expected 499 in the access log, found {others:#?}");
    mix::compare(lab, before, &shots, &HashSet::new()).await
}

/// Connections that were open, on both sides of Traefik, before hoptap started.
pub(crate) async fn older(lab: &Lab) -> Result<()> {
    let before = lab.begin()?;
    let early = lab.take_all_early();
    ensure!(!early.http2.is_empty() && !early.http2_tls.is_empty() && !early.tls.is_empty(), "{early:?}");
    let mut shots = Vec::new();
    for (number, connection) in early.http2.into_iter().chain(early.http2_tls).map(Arc::new).enumerate() {
        for round in 0..2 {
            shots.extend(fire(LATER.iter(), &connection, &format!("older-{number}-{round}")).await?);
        }
    }
    for (number, connection) in early.tls.into_iter().enumerate() {
        let mut kept = Some(connection);
        for (index, host) in ["any.test", "h1tls.test", "h2c.test", "h2tls.test"].into_iter().enumerate() {
            let mut connection = kept.take().context("a connection that is kept")?;
            let id = format!("older-tls-{number}-{index}");
            let begun = hoptap_tests::load::unix_nanos();
            let request = format!("GET /x?id={id} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            let response = connection.exchange(request.as_bytes()).await?;
            let port = connection.local.port();
            shots.push(Shot { id, port, begun, status: Some(response.status), logged: true, kept: None });
            kept = Some(connection);
        }
    }
    mix::compare(lab, before, &shots, &HashSet::new()).await?;
    let hidden: Vec<_> =
        lab.collector.spans().into_iter().filter(|span| span.attributes.contains_key("hoptap.unknown")).collect();
    ensure!(hidden.is_empty(), "{} spans of which something is not known, such as {:#?}", hidden.len(), hidden.first());
    Ok(())
}

async fn fire<'a>(
    cases: impl Iterator<Item = &'a StreamCase>,
    connection: &Arc<Connection>,
    label: &str,
) -> Result<Vec<Shot>> {
    let mut under_way = JoinSet::new();
    for (number, &case) in cases.enumerate() {
        let (connection, id) = (Arc::clone(connection), format!("{label}-{number}"));
        under_way.spawn(async move { case.fire_on(&connection, &id).await });
    }
    let mut shots = Vec::new();
    while let Some(fired) = under_way.join_next().await {
        shots.push(fired??.0);
    }
    Ok(shots)
}
