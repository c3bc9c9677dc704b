//! Sends a case and compares what is known of it.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};

use super::message::Message;
use super::{Act, Over, Seen, StreamCase};
use crate::case::{Attempt, Shot};
use crate::client::Connection;
use crate::doors::Doors;
use crate::http2;
use crate::http3;
use crate::lab::Lab;
use crate::load::unix_nanos;
use crate::modern::twin;
use crate::proxy_protocol;
use crate::truth::Truth;

/// The client's address as a load balancer announces it.
const ANNOUNCED: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 7), 5556);

impl StreamCase {
    /// Sends it and compares everything that is known of it; hoptap's spans, too, where the lab has hoptap.
    ///
    /// # Errors
    /// What differs.
    pub async fn check(&self, lab: &Lab) -> Result<()> {
        let id = lab.next_id();
        let before = lab.begin()?;
        let (shot, seen) = self.fire(&lab.doors, &id, None).await?;
        self.check_seen(&seen)?;
        let message = self.message(&id)?;
        let secure = self.over.is_tls() && self.entrypoint.is_none();
        let truth = Truth {
            status: self.status,
            router: self.router.map(|router| if secure { twin(router) } else { router.to_owned() }),
            attempts: self.attempts,
            logged: self.logged,
            port: shot.port,
            protocol: self.over.protocol(),
            tls: self.over.tls_version(),
            server_name: self.over.is_tls().then(|| self.server_name(&message).to_owned()),
            egress: self.egress,
            rpc: self.rpc,
            close_code: self.close_code,
        };
        truth.check(lab, &id, before).await.with_context(|| format!("the client saw {seen:?}"))
    }

    fn check_seen(&self, seen: &Seen) -> Result<()> {
        let reads = matches!(self.act, Act::Read | Act::ReadSlowly | Act::GoAwayAfter(_));
        if !reads || self.unseen {
            return Ok(());
        }
        ensure!(seen.status == Some(self.status), "expected status {}, the client saw {seen:?}", self.status);
        let cut = matches!(self.attempts.last(), Some(Attempt::Cut(..)));
        ensure!(seen.whole != cut, "expected a response that is {}, found {seen:?}", if cut { "cut" } else { "whole" });
        if let Some(called) = self.rpc {
            let found = (seen.rpc_status, Some(seen.messages));
            let expected = (called.status, called.responses.or(found.1));
            ensure!(found == expected, "expected {expected:?}, the client saw {seen:?}");
        }
        if let Some(code) = self.close_code {
            let found = seen.close_code.unwrap_or_default();
            ensure!(found == code || self.ends_alone(), "expected close code {code}, the client saw {seen:?}");
        }
        Ok(())
    }

    /// The client is not there any more when the session ends.
    fn ends_alone(&self) -> bool {
        self.session.is_some_and(|session| matches!(session.end, super::End::Leave | super::End::Abort))
    }

    /// Sends it with an id, on a connection of its own.
    ///
    /// # Errors
    /// Where no response comes that is waited for.
    pub async fn fire(&self, doors: &Doors, id: &str, kept: Option<Connection>) -> Result<(Shot, Seen)> {
        let message = self.message(id)?;
        if self.over.is_http2() {
            let connection = self.open_http2(doors, &message).await?;
            return self.fire_on(&connection, id).await;
        }
        let begun = unix_nanos();
        if self.over == Over::Http3 {
            let connection = self.connect_http3(doors).await?;
            return self.fire_on_http3(&connection, id).await;
        }
        let connection = match (kept, self.over) {
            (Some(kept), _) => kept,
            (None, Over::Http1) => Connection::over(doors.plain(self.entrypoint()).await?)?,
            (None, Over::Http1Tls | Over::Http1Tls12) => {
                let name = self.server_name(&message);
                Connection::over(doors.tls(self.entrypoint(), b"", self.hello_of(), name).await?)?
            }
            (None, _) => bail!("expected a client for {:?}", self.over),
        };
        let mut shot = self.shot(id, connection.local.port(), begun);
        let seen = match self.session {
            Some(session) => self.converse(session, &message, connection).await?,
            None => {
                let (seen, kept) = self.over_http1(&message, connection).await?;
                shot.kept = kept;
                seen
            }
        };
        shot.status = seen.status;
        Ok((shot, seen))
    }

    /// Sends it on a connection of HTTP/2.
    ///
    /// # Errors
    /// Where the connection takes no more requests.
    pub async fn fire_on(&self, connection: &http2::Connection, id: &str) -> Result<(Shot, Seen)> {
        let begun = unix_nanos();
        let message = self.message(id)?;
        let seen = self.over_http2(&message, connection).await?;
        let port = if self.over == Over::Http2Proxied { ANNOUNCED.port() } else { connection.local.port() };
        let mut shot = self.shot(id, port, begun);
        shot.status = seen.status;
        Ok((shot, seen))
    }

    /// Sends it on a connection of HTTP/3.
    ///
    /// # Errors
    /// Where the connection takes no more requests.
    pub async fn fire_on_http3(&self, connection: &http3::Connection, id: &str) -> Result<(Shot, Seen)> {
        let begun = unix_nanos();
        let message = self.message(id)?;
        let seen = self.over_http3(&message, connection).await?;
        let mut shot = self.shot(id, connection.local.port(), begun);
        shot.status = seen.status;
        Ok((shot, seen))
    }

    /// # Errors
    /// Where Traefik does not take it.
    pub async fn connect_http3(&self, doors: &Doors) -> Result<http3::Connection> {
        let message = self.message("")?;
        let config = doors.certificates()?.quic_client()?;
        http3::Connection::open(doors.address(self.entrypoint())?, config, self.server_name(&message)).await
    }

    /// A connection that it, and others like it, can go over.
    ///
    /// # Errors
    /// Where Traefik does not take it.
    pub async fn connect_http2(&self, doors: &Doors) -> Result<Arc<http2::Connection>> {
        Ok(Arc::new(self.open_http2(doors, &self.message("")?).await?))
    }

    async fn open_http2(&self, doors: &Doors, message: &Message) -> Result<http2::Connection> {
        let entrypoint = self.entrypoint();
        let prefix = match self.over {
            Over::Http2Proxied => proxy_protocol::v2(ANNOUNCED, SocketAddrV4::new(Ipv4Addr::LOCALHOST, 443)),
            _ => Vec::new(),
        };
        let socket = if self.over.is_tls() {
            doors.tls(entrypoint, &prefix, self.hello_of(), self.server_name(message)).await?
        } else {
            doors.plain(entrypoint).await?
        };
        http2::Connection::over(socket, self.settings.unwrap_or_default()).await
    }

    fn entrypoint(&self) -> &'static str {
        self.entrypoint.unwrap_or(self.over.entrypoint())
    }

    fn shot(&self, id: &str, port: u16, begun: u64) -> Shot {
        Shot { id: id.to_owned(), port, begun, status: None, logged: self.logged, kept: None }
    }
}
