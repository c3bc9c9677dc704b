//! What of a Traefik's binary the capture needs: where to put the probes, where Go keeps what they read, which
//! function makes a goroutine what it is.

use std::fs::File;
use std::path::Path;

use hoptap_ebpf as abi;
use rustc_hash::FxHashMap;

use super::binary::{Binary, Wanted};
use super::gives::Gives;
use crate::event::Role;

/// A program of the kernel side and the functions it can sit on, by version; the first that the binary has is it.
pub(super) struct ProbeSpec {
    /// Its name in `/readyz` and of the program.
    pub(super) name: &'static str,
    pub(super) functions: &'static [&'static str],
    /// It sits where these are back from a call of this one.
    pub(super) after: Option<&'static str>,
    /// When it is attached.
    pub(super) when: When,
    /// What it is for.
    pub(super) gives: Gives,
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
    /// Once a handler's stream could not be read; at once where no probe tells who serves a request.
    StreamsUnknown,
    /// While there are connections of HTTP/2 of whose header compression something is not known.
    TablesUnknown,
}

/// `facts` about each are at the programs (exporter-ebpf/src/probes.rs).
pub(super) const PROBES: &[ProbeSpec] = &[
    ProbeSpec {
        name: "router",
        functions: &["github.com/traefik/traefik/v3/pkg/middlewares/observability.(*routerTracing).ServeHTTP"],
        after: None,
        when: When::Always,
        gives: Gives::Names,
        loss: "routers and rules come from the API",
    },
    ProbeSpec {
        name: "service",
        functions: &["github.com/traefik/traefik/v3/pkg/middlewares/observability.(*serviceTracing).ServeHTTP"],
        after: None,
        when: When::Always,
        gives: Gives::Names,
        loss: "services and servers come from the API and the socket's address",
    },
    ProbeSpec {
        name: "configuration",
        functions: &["github.com/traefik/traefik/v3/pkg/server.(*RouterFactory).CreateRouters"],
        after: None,
        when: When::Always,
        gives: Gives::Names,
        loss: "names are read again for each request",
    },
    ProbeSpec {
        name: "entry_point",
        functions: &["github.com/traefik/traefik/v3/pkg/middlewares/accesslog.(*FieldHandler).ServeHTTP"],
        after: None,
        when: When::Learning,
        gives: Gives::EntryPoints,
        loss: "entrypoints come from the API or the static configuration",
    },
    ProbeSpec {
        name: "round_trip",
        functions: &["net/http.(*persistConn).roundTrip"],
        after: None,
        when: When::Always,
        gives: Gives::Links,
        loss: "requests to backends are linked by inference",
    },
    ProbeSpec {
        name: "request_write",
        functions: &["net/http.(*Request).write"],
        after: None,
        when: When::OnDemand,
        gives: Gives::Links,
        loss: "requests on connections of unknown type are not linked",
    },
    ProbeSpec {
        name: "dial_queued",
        functions: &["net/http.(*Transport).queueForDial"],
        after: None,
        when: When::Always,
        gives: Gives::Dials,
        loss: "who dials is told by its parent, and may dial for what was answered meanwhile",
    },
    ProbeSpec {
        name: "dial",
        functions: &["net/http.(*Transport).dialConnFor"],
        after: None,
        when: When::Always,
        gives: Gives::Dials,
        loss: "dials that never reach the network are not seen",
    },
    ProbeSpec {
        name: "fast_dial",
        functions: &["github.com/traefik/traefik/v3/pkg/proxy/fast.(*connPool).askForNewConn"],
        after: None,
        when: When::Always,
        gives: Gives::Dials,
        loss: "fastProxy's dials that never reach the network are not seen",
    },
    ProbeSpec {
        name: "spawn",
        functions: &["github.com/traefik/traefik/v3/pkg/safe.(*Pool).GoCtx"],
        after: None,
        when: When::Always,
        gives: Gives::Mirrors,
        loss: "requests to mirrors are linked by inference",
    },
    ProbeSpec {
        name: "mirror",
        functions: &[
            "github.com/traefik/traefik/v3/pkg/server/service/loadbalancer/mirror.(*Mirroring).ServeHTTP.func1",
        ],
        after: None,
        when: When::Always,
        gives: Gives::Mirrors,
        loss: "requests to mirrors are linked by inference",
    },
    ProbeSpec {
        name: "tls_read",
        functions: &["crypto/tls.(*Conn).readRecordOrCCS"],
        after: Some("crypto/tls.(*halfConn).decrypt"),
        when: When::Always,
        gives: Gives::TlsIn,
        loss: "what comes in over TLS is not seen",
    },
    ProbeSpec {
        name: "tls_write",
        functions: &["crypto/tls.(*Conn).Write"],
        after: None,
        when: When::Always,
        gives: Gives::TlsOut,
        loss: "what goes out over TLS is not seen",
    },
    ProbeSpec {
        name: "http3_begin",
        functions: &["github.com/quic-go/quic-go/http3.(*RawServerConn).handleRequestStream"],
        after: None,
        when: When::Always,
        gives: Gives::Http3,
        loss: "requests of HTTP/3 clients are not seen",
    },
    ProbeSpec {
        name: "http3_fields",
        functions: &["github.com/quic-go/quic-go/http3.requestFromHeaders"],
        after: None,
        when: When::Always,
        gives: Gives::Http3,
        loss: "of requests of HTTP/3 clients neither method nor path is known",
    },
    ProbeSpec {
        name: "http3_status",
        functions: &["github.com/quic-go/quic-go/http3.(*responseWriter).WriteHeader"],
        after: None,
        when: When::Always,
        gives: Gives::Http3,
        loss: "when answers to HTTP/3 clients begin is not known, nor the status of those that Traefik breaks off",
    },
    ProbeSpec {
        name: "http3_end",
        functions: &["github.com/quic-go/quic-go/http3.(*responseWriter).flushTrailers"],
        after: None,
        when: When::Always,
        gives: Gives::Http3,
        loss: "requests of HTTP/3 clients are not told, for their end is not seen",
    },
    ProbeSpec {
        name: "http3_reset",
        functions: &["github.com/quic-go/quic-go/http3.(*stateTrackingStream).CancelWrite"],
        after: None,
        when: When::Always,
        gives: Gives::Http3,
        loss: "requests of HTTP/3 clients that Traefik gives up are not told",
    },
    ProbeSpec {
        name: "http2_stream",
        functions: &[
            "net/http.(*http2serverConn).runHandler",
            "net/http/internal/http2.(*serverConn).runHandler",
            "golang.org/x/net/http2.(*serverConn).runHandler",
        ],
        after: None,
        when: When::StreamsUnknown,
        gives: Gives::Http2,
        loss: "requests of HTTP/2 clients have no names and no attempts where `router` does not tell their stream",
    },
    ProbeSpec {
        name: "server_headers",
        functions: &[
            "net/http.(*http2serverConn).processHeaders",
            "net/http/internal/http2.(*serverConn).processHeaders",
            "golang.org/x/net/http2.(*serverConn).processHeaders",
        ],
        after: None,
        when: When::TablesUnknown,
        gives: Gives::Tables,
        loss: "of requests on HTTP/2 connections of before, what they have in common with earlier ones is not known",
    },
    ProbeSpec {
        name: "server_response",
        functions: &[
            "net/http.(*http2writeResHeaders).writeFrame",
            "net/http/internal/http2.(*writeResHeaders).writeFrame",
            "golang.org/x/net/http2.(*writeResHeaders).writeFrame",
        ],
        after: None,
        when: When::TablesUnknown,
        gives: Gives::Tables,
        loss: "of answers on HTTP/2 connections of before, what they have in common with earlier ones is not known",
    },
    // Traefik brings a client of its own (pkg/server/service/smart_roundtripper.go), which Go 1.27 has replaced by that
    // of net/http.
    ProbeSpec {
        name: "client_headers",
        functions: &[
            "golang.org/x/net/http2.(*clientConnReadLoop).processHeaders",
            "net/http/internal/http2.(*clientConnReadLoop).processHeaders",
            "net/http.(*http2clientConnReadLoop).processHeaders",
        ],
        after: None,
        when: When::TablesUnknown,
        gives: Gives::Tables,
        loss: "of backends' answers on HTTP/2 connections of before, what they have in common with earlier ones is not known",
    },
    ProbeSpec {
        name: "client_request",
        functions: &[
            "golang.org/x/net/http2.(*ClientConn).writeHeaders",
            "net/http/internal/http2.(*ClientConn).writeHeaders",
            "net/http.(*http2ClientConn).writeHeaders",
        ],
        after: None,
        when: When::TablesUnknown,
        gives: Gives::Tables,
        loss: "of requests to backends on HTTP/2 connections of before, what they have in common with earlier ones is not known",
    },
];

impl ProbeSpec {
    /// The program of the kernel side that it is.
    pub(super) fn program(&self) -> &'static str {
        match self.name {
            "fast_dial" => "dial",
            "http3_status" => "status",
            own => own,
        }
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
    ("github.com/quic-go/quic-go/http3.(*Server).handleConn.func", Role::Http3Handler),
];

/// The same of HTTP/2, whose code is in three packages: bundled with net/http, moved out of it in Go 1.27, and
/// golang.org/x/net. What follows the package, and what the types in it are called less their prefix.
const HTTP2_ROLES: &[(&str, Role)] = &[
    ("serverConn).serve.gowrap", Role::Http2Read),
    ("serverConn).readPreface.func", Role::Http2Read),
    ("serverConn).startFrameWrite.gowrap", Role::Http2Write),
    ("serverConn).scheduleHandler.gowrap", Role::Http2Handler),
    ("serverConn).handlerDone.gowrap", Role::Http2Handler),
    ("ClientConn).roundTrip.gowrap", Role::Http2Stream),
    ("Transport).newClientConn.gowrap", Role::Http2ClientRead),
    ("clientConnPool).getStartDialLocked.gowrap", Role::Http2Dial),
];
const HTTP2_PACKAGES: [&str; 3] = ["net/http.(*http2", "net/http/internal/http2.(*", "golang.org/x/net/http2.(*"];

/// Every prefix with its role.
fn all_roles() -> impl Iterator<Item = (String, Role)> {
    let http2 = HTTP2_PACKAGES
        .iter()
        .flat_map(|package| HTTP2_ROLES.iter().map(move |(rest, role)| (format!("{package}{rest}"), *role)));
    ROLES.iter().map(|(prefix, role)| ((*prefix).to_owned(), *role)).chain(http2)
}

/// Both loops of an HTTP/1 upstream connection start in `dialConn.gowrapN`; which is which no one asks.
const UPSTREAM: &str = "net/http.(*Transport).dialConn.gowrap";

const G: &str = "runtime.g";
const PERSIST_CONN: &str = "net/http.persistConn";
const NET_FD: &str = "net.netFD";
const POLL_FD: &str = "internal/poll.FD";
const TCP_CONN: &str = "*net.TCPConn";
const TLS_CONN: &str = "crypto/tls.Conn";

/// Structs that hold a connection, and the field that does (Traefik 3.6, pkg/server; 3.5 has `tcp.Conn`).
const WRAPPERS: [(&str, &str); abi::WRAPPERS] = [
    (TLS_CONN, "conn"),
    ("github.com/traefik/traefik/v3/pkg/server/router/tcp.peekConn", "WriteCloser"),
    ("github.com/traefik/traefik/v3/pkg/server/router/tcp.Conn", "WriteCloser"),
    ("github.com/traefik/traefik/v3/pkg/server.trackedConnection", "WriteCloser"),
    ("github.com/traefik/traefik/v3/pkg/server.writeCloserWrapper", "writeCloser"),
];

/// What leads from a response writer to its stream, in each package: state of the writer, stream.
const STREAMS: [(&str, &str, &str); 3] = [
    ("net/http.http2responseWriterState", "net/http.http2stream", "net/http.(*http2serverConn).runHandler.func1"),
    (
        "net/http/internal/http2.responseWriterState",
        "net/http/internal/http2.stream",
        "net/http/internal/http2.(*serverConn).runHandler.func1",
    ),
    (
        "golang.org/x/net/http2.responseWriterState",
        "golang.org/x/net/http2.stream",
        "golang.org/x/net/http2.(*serverConn).runHandler.func1",
    ),
];

/// What leads to the tables of header compression: fields of the connection, then what stands in the same package.
struct TableTypes {
    connection: &'static str,
    /// The `net.Conn`, the framer, the encoder.
    fields: [&'static str; 3],
    framer: &'static str,
    header: &'static str,
    response: &'static str,
}

const SERVER_FIELDS: [&str; 3] = ["conn", "framer", "hpackEncoder"];
const CLIENT_FIELDS: [&str; 3] = ["tconn", "fr", "henc"];

/// In each package, in the order in which the probes look for their functions.
const SERVER_TABLES: [TableTypes; 3] = [
    TableTypes {
        connection: "net/http.http2serverConn",
        fields: SERVER_FIELDS,
        framer: "net/http.http2Framer",
        header: "net/http.http2FrameHeader",
        response: "net/http.http2writeResHeaders",
    },
    TableTypes {
        connection: "net/http/internal/http2.serverConn",
        fields: SERVER_FIELDS,
        framer: "net/http/internal/http2.Framer",
        header: "net/http/internal/http2.FrameHeader",
        response: "net/http/internal/http2.writeResHeaders",
    },
    TableTypes {
        connection: "golang.org/x/net/http2.serverConn",
        fields: SERVER_FIELDS,
        framer: "golang.org/x/net/http2.Framer",
        header: "golang.org/x/net/http2.FrameHeader",
        response: "golang.org/x/net/http2.writeResHeaders",
    },
];
const CLIENT_TABLES: [TableTypes; 3] = [
    TableTypes {
        connection: "golang.org/x/net/http2.ClientConn",
        fields: CLIENT_FIELDS,
        framer: "golang.org/x/net/http2.Framer",
        header: "golang.org/x/net/http2.FrameHeader",
        response: "golang.org/x/net/http2.writeResHeaders",
    },
    TableTypes {
        connection: "net/http/internal/http2.ClientConn",
        fields: CLIENT_FIELDS,
        framer: "net/http/internal/http2.Framer",
        header: "net/http/internal/http2.FrameHeader",
        response: "net/http/internal/http2.writeResHeaders",
    },
    TableTypes {
        connection: "net/http.http2ClientConn",
        fields: CLIENT_FIELDS,
        framer: "net/http.http2Framer",
        header: "net/http.http2FrameHeader",
        response: "net/http.http2writeResHeaders",
    },
];

/// What leads to the addresses of an HTTP/3 connection (quic-go 0.59), and to what its response writers wrote.
const HTTP3_SERVER: &str = "github.com/quic-go/quic-go/http3.RawServerConn";
const HTTP3_RAW: &str = "github.com/quic-go/quic-go/http3.rawConn";
const HTTP3_WRITER: &str = "github.com/quic-go/quic-go/http3.responseWriter";
const QUIC_CONN: &str = "github.com/quic-go/quic-go.Conn";
const QUIC_SEND: &str = "github.com/quic-go/quic-go.sconn";
const UDP_ADDR: &str = "net.UDPAddr";
const HTTP3_TYPES: [&str; 6] = [HTTP3_SERVER, HTTP3_RAW, HTTP3_WRITER, QUIC_CONN, QUIC_SEND, UDP_ADDR];

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
        let of_probes = PROBES.iter().flat_map(|probe| probe.functions.iter().copied().chain(probe.after));
        let functions = of_probes.chain(STREAMS.iter().map(|(_, _, ends)| *ends)).collect();
        let roles: Vec<String> = all_roles().map(|(prefix, _)| prefix).collect();
        let prefixes = roles.iter().map(String::as_str).chain([UPSTREAM]).collect();
        let calls = PROBES
            .iter()
            .filter_map(|probe| Some((probe.functions, probe.after?)))
            .flat_map(|(callers, callee)| callers.iter().map(move |caller| (*caller, callee)))
            .collect();
        let types = [G, PERSIST_CONN, NET_FD, POLL_FD, TCP_CONN.trim_start_matches('*')]
            .into_iter()
            .chain(WRAPPERS.iter().map(|(of, _)| *of))
            .chain(STREAMS.iter().flat_map(|(state, stream, _)| [*state, *stream]))
            .chain(HTTP3_TYPES)
            .chain(
                SERVER_TABLES
                    .iter()
                    .chain(&CLIENT_TABLES)
                    .flat_map(|it| [it.connection, it.framer, it.header, it.response]),
            )
            .collect();
        let binary = Binary::read(&file, &Wanted { functions, prefixes, calls, types })?;
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
        let starts = |wanted| {
            let mut found: Vec<u64> =
                roles.iter().filter(|(_, role)| **role == wanted).map(|(start, _)| *start).collect();
            found.sort_unstable();
            found
        };
        let start = |wanted| starts(wanted).first().copied().unwrap_or(NOWHERE);
        let offset = |of: &str, name: &str| self.binary.field(of, name).and_then(|it| u32::try_from(it).ok());
        let type_address = |name: &str| self.binary.type_address(name).map_or(NOWHERE, |address| address + bias);
        let wrapper = |(of, field): (&str, &str)| abi::Wrapper {
            type_: type_address(&format!("*{of}")),
            offset: self.binary.field(of, field).unwrap_or(0),
        };
        let (streams, handler_ends) = self.streams(bias);
        let http2_other = [Role::Http2Write, Role::Http2Stream, Role::Http2ClientRead];
        Some(abi::Target {
            goid: word("goid")?,
            parent_goid: word("parentGoid")?,
            startpc: word("startpc")?,
            // Without these a round trip's connection cannot be read, and the slower probe serves.
            persist_conn: offset(PERSIST_CONN, "conn").unwrap_or(0),
            sysfd: offset(NET_FD, "pfd").zip(offset(POLL_FD, "Sysfd")).map_or(0, |(pfd, sysfd)| pfd + sysfd),
            tls: self.tls(),
            streams,
            tells_configurations: 0,
            since: 0,
            tcp_conn: type_address(TCP_CONN),
            tcp_conn_itab: 0,
            background_read: start(Role::BackgroundRead),
            serve: start(Role::Serve),
            http2_read: first(starts(Role::Http2Read)),
            http2_other: first(http2_other.into_iter().flat_map(starts)),
            http2_handler: first(starts(Role::Http2Handler)),
            handler_ends,
            http3: self.http3(),
            tables: abi::Tables { server: self.tables(&SERVER_TABLES), client: self.tables(&CLIENT_TABLES) },
            wrappers: WRAPPERS.map(wrapper),
        })
    }

    /// Zeroes where a field is not there: the version of TLS is never 0, and what is told of it is left out then.
    fn tls(&self) -> abi::TlsLayout {
        let offset = |name| self.binary.field(TLS_CONN, name).and_then(|it| u32::try_from(it).ok()).unwrap_or(0);
        let read = PROBES.iter().find(|probe| probe.name == "tls_read").and_then(|probe| probe.functions.first());
        abi::TlsLayout {
            version: offset("vers"),
            cipher: offset("cipherSuite"),
            resumed: offset("didResume"),
            client: offset("isClient"),
            server_name: offset("serverName"),
            protocol: offset("clientProtocol"),
            slot: read.and_then(|name| self.binary.after_call(name)).and_then(Result::ok).map_or(0, |it| it.slot),
        }
    }

    /// Zeroes where a field is not there.
    fn http3(&self) -> abi::Http3Layout {
        let offset = |of: &str, name: &str| {
            self.binary.field(of, name).and_then(|offset| u32::try_from(offset).ok()).unwrap_or(0)
        };
        abi::Http3Layout {
            raw: offset(HTTP3_SERVER, "rawConn"),
            connection: offset(HTTP3_RAW, "conn"),
            send: offset(QUIC_CONN, "conn"),
            local: offset(QUIC_SEND, "localAddr"),
            remote: offset(QUIC_SEND, "remoteAddrInfo"),
            port: offset(UDP_ADDR, "Port"),
            written: offset(HTTP3_WRITER, "numWritten"),
            status: offset(HTTP3_WRITER, "status"),
        }
    }

    /// Of the first package that is there. Zeroes where a field is not there: what is read then is no table.
    fn tables(&self, packages: &[TableTypes]) -> abi::TableLayout {
        let Some(types) = packages.iter().find(|it| self.binary.field(it.connection, it.fields[0]).is_some()) else {
            return abi::TableLayout::default();
        };
        let offset =
            |of: &str, name: &str| self.binary.field(of, name).and_then(|it| u32::try_from(it).ok()).unwrap_or(0);
        let [connection, framer, encoder] = types.fields.map(|name| offset(types.connection, name));
        abi::TableLayout {
            connection,
            framer,
            encoder,
            decoder: offset(types.framer, "ReadMetaHeaders"),
            frame_stream: offset(types.header, "StreamID"),
            response_stream: offset(types.response, "streamID"),
            code: offset(types.response, "httpResCode"),
            spare: 0,
        }
    }

    fn streams(&self, bias: u64) -> (abi::StreamLayout, u64) {
        let offset = |of: &str, name: &str| u32::try_from(self.binary.field(of, name)?).ok();
        let found = STREAMS.iter().find_map(|(state, stream, ends)| {
            let layout = abi::StreamLayout {
                state_stream: offset(state, "stream")?,
                connection: offset(stream, "sc")?,
                id: offset(stream, "id")?,
            };
            let ends = self.binary.function(ends).map_or(NOWHERE, |function| function.address + bias);
            Some((layout, ends))
        });
        found.unwrap_or((abi::StreamLayout::default(), NOWHERE))
    }

    /// Roles by the address in the process of the function that a goroutine starts in.
    pub(super) fn roles(&self, bias: u64) -> FxHashMap<u64, Role> {
        let mut roles = FxHashMap::default();
        for (prefix, role) in all_roles() {
            for (name, function) in self.binary.functions_starting(&prefix) {
                let tail = name.get(prefix.len()..).unwrap_or_default();
                if tail.bytes().all(|byte| byte.is_ascii_digit()) {
                    roles.insert(function.address + bias, role);
                }
            }
        }
        for (_, function) in self.binary.functions_starting(UPSTREAM) {
            roles.insert(function.address + bias, Role::UpstreamWrite);
        }
        roles
    }
}

/// Where no function and no type is.
const NOWHERE: u64 = u64::MAX;

/// The first of these; [`NOWHERE`] where there are not so many.
fn first<const N: usize>(found: impl IntoIterator<Item = u64>) -> [u64; N] {
    let mut found = found.into_iter();
    std::array::from_fn(|_| found.next().unwrap_or(NOWHERE))
}
