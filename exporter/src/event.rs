//! The seam between the kernel and everything else: what was seen, in the order in which the kernel saw it.
//!
//! A recorded stream of [`Event`]s replays the whole of the pipeline below, without root and without a kernel.
//! Everything that the pipeline may know arrives here, also what user space found out by itself (processes,
//! listening ports, Traefik's configuration, the clock), so that nothing below reads a clock, a file or a socket.

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Nanoseconds of `CLOCK_MONOTONIC`, as `bpf_ktime_get_ns` gives them.
pub type Time = u64;

/// One socket for the time of its life; never reused within a stream.
pub type ConnectionId = u64;

/// A process, by its thread group id in the initial pid namespace.
pub type Pid = u32;

/// One thing that was seen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event<'a> {
    pub time: Time,
    pub pid: Pid,
    #[serde(borrow)]
    pub kind: Kind<'a>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Kind<'a> {
    /// Wall clock at `Event::time`, nanoseconds since 1970. The first event of a stream, and again every minute.
    Clock { unix: u64 },
    /// A Traefik process was found and is traced from here on.
    Process(Box<Process>),
    /// A traced process ended.
    Exit,
    /// The ports on which a process listens for TCP now; replaces what was said before.
    Listening(Vec<SocketAddr>),
    /// What Traefik's API or its static configuration says; replaces what was said before from the same source.
    Configuration(Box<Configuration>),
    /// A socket appeared: dialled, or found when it was first used.
    Open(Open),
    /// Bytes went through a socket, or a call on it ended without any.
    #[serde(borrow)]
    Transfer(Transfer<'a>),
    /// A socket changed its TCP state.
    State(State),
    /// A uprobe fired.
    Probe {
        goroutine: Goroutine,
        #[serde(borrow)]
        probe: Probe<'a>,
    },
    /// hoptap itself speaks to the process: not traffic.
    Own(Own),
    /// Running totals of what the kernel side saw and lost since it was attached.
    Tally(Tally),
    /// Something that happened before this was not told: there was no room for it. What was under way is in doubt.
    Lost,
    /// A socket is gone, and there was no room to say so when it went.
    Ended(Ended),
    /// A socket carries TLS: this is the session, told before the first bytes of it.
    #[serde(borrow)]
    Tls(Tls<'a>),
    /// What the table of header compression of one direction was, of a connection that we do not know it of.
    #[serde(borrow)]
    Table(Table<'a>),
    /// Whose a peer of the process is.
    Peer(Peer),
}

/// An address that a process talks to, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    pub address: SocketAddr,
    pub owner: Owner,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Owner {
    /// It was asked for: the answer is on its way.
    Asked,
    /// No container that could be named.
    Unknown,
    /// A container, which has had the address since then at the latest.
    Container { name: String, since: Time },
    /// The container that had it has it no more.
    Gone,
}

/// The dynamic table (RFC 7541, 2.3.2) as the process has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Table<'a> {
    pub connection: ConnectionId,
    pub direction: Direction,
    pub stream: u32,
    pub place: TablePlace,
    /// Newest first: the lengths of name and value, two bytes each, then both.
    #[serde(borrow, with = "serde_bytes")]
    pub entries: &'a [u8],
}

/// Where in the stream of header blocks a table is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TablePlace {
    /// Behind the first block of the stream that is no interim response; it came in before.
    After,
    /// Behind the block of the stream that goes out next.
    AfterNext,
    /// Before the first block of the stream that is no interim response; it goes out after.
    Before,
}

/// A TLS session as the process holds it (`crypto/tls.Conn`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls<'a> {
    pub connection: ConnectionId,
    /// As on the wire (RFC 8446, 4.1.3): 0x0304 is TLS 1.3. 0 where it could not be read.
    pub version: u16,
    pub cipher: u16,
    pub resumed: bool,
    /// The process dialled.
    pub client: bool,
    /// What the client asked for (SNI); empty where it did not.
    pub server_name: &'a str,
    /// What was agreed on (ALPN); empty where nothing was.
    pub protocol: &'a str,
}

/// A connection of hoptap's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Own {
    pub from: SocketAddr,
    /// Port of the process that it goes to. Somebody else may have the same address on the way to another one.
    pub to: u16,
}

/// A traced process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Path of the executable as the process's own mount namespace names it.
    pub executable: String,
    /// Traefik's version, where it could be read from the binary or the API.
    pub version: Option<String>,
    pub go_version: Option<String>,
    /// Short container id, from the process's cgroup.
    pub container: Option<String>,
    /// Probes in place: their names say what can be known exactly.
    pub probes: Vec<String>,
}

impl Process {
    pub fn has_probe(&self, name: &str) -> bool {
        self.probes.iter().any(|probe| probe == name)
    }
}

/// A configuration as text: parsed below the seam, so that a replay uses the parser of today.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Configuration {
    /// The answer of `/api/rawdata`.
    RawData(String),
    /// The answer of `/api/entrypoints`.
    EntryPoints(String),
    /// Entrypoints from the command line, the environment or the static file: name, address as written.
    Static(Vec<(String, String)>),
}

/// Which goroutine did something. `id` 0: no goroutine (a signal stack, cgo, g0).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Goroutine {
    pub id: u64,
    /// The goroutine that started it; it may have ended long ago.
    pub parent: u64,
    pub role: Role,
}

/// What a goroutine is for, from the function it started in (`runtime.g.startpc`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    #[default]
    Other,
    /// Serves one client connection: `net/http.(*Server).Serve.gowrapN`.
    Serve,
    /// Reads ahead on a client connection while its handler runs; its parent may be the `Serve` goroutine.
    BackgroundRead,
    /// `pkg/safe.GoWithRecover.func1`: looks at the first bytes of a connection, or sends to mirrors (parent: handler).
    Safe,
    /// Dials for a request: `startDialConnForLocked.func1` (parent: the requester).
    Dial,
    /// The same for HTTP/2 without TLS.
    Http2Dial,
    /// Reads of one upstream connection, for many requests.
    UpstreamRead,
    /// Writes of one upstream connection, for many requests.
    UpstreamWrite,
    /// fastProxy's reader of one upstream connection (it also writes to clients).
    FastRead,
    /// fastProxy's dialler (parent: the requester).
    FastDial,
    /// Active health checks.
    HealthCheck,
    /// HTTP/2 handler of one stream (parent: the connection's `Serve` goroutine).
    Http2Handler,
    /// Reads frames of a client's HTTP/2 connection (parent: the connection's `Serve` goroutine).
    Http2Read,
    /// Writes frames to one (same parent).
    Http2Write,
    /// HTTP/2 upstream stream (parent: the requester).
    Http2Stream,
    /// Reads frames of an upstream HTTP/2 connection, for many requests.
    Http2ClientRead,
    /// HTTP/3 handler of one stream.
    Http3Handler,
    /// Accepts connections of one entrypoint.
    Accept,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    pub connection: ConnectionId,
    pub local: SocketAddr,
    pub peer: SocketAddr,
    pub origin: Origin,
    /// File descriptor in the process, -1 if not known yet.
    pub fd: i32,
    /// Who dialled; the zero goroutine for a socket that was found.
    pub goroutine: Goroutine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// The process called `connect`.
    Dialled,
    /// Accepted while we looked: its first transfer is its first.
    Accepted,
    /// First seen at a transfer: how long it has been open is not known.
    Found,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// Into the process.
    Receive,
    /// Out of the process.
    Send,
}

/// One call that moved bytes, or tried to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Transfer<'a> {
    pub connection: ConnectionId,
    pub direction: Direction,
    pub fd: i32,
    pub goroutine: Goroutine,
    /// Bytes of this direction that went before, since the socket was first seen.
    pub offset: u64,
    /// Bytes moved; 0 with `Receive` is the end of the stream; negative is `-errno`.
    pub result: i64,
    /// The first `bytes.len()` of those bytes; fewer than `result` where the kernel side was told to leave them out
    /// or had to. On a failed send: what would have been sent.
    #[serde(borrow, with = "serde_bytes")]
    pub bytes: &'a [u8],
    /// Final response heads sent on this socket so far, counted in the kernel whatever became of the events. Of
    /// HTTP/2: streams that the client opened.
    pub responses: u32,
    /// The bytes were encrypted on their way through the socket, and offsets count them as they were before.
    pub plain: bool,
    /// `bytes` are what a walk over HTTP/2 frames kept; `result` counts all that went by since the one before.
    pub frames: Option<Frames>,
}

/// What a walk over the frames of a direction kept: headers of frames, each followed by its payload. Where the payload
/// was left out the header's reserved bit is set; its first `http2::LEFT_OUT_KEPT` bytes are kept all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frames {
    /// So many bytes at the start go on with a payload that began in an earlier transfer.
    pub continued: u32,
    /// Bytes of the last frame's payload that had not gone by.
    pub left: u32,
    /// The place was lost before this.
    pub resumed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub connection: ConnectionId,
    pub change: Change,
    /// Who caused it, where a goroutine did; the zero goroutine where the network did.
    pub goroutine: Goroutine,
    /// `sk_err`: a positive errno, or 0.
    pub error: i32,
    /// As [`Transfer::responses`].
    pub responses: u32,
    /// It carried TLS, or tried to.
    pub sealed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    pub connection: ConnectionId,
    /// As [`State::error`].
    pub error: i32,
    /// As [`Transfer::responses`].
    pub responses: u32,
    /// As [`State::sealed`].
    pub sealed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A dialled socket is connected; its local address is known now.
    Established { local: SocketAddr },
    /// The process closed it, or its sending side.
    ClosedHere,
    /// The peer closed its sending side.
    ClosedThere,
    /// The socket is gone. Nothing follows on this connection.
    Gone,
}

/// What a uprobe read. Strings come as Traefik holds them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Probe<'a> {
    /// A request entered a router (nested routers fire in order, parent first).
    /// `stream`: the HTTP/2 stream that the goroutine serves; 0 where it serves none, or that could not be read.
    Router { router: &'a str, rule: &'a str, service: &'a str, stream: u32 },
    /// A handler begins to serve an HTTP/2 stream.
    Stream { stream: u32 },
    /// A request entered a leaf service; `url` is the server's URL as configured, where it could be read.
    Service {
        service: &'a str,
        #[serde(borrow)]
        url: Option<&'a str>,
    },
    /// A request entered an entrypoint's chain.
    EntryPoint { name: &'a str },
    /// net/http hands a request to the HTTP/1 upstream connection on `fd`; -1 where its type is not known.
    RoundTrip { fd: i32, request: u64 },
    /// net/http starts to write that request: the next send of this goroutine is it.
    RequestWrite { request: u64 },
    /// A request needs a connection that is not there. `dial`: address of its `wantConn`.
    DialQueued { dial: u64 },
    /// A goroutine starts to dial. `dial`: the same address; with fastProxy, of something that says nothing.
    Dial { dial: u64 },
    /// A goroutine starts another one with this closure.
    Spawn { closure: u64 },
    /// A goroutine that was started with this closure begins to send to mirrors.
    Mirror { closure: u64 },
    /// A handler decided on a status.
    Status { code: u16 },
    /// A handler of HTTP/3 begins with a stream of this connection.
    Http3Begin { local: SocketAddr, peer: SocketAddr },
    /// It reads a header block, of which this is the start.
    Http3Fields {
        #[serde(borrow, with = "serde_bytes")]
        block: &'a [u8],
    },
    /// It is done; the body of the response had so many bytes.
    Http3End { written: u64, status: u16 },
    /// It gives the stream up.
    Http3Reset { code: u32 },
}

/// Totals since attach; every one only ever grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Final response heads sent on accepted sockets of traced processes.
    pub responses: u64,
    /// Events that found no room in the ring.
    pub ring_full: u64,
    /// Sockets that found no room in the connection map.
    pub map_full: u64,
    /// Final response heads sent on such sockets.
    pub unfollowed: u64,
    /// Transfers whose bytes were cut because the ring was filling up.
    pub cut: u64,
    /// Reads of user memory that failed.
    pub faults: u64,
}

impl Event<'_> {
    /// An address in its one form: IPv4 may come mapped into IPv6.
    pub fn canonical(address: SocketAddr) -> SocketAddr {
        SocketAddr::new(address.ip().to_canonical(), address.port())
    }
}

/// A name that Traefik gave to something, shared by everything that mentions it.
pub type Name = Arc<str>;
