//! Compiles the kernel side and leaves it where `capture` includes it from.
//!
//! It needs a compiler with unstable features and the source of `core`: rustup's nightly with `rust-src`, or Debian's
//! `rustc-web` with `rust-web-src`. `make setup` installs one of them.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How to call a compiler that can build `core` for the kernel's target.
struct Toolchain {
    cargo: PathBuf,
    rustc: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../exporter-ebpf");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for file in ["src", "Cargo.toml"] {
        println!("cargo:rerun-if-changed={}", root.join(file).display());
    }
    println!("cargo:rerun-if-env-changed=HOPTAP_BPF_RUSTC");
    println!("cargo:rerun-if-env-changed=PATH");

    let toolchain = toolchain().ok_or(
        "the kernel side needs a compiler with unstable features and the source of `core`: run `make setup`, or \
         `rustup toolchain install nightly --component rust-src`, or set HOPTAP_BPF_RUSTC",
    )?;
    let arch = env::var("CARGO_CFG_TARGET_ARCH")?;
    let flags = [
        &format!("--cfg=bpf_target_arch=\"{arch}\""),
        // The kernel wants to know types and lines: verifier messages name the source.
        "-Cdebuginfo=2",
        "-Clink-arg=--btf",
    ]
    .join("\u{1f}");
    let target = out.join("ebpf");
    let status = Command::new(&toolchain.cargo)
        .current_dir(&root)
        .args(["build", "--release", "--features=bpf", "--bin=hoptap-bpf", "--locked"])
        .args(["-Zbuild-std=core", "--target=bpfel-unknown-none", "--target-dir"])
        .arg(&target)
        .env("RUSTC", &toolchain.rustc)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", flags)
        // What cargo set for this build is not meant for that one.
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("RUSTC_WRAPPER")
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTUP_TOOLCHAIN")
        .status()
        .map_err(|error| format!("{} cannot be started: {error}", toolchain.cargo.display()))?;
    if !status.success() {
        return Err(format!("the kernel side did not compile with {}", toolchain.rustc.display()).into());
    }
    std::fs::copy(target.join("bpfel-unknown-none/release/hoptap-bpf"), out.join("hoptap-bpf"))?;
    Ok(())
}

fn toolchain() -> Option<Toolchain> {
    let cargo = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let candidates = [
        env::var_os("HOPTAP_BPF_RUSTC").map(PathBuf::from),
        rustup_nightly(),
        Some(PathBuf::from("/usr/bin/rustc")),
        env::var_os("RUSTC").map(PathBuf::from),
    ];
    let rustc = candidates.into_iter().flatten().find(|rustc| has_core_source(rustc))?;
    // Nightly's cargo belongs to nightly's compiler; Debian's compiler works with the cargo that builds us.
    let own_cargo = rustc.with_file_name("cargo");
    let is_nightly = rustc.to_string_lossy().contains("nightly");
    Some(Toolchain { cargo: if is_nightly && own_cargo.exists() { own_cargo } else { cargo }, rustc })
}

fn rustup_nightly() -> Option<PathBuf> {
    output(Command::new("rustup").args(["which", "--toolchain", "nightly", "rustc"])).map(PathBuf::from)
}

fn has_core_source(rustc: &Path) -> bool {
    output(Command::new(rustc).args(["--print", "sysroot"]))
        .is_some_and(|root| Path::new(&root).join("lib/rustlib/src/rust/library/core/src/lib.rs").exists())
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
