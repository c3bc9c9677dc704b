//! One request and all that is true of it, as data: what the client sees, what Traefik logs, what arrives where.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::certificates::Hello;
use crate::client::{Connection, To};
use crate::doors::Doors;
use crate::lab::{Lab, Plan};
use crate::modern::twin;
use crate::truth::Truth;

/// The name in the hello where HTTP/1 goes over TLS: hosts with the same TLS options are all reached by it.
const NAME: &str = "any.test";

/// A request to a backend, in the order in which Traefik makes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// A service and the status of its response; a service is empty where Traefik has no name for it.
    Got(&'static str, u16),
    /// The same, but the connection ended before the body did.
    Cut(&'static str, u16),
    /// It arrived, and no response came back.
    Lost(&'static str),
    /// It never arrived.
    Refused(&'static str),
}

/// What the client does after it sent its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Read,
    /// Says after so many milliseconds that it will send no more, and reads.
    HalfCloseAfter(u64),
    /// Closes after so many milliseconds.
    LeaveAfter(u64),
    /// Resets after so many milliseconds.
    AbortAfter(u64),
}

/// What a kind of lab changes about a case.
#[derive(Debug, Clone, Copy)]
enum Otherwise {
    /// Status and attempts.
    Expects(u16, &'static [Attempt]),
    /// It is not tried, for this reason.
    LeftOut(&'static str),
}

/// A case that was sent once.
#[derive(Debug)]
pub struct Shot {
    pub id: String,
    /// The client's port, as Traefik knows it.
    pub port: u16,
    /// Nanoseconds since 1970, before the first byte.
    pub begun: u64,
    /// What the client saw; `None` where it did not wait, or saw none.
    pub status: Option<u16>,
    /// It has a row in the access log.
    pub logged: bool,
    /// The connection, where it can carry another request.
    pub kept: Option<Connection>,
}

#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    send: &'static str,
    status: u16,
    entrypoint: &'static str,
    router: Option<&'static str>,
    attempts: &'static [Attempt],
    fast: Option<Otherwise>,
    api: Option<&'static [Attempt]>,
    not_api: Option<&'static str>,
    then: Then,
    logged: bool,
    announced: Option<u16>,
    after: u32,
    pieces: usize,
    tls: bool,
    not_tls: Option<&'static str>,
}

impl Case {
    /// `send`: the bytes, with `|` for CR LF, `{id}` for an id and `{huge}` for 1.2 MB. `status`: what hoptap must
    /// say; the client sees the same, unless it left. Until said otherwise: no router, no attempts, in the log.
    pub const fn new(name: &'static str, send: &'static str, status: u16) -> Self {
        Self {
            name,
            send,
            status,
            entrypoint: "web",
            router: None,
            attempts: &[],
            fast: None,
            api: None,
            not_api: None,
            then: Then::Read,
            logged: true,
            announced: None,
            after: 0,
            pieces: usize::MAX,
            tls: false,
            not_tls: None,
        }
    }

    pub const fn on(mut self, entrypoint: &'static str) -> Self {
        self.entrypoint = entrypoint;
        self
    }

    pub const fn router(mut self, router: &'static str) -> Self {
        self.router = Some(router);
        self
    }

    pub const fn attempts(mut self, attempts: &'static [Attempt]) -> Self {
        self.attempts = attempts;
        self
    }

    pub const fn then(mut self, then: Then) -> Self {
        self.then = then;
        self
    }

    /// There is a row of it in Traefik's access log.
    pub const fn is_logged(&self) -> bool {
        self.logged
    }

    /// net/http answers by itself: Traefik never hears of it.
    pub const fn unlogged(mut self) -> Self {
        self.logged = false;
        self
    }

    /// The client's port as the PROXY protocol announces it.
    pub const fn announced(mut self, port: u16) -> Self {
        self.announced = Some(port);
        self
    }

    /// The same was sent so often before.
    pub const fn after(mut self, times: u32) -> Self {
        self.after = times;
        self
    }

    /// Sent in segments of so many bytes.
    pub const fn pieces(mut self, size: usize) -> Self {
        self.pieces = size;
        self
    }

    /// Not over TLS, and why.
    pub const fn not_tls(mut self, reason: &'static str) -> Self {
        self.not_tls = Some(reason);
        self
    }

    /// The same over TLS: to the twin of its router.
    ///
    /// # Errors
    /// The reason why it has no place there.
    pub fn over_tls(mut self) -> Result<Self, &'static str> {
        self.tls = true;
        self.not_tls.map_or(Ok(self), Err)
    }

    /// How often the same must be sent before.
    pub fn times_before(&self) -> u32 {
        self.after
    }

    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// What fastProxy makes of it, where that differs.
    pub const fn fast(mut self, status: u16, attempts: &'static [Attempt]) -> Self {
        self.fast = Some(Otherwise::Expects(status, attempts));
        self
    }

    /// Not for fastProxy, and why.
    pub const fn not_fast(mut self, reason: &'static str) -> Self {
        self.fast = Some(Otherwise::LeftOut(reason));
        self
    }

    /// Attempts as they are named where Traefik's API is all that is known.
    pub const fn api(mut self, attempts: &'static [Attempt]) -> Self {
        self.api = Some(attempts);
        self
    }

    /// Not where Traefik's API is all that is known, and why.
    pub const fn not_api(mut self, reason: &'static str) -> Self {
        self.not_api = Some(reason);
        self
    }

    /// The case as it is in a lab of this plan; the reason where it has no place there.
    ///
    /// # Errors
    /// The reason.
    pub fn under(mut self, plan: &Plan<'_>) -> Result<Self, &'static str> {
        match self.fast {
            Some(Otherwise::LeftOut(reason)) if plan.fast_proxy => return Err(reason),
            Some(Otherwise::Expects(status, attempts)) if plan.fast_proxy => {
                (self.status, self.attempts) = (status, attempts);
            }
            _ => {}
        }
        let by_api = plan.hoptap.is_some_and(|arguments| arguments.contains(&"api"));
        if let Some(reason) = self.not_api.filter(|_| by_api) {
            return Err(reason);
        }
        if let Some(attempts) = self.api.filter(|_| by_api) {
            self.attempts = attempts;
        }
        Ok(self)
    }

    /// A megabyte goes through Traefik.
    pub fn is_large(&self) -> bool {
        self.send.contains("{huge}") || self.send.contains("n=1000000")
    }

    /// Sends it and compares everything that is known of it; hoptap's spans, too, where the lab has hoptap.
    ///
    /// # Errors
    /// What differs.
    pub async fn check(&self, lab: &Lab) -> Result<()> {
        // Rows, requests and spans of cases that failed before may still come: ids tell whose they are.
        let id = lab.next_id();
        for _ in 0..self.after {
            let before = lab.begin()?;
            let id = lab.next_id();
            self.send(lab, &id).await?;
            lab.rows_of(&id, before, usize::from(self.logged)).await?;
        }
        if lab.hoptap.is_some() && self.after > 0 {
            lab.spans(1, 0).await;
        }
        let before = lab.begin()?;
        let (port, seen) = self.send(lab, &id).await?;
        ensure!(
            self.then != Then::Read || seen == Some(self.status),
            "expected status {}, the client saw {seen:?}",
            self.status
        );
        self.truth(port).check(lab, &id, before).await
    }

    fn truth(&self, port: u16) -> Truth {
        let router = self.router.map(|router| if self.tls { twin(router) } else { router.to_owned() });
        Truth {
            status: self.status,
            router,
            attempts: self.attempts,
            logged: self.logged,
            port: self.announced.unwrap_or(port),
            server_name: self.tls.then(|| NAME.to_owned()),
            ..Truth::default()
        }
    }

    /// The client's port, and the status that it saw.
    async fn send(&self, lab: &Lab, id: &str) -> Result<(u16, Option<u16>)> {
        let shot = self.fire(&lab.doors, id, None).await?;
        Ok((shot.port, shot.status))
    }

    /// Sends it with an id, on a connection that was kept or on one of its own.
    ///
    /// # Errors
    /// Where no response comes that is waited for.
    pub async fn fire(&self, doors: &Doors, id: &str, kept: Option<Connection>) -> Result<Shot> {
        let huge = if self.send.contains("{huge}") { "a".repeat(1_200_000) } else { String::new() };
        let bytes = self.send.replace('|', "\r\n").replace("{id}", id).replace("{huge}", &huge);
        let begun = crate::load::unix_nanos();
        let mut sent = bytes.as_str();
        let mut connection = match kept {
            Some(kept) => kept,
            None if self.tls => {
                // What a load balancer says comes before the hello.
                let length = if sent.starts_with("PROXY ") { sent.find("\r\n").map_or(0, |end| end + 2) } else { 0 };
                let prefix;
                (prefix, sent) = sent.split_at(length);
                let entrypoint = if self.entrypoint == "pp" { "pptls" } else { "websecure" };
                let hello = Hello::default();
                Connection::over(doors.tls(entrypoint, prefix.as_bytes(), hello, NAME).await?)?
            }
            None => Connection::over(doors.plain(self.entrypoint).await?)?,
        };
        let mut shot = Shot {
            id: id.to_owned(),
            port: self.announced.unwrap_or(connection.local.port()),
            begun,
            status: None,
            logged: self.logged,
            kept: None,
        };
        if self.pieces == usize::MAX {
            // A server may answer and close before it has read all: the response is what counts.
            let _cut_short = connection.send(sent.as_bytes()).await;
        } else {
            connection.send_slowly(sent.as_bytes(), self.pieces, Duration::from_millis(2)).await?;
        }
        match self.then {
            Then::Read => {}
            Then::HalfCloseAfter(milliseconds) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                connection.half_close().await?;
            }
            Then::LeaveAfter(milliseconds) | Then::AbortAfter(milliseconds) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                if matches!(self.then, Then::AbortAfter(_)) {
                    connection.abort()?;
                }
                return Ok(shot);
            }
        }
        match connection.response(To::of(sent.as_bytes())).await {
            Ok(response) => {
                shot.status = Some(response.status);
                let goes_on = self.then == Then::Read && !response.last && !response.incomplete;
                shot.kept = goes_on.then_some(connection);
            }
            Err(_) if matches!(self.then, Then::HalfCloseAfter(_)) => {}
            Err(error) => return Err(error).with_context(|| format!("{}: the client expected a response", self.name)),
        }
        Ok(shot)
    }

    /// Its requests go to the entrypoint that plain HTTP goes to, and say all by themselves: they may follow others on
    /// a connection.
    pub fn may_follow(&self) -> bool {
        self.entrypoint == "web"
    }
}
