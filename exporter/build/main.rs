//! Leaves the kernel side where `capture` includes it from: compiled where there is a compiler for it, else the one
//! that comes with the source.

mod prebuilt;
mod sources;
mod toolchain;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use toolchain::Toolchain;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            for line in error.to_string().lines() {
                say(&format!("cargo::error={line}"));
            }
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let object = PathBuf::from(env::var("OUT_DIR")?).join("hoptap-bpf");
    let arch = env::var("CARGO_CFG_TARGET_ARCH")?;
    for variable in ["HOPTAP_BPF", "HOPTAP_BPF_RUSTC", "PATH"] {
        say(&format!("cargo::rerun-if-env-changed={variable}"));
    }
    say(&format!("cargo::rerun-if-changed={}", root.join("build").display()));
    say(&format!("cargo::rerun-if-changed={}", root.join("prebuilt").display()));

    // The package of a release has no sources of the kernel side: only cargo's own packages are beside it.
    let kernel_side = root.join("../exporter-ebpf");
    let kernel_side = kernel_side.join("Cargo.toml").exists().then_some(kernel_side);
    if let Some(folder) = &kernel_side {
        for file in ["src", "Cargo.toml"] {
            say(&format!("cargo::rerun-if-changed={}", folder.join(file).display()));
        }
        say(&format!("cargo::rerun-if-changed={}", root.join("../Cargo.lock").display()));
    }

    let wanted = env::var("HOPTAP_BPF").ok();
    let (from, bytes) = match (wanted.as_deref(), &kernel_side, Toolchain::find()) {
        (None | Some("compile"), Some(folder), Ok(toolchain)) => ("compiled", toolchain.compile(folder, &arch)?),
        (None | Some("prebuilt"), None, _) | (Some("prebuilt"), ..) => {
            ("prebuilt", prebuilt::read(&root, kernel_side.as_deref(), &arch)?)
        }
        (None, Some(folder), Err(missing)) => match prebuilt::read(&root, Some(folder), &arch) {
            Ok(bytes) => ("prebuilt", bytes),
            Err(error) => return Err(format!("{error}\nit cannot be compiled here: {missing}").into()),
        },
        (Some("compile"), None, _) => {
            return Err(
                "HOPTAP_BPF=compile needs hoptap's repository: a package has no sources of the kernel side".into()
            );
        }
        (Some("compile"), Some(_), Err(missing)) => return Err(missing.into()),
        (Some(other), ..) => {
            return Err(format!("HOPTAP_BPF is `{other}`: expected `compile` or `prebuilt`, or unset it").into());
        }
    };
    fs::write(&object, bytes).map_err(|error| format!("{} cannot be written: {error}", object.display()))?;
    say(&format!("cargo::rustc-env=HOPTAP_BPF_FROM={from}"));
    Ok(())
}

/// Tells cargo.
#[expect(clippy::print_stdout, reason = "standard output is how a build script speaks to cargo")]
fn say(line: &str) {
    println!("{line}");
}

/// Reads a file, or says which one cannot be read.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}
