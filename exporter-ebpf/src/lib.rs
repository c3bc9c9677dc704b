//! What the two sides say to each other: records in the ring, entries of the maps, constants set at load.
//!
//! Every type is `repr(C)`, without padding that is not named, and valid for any bytes.
#![no_std]

/// Which program wrote a record: [`Head::kind`].
pub mod kind {
    pub const OPEN: u8 = 1;
    pub const TRANSFER: u8 = 2;
    pub const STATE: u8 = 3;
    pub const ROUTER: u8 = 4;
    pub const SERVICE: u8 = 5;
    pub const ENTRY_POINT: u8 = 6;
    pub const ROUND_TRIP: u8 = 7;
    pub const REQUEST_WRITE: u8 = 8;
    pub const STATUS: u8 = 9;
    pub const EXEC: u8 = 10;
    pub const LISTEN: u8 = 11;
    pub const DIAL: u8 = 12;
    pub const SPAWN: u8 = 13;
    pub const MIRROR: u8 = 14;
    pub const DIAL_QUEUED: u8 = 15;
    pub const TLS: u8 = 16;
    pub const STREAM: u8 = 17;
    pub const HTTP3_BEGIN: u8 = 18;
    pub const HTTP3_FIELDS: u8 = 19;
    pub const HTTP3_END: u8 = 20;
    pub const HTTP3_RESET: u8 = 21;
    pub const TABLE: u8 = 22;
    pub const ROUTER_AGAIN: u8 = 23;
    pub const SERVICE_AGAIN: u8 = 24;
}

/// [`Head::flags`].
pub mod flag {
    /// Transfer: out of the process.
    pub const SEND: u8 = 1;
    /// Open: the process called `connect`.
    pub const DIALLED: u8 = 2;
    /// A text was cut at its slot's size.
    pub const CUT: u8 = 4;
    /// Open: accepted before the programs were attached.
    pub const FOUND: u8 = 8;
    /// Transfer: what the socket carries is encrypted; these are the bytes before, or after.
    pub const PLAIN: u8 = 16;
    /// Transfer: HTTP/2 frames, of which DATA is left out; see [`Frames`].
    pub const FRAMES: u8 = 32;
    /// Transfer of frames: the place in the stream was lost before it.
    pub const RESUMED: u8 = 64;
    /// State: the socket carried TLS.
    pub const SEALED: u8 = 128;
}

/// First part of every record.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Head {
    pub kind: u8,
    pub flags: u8,
    pub spare: u16,
    pub tgid: u32,
    /// Records of any CPU that found no room so far, as this CPU knows: whoever sees it change has missed something.
    pub lost: u32,
    pub spare2: u32,
    /// `CLOCK_MONOTONIC`, nanoseconds.
    pub time: u64,
    pub goroutine: Goroutine,
}

/// `runtime.g`: 0 where the thread ran no goroutine.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Goroutine {
    pub id: u64,
    pub parent: u64,
    /// Address of the function that it started in.
    pub start: u64,
}

/// Both ends of a TCP socket as `struct sock_common` holds them; IPv4 in the first four bytes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Addresses {
    /// `AF_INET` or `AF_INET6`.
    pub family: u16,
    /// Host order.
    pub local_port: u16,
    /// Network order.
    pub peer_port: u16,
    pub spare: u16,
    pub local: [u8; 16],
    pub peer: [u8; 16],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Open {
    pub head: Head,
    pub connection: u64,
    pub fd: i32,
    pub spare: u32,
    pub addresses: Addresses,
}

/// Followed by `captured` bytes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Transfer {
    pub head: Head,
    pub connection: u64,
    pub offset: u64,
    pub result: i64,
    pub fd: i32,
    /// Final responses sent on the socket so far; of HTTP/2, streams that the peer opened.
    pub responses: u32,
    pub captured: u32,
    /// Of frames: how many of the captured bytes go on with a payload that began in an earlier record.
    pub continued: u32,
    /// Of frames: bytes of the last frame's payload that have not gone by.
    pub left: u32,
    pub spare: u32,
}

/// The session of a `crypto/tls.Conn`, told once, with the first bytes that it carries.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Tls {
    pub head: Head,
    pub connection: u64,
    /// As in the ServerHello (RFC 8446, 4.1.3).
    pub version: u16,
    pub cipher: u16,
    pub resumed: u8,
    /// The process is the client.
    pub client: u8,
    pub spare: u16,
    pub server_name: Text<SERVER_NAME>,
    pub protocol: Text<PROTOCOL>,
}

/// Longest name of a host (RFC 1035, 2.3.4).
pub const SERVER_NAME: usize = 256;
/// `http/1.1` is the longest of those that Traefik offers.
pub const PROTOCOL: usize = 16;

/// The table of header compression of one direction, as the process has it. Followed by the entries, newest first: the
/// lengths of name and value, two bytes each, then both.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Table {
    pub head: Head,
    pub connection: u64,
    pub stream: u32,
    /// One of [`table`].
    pub place: u16,
    pub entries: u16,
}

/// [`Table::place`]: where in the stream of bytes the table is so.
pub mod table {
    /// Behind the first block of the stream that is no interim response; it came in before.
    pub const AFTER: u16 = 0;
    /// Behind the block of the stream that goes out next.
    pub const AFTER_NEXT: u16 = 1;
    /// Before the first block of the stream that is no interim response; it goes out after.
    pub const BEFORE: u16 = 2;
}

/// A handler and the HTTP/2 stream that it serves.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Stream {
    pub head: Head,
    pub stream: u32,
    pub spare: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct State {
    pub head: Head,
    pub connection: u64,
    pub old: u8,
    pub new: u8,
    pub spare: u16,
    /// `sk_err`.
    pub error: i32,
    /// As [`Transfer::responses`].
    pub responses: u32,
    pub spare2: u32,
    pub addresses: Addresses,
}

/// A handler of HTTP/3 begins with a stream of a connection between these. Ports in network order as elsewhere.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Http3Begin {
    pub head: Head,
    pub addresses: Addresses,
}

/// A handler of HTTP/3 is done.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Http3End {
    pub head: Head,
    pub written: u64,
    pub status: u32,
    pub spare: u32,
}

/// Followed by `captured` bytes of a header block.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Http3Fields {
    pub head: Head,
    pub length: u32,
    pub captured: u32,
}

/// A text of the traced process: where it is, how long, and as much of it as fits its slot.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Text<const N: usize> {
    pub address: u64,
    pub length: u32,
    /// Bytes read into the slot; 0 with a length means that the page was not resident.
    pub read: u32,
    pub bytes: [u8; N],
}

/// A router, a service or a URL is rarely longer; the large record serves when one is.
pub const NAME: usize = 96;
pub const RULE: usize = 160;
pub const LONG_NAME: usize = 512;
pub const LONG_RULE: usize = 2048;

/// Who says its names: an object that never says others, until another configuration is put in place and its memory is
/// that of something else.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Handler {
    pub address: u64,
    /// When a configuration was put in place last: `CLOCK_MONOTONIC`, nanoseconds; 0 where none was since the start.
    pub generation: u64,
    /// All of its texts are in the record, and it may be referred to.
    pub whole: u32,
    pub spare: u32,
}

/// What a handler said before: the stream as in [`Router`].
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Again {
    pub head: Head,
    pub handler: u64,
    pub generation: u64,
    pub stream: u32,
    pub spare: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Router<const N: usize, const R: usize> {
    pub head: Head,
    pub handler: Handler,
    pub router: Text<N>,
    pub rule: Text<R>,
    pub service: Text<N>,
    /// The HTTP/2 stream that the goroutine serves; 0 where it serves none, or it is not known.
    pub stream: u32,
    pub spare: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Service<const N: usize> {
    pub head: Head,
    pub handler: Handler,
    pub service: Text<N>,
    pub url: Text<N>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct EntryPoint {
    pub head: Head,
    pub name: Text<NAME>,
}

/// `fd` is -1 where the connection's type is none of those that we can read.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RoundTrip {
    pub head: Head,
    pub request: u64,
    pub fd: i32,
    pub spare: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct RequestWrite {
    pub head: Head,
    pub request: u64,
}

/// One goroutine hands something to another, or takes it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Handed {
    pub head: Head,
    /// Where it is.
    pub address: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Status {
    pub head: Head,
    pub code: u32,
    pub spare: u32,
}

/// A record that its head says all of: a program was started, a socket listens.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bare {
    pub head: Head,
}

/// Bytes of a transfer in one record; longer ones become several records.
pub const PIECE: usize = 4096;
/// Pieces of one call; what is past them is a gap.
pub const PIECES: usize = 16;
/// Vectors of one gathered call; what is past them is a gap.
pub const VECTORS: u64 = 4;

/// Words of a `runtime.g` that are read at once: Go 1.26 has `startpc` in word 38 of 57. More would not fit the stack of
/// a program that has other things there.
pub const G_WORDS: usize = 40;

/// Key of the map of handlers whose names user space was told.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NamedKey {
    pub address: u64,
    /// [`Target::since`] of its process: no two have the same.
    pub since: u64,
    /// [`Handler::generation`].
    pub generation: u64,
}

/// Value of that map: the words of the handler in which its names are.
pub type NamedBy = [u64; 6];

/// Value of the map of traced processes: what its binary says about its memory.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Target {
    /// Indices of words in `runtime.g`, below [`G_WORDS`].
    pub goid: u32,
    pub parent_goid: u32,
    pub startpc: u32,
    /// Offset of `conn` in `net/http.persistConn`.
    pub persist_conn: u32,
    /// Offset of `Sysfd` in `net.netFD`.
    pub sysfd: u32,
    pub tls: TlsLayout,
    pub streams: StreamLayout,
    /// A probe tells when another configuration is put in place: until then a handler that said its names is referred to.
    pub tells_configurations: u32,
    /// `CLOCK_MONOTONIC` at which it was traced, nanoseconds: what it did before was not seen.
    pub since: u64,
    /// Address of the type descriptor of `*net.TCPConn` in the process.
    pub tcp_conn: u64,
    /// Address of the `runtime.itab` of one as a `net.Conn`: the kernel side learns it.
    pub tcp_conn_itab: u64,
    /// Addresses of the functions in which goroutines start that read ahead on a client's connection, and that serve
    /// one.
    pub background_read: u64,
    pub serve: u64,
    /// The same for those that read or write frames of HTTP/2, and for its handlers; unused ones are `u64::MAX`.
    pub http2_read: [u64; 2],
    pub http2_other: [u64; 6],
    pub http2_handler: [u64; 2],
    /// Address of the closure that `runHandler` defers.
    pub handler_ends: u64,
    pub http3: Http3Layout,
    pub tables: Tables,
    /// Types that wrap a connection: descriptor, and offset of the interface value of what they wrap.
    pub wrappers: [Wrapper; WRAPPERS],
}

pub const WRAPPERS: usize = 5;

/// A pointer to a struct that holds a connection.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Wrapper {
    pub type_: u64,
    pub offset: u64,
}

/// Offsets that lead from a connection of HTTP/3 to its addresses, and from a response writer to what was written.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Http3Layout {
    /// `rawConn` in `http3.RawServerConn`, and `conn` in `http3.rawConn`.
    pub raw: u32,
    pub connection: u32,
    /// `conn` in `quic.Conn`.
    pub send: u32,
    /// `localAddr` and `remoteAddrInfo` in `quic.sconn`.
    pub local: u32,
    pub remote: u32,
    /// `Port` in `net.UDPAddr`, whose first field is the address.
    pub port: u32,
    /// `numWritten` and `status` in `http3.responseWriter`.
    pub written: u32,
    pub status: u32,
}

/// Where HTTP/2 has its tables of header compression: towards clients and towards backends.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Tables {
    pub server: TableLayout,
    pub client: TableLayout,
}

/// Offsets that lead from what functions of HTTP/2 are called with to the table, its connection and its stream.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct TableLayout {
    /// `conn` in `serverConn`, `tconn` in `ClientConn`.
    pub connection: u32,
    /// `framer`, or `fr`.
    pub framer: u32,
    /// `hpackEncoder`, or `henc`.
    pub encoder: u32,
    /// `ReadMetaHeaders` in `Framer`.
    pub decoder: u32,
    /// `StreamID` in `FrameHeader`.
    pub frame_stream: u32,
    /// `streamID` and `httpResCode` in `writeResHeaders`.
    pub response_stream: u32,
    pub code: u32,
    pub spare: u32,
}

/// Offsets in `crypto/tls.Conn`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct TlsLayout {
    pub version: u32,
    pub cipher: u32,
    pub resumed: u32,
    pub client: u32,
    pub server_name: u32,
    pub protocol: u32,
    /// From the stack pointer at the probe to the word that holds the `*Conn`.
    pub slot: u32,
}

/// Offsets that lead from an HTTP/2 response writer to the number of its stream.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct StreamLayout {
    /// `stream` in `net/http.http2responseWriterState`.
    pub state_stream: u32,
    /// `sc` and `id` in `net/http.http2stream`.
    pub connection: u32,
    pub id: u32,
}

/// Bytes that are kept of a payload that is left out: the length of the padding, and what gRPC has before a message.
pub const LEFT_OUT_KEPT: u32 = 16;

/// [`Connection::state`].
pub mod state {
    /// User space was told of it.
    pub const ANNOUNCED: u32 = 1;
    /// The process called `connect`.
    pub const DIALLED: u32 = 2;
    /// User space was told who reads ahead on it.
    pub const HINTED: u32 = 4;
    /// User space was told who serves it.
    pub const BOUND: u32 = 8;
    /// It came in on a port on which a traced process listens.
    pub const INGRESS: u32 = 16;
    /// Nothing is known of what it carried before it was first used.
    pub const MIDWAY: u32 = 32;
}

/// [`Connection::carries`]: apart from [`state`], for that is changed at any time, and by two threads at once.
pub mod carries {
    /// What goes through the socket is encrypted, and says nothing.
    pub const TLS: u32 = 1;
    pub const HTTP2: u32 = 2;
    /// The header of the PROXY protocol came, and nothing after it so far.
    pub const PROXIED: u32 = 4;
}

/// Where one direction of an HTTP/2 connection is.
///
/// User space gets the headers of frames, and payloads but those of DATA. In the header of a frame whose payload is
/// left out the reserved bit is set; its first [`LEFT_OUT_KEPT`] bytes are kept all the same.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Frames {
    /// Offset in the stream up to which user space was told.
    pub told: u64,
    /// Bytes of the frame's payload that are to come, and how many of these are to be copied.
    pub left: u32,
    pub copy: u32,
    /// The header that is being read, and how much of it there is.
    pub header: [u8; 32],
    pub have: u32,
    /// Highest stream so far.
    pub stream: u32,
    /// Frames that must look like frames before it is believed that they are.
    pub unsure: u32,
    /// User space must be told that the place was lost.
    pub resumed: u32,
    /// The frame is the last of its stream: when it is complete user space wants to know.
    pub last: u32,
    /// The frame is of a kind that user space is not told of.
    pub hidden: u32,
    /// Something was walked over.
    pub begun: u32,
    /// A stream is being opened: it is counted when its header block is complete, as user space does.
    pub opening: u32,
    /// The frame ends a header block.
    pub closes: u32,
    pub spare: u32,
}

/// Value of the map of connections, keyed by `struct sock *`. Only the kernel side writes it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Connection {
    pub id: u64,
    pub received: u64,
    pub sent: u64,
    pub responses: u32,
    /// 0: accepted, and not used by a traced process so far.
    pub tgid: u32,
    pub fd: i32,
    /// Bits of [`state`].
    pub state: u32,
    /// Bits of [`carries`].
    pub carries: u32,
    /// The last of the tables that were wanted and sent: of the received direction, and of the sent one.
    pub tables: [u8; 2],
    pub spare: u16,
    /// Address of its `crypto/tls.Conn`.
    pub tls: u64,
}

/// Value of the map of HTTP/2 connections, keyed as that of connections: received, sent.
pub type BothFrames = [Frames; 2];

/// Key of the map of TLS sessions.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SessionKey {
    /// Of the `crypto/tls.Conn`.
    pub address: u64,
    pub tgid: u64,
}

/// Value of the map of TLS sessions: the socket under one.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SessionSocket {
    pub sk: u64,
    pub connection: u64,
}

/// Value of the map of sockets whose end found no room in the ring, keyed by connection id. User space takes them out
/// when it comes to it.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Ended {
    pub time: u64,
    pub tgid: u32,
    pub responses: u32,
    /// `sk_err`.
    pub error: i32,
    /// It carried TLS.
    pub sealed: u32,
}

/// Value of the map of what need not be copied, keyed by connection id. Only user space writes it.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Skip {
    /// Stream offset up to which received bytes are left out.
    pub receive: u64,
    pub send: u64,
    /// One of [`data`].
    pub data: u64,
    /// Number of the last table of header compression that is wanted: received, sent. The first of a connection that was
    /// open before is sent in any case.
    pub tables: [u8; 2],
    pub spare: [u8; 6],
}

/// What is to be done with the payload of DATA frames: [`Skip::data`].
pub mod data {
    /// Not said so far: it is copied, for the first messages may be wanted.
    pub const UNDECIDED: u64 = 0;
    pub const LEAVE: u64 = 1;
    pub const COPY: u64 = 2;
}

/// Per-CPU totals; see `event::Tally` of the exporter.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Tally {
    pub responses: u64,
    pub ring_full: u64,
    pub map_full: u64,
    /// Final response heads on sockets that are not followed, for the map was full.
    pub unfollowed: u64,
    pub cut: u64,
    pub faults: u64,
}

/// Byte offsets in kernel structures, from the running kernel's BTF; set before load.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Kernel {
    pub sk_family: u32,
    pub sk_num: u32,
    pub sk_dport: u32,
    pub sk_daddr: u32,
    pub sk_rcv_saddr: u32,
    pub sk_v6_daddr: u32,
    pub sk_v6_rcv_saddr: u32,
    pub sk_protocol: u32,
    pub sk_err: u32,
    pub sk_socket: u32,
    /// For the `sys_exit` way, which starts from a file descriptor.
    pub task_files: u32,
    pub files_fdt: u32,
    pub fdt_fd: u32,
    pub fdt_max: u32,
    pub file_private: u32,
    pub file_inode: u32,
    pub inode_mode: u32,
    pub socket_sk: u32,
    /// Bytes waiting in the ring past which large transfers are cut to their first piece.
    pub pressure: u32,
    /// Bytes waiting in the ring past which the reader is woken.
    pub wake: u32,
    /// Where `bpf_task_pt_regs` (5.15) is missing: offset of `task_struct.stack`, and the size of a kernel stack, at
    /// the top of which the user's registers are saved. 0 where the helper is there.
    pub task_stack: u32,
    pub stack_size: u32,
}
