//! A machine of QEMU's, emulated: it needs no virtualization of the machine that it runs on, and no root.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hoptap_tests::process::Process;

use crate::image::Image;
use crate::{Lacking, report};

/// Emulated, a guest takes half a minute; a loaded machine needs more.
const LIMIT: Duration = Duration::from_secs(300);

/// All that a guest wrote from its first message to its end.
#[derive(Debug)]
pub(crate) struct Console {
    text: String,
    file: PathBuf,
}

impl Console {
    /// # Errors
    /// The case failed, or the guest did not get to it.
    pub(crate) fn report(&self, case: &str) -> Result<String> {
        report::read(&self.text, case)
    }

    /// An error with where to read on.
    pub(crate) fn explain(&self, error: &anyhow::Error) -> String {
        let last: Vec<_> = self.text.lines().rev().take(3).collect();
        let last: Vec<_> = last.iter().rev().map(|line| line.get(..200).unwrap_or(line)).collect();
        format!("{error:#}\nthe console ended with:\n{}\nall of it: {}", last.join("\n"), self.file.display())
    }
}

/// Boots a kernel with the image and waits for its end.
pub(crate) fn boot(series: &str, suite: &str, image: &Image) -> Result<Console, Lacking> {
    let kernel = fetch(series, suite).map_err(|error| Lacking::Something(format!("{error:#}")))?;
    run(series, &kernel, image).map_err(|error| Lacking::Broken(format!("{error:#}")))
}

/// The kernel's image, fetched where the cache has none.
fn fetch(series: &str, suite: &str) -> Result<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels/kernel");
    let output = Command::new(script).args([series, suite]).stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    // apt's own reasons, and the script's last word.
    let reasons: Vec<_> = said.lines().filter(|line| line.starts_with("E: ")).collect();
    ensure!(
        output.status.success(),
        "{} {}",
        said.lines().last().unwrap_or("the kernel could not be had"),
        reasons.join(" ")
    );
    Ok(String::from_utf8(output.stdout)?.trim().into())
}

fn run(series: &str, kernel: &Path, image: &Image) -> Result<Console> {
    let file = kernel.with_file_name(format!("{series}.console"));
    let mut command = Command::new("qemu-system-x86_64");
    command
        .args(["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2G"])
        .args(["-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"])
        .args(["-append", "console=ttyS0 quiet panic=-1"])
        .arg("-kernel")
        .arg(kernel)
        .arg("-initrd")
        .arg(image.path())
        .stdout(File::create(&file)?);
    let errors = kernel.with_file_name(format!("{series}.errors"));
    let mut machine = Process::start(command, &errors, hoptap_tests::process::Stdout::AsSet)?;
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = machine.ended() {
            break Some(status);
        }
        if begun.elapsed() > LIMIT {
            machine.kill();
            break None;
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    let bytes = std::fs::read(&file).with_context(|| format!("read {}", file.display()))?;
    let mut text = String::from_utf8_lossy(&bytes).replace('\r', "");
    match status {
        None => text += &format!("\nthe guest was ended after {LIMIT:?}"),
        Some(status) => ensure!(status.success(), "qemu: {status}: {}", machine.output()),
    }
    Ok(Console { text, file })
}
