//! What every guest holds: an archive of busybox, hoptap, Traefik and this program, each with its libraries.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use hoptap_tests::process::{Scratch, on_path};
use hoptap_tests::{hoptap, traefik};

use crate::Lacking;

/// What it takes that no build of ours makes, and Debian's packages of it.
const PROGRAMS: [(&str, &str); 3] =
    [("qemu-system-x86_64", "qemu-system-x86"), ("busybox", "busybox-static"), ("cpio", "cpio")];

/// The archive; it goes with its owner.
#[derive(Debug)]
pub(crate) struct Image {
    scratch: Scratch,
}

impl Image {
    pub(crate) fn gather() -> Result<Self, Lacking> {
        if cfg!(not(target_arch = "x86_64")) {
            return Err(Lacking::Something(
                "the guests are x86-64, and so must be the programs that they run".to_owned(),
            ));
        }
        for (program, package) in PROGRAMS {
            if on_path(program).is_none() {
                return Err(Lacking::Something(format!("no {program} on PATH: apt-get install {package}")));
            }
        }
        let lacking = |error| Lacking::Something(format!("{error:#}"));
        let programs =
            [("hoptap", hoptap::program().map_err(lacking)?), ("traefik", traefik::program().map_err(lacking)?)];
        Self::pack(&programs).map_err(|error| Lacking::Broken(format!("{error:#}")))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.scratch.path().join("image")
    }

    fn pack(programs: &[(&str, PathBuf)]) -> Result<Self> {
        let scratch = Scratch::new("kernels")?;
        let root = scratch.path().join("root");
        for directory in ["bin", "dev", "proc", "sys", "tmp"] {
            fs::create_dir_all(root.join(directory))?;
        }
        let init = root.join("init");
        fs::write(&init, include_str!("init"))?;
        run(Command::new("chmod").arg("755").arg(&init))?;
        let this = std::env::current_exe()?;
        let busybox = on_path("busybox").context("no busybox on PATH")?;
        let own = [("kernels", this), ("busybox", busybox)];
        for (name, program) in programs.iter().chain(&own) {
            let place = root.join("bin").join(name);
            // Without what a debugger reads: it would be most of the guest's memory.
            let strip = ["--strip-debug", "-o"];
            let stripped = run(Command::new("strip").args(strip).arg(&place).arg(program));
            if stripped.is_err() {
                fs::copy(program, &place).with_context(|| format!("copy {}", program.display()))?;
            }
            for library in libraries(program)? {
                let place = root.join(library.strip_prefix("/")?);
                fs::create_dir_all(place.parent().context("a library in a directory")?)?;
                fs::copy(&library, &place).with_context(|| format!("copy {}", library.display()))?;
            }
        }
        for applet in ["sh", "mount", "ip", "reboot"] {
            std::os::unix::fs::symlink("busybox", root.join("bin").join(applet))?;
        }
        // Not compressed: an emulated machine takes longer to undo that than to read it.
        let pack = "find . | cpio --quiet -o -H newc >../image";
        run(Command::new("sh").args(["-c", pack]).current_dir(&root))?;
        fs::remove_dir_all(&root)?;
        Ok(Self { scratch })
    }
}

fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("start {name}"))?;
    ensure!(output.status.success(), "{name}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// As `ldd` names them; none where a program is static.
fn libraries(program: &Path) -> Result<BTreeSet<PathBuf>> {
    let output = Command::new("ldd").arg(program).output().context("ldd")?;
    // `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)`, `/lib64/ld-linux-x86-64.so.2 (0x…)`.
    Ok(String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_ascii_whitespace().find(|word| word.starts_with('/')))
        .filter(|word| Path::new(word).is_file())
        .map(PathBuf::from)
        .collect())
}
