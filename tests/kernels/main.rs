//! hoptap on kernels other than this machine's: each is booted under QEMU with a real Traefik, runs the cases of
//! `guest` and says on its console how they went; what that has to be on which kernel is said here.

mod doctor;
mod guest;
mod image;
mod machine;
mod report;
mod told;

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use anyhow::{Result, ensure};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

use image::Image;
use machine::Console;

/// A kernel and what it can do.
#[derive(Debug, Clone, Copy)]
struct Kernel {
    series: &'static str,
    /// The release of Debian that has it.
    suite: &'static str,
    /// What `--capture` takes there, the one that is chosen first.
    hooks: &'static [&'static str],
}

const KERNELS: [Kernel; 3] = [
    Kernel { series: "5.10", suite: "bullseye", hooks: &["syscall"] },
    Kernel { series: "6.1", suite: "bookworm", hooks: &["syscall"] },
    Kernel { series: "6.12", suite: "trixie", hooks: &["socket", "syscall"] },
];

/// What the guest found in a case, judged.
type Check = fn(&Kernel, &str) -> Result<()>;

/// One boot serves all trials of a kernel; so does the reason why there is none.
type Shared = Arc<OnceLock<Result<Console, Lacking>>>;

#[derive(Debug, Clone)]
enum Lacking {
    /// This machine cannot boot it.
    Something(String),
    /// It could, and it went wrong.
    Broken(String),
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("guest") {
        return guest::run();
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    // Gathered once: the guests differ in their kernels only.
    let image: Arc<OnceLock<Result<Image, Lacking>>> = Arc::default();
    let mut trials = Vec::new();
    for kernel in KERNELS {
        let console = Shared::default();
        let judged: [(&str, Check); 7] = [
            (guest::RELEASE, release),
            (guest::HOOK, hook),
            (guest::JSON, told::check),
            (guest::SOCKET, socket),
            (guest::SYSCALL, syscall),
            (guest::DOCTOR, doctor::check),
            (guest::TAINT, untainted),
        ];
        let plain = guest::names().map(|name| (name, (|_, _| Ok(())) as Check));
        for (name, check) in judged.into_iter().chain(plain) {
            let (console, image) = (Arc::clone(&console), Arc::clone(&image));
            trials.push(Trial::ignorable_test(format!("{}/{name}", kernel.series), move || {
                trial(&kernel, name, check, &console, &image)
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

#[expect(clippy::print_stderr, reason = "a test program tells people why it skips")]
fn trial(
    kernel: &Kernel,
    name: &str,
    check: Check,
    console: &Shared,
    image: &OnceLock<Result<Image, Lacking>>,
) -> Result<Completion, Failed> {
    let console = console.get_or_init(|| {
        let console = image
            .get_or_init(Image::gather)
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|image| machine::boot(kernel.series, kernel.suite, image));
        if let Err(Lacking::Something(reason)) = &console {
            eprintln!("skipped: Linux {}: {reason}", kernel.series);
        }
        console
    });
    match console {
        Ok(console) => {
            let judged =
                console.report(name).and_then(|found| check(kernel, &found)).map_err(|error| console.explain(&error));
            judged.map(|()| Completion::Completed).map_err(Failed::from)
        }
        Err(Lacking::Something(reason)) => Ok(Completion::ignored_with(reason)),
        Err(Lacking::Broken(reason)) => Err(reason.into()),
    }
}

fn release(kernel: &Kernel, found: &str) -> Result<()> {
    let expected = format!("{}.", kernel.series);
    ensure!(found.starts_with(&expected), "expected Linux {expected}*, found {found}");
    Ok(())
}

/// A kernel that had to warn of something is tainted: Documentation/admin-guide/tainted-kernels.rst.
fn untainted(_: &Kernel, found: &str) -> Result<()> {
    ensure!(found == "0", "expected a kernel that warned of nothing, found it tainted with {found}");
    Ok(())
}

/// Which one is taken where none is asked for.
fn hook(kernel: &Kernel, found: &str) -> Result<()> {
    let expected = kernel.hooks.first().copied().unwrap_or_default();
    ensure!(found == expected, "expected the hook {expected}, found {found}");
    Ok(())
}

fn socket(kernel: &Kernel, found: &str) -> Result<()> {
    forced(kernel, "socket", found)
}

fn syscall(kernel: &Kernel, found: &str) -> Result<()> {
    forced(kernel, "syscall", found)
}

/// Where a hook is asked for that the kernel lacks, hoptap ends with 69 and one sentence that says so.
fn forced(kernel: &Kernel, hook: &str, found: &str) -> Result<()> {
    if kernel.hooks.contains(&hook) {
        ensure!(found == guest::CAPTURES, "expected `--capture {hook}` to work, found: {found}");
        return Ok(());
    }
    let said: Vec<_> = found.lines().collect();
    let clear = said.iter().filter(|line| {
        line.starts_with(&format!("hoptap: kernel {}.", kernel.series)) && line.contains(&format!("--capture {hook}"))
    });
    ensure!(
        said.first() == Some(&"69") && said.len() == 2 && clear.count() == 1,
        "expected the exit code 69 and one sentence, found: {found}"
    );
    Ok(())
}
