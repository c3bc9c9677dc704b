//! What the containers of the test run: this program again, answering every request with the name of its container.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;

/// Serves until it is ended.
pub(crate) fn serve() -> ExitCode {
    let name = std::env::var("NAME").unwrap_or_default();
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(8000u16);
    let Ok(listener) = TcpListener::bind(("0.0.0.0", port)) else { return ExitCode::FAILURE };
    for stream in listener.incoming().flatten() {
        let name = name.clone();
        std::thread::spawn(move || drop(answer(&stream, &name)));
    }
    ExitCode::SUCCESS
}

/// Requests without bodies, one after another.
fn answer(stream: &TcpStream, name: &str) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line == "\r\n" {
            let mut stream = stream;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n", name.len());
            stream.write_all(format!("{head}{name}").as_bytes())?;
        }
    }
}
