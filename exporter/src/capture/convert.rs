//! From records of the ring to events.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ptr;

use hoptap_ebpf::{self as abi, Text, flag, kind};

use super::named::{Handler, Named, Names};
use crate::event::{
    Change, Direction, Event, Frames, Goroutine, Kind, Open, Origin, Pid, Probe, Role, State, Table, TablePlace, Tls,
    Transfer,
};
use crate::lossy::lossy;

/// What the kernel side leaves out is what the decoder goes without.
const _: () = assert!(abi::LEFT_OUT_KEPT == crate::http2::LEFT_OUT_KEPT);

/// What a record means for the session itself, if it is no event of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    /// A program was started.
    Exec(Pid),
    /// A traced process listens on a new port.
    Listen(Pid),
}

/// What a process's binary says about what the kernel side sent.
pub(super) trait Process {
    fn role(&self, start: u64) -> Role;
    /// A text that was not resident when the probe fired: from the binary.
    fn text(&self, address: u64, length: usize) -> Option<String>;
}

// include/net/tcp_states.h
const ESTABLISHED: u8 = 1;
const FIN_WAIT1: u8 = 4;
const CLOSE: u8 = 7;
const CLOSE_WAIT: u8 = 8;
const LAST_ACK: u8 = 9;

/// Reads one record and hands over the event that it is. `process` finds what is known of a pid; `lost` is what the
/// record before said of losses, `named` what handlers said of themselves.
pub(super) fn record<'p, P: Process + 'p>(
    bytes: &[u8],
    process: impl Fn(Pid) -> Option<&'p P>,
    lost: &mut u32,
    named: &mut Named,
    take: &mut impl FnMut(&Event<'_>),
) -> Option<Notice> {
    let head: abi::Head = read(bytes)?;
    let pid = head.tgid;
    if head.lost != *lost {
        // Another CPU may have read an older number a moment ago: it does no harm to be told twice.
        *lost = head.lost;
        take(&Event { time: head.time, pid: 0, kind: Kind::Lost });
    }
    match head.kind {
        kind::EXEC => return Some(Notice::Exec(pid)),
        kind::LISTEN => return Some(Notice::Listen(pid)),
        _ => {}
    }
    let process = process(pid)?;
    let goroutine = Goroutine {
        id: head.goroutine.id,
        parent: head.goroutine.parent,
        role: if head.goroutine.id == 0 { Role::Other } else { process.role(head.goroutine.start) },
    };
    let mut event = |kind: Kind<'_>| take(&Event { time: head.time, pid, kind });
    let mut probe = |probe: Probe<'_>| event(Kind::Probe { goroutine, probe });
    match head.kind {
        kind::TRANSFER => {
            let record: abi::Transfer = read(bytes)?;
            let captured = bytes.get(size_of::<abi::Transfer>()..)?.get(..record.captured as usize)?;
            event(Kind::Transfer(Transfer {
                connection: record.connection,
                direction: if head.flags & flag::SEND != 0 { Direction::Send } else { Direction::Receive },
                fd: record.fd,
                goroutine,
                offset: record.offset,
                result: record.result,
                bytes: captured,
                responses: record.responses,
                plain: head.flags & flag::PLAIN != 0,
                frames: (head.flags & flag::FRAMES != 0).then_some(Frames {
                    continued: record.continued,
                    left: record.left,
                    resumed: head.flags & flag::RESUMED != 0,
                }),
            }));
        }
        kind::OPEN => {
            let record: abi::Open = read(bytes)?;
            let (local, peer) = addresses(&record.addresses);
            let origin = match head.flags {
                flags if flags & flag::DIALLED != 0 => Origin::Dialled,
                flags if flags & flag::FOUND != 0 => Origin::Found,
                _ => Origin::Accepted,
            };
            event(Kind::Open(Open { connection: record.connection, local, peer, origin, fd: record.fd, goroutine }));
        }
        kind::STATE => {
            let record: abi::State = read(bytes)?;
            let change = match record.new {
                ESTABLISHED => Change::Established { local: addresses(&record.addresses).0 },
                FIN_WAIT1 | LAST_ACK => Change::ClosedHere,
                CLOSE_WAIT => Change::ClosedThere,
                CLOSE => Change::Gone,
                _ => return None,
            };
            let (connection, error, responses) = (record.connection, record.error, record.responses);
            let sealed = head.flags & flag::SEALED != 0;
            event(Kind::State(State { connection, change, goroutine, error, responses, sealed }));
        }
        kind::ROUTER if bytes.len() <= size_of::<abi::Router<{ abi::NAME }, { abi::RULE }>>() + 8 => {
            let record: &abi::Router<{ abi::NAME }, { abi::RULE }> = view(bytes)?;
            probe(router(process, pid, record, named).as_probe(record.stream));
        }
        kind::ROUTER => {
            let record: &abi::Router<{ abi::LONG_NAME }, { abi::LONG_RULE }> = view(bytes)?;
            probe(router(process, pid, record, named).as_probe(record.stream));
        }
        kind::SERVICE if bytes.len() <= size_of::<abi::Service<{ abi::NAME }>>() + 8 => {
            let record: &abi::Service<{ abi::NAME }> = view(bytes)?;
            probe(service(process, pid, record, named).as_probe(0));
        }
        kind::SERVICE => {
            let record: &abi::Service<{ abi::LONG_NAME }> = view(bytes)?;
            probe(service(process, pid, record, named).as_probe(0));
        }
        kind::ROUTER_AGAIN | kind::SERVICE_AGAIN => {
            let record: abi::Again = read(bytes)?;
            match named.get(pid, Handler { address: record.handler, generation: record.generation }) {
                Some(names) => probe(names.as_probe(record.stream)),
                // What named it was not seen: as if this had not been, either.
                None => event(Kind::Lost),
            }
        }
        kind::ENTRY_POINT => {
            let record: &abi::EntryPoint = view(bytes)?;
            probe(Probe::EntryPoint { name: &text(process, &record.name) });
        }
        kind::ROUND_TRIP => {
            let record: abi::RoundTrip = read(bytes)?;
            probe(Probe::RoundTrip { fd: record.fd, request: record.request });
        }
        kind::REQUEST_WRITE => {
            let record: abi::RequestWrite = read(bytes)?;
            probe(Probe::RequestWrite { request: record.request });
        }
        kind::DIAL_QUEUED | kind::DIAL | kind::SPAWN | kind::MIRROR => {
            let record: abi::Handed = read(bytes)?;
            let address = record.address;
            probe(match head.kind {
                kind::DIAL_QUEUED => Probe::DialQueued { dial: address },
                kind::DIAL => Probe::Dial { dial: address },
                kind::SPAWN => Probe::Spawn { closure: address },
                _ => Probe::Mirror { closure: address },
            });
        }
        kind::TLS => {
            let record: &abi::Tls = view(bytes)?;
            let (server_name, protocol) = (text(process, &record.server_name), text(process, &record.protocol));
            event(Kind::Tls(Tls {
                connection: record.connection,
                version: record.version,
                cipher: record.cipher,
                resumed: record.resumed != 0,
                client: record.client != 0,
                server_name: &server_name,
                protocol: &protocol,
            }));
        }
        kind::TABLE => {
            let record: abi::Table = read(bytes)?;
            event(Kind::Table(Table {
                connection: record.connection,
                direction: if head.flags & flag::SEND != 0 { Direction::Send } else { Direction::Receive },
                stream: record.stream,
                place: match record.place {
                    abi::table::AFTER => TablePlace::After,
                    abi::table::AFTER_NEXT => TablePlace::AfterNext,
                    _ => TablePlace::Before,
                },
                entries: bytes.get(size_of::<abi::Table>()..)?,
            }));
        }
        kind::HTTP3_BEGIN => {
            let record: abi::Http3Begin = read(bytes)?;
            let (local, peer) = addresses(&record.addresses);
            probe(Probe::Http3Begin { local, peer });
        }
        kind::HTTP3_FIELDS => {
            let record: abi::Http3Fields = read(bytes)?;
            let block = bytes.get(size_of::<abi::Http3Fields>()..)?.get(..record.captured as usize)?;
            probe(Probe::Http3Fields { block });
        }
        kind::HTTP3_END => {
            let record: abi::Http3End = read(bytes)?;
            let status = u16::try_from(record.status).unwrap_or(0);
            probe(Probe::Http3End { written: record.written, status });
        }
        kind::HTTP3_RESET => {
            let record: abi::Status = read(bytes)?;
            probe(Probe::Http3Reset { code: record.code });
        }
        kind::STREAM => {
            let record: abi::Stream = read(bytes)?;
            probe(Probe::Stream { stream: record.stream });
        }
        kind::STATUS => {
            let record: abi::Status = read(bytes)?;
            probe(Probe::Status { code: u16::try_from(record.code).unwrap_or(0) });
        }
        _ => {}
    }
    None
}

/// Reads the names out of a record, and keeps them where the kernel side will refer to them.
fn router<P: Process, const N: usize, const R: usize>(
    process: &P,
    pid: Pid,
    record: &abi::Router<N, R>,
    named: &mut Named,
) -> Names {
    let names = Names::Router {
        router: text(process, &record.router).into(),
        rule: text(process, &record.rule).into(),
        service: text(process, &record.service).into(),
    };
    keep(&names, pid, &record.handler, named);
    names
}

/// The same of a service.
fn service<P: Process, const N: usize>(process: &P, pid: Pid, record: &abi::Service<N>, named: &mut Named) -> Names {
    let names =
        Names::Service { service: text(process, &record.service).into(), url: text(process, &record.url).into() };
    keep(&names, pid, &record.handler, named);
    names
}

fn keep(names: &Names, pid: Pid, handler: &abi::Handler, named: &mut Named) {
    if handler.whole != 0 {
        let handler = Handler { address: handler.address, generation: handler.generation };
        named.insert(pid, handler, names.clone());
    }
}

fn addresses(from: &abi::Addresses) -> (SocketAddr, SocketAddr) {
    let ip = |bytes: [u8; 16]| -> IpAddr {
        if i32::from(from.family) == libc::AF_INET6 {
            Ipv6Addr::from(bytes).to_canonical()
        } else {
            let [a, b, c, d, ..] = bytes;
            Ipv4Addr::new(a, b, c, d).into()
        }
    };
    (SocketAddr::new(ip(from.local), from.local_port), SocketAddr::new(ip(from.peer), u16::from_be(from.peer_port)))
}

fn text<'a, P: Process, const N: usize>(process: &P, text: &'a Text<N>) -> Cow<'a, str> {
    let length = text.length as usize;
    if text.read == 0 && length > 0 {
        return process.text(text.address, length).map_or(Cow::Borrowed(""), Cow::Owned);
    }
    lossy(text.bytes.get(..text.read as usize).unwrap_or_default())
}

/// Copies a record out of the ring.
#[expect(unsafe_code, reason = "bytes to a plain type")]
fn read<T: Copy>(bytes: &[u8]) -> Option<T> {
    // SAFETY: long enough, and ABI types are valid for any bytes.
    (bytes.len() >= size_of::<T>()).then(|| unsafe { ptr::read_unaligned(bytes.as_ptr().cast()) })
}

/// Looks at a record in place: the ring aligns records to 8 bytes.
#[expect(unsafe_code, reason = "bytes to a plain type")]
fn view<T>(bytes: &[u8]) -> Option<&T> {
    let pointer = bytes.as_ptr().cast::<T>();
    // SAFETY: long enough and aligned, and ABI types are valid for any bytes.
    (bytes.len() >= size_of::<T>() && pointer.is_aligned()).then(|| unsafe { &*pointer })
}
