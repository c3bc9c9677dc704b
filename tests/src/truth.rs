//! What must be found of a request that was sent, wherever it is known: in the access log, at the backends, in spans.

use anyhow::{Result, bail, ensure};

use crate::access_log::Row;
use crate::backend::{Received, Rpc};
use crate::case::Attempt;
use crate::lab::{self, Lab};
use crate::names;
use crate::oracle::{self, Traces};
use crate::span::Span;

#[derive(Debug, Clone, Default)]
pub(crate) struct Truth {
    pub(crate) status: u16,
    pub(crate) router: Option<String>,
    pub(crate) attempts: &'static [Attempt],
    pub(crate) logged: bool,
    /// Of the client's connection, as Traefik knows it.
    pub(crate) port: u16,
    /// As in the access log; empty: it does not matter.
    pub(crate) protocol: &'static str,
    /// Version of TLS on the client's connection.
    pub(crate) tls: Option<&'static str>,
    /// The name in the client's hello.
    pub(crate) server_name: Option<String>,
    /// Protocol at the backends, where it is not what the service says.
    pub(crate) egress: Option<&'static str>,
    pub(crate) rpc: Option<Called>,
    pub(crate) close_code: Option<u16>,
}

/// A gRPC call, as it went over the client's connection; what depends on the moment is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Called {
    pub(crate) method: &'static str,
    pub(crate) status: Option<u16>,
    pub(crate) requests: Option<u64>,
    pub(crate) responses: Option<u64>,
}

impl Truth {
    /// Looks for all of it: `before` rows were in the access log when it was sent with this id.
    pub(crate) async fn check(&self, lab: &Lab, id: &str, before: usize) -> Result<()> {
        let rows = lab.rows_of(id, before, usize::from(self.logged)).await?;
        if let [row] = rows.as_slice() {
            self.check_row(row)?;
        }
        self.check_arrivals(lab, id).await?;
        if lab.hoptap.is_some() {
            self.check_spans(lab, id).await?;
            if self.logged {
                let mut spans = lab.collector.spans();
                spans.retain(|span| !lab::is_of_another(oracle::span_id(span).as_deref(), id));
                oracle::compare(&rows, &spans, &arrived(lab, id)).check()?;
            }
        }
        Ok(())
    }

    fn check_row(&self, row: &Row) -> Result<()> {
        let status = if row.status == 0 { 101 } else { row.status };
        let found = (status, row.router.as_deref(), row.client.1);
        let expected = (self.status, self.router.as_deref(), self.port);
        ensure!(found == expected, "expected {expected:?} in the access log, found {row:#?}");
        if !self.protocol.is_empty() {
            let scheme = if self.tls.is_some() { "https" } else { "http" };
            let tls = row.tls.as_ref().map(|(version, _)| version.as_str());
            let found = (row.protocol.as_str(), row.scheme.as_str(), tls);
            let expected = (self.protocol, scheme, self.tls);
            ensure!(found == expected, "expected {expected:?} in the access log, found {row:#?}");
        }
        Ok(())
    }

    async fn check_arrivals(&self, lab: &Lab, id: &str) -> Result<()> {
        let expected = self.attempts.iter().filter(|attempt| !matches!(attempt, Attempt::Refused(_))).count();
        // Mirrors arrive after the response, and calls end a little after the client has gone.
        for _ in 0..100 {
            let arrived = arrived(lab, id);
            if arrived.len() >= expected && arrived.iter().all(|one| one.end > 0) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let found = arrived(lab, id);
        ensure!(found.len() == expected, "expected {expected} requests at the backends, found {found:#?}");
        let services = self.attempts.iter().filter_map(|attempt| match attempt {
            Attempt::Got(service, _) | Attempt::Cut(service, _) | Attempt::Lost(service) => Some(*service),
            Attempt::Refused(_) => None,
        });
        for (service, one) in services.zip(&found) {
            if let Some(version) = self.egress.or(version_of(service)) {
                ensure!(one.version == version, "expected {version} at {service}, found {one:#?}");
            }
        }
        if let (Some(called), [.., one]) = (self.rpc, found.as_slice()) {
            let rpc = one.rpc.unwrap_or_default();
            let same = |expected: Option<u64>, found| expected.is_none_or(|expected| expected == found);
            let Rpc { received, sent, .. } = rpc;
            ensure!(
                same(called.requests, received) && same(called.responses, sent),
                "expected {called:?}, the backend had {rpc:?}"
            );
        }
        if let (Some(code), [one]) = (self.close_code, found.as_slice()) {
            ensure!(one.close_code == Some(code), "expected close code {code}, the backend had {:?}", one.close_code);
        }
        Ok(())
    }

    async fn check_spans(&self, lab: &Lab, id: &str) -> Result<()> {
        let spans = lab.spans(1, self.attempts.len()).await;
        let traces = Traces::new(&spans);
        let mut servers = traces.servers_from(self.port);
        servers.retain(|server| !lab::is_of_another(oracle::span_id(server).as_deref(), id));
        let [server] = servers.as_slice() else {
            bail!("expected one SERVER span from :{}, found {servers:#?} among {spans:#?}", self.port);
        };
        let found = (server.number("http.response.status_code"), server.text("traefik.router.name"));
        let expected = (Some(i64::from(self.status)), self.router.as_deref());
        ensure!(found == expected, "expected {expected:?}, found {found:?} in {server:#?}");
        if !self.protocol.is_empty() {
            let found = (server.text(names::PROTOCOL_VERSION), server.text(names::TLS_VERSION));
            let expected = (Some(names::version(self.protocol)), self.tls);
            ensure!(found == expected, "expected {expected:?}, found {found:?} in {server:#?}");
        }
        // It is not always known; where it is, it is this.
        if let Some(found) = server.text(names::TLS_SERVER_NAME) {
            let expected = self.server_name.as_deref();
            ensure!(expected == Some(found), "expected {expected:?} in the hello, found {found:?} in {server:#?}");
        }
        if let Some(called) = self.rpc {
            check_call(called, server)?;
        }
        if let Some(code) = self.close_code.filter(|code| *code > 0) {
            let found = server.number(names::CLOSE_CODE);
            ensure!(found == Some(code.into()), "expected close code {code}, found {found:?} in {server:#?}");
        }
        let children = traces.children(server);
        let found: Vec<_> = children
            .iter()
            .map(|child| {
                let service = child.text("traefik.service.name").unwrap_or_default();
                let status = child.number("http.response.status_code");
                (service.to_owned(), status, child.text("error.type").is_some())
            })
            .collect();
        // A call that failed says so by its status, which is no HTTP status.
        let fails = self.rpc.is_some_and(|called| called.status.is_some_and(|status| status > 0));
        let expected: Vec<_> = self
            .attempts
            .iter()
            .map(|attempt| match *attempt {
                // The conventions set error.type on a CLIENT span for 4xx and 5xx.
                Attempt::Got(service, status) => (service.to_owned(), Some(i64::from(status)), fails || status >= 400),
                Attempt::Cut(service, status) => (service.to_owned(), Some(i64::from(status)), true),
                Attempt::Lost(service) | Attempt::Refused(service) => (service.to_owned(), None, true),
            })
            .collect();
        ensure!(
            found == expected,
            "expected CLIENT spans (service, status, error) {expected:?}, found {found:?}: {spans:#?}"
        );
        Ok(())
    }
}

fn check_call(called: Called, server: &Span) -> Result<()> {
    let found = (server.text(names::RPC_SYSTEM), server.text(names::RPC_METHOD), server.text(names::RPC_STATUS));
    let expected = (Some("grpc"), Some(called.method), called.status.map(names::rpc_status));
    ensure!(found == expected, "expected {expected:?}, found {found:?} in {server:#?}");
    for (name, expected) in [(names::RPC_REQUESTS, called.requests), (names::RPC_RESPONSES, called.responses)] {
        let Some(expected) = expected.and_then(|count| i64::try_from(count).ok()) else { continue };
        let found = server.number(name);
        // Over HTTP/3 messages cannot be seen, and hoptap says so.
        if found.is_none() && server.text(names::PROTOCOL_VERSION) == Some("3") {
            continue;
        }
        ensure!(found == Some(expected), "expected {name} {expected}, found {found:?} in {server:#?}");
    }
    Ok(())
}

/// What Traefik speaks to a service of the lab.
fn version_of(service: &str) -> Option<&'static str> {
    match service {
        "be1@file" | "be2@file" | "h1tls@file" => Some("HTTP/1.1"),
        "h2tls@file" | "h2c@file" | "h2csmall@file" | "h2clarge@file" | "h2codd@file" | "frail@file"
        | "frailtls@file" | "mtlsbackend@file" | "retryh2c@file" => Some("HTTP/2.0"),
        _ => None,
    }
}

/// What came to the backends of the case with this id; health checks come to them, too.
fn arrived(lab: &Lab, id: &str) -> Vec<Received> {
    let mut received = lab.backends.received();
    received.retain(|one| one.target != "/health" && !lab::is_of_another(one.id.as_deref(), id));
    received
}
