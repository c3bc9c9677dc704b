#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use super::*;

/// A server that reads one request, answers with `answer`, and hands back what it read. None: it never answers.
fn server(answer: Option<Vec<u8>>) -> (SocketAddr, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
            request.extend_from_slice(&byte);
        }
        match answer {
            Some(answer) => {
                // The client may have seen enough before all is written.
                let _ = stream.write_all(&answer);
            }
            None => {
                let _ = stream.read(&mut byte);
            }
        }
        String::from_utf8(request).unwrap()
    });
    (address, server)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn answer(status: &str, body: &str) -> Option<Vec<u8>> {
    let length = body.len();
    Some(format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes())
}

fn check(answer: Option<Vec<u8>>, expected: &str) {
    let (address, server) = server(answer);
    let api = Api::new(address, Duration::from_millis(500));
    let found = match run(api.raw_data()) {
        Ok(answer) => answer.text,
        Err(error) => error.to_string().replace(&address.to_string(), "HERE"),
    };
    assert_eq!(found, expected);
    server.join().unwrap();
}

#[test]
fn answers_and_errors() {
    check(answer("200 OK", r#"{"routers":{}}"#), r#"{"routers":{}}"#);
    check(Some(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n".to_vec()), "{}");
    check(Some(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}".to_vec()), "{}");
    check(
        answer("401 Unauthorized", ""),
        "HERE wants credentials for /api/rawdata (status 401): send a header field that it accepts",
    );
    check(
        answer("404 Not Found", "404 page not found"),
        "no Traefik API at /api/rawdata on HERE (status 404): is `api` on, and is there a base path?",
    );
    check(answer("503 Service Unavailable", ""), "expected status 200 for /api/rawdata on HERE, found 503");
    for body in ["<html>", "[]", "{\"routers\":", ""] {
        check(
            answer("200 OK", body),
            "expected an object for /api/rawdata on HERE, found something else: this is not Traefik's API",
        );
    }
    check(None, "no answer from HERE within 0 s");
}

#[test]
fn endless_bodies_are_given_up() {
    let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    endless.resize(MAX_BODY + 1000, b' ');
    let (address, server) = server(Some(endless));
    let error = run(Api::new(address, Duration::from_secs(60)).version()).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    server.join().unwrap();
}

#[test]
fn nobody_listens() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = run(Api::new(address, Duration::from_secs(5)).version()).unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
}

#[test]
fn requests_say_who_asks() {
    let (address, server) = server(answer("200 OK", r#"{"Version":"3.6.12","Codename":"x"}"#));
    let api = Api::new(address, Duration::from_secs(5))
        .with_host("traefik.test")
        .with_base_path("/tk/")
        .with_header("Authorization", "Basic eDp5")
        .unwrap();
    let answer = run(api.version()).unwrap();
    assert_eq!(answer.local.ip(), address.ip());
    let request = server.join().unwrap().to_ascii_lowercase();
    for expected in [
        "get /tk/api/version http/1.1\r\n",
        "host: traefik.test\r\n",
        "user-agent: hoptap/",
        "authorization: basic edp5\r\n",
    ] {
        assert!(request.contains(expected), "{expected} in {request}");
    }
    let refused = Api::new(address, Duration::from_secs(5)).with_header("Authorization", "SECRET\n");
    assert!(!refused.err().unwrap().to_string().contains("SECRET"));
}
