//! Connections on both sides of Traefik that are older than hoptap. Each has carried requests.

use anyhow::{Result, ensure};
use http::Request;

use crate::certificates::Hello;
use crate::client::{self, To};
use crate::doors::Doors;
use crate::frames::Settings;
use crate::http2;

/// Of each kind.
const COUNT: usize = 10;

/// HTTP/2 carries many requests on few.
const OF_HTTP2: usize = 3;

/// Hosts whose backends get connections before hoptap starts, where the lab speaks more than HTTP/1.
const HOSTS: [&str; 9] = [
    "any.test",
    "other.test",
    "h1tls.test",
    "h2tls.test",
    "h2c.test",
    "h2csmall.test",
    "h2clarge.test",
    "h2codd.test",
    "mtlsbackend.test",
];

#[derive(Debug, Default)]
pub struct Early {
    pub plain: Vec<client::Connection>,
    pub tls: Vec<client::Connection>,
    /// Without TLS.
    pub http2: Vec<http2::Connection>,
    pub http2_tls: Vec<http2::Connection>,
    /// Requests that went over them.
    pub(crate) sent: usize,
}

impl Early {
    /// # Errors
    /// Where Traefik does not answer.
    pub(crate) async fn open(doors: &Doors, modern: bool) -> Result<Self> {
        let mut early = Self::default();
        for _ in 0..COUNT {
            early.plain.push(client::Connection::over(doors.plain("web").await?)?);
        }
        exchange(&mut early.plain, "any.test").await?;
        early.sent = COUNT;
        if !modern {
            return Ok(early);
        }
        let hello = Hello { http2: true, ..Hello::default() };
        for _ in 0..COUNT {
            let socket = doors.tls("websecure", b"", Hello::default(), "any.test").await?;
            early.tls.push(client::Connection::over(socket)?);
        }
        for _ in 0..OF_HTTP2 {
            early.http2.push(http2::Connection::over(doors.plain("web").await?, Settings::default()).await?);
            let socket = doors.tls("websecure", b"", hello, "any.test").await?;
            early.http2_tls.push(http2::Connection::over(socket, Settings::default()).await?);
        }
        for host in HOSTS {
            exchange(&mut early.tls, host).await?;
            for (connection, scheme) in
                early.http2.iter().map(|one| (one, "http")).chain(early.http2_tls.iter().map(|one| (one, "https")))
            {
                let request = Request::get(format!("{scheme}://{host}/x")).body(())?;
                let (response, _) = connection.send(request, true).await?;
                let status = response.await?.status();
                ensure!(status == 200, "expected 200 from {host}, found {status}");
            }
        }
        early.sent += HOSTS.len() * (COUNT + 2 * OF_HTTP2);
        Ok(early)
    }
}

/// One request on each, all at the same time, so that as many connections go to the backend.
async fn exchange(connections: &mut [client::Connection], host: &str) -> Result<()> {
    for connection in &mut *connections {
        connection.send(format!("GET /x?d=50ms HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await?;
    }
    for connection in connections {
        let status = connection.response(To::Other).await?.status;
        ensure!(status == 200, "expected 200 from {host}, found {status}");
    }
    Ok(())
}
