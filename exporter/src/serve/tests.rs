#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::counters::Counters;
use crate::export::metrics::{Metrics, Settings};
use crate::readiness::{Missing, Readiness, Traced};

/// Pages on a free port of the loopback, until it is dropped.
struct Served {
    address: SocketAddr,
    readiness: Arc<Readiness>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Served {
    fn start() -> Self {
        let readiness = Arc::new(Readiness::default());
        let (_, page) = Metrics::new(Settings::default(), Arc::new(Counters::default()), Arc::clone(&readiness));
        let pages = Pages::new(page, Arc::clone(&readiness));
        let listener = Listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.address().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let shutdown = async move { drop(stopped.await) };
            runtime.block_on(listener.serve(pages, shutdown)).unwrap();
        });
        Self { address, readiness, stop: Some(stop), thread: Some(thread) }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    /// Sends bytes and reads until the other side closes.
    fn raw(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        // It may refuse and close before it has read everything.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    }

    /// Status, lower-case head, body.
    fn get(&self, line: &str, headers: &str) -> (u16, String, String) {
        let answer = self.raw(format!("{line} HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes());
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_lowercase(), body.to_owned())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

#[test]
fn answers() {
    let served = Served::start();
    let classic = "text/plain; version=0.0.4; charset=utf-8";
    let open = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let text = "text/plain; charset=utf-8";
    let accept = "Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3\r\n";
    for (line, headers, status, content_type, starts) in [
        ("GET /metrics", "", 200, classic, "# HELP"),
        ("GET /metrics?x=1", "", 200, classic, "# HELP"),
        ("GET /metrics", accept, 200, open, "# HELP"),
        ("GET /metrics", "Accept: text/html\r\nAccept: application/openmetrics-text\r\n", 200, open, "# HELP"),
        ("GET /metrics", "Accept: \u{fc}\r\n", 200, classic, "# HELP"),
        ("HEAD /metrics", "", 200, classic, ""),
        ("GET /healthz", "", 200, text, "ok\n"),
        ("HEAD /healthz", "", 200, text, ""),
        ("GET /readyz", "", 503, "application/json", "{"),
        ("GET /", "", 200, text, "hoptap\n"),
        ("GET /metrics/", "", 404, text, "not found"),
        ("GET //metrics", "", 404, text, "not found"),
        ("GET /favicon.ico", "", 404, text, "not found"),
        ("POST /metrics", "Content-Length: 3\r\n", 405, text, "method not allowed"),
        ("DELETE /", "", 405, text, "method not allowed"),
        ("BREW /pot", "", 404, text, "not found"),
    ] {
        let (got, head, body) = served.get(line, headers);
        assert_eq!(got, status, "{line} {headers}");
        assert!(head.contains(&format!("content-type: {content_type}")), "{line} {headers}: {head}");
        assert!(body.starts_with(starts) && body.is_empty() == starts.is_empty(), "{line} {headers}: {body}");
        assert_eq!(head.contains("allow: get, head"), status == 405, "{line}: {head}");
    }
    let (.., open) = served.get("GET /metrics", accept);
    assert!(open.ends_with("# EOF\n"));
    let (.., classic) = served.get("GET /metrics", "");
    assert!(!classic.contains("# EOF") && classic.ends_with('\n'));
}

#[test]
fn readiness_says_what_is_missing() {
    let served = Served::start();
    let (status, _, body) = served.get("GET /readyz", "");
    assert_eq!(status, 503);
    assert!(body.contains("no kernel hook is attached") && body.contains("no Traefik process"), "{body}");
    served.readiness.hook_refused("sock_send_length", "no such tracepoint");
    served.readiness.hook("sys_exit");
    served.readiness.traced(
        7,
        Traced {
            executable: "/traefik".into(),
            probes: vec!["t_router".into()],
            missing: vec![Missing { name: "t_svc".into(), reason: "no such function".into() }],
            ..Traced::default()
        },
    );
    let (status, _, body) = served.get("GET /readyz", "");
    assert_eq!(status, 200, "{body}");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    for (path, expected) in [
        ("/ready", "true"),
        ("/waits_for", "[]"),
        ("/hook", "\"sys_exit\""),
        ("/refused_hooks/0/reason", "\"no such tracepoint\""),
        ("/processes/7/executable", "\"/traefik\""),
        ("/processes/7/probes", "[\"t_router\"]"),
        ("/processes/7/missing/0/name", "\"t_svc\""),
    ] {
        assert_eq!(body.pointer(path).unwrap().to_string(), expected, "{path}");
    }
    let (.., page) = served.get("GET /metrics", "");
    for series in [
        "hoptap_attached{hoptap_probe=\"sys_exit\"} 1",
        "hoptap_attached{hoptap_probe=\"t_router\"} 1",
        "hoptap_attached{hoptap_probe=\"t_svc\"} 0",
    ] {
        assert!(page.lines().any(|line| line == series), "{series}");
    }
    served.readiness.gone(7);
    assert_eq!(served.get("GET /readyz", "").0, 503);
}

/// None of it is answered with a page, and what is asked afterwards is.
#[test]
fn garbage_does_no_harm() {
    let served = Served::start();
    let long = [b"GET /metrics HTTP/1.1\r\nX: ".as_slice(), &[b'a'; 100_000], b"\r\n\r\n"].concat();
    let many = [b"GET /metrics HTTP/1.1\r\n".as_slice(), &b"a: b\r\n".repeat(1_000), b"\r\n"].concat();
    let cases: [&[u8]; 9] = [
        b"\0\x01\x02\xff\xfe\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /metrics HTTP/9.9\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
        &long,
        &many,
    ];
    for case in cases {
        let mut stream = served.connect();
        let _ = stream.write_all(case);
        // Refused and closed already, perhaps.
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.starts_with("HTTP/1.1 200"), "{}: {answer}", case.escape_ascii());
        assert_eq!(served.get("GET /healthz", "").0, 200, "after {}", case.escape_ascii());
    }
}

/// Connections that ask nothing lose their place: a scrape gets through though all places are taken.
#[test]
fn idle_connections_make_room() {
    let served = Served::start();
    let idle: Vec<TcpStream> = (0..CONNECTIONS).map(|_| served.connect()).collect();
    let start = Instant::now();
    assert_eq!(served.get("GET /healthz", "").0, 200);
    assert!(start.elapsed() < HEAD + Duration::from_secs(3), "{:?}", start.elapsed());
    drop(idle);
}
