//! Thousands of TLS connections that say nothing, while others are used.

use std::collections::HashSet;

use anyhow::{Result, ensure};
use hoptap_tests::case::{Case, Shot};
use hoptap_tests::certificates::Hello;
use hoptap_tests::client::Connection;
use hoptap_tests::lab::Lab;
use hoptap_tests::load::unix_nanos;
use hoptap_tests::mix::{self, Mix};
use hoptap_tests::process;
use hoptap_tests::socket::Socket;
use hoptap_tests::stream_case::Body::Bytes;
use hoptap_tests::stream_case::{Over, StreamCase};
use tokio::task::JoinSet;

const CONNECTIONS: usize = 5000;

/// Handshakes at the same time.
const AT_ONCE: usize = 50;

/// One in so many is used in the end.
const USED_ONE_IN: usize = 25;

const CASES: [Case; 1] = [Case::new("GET", "GET /x?id={id} HTTP/1.1|Host: any.test||", 200)];

const STREAMS: [StreamCase; 4] = [
    StreamCase::new("TLS", Over::Http1Tls, "GET /x?id={id} any.test", 200),
    StreamCase::new("HTTP/2", Over::Http2Tls, "GET /x?id={id} any.test", 200),
    StreamCase::new("HTTP/2 on both sides", Over::Http2Tls, "POST /x?id={id} h2c.test", 200).body(Bytes(300)),
    StreamCase::new("TLS on both sides", Over::Http2Tls, "GET /x?id={id} h2tls.test", 200),
];

pub(crate) async fn held(lab: &Lab) -> Result<()> {
    process::allow_files(CONNECTIONS as u64 + 3000)?;
    let mut open: Vec<Socket> = Vec::with_capacity(CONNECTIONS);
    let mut under_way = JoinSet::new();
    for number in 0..CONNECTIONS {
        if under_way.len() >= AT_ONCE
            && let Some(shaken) = under_way.join_next().await
        {
            open.push(shaken??);
        }
        let doors = std::sync::Arc::clone(&lab.doors);
        let hello = Hello { old: number % 10 == 0, ..Hello::default() };
        under_way.spawn(async move { doors.tls("websecure", b"", hello, "any.test").await });
    }
    while let Some(shaken) = under_way.join_next().await {
        open.push(shaken??);
    }
    let (cases, streams) = (CASES.to_vec(), STREAMS.to_vec());
    Mix { cases, streams, unanswered: false, shots: 2000, at_once: 20, seed: 1 }.check(lab).await?;

    let before = lab.begin()?;
    let mut shots = Vec::new();
    for (number, socket) in open.into_iter().enumerate() {
        if number % USED_ONE_IN != 0 {
            continue;
        }
        let (mut connection, id) = (Connection::over(socket)?, format!("idle-{number}"));
        let begun = unix_nanos();
        let request = format!("GET /x?id={id} HTTP/1.1\r\nHost: any.test\r\n\r\n");
        let response = connection.exchange(request.as_bytes()).await?;
        ensure!(response.status == 200, "expected 200, found {}", response.status);
        let port = connection.local.port();
        shots.push(Shot { id, port, begun, status: Some(200), logged: true, kept: None });
    }
    mix::compare(lab, before, &shots, &HashSet::new()).await
}
