//! How the program ends when it cannot do what it is asked: with which code, and what it says to do.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Runs `hoptap` with the words of `arguments`: it ends by itself with `code`, and says each of `parts`.
fn check(arguments: &str, environment: &[(&str, &str)], code: i32, parts: &[&str]) {
    let mut hoptap = Command::new(env!("CARGO_BIN_EXE_hoptap"));
    hoptap.args(arguments.split_whitespace()).envs(environment.iter().copied());
    ends(hoptap, arguments, code, parts);
}

fn ends(mut hoptap: Command, name: &str, code: i32, parts: &[&str]) {
    let output = hoptap.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{name}: {said}");
    for part in parts {
        assert!(said.contains(part), "{name}: expected {part:?} in: {said}");
    }
}

struct File(PathBuf);

impl File {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("hoptap-refusals-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn usage() {
    check("--bogus", &[], 64, &["unexpected argument '--bogus'", "Usage: hoptap"]);
    check("--level detail", &[], 64, &["invalid value 'detail'", "summary, details", "'details'"]);
    check("--listen nowhere", &[], 64, &["expected an address such as 127.0.0.1:9464, :9464, or off"]);
    check("--ring 100", &[], 64, &["expected a power of two between 64 and 1048576"]);
    check("--log-level a=b=c", &[], 64, &["hoptap: --log-level a=b=c"]);
    check("--listen 192.0.2.1:9464", &[], 64, &["not an address of this machine", "choose another with --listen"]);
}

#[test]
fn a_port_that_is_taken() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let parts = [format!("address in use: {address}"), "choose another with --listen".into()];
    check(&format!("--listen {address}"), &[], 64, &parts.each_ref().map(String::as_str));
}

#[test]
fn environment() {
    let bad = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ("OTEL_TRACES_SAMPLER", "some"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
    ];
    // All at once: nobody mends one only to hear of the next.
    let said = [
        "OTEL_EXPORTER_OTLP_ENDPOINT=nonsense: expected a URL",
        "OTEL_EXPORTER_OTLP_TIMEOUT=soon: expected milliseconds",
        "OTEL_TRACES_SAMPLER=some: expected always_on",
        "OTEL_BSP_MAX_QUEUE_SIZE=-1: expected a whole number",
    ];
    check("--listen off", &bad, 64, &said);
}

#[test]
fn recordings() {
    let garbage = File::new("garbage", b"GET / HTTP/1.1\r\n\r\n");
    let empty = File::new("empty", b"");
    check("replay /nonexistent/file", &[], 64, &["cannot read the recording /nonexistent/file: No such file"]);
    check(&format!("replay {}", garbage.0.display()), &[], 64, &["not a recording", "`hoptap record` wrote"]);
    check(&format!("replay {}", empty.0.display()), &[], 64, &["not a recording"]);
    check("replay /", &[], 64, &["Is a directory"]);
    check("record /nonexistent/file", &[], 64, &["cannot write the recording /nonexistent/file: No such file"]);
}

/// What stands before the fault is told, and the fault is an error.
#[test]
fn a_recording_that_was_cut() {
    let mut writer = hoptap::record::Writer::new(Vec::new(), 1).unwrap();
    for time in 1..=3 {
        let kind = hoptap::event::Kind::Clock { unix: time };
        writer.write(&hoptap::event::Event { time, pid: 0, kind }).unwrap();
    }
    let whole = writer.finish().unwrap();
    let cut = File::new("cut", whole.get(..whole.len() - 2).unwrap());
    check(&format!("replay {}", cut.0.display()), &[], 1, &["was told up to its fault", "ends"]);
}

/// As `nobody`, who has no capabilities: from root by giving everything up, else as whoever runs the test.
#[test]
fn without_permission() {
    // The build's own folder may be closed to others.
    let copy = std::env::temp_dir().join(format!("hoptap-refusals-{}", std::process::id()));
    std::fs::copy(env!("CARGO_BIN_EXE_hoptap"), &copy).unwrap();
    let copy = File(copy);
    let parts = ["CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH", "sudo hoptap", "setcap"];
    for arguments in [["--listen", "off"].as_slice(), &["top", "--from", "here", "--once"]] {
        let mut hoptap = Command::new(&copy.0);
        hoptap.args(arguments);
        if std::fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0) {
            hoptap.uid(65534).gid(65534);
        }
        ends(hoptap, &format!("{arguments:?} as nobody"), 69, &parts);
    }
}

/// Refused by `check` and by `--config` alike, before anything starts.
fn refused(path: &str, parts: &[&str]) {
    check(&format!("check {path}"), &[], 64, parts);
    check(&format!("--config {path}"), &[], 64, parts);
}

#[test]
fn configurations_that_are_no_files() {
    refused("/nowhere/hoptap.yaml", &["error: there is no such file", "--> /nowhere/hoptap.yaml", "1 error"]);
    refused("/tmp", &["error: this is a directory", "Docker makes a directory"]);
    let bytes = File::new("bytes.yaml", b"version: 2\n# \xff\n");
    refused(bytes.0.to_str().unwrap(), &["error: line 2 is not UTF-8", "save the file as UTF-8"]);
    let large = File::new("large.yaml", &b"# much\n".repeat(200_000));
    refused(large.0.to_str().unwrap(), &["error: the file is too large", "at most 1 MiB"]);
    let empty = File::new("empty.yaml", b"");
    refused(empty.0.to_str().unwrap(), &["error: the file is empty", "begin with `version: 2`"]);
    check("check", &[], 64, &["FILE"]);
}

#[test]
fn configurations_with_mistakes() {
    let file = File::new("mistakes.yaml", b"version: 2\nservice:\ntap: {direction: outgoing}\n");
    let parts = ["did you mean `services`?", "mistakes.yaml:3:18", "2 errors"];
    refused(file.0.to_str().unwrap(), &parts);
}

#[test]
fn a_configuration_that_is_fine() {
    let file = File::new("fine.yaml", b"version: 2\nrulekit: {macros: [{name: a, expr: tls}]}\n");
    check(&format!("check {}", file.0.display()), &[], 0, &["warning: no rule calls the macro `a`"]);
}
