#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::*;
use crate::top::view::View;

#[test]
fn addresses() {
    let check = |url: &str, expected: &str| {
        let found = Remote::new(url).map_or_else(
            |error| error.to_string(),
            |remote| format!("{} {} {} {}", remote.url, remote.host, remote.port, remote.path),
        );
        assert!(found.contains(expected), "{url}: {found}");
    };
    check(DEFAULT, "http://127.0.0.1:9464/metrics 127.0.0.1 9464 /metrics");
    check("localhost:9464", "http://localhost:9464/metrics localhost 9464 /metrics");
    check("http://hoptap", "http://hoptap/metrics hoptap 80 /metrics");
    check("http://[::1]:9464/", "http://[::1]:9464/metrics ::1 9464 /metrics");
    check("http://a:1/x/metrics?y=1", "http://a:1/x/metrics?y=1 a 1 /x/metrics?y=1");
    check("https://a:1/metrics", "hoptap serves http alone; expected an address such as http://127.0.0.1:9464/metrics");
    check("/metrics", "it names no host");
    check("http://", "--from http://");
}

/// What is made of one answer, as the names of routers or as what is wrong.
#[track_caller]
fn check(answer: &str, expected: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = answer.to_owned();
    let shown: String = answer.chars().take(200).collect();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let read = stream.read(&mut request).unwrap();
        // The reader may have seen enough.
        let _ = stream.write_all(answer.as_bytes());
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    let found = match Remote::new(&address.to_string()).unwrap().read() {
        Ok((reading, _)) => reading.rows(View::Routers).keys().cloned().collect::<Vec<_>>().join(" "),
        Err(error) => format!("{} {error}", error.is_usage()),
    };
    let asked = server.join().unwrap();
    assert!(asked.starts_with("GET /metrics HTTP/1.1\r\n"), "{asked}");
    assert!(found.contains(expected), "{shown}: {found}");
}

const OWN: &str = "hoptap_build_info{service_version=\"0.1.0\"} 1\nprocess_uptime_seconds 5.5\n";
const ROUTER: &str = "traefik_proxy_overhead_seconds_count{traefik_router_name=\"a@file\"} 1\n";

fn page(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}")
}

#[test]
fn pages() {
    check(&page(&format!("{OWN}{ROUTER}")), "a@file");
    // The last line of a page may have no end, as one whose maker was stopped.
    check(&page(&format!("{OWN}{}", ROUTER.trim_end())), "a@file");
    let long = "x".repeat(LINE + 1);
    check(&page(&format!("{OWN}{long}\n{ROUTER}")), "a@file");
    check(&page(&format!("{OWN}{ROUTER}\0\u{7f}\n")), "a@file");
    check(&page(&format!("{OWN}{}", ROUTER.replace("a@", "\u{1b}[2J"))), "?[2Jfile");
}

#[test]
fn answers_that_are_none() {
    check(&page("<html></html>"), "true http://");
    check(&page("go_goroutines 7\n"), "is no page of hoptap's metrics");
    check(&page("process_uptime_seconds 7\n"), "is no page of hoptap's metrics");
    check("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "true http://");
    check("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", "answers 500");
    check("SSH-2.0-OpenSSH_9.2\r\n", "false cannot read http://");
    check("", "false cannot read http://");
    check(&format!("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n{OWN}"), "false cannot read http://");
}

#[test]
fn nothing_listens() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = Remote::new(&address.to_string()).unwrap().read().unwrap_err();
    assert!(matches!(error, Error::Refused { .. }) && !error.is_usage(), "{error}");
}

#[test]
fn lines_in_pieces_of_any_size() {
    let text = format!("{OWN}{ROUTER}");
    for size in [1, 7, 1000] {
        let (mut lines, mut reading) = (Lines::default(), Reading::default());
        text.as_bytes().chunks(size).for_each(|piece| lines.take(piece, &mut reading));
        assert_eq!(reading.rows(View::Routers).len(), 1, "{size}");
        assert!(lines.begun.is_empty());
    }
}
