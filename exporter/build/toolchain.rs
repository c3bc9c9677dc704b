//! A compiler for the kernel side: one with unstable features and the source of `core`, and `bpf-linker`.
//!
//! That is rustup's nightly with `rust-src`, or Debian's `rustc-web` with `rust-web-src`. `make setup` installs them.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How to call it.
pub(crate) struct Toolchain {
    cargo: PathBuf,
    rustc: PathBuf,
}

impl Toolchain {
    /// Looks for one; where there is none the error says what to install.
    pub(crate) fn find() -> Result<Self, String> {
        let cargo = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
        let candidates = [
            env::var_os("HOPTAP_BPF_RUSTC").map(PathBuf::from),
            rustup_nightly(),
            Some(PathBuf::from("/usr/bin/rustc")),
            env::var_os("RUSTC").map(PathBuf::from),
        ];
        let rustc = candidates.into_iter().flatten().find(|rustc| has_core_source(rustc)).ok_or(
            "the kernel side needs a compiler with unstable features and the source of `core`: run `make setup`, or \
             `rustup toolchain install nightly --component rust-src`, or set HOPTAP_BPF_RUSTC",
        )?;
        if output(Command::new("bpf-linker").arg("--version")).is_none() {
            return Err(
                "the kernel side needs bpf-linker on PATH: run `make setup`, or `cargo install bpf-linker`".into()
            );
        }
        // Nightly's cargo belongs to nightly's compiler; Debian's compiler works with the cargo that builds us.
        let own_cargo = rustc.with_file_name("cargo");
        let is_nightly = rustc.to_string_lossy().contains("nightly");
        Ok(Self { cargo: if is_nightly && own_cargo.exists() { own_cargo } else { cargo }, rustc })
    }

    /// Compiles the kernel side in `folder` for a machine of `arch`.
    pub(crate) fn compile(&self, folder: &Path, arch: &str) -> Result<Vec<u8>, String> {
        let mut flags = vec![
            format!("--cfg=bpf_target_arch=\"{arch}\""),
            // The kernel wants to know types and lines: verifier messages name the source.
            "-Cdebuginfo=2".to_owned(),
            "-Clink-arg=--btf".to_owned(),
        ];
        // What comes with the source must not tell of the machine on which it was compiled.
        let here = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
        let cargo = env::var_os("CARGO_HOME").map(PathBuf::from);
        let cargo = cargo.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
        let places = cargo.map(|cargo| (cargo, "cargo")).into_iter().chain([(here, "exporter-ebpf")]);
        flags.extend(places.map(|(path, name)| format!("--remap-path-prefix={}={name}", path.display())));
        let flags = flags.join("\u{1f}");
        let out = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR: run this by cargo")?;
        let target = Path::new(&out).join("ebpf");
        let status = Command::new(&self.cargo)
            .current_dir(folder)
            .args(["build", "--release", "--features=bpf", "--bin=hoptap-bpf", "--locked"])
            .args(["-Zbuild-std=core", "--target=bpfel-unknown-none", "--target-dir"])
            .arg(&target)
            .env("RUSTC", &self.rustc)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_ENCODED_RUSTFLAGS", flags)
            // What cargo set for this build is not meant for that one.
            .env_remove("RUSTC_WORKSPACE_WRAPPER")
            .env_remove("RUSTC_WRAPPER")
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("RUSTUP_TOOLCHAIN")
            .status()
            .map_err(|error| format!("{} cannot be started: {error}", self.cargo.display()))?;
        if !status.success() {
            return Err(format!("the kernel side did not compile with {}", self.rustc.display()));
        }
        crate::read(&target.join("bpfel-unknown-none/release/hoptap-bpf"))
    }
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
