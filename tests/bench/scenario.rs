//! What is sent through Traefik, and over what.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use hoptap_tests::backend::{Backend, Backends};
use hoptap_tests::certificates::Certificates;
use hoptap_tests::doors::Doors;
use hoptap_tests::load::Load;
use hoptap_tests::process::Scratch;
use hoptap_tests::streams::Streams;
use hoptap_tests::traefik::{Setup, Traefik};

/// Kept connections of HTTP/1, each with one request under way.
pub(crate) const CONNECTIONS: usize = 50;

/// Of HTTP/2, and the streams under way on each.
const SHARED: (usize, usize) = (10, 20);

const DYNAMIC: &str = "
http:
  routers:
    any: {rule: \"Host(`any.test`)\", service: be}
    any-tls: {rule: \"Host(`any.test`)\", service: be, tls: {}}
    h2c-tls: {rule: \"Host(`h2c.test`)\", service: h2c, tls: {}}
  services:
    be: {loadBalancer: {servers: [{url: \"http://{be}\"}]}}
    h2c: {loadBalancer: {servers: [{url: \"h2c://{h2c}\"}]}}
tls:
  stores:
    default: {defaultCertificate: {certFile: \"{certs}/server.pem\", keyFile: \"{certs}/server.key\"}}
";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// HTTP/1 without TLS on both sides.
    Http1,
    /// HTTP/2 over TLS to HTTP/1.
    Http2,
    /// HTTP/2 over TLS to HTTP/2 without TLS.
    Http2Both,
}

/// What a load goes to, on both sides of Traefik.
pub(crate) struct Ground {
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) dynamic: String,
    _backends: Backends,
}

impl Ground {
    /// Writes what Traefik must read to `scratch`.
    pub(crate) async fn new(scratch: &Scratch) -> Result<Self> {
        let http2 = Backend { name: "h2c", http2: true, ..Backend::default() };
        let backends = Backends::listen(&[Backend { name: "be", ..Backend::default() }, http2], true).await?;
        let certificates = Arc::new(Certificates::new(&["any.test".to_owned(), "h2c.test".to_owned()])?);
        certificates.write(scratch.path())?;
        let mut dynamic = DYNAMIC.replace("{certs}", &scratch.path().display().to_string());
        for (name, address) in backends.named() {
            dynamic = dynamic.replace(&format!("{{{name}}}"), &address.to_string());
        }
        Ok(Self { certificates, dynamic, _backends: backends })
    }

    /// A Traefik in front of it, with nothing of its own switched on.
    pub(crate) fn setup(&self) -> Setup<'_> {
        Setup {
            entrypoints: &[("web", ""), ("websecure", "")],
            dynamic: &self.dynamic,
            no_access_log: true,
            ..Setup::default()
        }
    }

    pub(crate) fn doors(&self, traefik: &Traefik) -> Arc<Doors> {
        Arc::new(Doors::new(traefik.addresses().collect(), Some(Arc::clone(&self.certificates))))
    }
}

impl Scenario {
    pub(crate) fn parse(name: &str) -> Result<Self> {
        Ok(match name {
            "http1" => Self::Http1,
            "http2" => Self::Http2,
            "http2-http2" => Self::Http2Both,
            other => bail!("expected http1, http2 or http2-http2, found {other:?}"),
        })
    }

    pub(crate) async fn load(self, doors: &Arc<Doors>, requests: usize) -> Result<()> {
        let host = match self {
            Self::Http1 => return plain(doors.address("web")?, requests).await,
            Self::Http2 => "any.test",
            Self::Http2Both => "h2c.test",
        };
        let (connections, at_once) = SHARED;
        let hosts = vec![host];
        Streams { doors: Arc::clone(doors), connections, at_once, requests, hosts, reset_one_in: 0 }.run().await
    }
}

async fn plain(to: SocketAddr, requests: usize) -> Result<()> {
    let outcomes = Load {
        to,
        connections: CONNECTIONS,
        requests,
        templates: vec!["GET /x HTTP/1.1\r\nHost: any.test\r\n\r\n".to_owned()],
        label: String::new(),
    }
    .run()
    .await?;
    let failed = outcomes.iter().filter(|outcome| outcome.status != 200).count();
    ensure!(failed == 0, "{failed} of {requests} requests failed");
    Ok(())
}
