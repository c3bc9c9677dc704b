//! The real Traefik: every function that was ever probed has a place, every layout is what was read by other means.

use std::fs::File;
use std::path::PathBuf;

use hoptap::capture::binary::{Arch, Binary, Wanted};

/// Functions that were watched on Traefik v3.6.12; alternates by Go version with `|`.
const PROBED: [&str; 31] = [
    "net/http.serverHandler.ServeHTTP",
    "net/http.(*response).finishRequest",
    "net/http.(*conn).serve",
    "net/http.(*conn).setState",
    "net/http.(*response).WriteHeader",
    "net/http.(*http2serverConn).scheduleHandler|net/http/internal/http2.(*serverConn).scheduleHandler",
    "net/http.(*http2serverConn).runHandler|net/http/internal/http2.(*serverConn).runHandler",
    "net/http.(*http2serverConn).runHandler.func1|net/http/internal/http2.(*serverConn).runHandler.func1",
    "net/http.(*http2serverConn).readFrames|net/http/internal/http2.(*serverConn).readFrames",
    "net/http.(*http2serverConn).writeFrameAsync|net/http/internal/http2.(*serverConn).writeFrameAsync",
    "net/http.(*http2responseWriterState).writeHeader|net/http/internal/http2.(*responseWriterState).writeHeader",
    "github.com/quic-go/quic-go/http3.(*RawServerConn).handleRequestStream|github.com/quic-go/quic-go/http3.(*Server).handleRequest",
    "github.com/quic-go/quic-go/http3.(*responseWriter).WriteHeader",
    "net/http.(*persistConn).roundTrip",
    "net/http.(*Request).write",
    "net/http.(*Transport).startDialConnForLocked",
    "net/http.(*Transport).dialConnFor",
    "golang.org/x/net/http2.(*ClientConn).roundTrip|net/http/internal/http2.(*ClientConn).roundTrip",
    "golang.org/x/net/http2.(*clientStream).doRequest|net/http/internal/http2.(*clientStream).doRequest",
    "golang.org/x/net/http2.(*ClientConn).writeHeaders|net/http/internal/http2.(*ClientConn).writeHeaders",
    "github.com/traefik/traefik/v3/pkg/proxy/fast.(*ReverseProxy).ServeHTTP",
    "github.com/traefik/traefik/v3/pkg/proxy/fast.(*ReverseProxy).roundTrip",
    "github.com/traefik/traefik/v3/pkg/proxy/fast.(*conn).readLoop",
    "github.com/traefik/traefik/v3/pkg/middlewares/observability.(*routerTracing).ServeHTTP",
    "github.com/traefik/traefik/v3/pkg/middlewares/observability.(*serviceTracing).ServeHTTP",
    "github.com/traefik/traefik/v3/pkg/middlewares/observability.(*middlewareTracing).ServeHTTP",
    "github.com/traefik/traefik/v3/pkg/middlewares/accesslog.(*FieldHandler).ServeHTTP",
    "github.com/traefik/traefik/v3/pkg/healthcheck.(*ServiceHealthChecker).executeHealthCheck",
    "crypto/tls.(*Conn).Write",
    "crypto/tls.(*Conn).Read",
    "runtime.newproc1",
];

/// How the functions that goroutines start in begin, one for each role.
const STARTS: [&str; 15] = [
    "github.com/traefik/traefik/v3/pkg/server.TCPEntryPoints.Start.gowrap",
    "github.com/traefik/traefik/v3/pkg/safe.GoWithRecover.func",
    "net/http.(*Server).Serve.gowrap",
    "net/http.(*connReader).startBackgroundRead.gowrap",
    "net/http.(*http2serverConn).scheduleHandler.gowrap",
    "net/http.(*http2serverConn).handlerDone.gowrap",
    "net/http.(*http2serverConn).serve.gowrap",
    "github.com/quic-go/quic-go/http3.(*Server).handleConn.func1.gowrap",
    "net/http.(*Transport).startDialConnForLocked.func",
    "net/http.(*Transport).dialConn.gowrap",
    "golang.org/x/net/http2.(*ClientConn).roundTrip.gowrap",
    "golang.org/x/net/http2.(*Transport).newClientConn.gowrap",
    "github.com/traefik/traefik/v3/pkg/proxy/fast.(*connPool).askForNewConn.gowrap",
    "github.com/traefik/traefik/v3/pkg/proxy/fast.(*connPool).acquireConn.gowrap",
    "github.com/traefik/traefik/v3/pkg/server/service.(*Manager).LaunchHealthCheck.gowrap",
];

/// Where plaintext comes out of TLS.
const READS_RECORDS: &str = "crypto/tls.(*Conn).readRecordOrCCS";
const DECRYPTS: &str = "crypto/tls.(*halfConn).decrypt";

const OBSERVABILITY: &str = "github.com/traefik/traefik/v3/pkg/middlewares/observability";

/// Type (`~`: Traefik's observability package), field, offset in Traefik v3.6.12 built by Go 1.26.8 for x86-64.
const LAYOUTS: &[(&str, &str, u64)] = &[
    ("runtime.g", "stack", 0),
    ("runtime.g", "m", 48),
    ("runtime.g", "goid", 152),
    ("runtime.g", "parentGoid", 280),
    ("runtime.g", "startpc", 304),
    ("net/http.persistConn", "conn", 80),
    ("net/http.persistConn", "mutateHeaderFunc", 288),
    ("net.TCPConn", "conn", 0),
    ("net.conn", "fd", 0),
    ("net.netFD", "pfd", 0),
    ("net.netFD", "raddr", 112),
    ("internal/poll.FD", "Sysfd", 16),
    ("crypto/tls.Conn", "conn", 0),
    ("crypto/tls.Conn", "tmp", 852),
    ("~.routerTracing", "router", 0),
    ("~.routerTracing", "routerRule", 16),
    ("~.routerTracing", "service", 32),
    ("~.routerTracing", "next", 48),
    ("~.serviceTracing", "service", 0),
    ("~.serviceTracing", "next", 16),
    ("~.middlewareTracing", "name", 16),
    ("~.middlewareTracing", "typeName", 32),
    ("github.com/traefik/traefik/v3/pkg/middlewares/accesslog.FieldHandler", "next", 0),
    ("github.com/traefik/traefik/v3/pkg/middlewares/accesslog.FieldHandler", "name", 16),
    ("github.com/traefik/traefik/v3/pkg/middlewares/accesslog.FieldHandler", "value", 32),
    ("github.com/traefik/traefik/v3/pkg/middlewares/accesslog.FieldHandler", "applyFn", 48),
    ("github.com/traefik/traefik/v3/pkg/proxy/fast.ReverseProxy", "targetURL", 72),
    ("github.com/traefik/traefik/v3/pkg/proxy/fast.ReverseProxy", "preservePath", 81),
    ("net/url.URL", "Host", 40),
];

fn traefik() -> Option<File> {
    let cache = || {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
        Some(cache.join("hoptap/traefik-v3.6.12"))
    };
    let path = std::env::var_os("HOPTAP_TRAEFIK").map(PathBuf::from);
    match path {
        Some(path) => Some(File::open(path).unwrap()),
        None => File::open(cache()?).ok(),
    }
}

#[test]
fn the_real_one() {
    // Where there is no Traefik the small programs still say whether the reader works.
    let Some(file) = traefik() else { return };
    let full = |name: &str| name.replace('~', OBSERVABILITY);
    let types: Vec<String> = LAYOUTS.iter().map(|(of, _, _)| full(of)).collect();
    let wanted = Wanted {
        functions: PROBED.iter().flat_map(|names| names.split('|')).chain([READS_RECORDS, DECRYPTS]).collect(),
        prefixes: STARTS.to_vec(),
        calls: vec![(READS_RECORDS, DECRYPTS)],
        types: types.iter().map(String::as_str).collect(),
    };
    let binary = Binary::read(&file, &wanted).unwrap();
    assert_eq!(binary.arch, Arch::X86_64);
    let (module, version) = binary.module.clone().unwrap();
    if module == "github.com/traefik/traefik/v3" && version.starts_with("v3.") {
        assert_eq!(binary.traefik_version.as_deref(), version.strip_prefix('v'));
    }
    for names in PROBED {
        let names: Vec<&str> = names.split('|').collect();
        let (name, function) = binary.first_function(&names).unwrap_or_else(|| panic!("{names:?}"));
        let site = function.probe.unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!(binary.file_offset(site.address), Some(site.offset), "{name}");
    }
    let back = binary.after_call(READS_RECORDS).unwrap().unwrap();
    assert_eq!(binary.file_offset(back.probe.address), Some(back.probe.offset));
    if binary.go_version.as_deref() == Some("go1.26.8") {
        assert_eq!(back.slot, 0x1e0);
    }
    for start in STARTS {
        assert!(binary.functions_starting(start).next().is_some(), "{start}");
    }
    for (of, field, offset) in LAYOUTS {
        let found = binary.field(&full(of), field);
        // Other builds may lie otherwise, but must be readable.
        if binary.go_version.as_deref() == Some("go1.26.8") {
            assert_eq!(found, Some(*offset), "{of}.{field}");
        } else {
            assert!(found.is_some(), "{of}.{field}");
        }
    }
    for of in ["*net.TCPConn", "*crypto/tls.Conn"] {
        let address = binary.type_address(of).unwrap_or_else(|| panic!("{of}"));
        // A literal that is in the file can be read, wherever it is.
        let text = binary.text(&file, address, 8).unwrap();
        assert_eq!(text, Some(8_u64.to_le_bytes().to_vec()), "{of}: the size of a pointer");
    }
    assert_eq!(binary.text(&file, 0, 8).unwrap(), None);
    assert_eq!(binary.text(&file, binary.function("crypto/tls.(*Conn).Read").unwrap().address, 1 << 30).unwrap(), None);
}
