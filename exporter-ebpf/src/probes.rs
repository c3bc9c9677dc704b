//! What Traefik and net/http say themselves, read at the `push` after a function's stack check: there the arguments
//! are still in their registers, and the kernel emulates the instruction instead of stepping over a copy of it.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use hoptap_ebpf::{
    EntryPoint, G_WORDS, Goroutine, Handed, LONG_NAME, LONG_RULE, NAME, RULE, RequestWrite, RoundTrip, Router, Service,
    Status, Stream, Target, Text, WRAPPERS, kind,
};

use crate::arch::Registers;
use crate::goroutine;
use crate::maps::{EVENTS, PROCESSES, Scratch};
use crate::memory::{copy_text, try_user, user, user_into};
use crate::ring;

#[inline(always)]
pub(crate) fn traced<'a>(context: &ProbeContext) -> Option<(u32, &'a Target, Registers, Goroutine)> {
    let tgid = (bpf_get_current_pid_tgid() >> 32) as u32;
    let target = PROCESSES.get_ptr(&tgid)?;
    // SAFETY: a map value lives until the program ends, and the context is what the program was called with.
    let (target, registers) = unsafe { (&*target, Registers::context(context.regs)) };
    let scratch = Scratch::of_this_thread()?;
    // SAFETY: the entry is this thread's.
    let goroutine = goroutine::current_in(target, &registers, unsafe { &raw mut (*scratch).goroutine });
    Some((tgid, target, registers, goroutine))
}

/// A Go string header.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Str {
    pub(crate) address: u64,
    pub(crate) length: u64,
}

/// The goroutine is the handler of a stream of HTTP/2.
#[inline(always)]
fn serves_stream(target: &Target, goroutine: Goroutine) -> bool {
    goroutine.start == target.http2_handler[0] || goroutine.start == target.http2_handler[1]
}

/// The number of the stream that this handler serves, without a probe of its own: `runHandler`, at the bottom of its
/// stack, holds the closure that it defers, and with that `rw`, `req`, `&didPanic` and `sc` in this order
/// (net/http/h2_bundle.go, Go 1.26). 0 where that is not so.
#[inline(always)]
fn stream(target: &Target) -> u32 {
    let Some(scratch) = Scratch::of_this_thread() else { return 0 };
    // SAFETY: the entry is this thread's.
    let words = unsafe { (&raw mut (*scratch).goroutine).cast::<u64>() };
    // `g.stack.hi`, which was read with the goroutine.
    // SAFETY: its second word.
    let top = unsafe { *words.add(1) };
    // SAFETY: as many words as there is room for.
    if !unsafe { user_into(words.cast(), top - (G_WORDS as u64) * 8, (G_WORDS * 8) as u32) } {
        return 0;
    }
    for index in 0..G_WORDS - 4 {
        // SAFETY: below the last word but four.
        let [closure, writer, connection] =
            unsafe { [*words.add(index), *words.add(index + 1), *words.add(index + 4)] };
        if closure == target.handler_ends {
            return stream_of(target, writer, connection);
        }
    }
    0
}

/// `net/http.(*http2serverConn).runHandler(rw, req, handler)`: attached only where `router` does not tell.
#[uprobe]
pub(crate) fn http2_stream(context: ProbeContext) -> u32 {
    let Some((tgid, target, registers, goroutine)) = traced(&context) else { return 0 };
    let stream = stream_of(target, registers.go[1], registers.go[0]);
    ring::send(Stream { head: ring::head(kind::STREAM, 0, tgid, goroutine), stream, spare: 0 });
    0
}

/// From a response writer to the number of its stream, if that is one of this connection.
#[inline(always)]
fn stream_of(target: &Target, writer: u64, connection: u64) -> u32 {
    let layout = &target.streams;
    // `responseWriter` is a `*responseWriterState`.
    let state: u64 = user(writer);
    let stream: u64 = user(state + u64::from(layout.state_stream));
    if user::<u64>(stream + u64::from(layout.connection)) != connection {
        return 0;
    }
    user(stream + u64::from(layout.id))
}

/// Writes a text into its slot of a record.
///
/// # Safety
/// `to` must point into a record that is ours to write.
#[inline(always)]
pub(crate) unsafe fn text<const N: usize>(to: *mut Text<N>, from: Str) {
    // SAFETY: the caller's word.
    unsafe {
        (*to).address = from.address;
        (*to).length = from.length as u32;
        let read = if from.length == 0 {
            0
        } else {
            copy_text((&raw mut (*to).bytes).cast(), from.address, from.length as usize, N)
        };
        (*to).read = read as u32;
    }
}

macro_rules! record {
    ($type:ty, $head:expr, |$entry:ident| $fill:block) => {
        if let Some(mut entry) = EVENTS.reserve::<$type>(0) {
            let $entry = entry.as_mut_ptr();
            // SAFETY: every field is written before the record is submitted; slots past `read` are never looked at.
            unsafe {
                (*$entry).head = $head;
                $fill
            }
            entry.submit(u64::from(aya_ebpf::bindings::BPF_RB_NO_WAKEUP));
        } else {
            ring::lost(1);
        }
    };
}

/// `pkg/middlewares/observability.(*routerTracing).ServeHTTP`, Traefik 3.5 and later: the receiver starts with
/// `router, routerRule, service string`.
#[uprobe]
pub(crate) fn router(context: ProbeContext) -> u32 {
    let Some((tgid, target, registers, goroutine)) = traced(&context) else { return 0 };
    let Some([router, rule, service]) = try_user::<[Str; 3]>(registers.go[0]) else { return 0 };
    let stream = if serves_stream(target, goroutine) { stream(target) } else { 0 };
    let head = ring::head(kind::ROUTER, 0, tgid, goroutine);
    if router.length <= NAME as u64 && rule.length <= RULE as u64 && service.length <= NAME as u64 {
        record!(Router<NAME, RULE>, head, |entry| {
            text(&raw mut (*entry).router, router);
            text(&raw mut (*entry).rule, rule);
            text(&raw mut (*entry).service, service);
            (*entry).stream = stream;
        });
    } else {
        record!(Router<LONG_NAME, LONG_RULE>, head, |entry| {
            text(&raw mut (*entry).router, router);
            text(&raw mut (*entry).rule, rule);
            text(&raw mut (*entry).service, service);
            (*entry).stream = stream;
        });
    }
    0
}

/// `pkg/middlewares/observability.(*serviceTracing).ServeHTTP`: the receiver is `service string; next http.Handler`.
/// Below it stand handlers that all begin with their own `next`, and among them the `accesslog.FieldHandler` that
/// holds the server's URL (pkg/server/service/service.go, `getLoadBalancerServiceHandler`), whether or not the
/// access log is on.
#[uprobe]
pub(crate) fn service(context: ProbeContext) -> u32 {
    let Some((tgid, _, registers, goroutine)) = traced(&context) else { return 0 };
    // `service`, and `next` (type, data).
    let Some([address, length, _, mut next]) = try_user::<[u64; 4]>(registers.go[0]) else { return 0 };
    let service = Str { address, length };
    let mut url = Str { address: 0, length: 0 };
    for _ in 0..8 {
        // `next` (type, data), `name`, `value`.
        let Some([_, data, _, name_length, value, value_length]) = try_user::<[u64; 6]>(next) else { break };
        // "ServiceURL" is the only field name of ten bytes in this chain.
        if name_length == 10 {
            url = Str { address: value, length: value_length };
            break;
        }
        next = data;
    }
    let head = ring::head(kind::SERVICE, 0, tgid, goroutine);
    if service.length <= NAME as u64 && url.length <= NAME as u64 {
        record!(Service<NAME>, head, |entry| {
            text(&raw mut (*entry).service, service);
            text(&raw mut (*entry).url, url);
        });
    } else {
        record!(Service<LONG_NAME>, head, |entry| {
            text(&raw mut (*entry).service, service);
            text(&raw mut (*entry).url, url);
        });
    }
    0
}

/// `pkg/middlewares/accesslog.(*FieldHandler).ServeHTTP`: `next http.Handler; name, value string`. Attached only
/// until the name of every listening port is known: it fires four times a request.
#[uprobe]
pub(crate) fn entry_point(context: ProbeContext) -> u32 {
    let Some((tgid, _, registers, goroutine)) = traced(&context) else { return 0 };
    let Some([name, value]) = try_user::<[Str; 2]>(registers.go[0] + 16) else { return 0 };
    // "entryPointName"; the others are "ServiceName", "ServiceAddr", "ServiceURL".
    if name.length == 14 {
        record!(EntryPoint, ring::head(kind::ENTRY_POINT, 0, tgid, goroutine), |entry| {
            text(&raw mut (*entry).name, value);
        });
    }
    0
}

/// `net/http.(*persistConn).roundTrip(*transportRequest)`: this goroutine's request goes to that connection.
#[uprobe]
pub(crate) fn round_trip(context: ProbeContext) -> u32 {
    let Some((tgid, target, registers, goroutine)) = traced(&context) else { return 0 };
    let fd = descriptor(target, registers.go[0] + u64::from(target.persist_conn)).unwrap_or(-1);
    // `transportRequest` embeds `*Request` as its first field. Asked only where the descriptor does not do.
    let request = if fd < 0 { user(registers.go[1]) } else { 0 };
    ring::send(RoundTrip { head: ring::head(kind::ROUND_TRIP, 0, tgid, goroutine), request, fd, spare: 0 });
    0
}

/// The file descriptor under a `net.Conn` at `interface`: a `*net.TCPConn`, or what Traefik, the PROXY protocol and TLS
/// put around one.
#[inline(always)]
pub(crate) fn descriptor(target: &Target, interface: u64) -> Option<i32> {
    let [mut itab, mut data] = try_user::<[u64; 2]>(interface)?;
    for _ in 0..WRAPPERS + 1 {
        // `runtime.itab`: the type descriptor is the second word.
        let type_ = try_user::<u64>(itab + 8)?;
        if type_ == target.tcp_conn {
            // `net.TCPConn` is a `*netFD`.
            let descriptor = try_user::<u64>(data)?;
            return try_user::<i64>(descriptor + u64::from(target.sysfd)).map(|fd| fd as i32);
        }
        let wrapper = target.wrappers.iter().find(|wrapper| wrapper.type_ == type_)?;
        [itab, data] = try_user::<[u64; 2]>(data + wrapper.offset)?;
    }
    None
}

/// `net/http.(*Request).write`: attached only where a round trip's connection could not be read.
#[uprobe]
pub(crate) fn request_write(context: ProbeContext) -> u32 {
    let Some((tgid, _, registers, goroutine)) = traced(&context) else { return 0 };
    ring::send(RequestWrite { head: ring::head(kind::REQUEST_WRITE, 0, tgid, goroutine), request: registers.go[0] });
    0
}

/// `net/http.(*Transport).queueForDial(*wantConn)`: a request found no connection that is free.
#[uprobe]
pub(crate) fn dial_queued(context: ProbeContext) -> u32 {
    let Some((tgid, _, registers, goroutine)) = traced(&context) else { return 0 };
    ring::send(Handed { head: ring::head(kind::DIAL_QUEUED, 0, tgid, goroutine), address: registers.go[1] });
    0
}

/// `net/http.(*Transport).dialConnFor(*wantConn)` and fastProxy's `(*connPool).askForNewConn`: a goroutine of its own
/// starts to dial. Its sockets may be dialled by goroutines that it starts in turn.
#[uprobe]
pub(crate) fn dial(context: ProbeContext) -> u32 {
    let Some((tgid, _, registers, goroutine)) = traced(&context) else { return 0 };
    ring::send(Handed { head: ring::head(kind::DIAL, 0, tgid, goroutine), address: registers.go[1] });
    0
}

/// `pkg/safe.(*Pool).GoCtx(func(context.Context))`: of what serves clients only mirroring starts goroutines this way
/// (pkg/server/service/loadbalancer/mirror/mirror.go). The closure is made by one `go` statement for one goroutine.
#[uprobe]
pub(crate) fn spawn(context: ProbeContext) -> u32 {
    let Some((tgid, _, registers, goroutine)) = traced(&context) else { return 0 };
    ring::send(Handed { head: ring::head(kind::SPAWN, 0, tgid, goroutine), address: registers.go[1] });
    0
}

/// `pkg/server/service/loadbalancer/mirror.(*Mirroring).ServeHTTP.func1`: that closure, on the goroutine that was started.
#[uprobe]
pub(crate) fn mirror(context: ProbeContext) -> u32 {
    let Some((tgid, _, registers, goroutine)) = traced(&context) else { return 0 };
    ring::send(Handed { head: ring::head(kind::MIRROR, 0, tgid, goroutine), address: registers.closure });
    0
}

/// `net/http.(*response).WriteHeader(int)`.
#[uprobe]
pub(crate) fn status(context: ProbeContext) -> u32 {
    let Some((tgid, _, registers, goroutine)) = traced(&context) else { return 0 };
    ring::send(Status { head: ring::head(kind::STATUS, 0, tgid, goroutine), code: registers.go[1] as u32, spare: 0 });
    0
}
