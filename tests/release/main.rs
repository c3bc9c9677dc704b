//! What `make release` left: an archive, its digest, an image. Skipped where it was not run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, ensure};
use hoptap_tests::process::Scratch;
use libtest_mimic::{Arguments, Failed, Trial};
use object::elf::{FileHeader64, PT_INTERP};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, FileKind};
use serde_json::Value;

/// Of the image, and of the program in it.
const MOST: u64 = 30 << 20;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn dist() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/dist")
}

fn archive() -> PathBuf {
    dist().join(format!("hoptap-{VERSION}-x86_64-linux.tar.gz"))
}

fn image() -> PathBuf {
    dist().join(format!("hoptap-{VERSION}-image.tar"))
}

#[expect(clippy::print_stderr, reason = "a test program tells people why it skips")]
fn main() -> ExitCode {
    type Case = (&'static str, fn() -> Result<()>, PathBuf);
    let cases: [Case; 4] = [
        ("the archive is what its digest says", digest, archive()),
        ("the archive holds what people need", contents, archive()),
        ("the program needs nothing and runs", program, archive()),
        ("the image is small and starts hoptap", entrypoint, image()),
    ];
    let trials = cases.into_iter().map(|(name, case, file)| {
        let lacking = !file.exists();
        if lacking {
            eprintln!("skipped: {} is not there: run `make release`", file.display());
        }
        Trial::test(name, move || case().map_err(|error| Failed::from(format!("{error:#}")))).with_ignored_flag(lacking)
    });
    let trials = trials.collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
}

/// Unpacks a file; returns the folder.
fn unpack(file: &Path) -> Result<Scratch> {
    let scratch = Scratch::new("release")?;
    output(Command::new("tar").arg("--extract").arg("--file").arg(file).arg("--directory").arg(scratch.path()))?;
    Ok(scratch)
}

fn digest() -> Result<()> {
    let list = archive().with_extension("gz.sha256");
    output(Command::new("sha256sum").current_dir(dist()).arg("--check").arg(list)).map(|_| ())
}

fn contents() -> Result<()> {
    let scratch = unpack(&archive())?;
    let root = scratch.path().join(format!("hoptap-{VERSION}-x86_64-linux"));
    for file in
        ["LICENSE", "README.md", "CHANGELOG.md", "docs/install.md", "systemd/hoptap.service", "systemd/hoptap.yaml"]
    {
        ensure!(root.join(file).is_file(), "expected {file} in the archive");
    }
    let others = fs::read_to_string(root.join("THIRD-PARTY.txt"))?;
    // One that is linked in, with its licence and its text.
    for expected in ["\n==== tokio ", ": MIT\n", "Permission is hereby granted, free of charge"] {
        ensure!(others.contains(expected), "expected `{expected}` in THIRD-PARTY.txt");
    }
    let unlicensed: Vec<&str> =
        others.lines().filter(|line| line.starts_with("==== ") && line.ends_with(": ")).collect();
    ensure!(unlicensed.is_empty(), "without a licence: {unlicensed:?}");
    Ok(())
}

fn program() -> Result<()> {
    let scratch = unpack(&archive())?;
    let program = scratch.path().join(format!("hoptap-{VERSION}-x86_64-linux/hoptap"));
    let bytes = fs::read(&program)?;
    ensure!(u64::try_from(bytes.len())? < MOST, "the program has {} bytes", bytes.len());
    ensure!(FileKind::parse(&*bytes)? == FileKind::Elf64, "expected a program of 64 bits");
    let header = FileHeader64::<Endianness>::parse(&*bytes)?;
    let endian = header.endian()?;
    let interpreted = header.program_headers(endian, &*bytes)?.iter().any(|part| part.p_type(endian) == PT_INTERP);
    ensure!(!interpreted, "the program asks for a loader of the machine: it is not static");
    let said = output(Command::new(&program).arg("--version").env_clear())?;
    ensure!(said == format!("hoptap {VERSION}\n").as_bytes(), "it said {}", String::from_utf8_lossy(&said));
    Ok(())
}

fn entrypoint() -> Result<()> {
    let size = fs::metadata(image())?.len();
    ensure!(size < MOST, "the image has {size} bytes");
    let scratch = unpack(&image())?;
    let read = |file: &str| -> Result<Value> { Ok(serde_json::from_slice(&fs::read(scratch.path().join(file))?)?) };
    let manifest = read("manifest.json")?;
    let config = read(manifest[0]["Config"].as_str().context("expected a configuration")?)?;
    ensure!(config["config"]["Entrypoint"] == serde_json::json!(["/hoptap"]), "{config:#}");
    let version = &config["config"]["Labels"]["org.opencontainers.image.version"];
    ensure!(version == VERSION, "expected {VERSION}, found {version}");
    Ok(())
}
