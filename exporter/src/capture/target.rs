//! What of a Traefik's binary the capture needs: where to put the probes, where Go keeps what they read, which
//! function makes a goroutine what it is.

use std::fs::File;
use std::path::Path;

use hoptap_ebpf as abi;
use rustc_hash::FxHashMap;

use super::binary::{Binary, Wanted};
use crate::event::Role;

/// A program of the kernel side and the functions it can sit on, by version; the first that the binary has is it.
pub(super) struct ProbeSpec {
    /// Its name in `/readyz` and of the program.
    pub(super) name: &'static str,
    pub(super) functions: &'static [&'static str],
    /// When it is attached.
    pub(super) when: When,
    /// It tells names: not wanted where they come from the API.
    pub(super) names: bool,
    /// What is lost without it.
    pub(super) loss: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    Always,
    /// Until the entrypoint of every listening port is known.
    Learning,
    /// Once a round trip's connection could not be read.
    OnDemand,
}

/// `facts` about each are at the programs (exporter-ebpf/src/probes.rs).
pub(super) const PROBES: &[ProbeSpec] = &[
    ProbeSpec {
        name: "router",
        functions: &["github.com/traefik/traefik/v3/pkg/middlewares/observability.(*routerTracing).ServeHTTP"],
        when: When::Always,
        names: true,
        loss: "routers and rules come from the API",
    },
    ProbeSpec {
        name: "service",
        functions: &["github.com/traefik/traefik/v3/pkg/middlewares/observability.(*serviceTracing).ServeHTTP"],
        when: When::Always,
        names: true,
        loss: "services and servers come from the API and the socket's address",
    },
    ProbeSpec {
        name: "entry_point",
        functions: &["github.com/traefik/traefik/v3/pkg/middlewares/accesslog.(*FieldHandler).ServeHTTP"],
        when: When::Learning,
        names: true,
        loss: "entrypoints come from the API or the static configuration",
    },
    ProbeSpec {
        name: "round_trip",
        functions: &["net/http.(*persistConn).roundTrip"],
        when: When::Always,
        names: false,
        loss: "requests to backends are linked by inference",
    },
    ProbeSpec {
        name: "request_write",
        functions: &["net/http.(*Request).write"],
        when: When::OnDemand,
        names: false,
        loss: "requests on connections of unknown type are not linked",
    },
    ProbeSpec {
        name: "dial_queued",
        functions: &["net/http.(*Transport).queueForDial"],
        when: When::Always,
        names: false,
        loss: "who dials is told by its parent, and may dial for what was answered meanwhile",
    },
    ProbeSpec {
        name: "dial",
        functions: &["net/http.(*Transport).dialConnFor"],
        when: When::Always,
        names: false,
        loss: "dials that never reach the network are not seen",
    },
    ProbeSpec {
        name: "fast_dial",
        functions: &["github.com/traefik/traefik/v3/pkg/proxy/fast.(*connPool).askForNewConn"],
        when: When::Always,
        names: false,
        loss: "fastProxy's dials that never reach the network are not seen",
    },
    ProbeSpec {
        name: "spawn",
        functions: &["github.com/traefik/traefik/v3/pkg/safe.(*Pool).GoCtx"],
        when: When::Always,
        names: false,
        loss: "requests to mirrors are linked by inference",
    },
    ProbeSpec {
        name: "mirror",
        functions: &[
            "github.com/traefik/traefik/v3/pkg/server/service/loadbalancer/mirror.(*Mirroring).ServeHTTP.func1",
        ],
        when: When::Always,
        names: false,
        loss: "requests to mirrors are linked by inference",
    },
];

impl ProbeSpec {
    /// The program of the kernel side that it is.
    pub(super) fn program(&self) -> &'static str {
        if self.name == "fast_dial" { "dial" } else { self.name }
    }
}

/// Functions in which goroutines start. `.gowrapN` and `.funcN` are numbered by the compiler: prefixes, and `exact`
/// where a longer name would be another function.
const ROLES: &[(&str, Role)] = &[
    ("net/http.(*Server).Serve.gowrap", Role::Serve),
    ("net/http.(*connReader).startBackgroundRead.gowrap", Role::BackgroundRead),
    ("github.com/traefik/traefik/v3/pkg/safe.GoWithRecover.func", Role::Safe),
    ("github.com/traefik/traefik/v3/pkg/safe.(*Pool).GoCtx.func", Role::Safe),
    ("github.com/traefik/traefik/v3/pkg/server.TCPEntryPoints.Start.gowrap", Role::Accept),
    ("net/http.(*Transport).startDialConnForLocked.func", Role::Dial),
    ("net/http.(*Transport).queueForDial.gowrap", Role::Dial),
    ("github.com/traefik/traefik/v3/pkg/proxy/fast.(*connPool).acquireConn.gowrap", Role::FastDial),
    ("github.com/traefik/traefik/v3/pkg/proxy/fast.(*connPool).askForNewConn.gowrap", Role::FastRead),
    ("github.com/traefik/traefik/v3/pkg/server/service.(*Manager).LaunchHealthCheck.gowrap", Role::HealthCheck),
    ("net/http.(*http2serverConn).scheduleHandler.gowrap", Role::Http2Handler),
    ("net/http.(*http2serverConn).handlerDone.gowrap", Role::Http2Handler),
    ("net/http/internal/http2.(*serverConn).scheduleHandler.gowrap", Role::Http2Handler),
    ("net/http/internal/http2.(*serverConn).handlerDone.gowrap", Role::Http2Handler),
    ("golang.org/x/net/http2.(*ClientConn).roundTrip.gowrap", Role::Http2Stream),
    ("github.com/quic-go/quic-go/http3.(*Server).handleConn.func1.gowrap", Role::Http3Handler),
];

/// Both loops of an HTTP/1 upstream connection start in `dialConn.gowrapN`; which is which no one asks.
const UPSTREAM: &str = "net/http.(*Transport).dialConn.gowrap";

const G: &str = "runtime.g";
const PERSIST_CONN: &str = "net/http.persistConn";
const NET_FD: &str = "net.netFD";
const POLL_FD: &str = "internal/poll.FD";
const TCP_CONN: &str = "*net.TCPConn";
const TLS_CONN: &str = "*crypto/tls.Conn";

/// A binary, read.
pub(super) struct Target {
    pub(super) binary: Binary,
    pub(super) file: File,
}

impl Target {
    /// # Errors
    /// The file cannot be read or is no Go program.
    pub(super) fn read(path: &Path) -> Result<Self, super::binary::Error> {
        let file = File::open(path).map_err(super::binary::Error::from)?;
        let functions = PROBES.iter().flat_map(|probe| probe.functions).copied().collect();
        let prefixes = ROLES.iter().map(|(prefix, _)| *prefix).chain([UPSTREAM]).collect();
        let pointed_to = [TCP_CONN, TLS_CONN].map(|pointer| pointer.trim_start_matches('*'));
        let types = [G, PERSIST_CONN, NET_FD, POLL_FD].into_iter().chain(pointed_to).collect();
        let binary = Binary::read(&file, &Wanted { functions, prefixes, types })?;
        Ok(Self { binary, file })
    }

    /// What the kernel side must know, if the binary says it. `bias`: where the process has it mapped.
    pub(super) fn kernel_side(&self, bias: u64) -> Option<abi::Target> {
        // Words: Go aligns what we ask for.
        let word = |name: &str| {
            let offset = self.binary.field(G, name)?;
            u32::try_from(offset / 8).ok().filter(|word| offset % 8 == 0 && (*word as usize) < abi::G_WORDS)
        };
        let roles = self.roles(bias);
        let start = |wanted| {
            let found = roles.iter().find_map(|(start, role)| (*role == wanted).then_some(*start));
            // No goroutine starts there.
            found.unwrap_or(u64::MAX)
        };
        let offset = |of: &str, name: &str| self.binary.field(of, name).and_then(|it| u32::try_from(it).ok());
        Some(abi::Target {
            goid: word("goid")?,
            parent_goid: word("parentGoid")?,
            startpc: word("startpc")?,
            // Without these a round trip's connection cannot be read, and the slower probe serves.
            persist_conn: offset(PERSIST_CONN, "conn").unwrap_or(0),
            sysfd: offset(NET_FD, "pfd").zip(offset(POLL_FD, "Sysfd")).map_or(0, |(pfd, sysfd)| pfd + sysfd),
            spare: 0,
            tcp_conn: self.binary.type_address(TCP_CONN).map_or(0, |address| address + bias),
            background_read: start(Role::BackgroundRead),
            serve: start(Role::Serve),
            tls_conn: self.binary.type_address(TLS_CONN).map_or(0, |address| address + bias),
        })
    }

    /// Roles by the address in the process of the function that a goroutine starts in.
    pub(super) fn roles(&self, bias: u64) -> FxHashMap<u64, Role> {
        let mut roles = FxHashMap::default();
        for (prefix, role) in ROLES {
            for (name, function) in self.binary.functions_starting(prefix) {
                let tail = name.get(prefix.len()..).unwrap_or_default();
                if tail.bytes().all(|byte| byte.is_ascii_digit()) {
                    roles.insert(function.address + bias, *role);
                }
            }
        }
        for (_, function) in self.binary.functions_starting(UPSTREAM) {
            roles.insert(function.address + bias, Role::UpstreamWrite);
        }
        roles
    }
}
