//! What Traefik and net/http say themselves, read at the `push` after a function's stack check: there the arguments
//! are still in their registers, and the kernel emulates the instruction instead of stepping over a copy of it.

use aya_ebpf::helpers::{bpf_get_current_pid_tgid, bpf_ktime_get_ns};
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use hoptap_ebpf::{
    Again, EntryPoint, G_WORDS, Goroutine, Handed, Handler, LONG_NAME, LONG_RULE, NAME, NamedBy, NamedKey, RULE,
    RequestWrite, RoundTrip, Router, Service, Status, Stream, Target, Text, WRAPPERS, kind,
};

use crate::arch::Registers;
use crate::goroutine;
use crate::maps::{CONFIGURED, EVENTS, NAMED, PROCESSES, Scratch};
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

/// Writes a text into its slot of a record; says whether it could be read.
///
/// # Safety
/// `to` must point into a record that is ours to write.
#[inline(always)]
pub(crate) unsafe fn text<const N: usize>(to: *mut Text<N>, from: Str) -> bool {
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
        read != 0 || from.length == 0
    }
}

macro_rules! record {
    ($type:ty, $head:expr, |$entry:ident| $fill:block) => {
        if let Some(mut entry) = EVENTS.reserve::<$type>(0) {
            let $entry = entry.as_mut_ptr();
            // SAFETY: every field is written before the record is submitted; slots past `read` are never looked at.
            let filled = unsafe {
                (*$entry).head = $head;
                $fill
            };
            entry.submit(u64::from(aya_ebpf::bindings::BPF_RB_NO_WAKEUP));
            filled
        } else {
            ring::lost(1);
            false
        }
    };
}

/// A handler that says names, and in which words. They are the same for all requests that it serves.
struct Names {
    key: NamedKey,
    words: NamedBy,
    kept: bool,
}

impl Names {
    #[inline(always)]
    fn of(target: &Target, address: u64, words: NamedBy) -> Self {
        let key = NamedKey { address, since: target.since, generation: CONFIGURED.get() };
        Self { key, words, kept: target.tells_configurations != 0 }
    }

    /// User space was told of it.
    ///
    /// Its words are compared as well: a handler of an earlier configuration that still served somebody when this one
    /// was made may have left its memory to one of this.
    #[inline(always)]
    fn told(&self) -> bool {
        if !self.kept {
            return false;
        }
        let Some(told) = NAMED.get_ptr(&self.key) else { return false };
        // SAFETY: a map value lives until the program ends.
        let told = unsafe { &*told };
        // Not by `==`, which becomes a call of a function that is not there.
        (0..told.len()).fold(0, |differ, index| differ | (told[index] ^ self.words[index])) == 0
    }

    /// What the record says of it; `whole`: all its texts are there.
    #[inline(always)]
    fn handler(&self, whole: bool) -> Handler {
        let whole = u32::from(self.kept && whole);
        Handler { address: self.key.address, generation: self.key.generation, whole, spare: 0 }
    }

    /// User space has its texts now.
    #[inline(always)]
    fn remember(&self) {
        if self.kept {
            let _ = NAMED.insert(&self.key, &self.words, 0);
        }
    }

    /// Says only which it is.
    #[inline(always)]
    fn again(&self, kind: u8, tgid: u32, goroutine: Goroutine, stream: u32) {
        ring::send(Again {
            head: ring::head(kind, 0, tgid, goroutine),
            handler: self.key.address,
            generation: self.key.generation,
            stream,
            spare: 0,
        });
    }
}

/// `pkg/server.(*RouterFactory).CreateRouters`: makes all handlers of a configuration, which then take the place of those
/// before (cmd/traefik/traefik.go, `switchRouter`). Until that is done both are in memory, so that no two that are used
/// between two calls of it have the same address.
#[uprobe]
pub(crate) fn configuration(_: ProbeContext) -> u32 {
    let tgid = (bpf_get_current_pid_tgid() >> 32) as u32;
    if PROCESSES.get_ptr(&tgid).is_some() {
        // SAFETY: a helper without arguments.
        CONFIGURED.set(unsafe { bpf_ktime_get_ns() });
    }
    0
}

/// `pkg/middlewares/observability.(*routerTracing).ServeHTTP`, Traefik 3.5 and later: the receiver starts with
/// `router, routerRule, service string`.
#[uprobe]
pub(crate) fn router(context: ProbeContext) -> u32 {
    let Some((tgid, target, registers, goroutine)) = traced(&context) else { return 0 };
    let Some(words) = try_user::<NamedBy>(registers.go[0]) else { return 0 };
    let stream = if serves_stream(target, goroutine) { stream(target) } else { 0 };
    let names = Names::of(target, registers.go[0], words);
    if names.told() {
        names.again(kind::ROUTER_AGAIN, tgid, goroutine, stream);
        return 0;
    }
    let router = Str { address: words[0], length: words[1] };
    let rule = Str { address: words[2], length: words[3] };
    let service = Str { address: words[4], length: words[5] };
    let head = ring::head(kind::ROUTER, 0, tgid, goroutine);
    let whole = if router.length <= NAME as u64 && rule.length <= RULE as u64 && service.length <= NAME as u64 {
        record!(Router<NAME, RULE>, head, |entry| {
            let mut whole = text(&raw mut (*entry).router, router);
            whole &= text(&raw mut (*entry).rule, rule);
            whole &= text(&raw mut (*entry).service, service);
            (*entry).handler = names.handler(whole);
            (*entry).stream = stream;
            whole
        })
    } else {
        record!(Router<LONG_NAME, LONG_RULE>, head, |entry| {
            let mut whole = text(&raw mut (*entry).router, router);
            whole &= text(&raw mut (*entry).rule, rule);
            whole &= text(&raw mut (*entry).service, service);
            (*entry).handler = names.handler(whole);
            (*entry).stream = stream;
            whole
        })
    };
    if whole {
        names.remember();
    }
    0
}

/// `pkg/middlewares/observability.(*serviceTracing).ServeHTTP`: the receiver is `service string; next http.Handler`, one
/// for each server of a service. Below it stand handlers that all begin with their own `next`, and among them the
/// `accesslog.FieldHandler` that holds the server's URL (pkg/server/service/service.go,
/// `getLoadBalancerServiceHandler`), whether or not the access log is on.
#[uprobe]
pub(crate) fn service(context: ProbeContext) -> u32 {
    let Some((tgid, target, registers, goroutine)) = traced(&context) else { return 0 };
    // `service`, and `next` (type, data).
    let Some([address, length, handler, mut next]) = try_user::<[u64; 4]>(registers.go[0]) else { return 0 };
    let names = Names::of(target, registers.go[0], [address, length, handler, next, 0, 0]);
    if names.told() {
        names.again(kind::SERVICE_AGAIN, tgid, goroutine, 0);
        return 0;
    }
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
    let whole = if service.length <= NAME as u64 && url.length <= NAME as u64 {
        record!(Service<NAME>, head, |entry| {
            let whole = text(&raw mut (*entry).service, service) & text(&raw mut (*entry).url, url) & (url.length > 0);
            (*entry).handler = names.handler(whole);
            whole
        })
    } else {
        record!(Service<LONG_NAME>, head, |entry| {
            let whole = text(&raw mut (*entry).service, service) & text(&raw mut (*entry).url, url) & (url.length > 0);
            (*entry).handler = names.handler(whole);
            whole
        })
    };
    if whole {
        names.remember();
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
            text(&raw mut (*entry).name, value)
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

/// The process has its TCP connections behind this `runtime.itab`, as what holds a `net.Conn` does.
#[inline(always)]
fn learn_itab(itab: u64) {
    let tgid = (bpf_get_current_pid_tgid() >> 32) as u32;
    if let Some(target) = PROCESSES.get_ptr_mut(&tgid) {
        // SAFETY: a map value lives until the program ends, and an aligned word is written whole.
        unsafe { (&raw mut (*target).tcp_conn_itab).write_volatile(itab) };
    }
}

/// The file descriptor under a `net.Conn` at `interface`: a `*net.TCPConn`, or what Traefik, the PROXY protocol and TLS
/// put around one.
#[inline(always)]
pub(crate) fn descriptor(target: &Target, interface: u64) -> Option<i32> {
    let [mut itab, mut data] = try_user::<[u64; 2]>(interface)?;
    for _ in 0..WRAPPERS + 1 {
        let is_tcp = itab == target.tcp_conn_itab;
        // `runtime.itab`: the type descriptor is the second word.
        let type_ = if is_tcp { target.tcp_conn } else { try_user::<u64>(itab + 8)? };
        if type_ == target.tcp_conn {
            if !is_tcp {
                learn_itab(itab);
            }
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
