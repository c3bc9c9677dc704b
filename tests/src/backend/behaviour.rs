//! What a backend does, by the path of the request. `d=50ms` delays the response of any of them; `n` counts bytes,
//! `k` counts pieces.

use std::io::{self, Write};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};

use super::request::{Body, Request};
use super::session;
use crate::socket::Socket;

/// How a request went.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) keep_alive: bool,
    pub(super) body: Option<u64>,
    /// Of a WebSocket session.
    pub(super) close_code: Option<u16>,
}

type Stream = BufReader<Socket>;

pub(super) async fn answer(name: &str, request: Request, stream: &mut Stream) -> io::Result<Done> {
    let path = request.path().to_owned();
    let path = path.as_str();
    let closes = request.version == "HTTP/1.0"
        || request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    let ended = Done { keep_alive: false, body: None, close_code: None };
    match path {
        "/unread" => {
            // Answers at once and closes with the body still coming.
            send(stream, &head(413, "Content-Length: 4\r\nConnection: close\r\n", "full")).await?;
            return Ok(ended);
        }
        "/upgrade" if request.header("upgrade").is_some() => {
            return upgrade(&request, stream).await;
        }
        "/ws" if request.header("sec-websocket-key").is_some() => {
            let (code, size) = session::serve(&request, stream).await?;
            return Ok(Done { keep_alive: false, body: Some(size), close_code: Some(code) });
        }
        _ => {}
    }
    let body = request.body(stream).await?;
    if let Some(delay) = request.time("d") {
        tokio::time::sleep(delay).await;
    }
    let n = request.number("n");
    let mut keep_alive = !closes;
    match path {
        "/abort" => return Ok(ended),
        "/reset" => {
            stream.get_ref().tcp().set_zero_linger()?;
            return Ok(ended);
        }
        "/halfhead" => {
            send(stream, b"HTTP/1.1 200 OK\r\nContent-Le").await?;
            return Ok(ended);
        }
        "/cut" => {
            // What it sends must be more than Traefik holds back before it sends the head on.
            let size = usize::try_from(n.unwrap_or(1000)).unwrap_or_default();
            let fields = format!("Content-Length: {size}\r\n");
            send(stream, &head(200, &fields, &"x".repeat(size / 3))).await?;
            return Ok(ended);
        }
        "/cutchunk" => {
            send(stream, &head(200, "Transfer-Encoding: chunked\r\n", "64\r\nten bytes.")).await?;
            return Ok(ended);
        }
        "/garbage" => {
            send(stream, b"\x16\x03\x01 this is no response\r\n\r\n").await?;
            return Ok(ended);
        }
        "/old" => {
            // As Python's http.server answers: the end of the connection is the end of the body.
            send(stream, b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end").await?;
            return Ok(ended);
        }
        "/close" => {
            send(stream, &head(200, "Content-Length: 4\r\nConnection: close\r\n", "last")).await?;
            keep_alive = false;
        }
        "/early" => {
            send(stream, b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n").await?;
            send(stream, &head(200, "Content-Length: 5\r\n", "final")).await?;
        }
        "/chunked" => chunked(stream, request.number("k").unwrap_or(5), Duration::ZERO, "").await?,
        "/trailers" => chunked(stream, 2, Duration::ZERO, "X-Checksum").await?,
        "/slowbody" | "/sse" => {
            let pause = request.time("p").unwrap_or(Duration::from_millis(60));
            chunked(stream, request.number("k").unwrap_or(5), pause, "").await?;
        }
        "/big" => big(stream, n.unwrap_or(5000), request.method == "HEAD").await?,
        "/gzip" => {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            packed.write_all(&vec![b'z'; 4000])?;
            let packed = packed.finish()?;
            let fields = format!("Content-Encoding: gzip\r\nContent-Length: {}\r\n", packed.len());
            let mut bytes = head(200, &fields, "");
            bytes.extend(packed);
            send(stream, &bytes).await?;
        }
        "/auth" if request.header("x-deny").is_some() => {
            send(stream, &head(403, "Content-Length: 4\r\n", "deny")).await?;
        }
        _ => match path.strip_prefix("/status/").map(str::parse) {
            Some(Ok(status @ (204 | 304))) => send(stream, &head(status, "", "")).await?,
            Some(Ok(status)) => {
                send(stream, &head(status, "Content-Length: 6\r\n", "status")).await?;
            }
            _ => echo(name, &request, &body, stream).await?,
        },
    }
    Ok(Done { keep_alive, body: Some(body.size), close_code: None })
}

/// What was asked, as JSON: as the sample backends of the guide answer.
pub(super) fn echoed(name: &str, request: &Request, body: &[u8]) -> String {
    serde_json::json!({
        "service": name,
        "method": request.method,
        "path": request.target,
        "received": String::from_utf8_lossy(body),
        "message": format!("Hello from {name}!"),
    })
    .to_string()
}

async fn echo(name: &str, request: &Request, body: &Body, stream: &mut Stream) -> io::Result<()> {
    let json = echoed(name, request, &body.start);
    let fields = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", json.len());
    let shown = if request.method == "HEAD" { "" } else { &json };
    send(stream, &head(200, &fields, shown)).await
}

async fn big(stream: &mut Stream, mut left: u64, head_only: bool) -> io::Result<()> {
    send(stream, &head(200, &format!("Content-Length: {left}\r\n"), "")).await?;
    let piece = vec![b'b'; 256 * 1024];
    while left > 0 && !head_only {
        let now = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        send(stream, &piece[..now]).await?;
        left -= now as u64;
    }
    Ok(())
}

async fn chunked(stream: &mut Stream, pieces: u64, pause: Duration, trailer: &str) -> io::Result<()> {
    let mut fields = "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n".to_owned();
    if !trailer.is_empty() {
        fields += &format!("Trailer: {trailer}\r\n");
    }
    send(stream, &head(200, &fields, "")).await?;
    for number in 0..pieces {
        tokio::time::sleep(pause).await;
        let data = format!("data: {number}\n\n");
        // The extension is for the decoders: it says nothing.
        send(stream, format!("{:x};piece={number}\r\n{data}\r\n", data.len()).as_bytes()).await?;
    }
    let last =
        if trailer.is_empty() { "0\r\n\r\n".to_owned() } else { format!("0\r\n{trailer}: HTTP/1.1 200 OK\r\n\r\n") };
    send(stream, last.as_bytes()).await
}

/// Switches to whatever was asked for and echoes every byte until the client ends.
async fn upgrade(request: &Request, stream: &mut Stream) -> io::Result<Done> {
    let protocol = request.header("upgrade").unwrap_or_default();
    let fields = format!("Connection: Upgrade\r\nUpgrade: {protocol}\r\n");
    send(stream, &head(101, &fields, "")).await?;
    let mut piece = vec![0; 16 * 1024];
    let mut total = 0;
    loop {
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            return Ok(Done { keep_alive: false, body: Some(total), close_code: None });
        }
        total += read as u64;
        send(stream, &piece[..read]).await?;
    }
}

fn head(status: u16, fields: &str, body: &str) -> Vec<u8> {
    let reason = match status {
        101 => "Switching Protocols",
        200 => "OK",
        204 => "No Content",
        404 => "Not Found",
        _ => "Status",
    };
    format!("HTTP/1.1 {status} {reason}\r\n{fields}\r\n{body}").into_bytes()
}

async fn send(stream: &mut Stream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}
