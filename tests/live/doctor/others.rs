//! What is lacking, or in the way, beside the machine: programs, ports, files, variables.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hoptap_tests::hoptap::Hoptap;
use hoptap_tests::lab::Lab;
use hoptap_tests::process::{Scratch, Stdout, free_port};

use crate::visit::{Expected, PROBES, Visit, command};

/// A program that is called `traefik` and waits for its input to end.
struct Impostor {
    child: Child,
    _scratch: Scratch,
}

impl Impostor {
    fn start(program: &Path) -> Result<Self> {
        let scratch = Scratch::new("impostor")?;
        let copy = scratch.path().join("traefik");
        std::fs::copy(program, &copy)?;
        let child = Command::new(&copy).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        let impostor = Self { child, _scratch: scratch };
        let begun = Instant::now();
        // Until then it is this program.
        while std::fs::read_link(format!("/proc/{}/exe", impostor.pid()))? != copy {
            ensure!(begun.elapsed() < Duration::from_secs(10), "expected {} to start", copy.display());
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(impostor)
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

pub(crate) async fn no_go_program(lab: &Lab) -> Result<()> {
    let impostor = Impostor::start("/bin/cat".as_ref())?;
    let pid = impostor.pid();
    let expected = Expected {
        code: 69,
        check: "Traefik",
        result: "failed",
        found: "not a Go program, or packed",
        advice: "run it unpacked",
        along: &[],
    };
    let (fake, real) = (pid.to_string(), lab.traefik.pid());
    Visit::of(command(lab, &[], &["--pid", &fake])?)?.expect(&expected)?;
    // Beside a real one it harms nobody.
    let visit = Visit::of(command(lab, &[], &["--pid", &fake, "--pid", &real.to_string()])?)?;
    let of = |pid: u32| visit.findings().iter().find(|it| it["check"] == "Traefik" && it["pid"] == pid);
    let results = [pid, real].map(|pid| of(pid).map(|it| it["result"].clone()));
    ensure!(visit.code == Some(0), "expected 0: {visit:#?}");
    ensure!(results == [Some("warning".into()), Some("ok".into())], "{visit:#?}");
    left_alone(lab, pid, "no Go program")
}

pub(crate) fn other_go(lab: &Lab, program: &Path) -> Result<()> {
    let impostor = Impostor::start(program)?;
    left_alone(lab, impostor.pid(), "the Go program cmd/gofmt")
}

/// Not asked for, it is told of and left alone.
fn left_alone(lab: &Lab, pid: u32, why: &str) -> Result<()> {
    let file = lab.traefik.executable()?;
    let name = file.file_name().and_then(|name| name.to_str()).context("a name")?;
    let visit = Visit::of(command(lab, &[], &["--executable", name])?)?;
    let of = |finding: &&serde_json::Value| finding["pid"] == pid;
    let finding = visit.findings().iter().find(of).with_context(|| format!("expected {pid} in {visit:#?}"))?;
    ensure!(finding["result"] == "not applicable", "{finding:#}");
    let found = finding["found"].as_str().unwrap_or_default();
    ensure!(found.contains(why) && finding["do"].as_str().is_some_and(|it| it.contains("--pid")), "{finding:#}");
    Ok(())
}

/// Kernels since 2025 want it for probes; with those of before nothing is lost.
pub(crate) async fn without_admin(lab: &Lab) -> Result<()> {
    let visit = Visit::of(command(lab, &["setpriv", "--bounding-set", "-sys_admin"], &[])?)?;
    let refused = visit.finding("CAP_SYS_ADMIN")?["result"] == "warning";
    let expected = Expected {
        code: 0,
        check: "CAP_SYS_ADMIN",
        result: "warning",
        found: "CAP_PERFMON does not suffice",
        advice: "docker run --cap-add SYS_ADMIN",
        along: PROBES,
    };
    if refused {
        return visit.expect(&expected);
    }
    visit.expect(&Expected {
        result: "not applicable",
        found: "CAP_PERFMON suffices",
        advice: "",
        along: &[],
        ..expected
    })
}

/// As Docker's filter refuses bpf(2) to containers without CAP_BPF.
pub(crate) async fn seccomp(lab: &Lab) -> Result<()> {
    let mut command = command(lab, &[], &[])?;
    #[expect(unsafe_code, reason = "std has no way to make a call between fork and exec")]
    // SAFETY: it makes one system call and touches nothing but its own stack.
    unsafe {
        command.pre_exec(refuse_bpf);
    }
    Visit::of(command)?.expect(&Expected {
        code: 69,
        check: "seccomp",
        result: "failed",
        found: "a filter refuses bpf",
        advice: "--security-opt seccomp=unconfined",
        along: &["socket tracepoints", "sys_exit"],
    })
}

fn refuse_bpf() -> std::io::Result<()> {
    let step =
        |code: u32, to: u8, k: u32| libc::sock_filter { code: u16::try_from(code).unwrap_or(0), jt: 0, jf: to, k };
    let number = u32::try_from(libc::SYS_bpf).unwrap_or(0);
    // The first word of what a filter gets is the number of the call.
    let mut filter = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, number),
        step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned()),
        step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: 4, filter: filter.as_mut_ptr() };
    #[expect(unsafe_code, reason = "std knows no filters")]
    // SAFETY: the filter lives through the call, which copies it.
    let done = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    if done == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

pub(crate) async fn port(lab: &Lab) -> Result<()> {
    let other = TcpListener::bind("127.0.0.1:0")?;
    let address = other.local_addr()?.to_string();
    let closes = std::thread::spawn(move || other.accept().map(drop));
    Visit::of(command(lab, &[], &["--listen", &address])?)?.expect(&Expected {
        code: 64,
        check: "listen address",
        result: "failed",
        found: "is taken by another program",
        advice: "--listen",
        along: &[],
    })?;
    ensure!(closes.join().is_ok_and(|accepted| accepted.is_ok()), "expected it to be asked whether it is a hoptap");
    Ok(())
}

pub(crate) async fn another_hoptap(lab: &Lab) -> Result<()> {
    let pid = lab.traefik.pid().to_string();
    let hoptap = Hoptap::start(&["--pid", &pid], &[], Stdout::Log).await?;
    let address = hoptap.address().to_string();
    Visit::of(command(lab, &[], &["--listen", &address])?)?.expect(&Expected {
        code: 0,
        check: "another hoptap",
        result: "warning",
        found: &format!("it watches pid {pid} by "),
        advice: &format!("curl http://{address}/readyz"),
        along: &[],
    })?;
    ensure!(hoptap.get("/readyz").await?.status == 200, "expected the other one to go on: {}", hoptap.output());
    Ok(())
}

pub(crate) async fn configuration(lab: &Lab) -> Result<()> {
    let scratch = Scratch::new("doctor")?;
    let file = scratch.path().join("hoptap.yaml");
    let path = file.display().to_string();
    std::fs::write(&file, "version: 2\nservice:\ntap: {direction: outgoing}\n")?;
    let expected = Expected {
        code: 64,
        check: "configuration",
        result: "failed",
        found: "hoptap.yaml:2: unknown key `service` at the top, and 1 more",
        advice: &format!("hoptap check {path}"),
        along: &[],
    };
    Visit::of(command(lab, &[], &["--config", &path])?)?.expect(&expected)?;
    // What a file says is what is looked at: its address, its way to names.
    let taken = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let names = format!("version: 2\ntraefik: {{names: api}}\nmetrics: {{listen: '{taken}'}}\n");
    std::fs::write(&file, names)?;
    let visit = Visit::of(command(lab, &[], &["--config", &path])?)?;
    visit.is_well()?;
    let found = visit.finding("names")?;
    ensure!(found["found"].as_str().is_some_and(|it| it.contains("names come from the API")), "{found:#}");
    Ok(())
}

pub(crate) async fn environment(lab: &Lab) -> Result<()> {
    let mut command = command(lab, &[], &[])?;
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense").env("OTEL_TRACES_SAMPLER", "some");
    Visit::of(command)?.expect(&Expected {
        code: 64,
        check: "environment",
        result: "failed",
        found: "OTEL_EXPORTER_OTLP_ENDPOINT=nonsense: expected a URL",
        advice: "docs/commands.md",
        along: &[],
    })
}

pub(crate) async fn api(lab: &Lab) -> Result<()> {
    let nobody = format!("127.0.0.1:{}", free_port()?);
    let expected = Expected {
        code: 0,
        check: "API",
        result: "warning",
        found: &format!("nothing listens on {nobody}"),
        advice: "--api",
        along: &[],
    };
    Visit::of(command(lab, &[], &["--names", "api", "--api", &nobody])?)?.expect(&expected)?;
    // Where names come from the probes it does not matter.
    let visit = Visit::of(command(lab, &[], &["--api", &nobody])?)?;
    visit.is_well()?;
    ensure!(PROBES.iter().all(|check| visit.finding(check).is_ok_and(|it| it["result"] == "ok")), "{visit:#?}");
    Ok(())
}
