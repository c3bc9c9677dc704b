//! What the kernel side is made of, as a list of digests: tells whether a compiled one is still up to date.
//!
//! The form is that of `sha256sum`, so that a difference shows which file it is in.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Where the list is kept, beside the objects.
pub(crate) const FILE: &str = "sources.sha256";

/// Packages of the kernel side in `Cargo.lock`, which has digests of its own.
const PACKAGES: &str = "aya-ebpf";

/// Lists the sources in the folder of the kernel side, and the packages that the workspace has locked for them.
pub(crate) fn list(folder: &Path) -> Result<String, String> {
    let mut files = vec![folder.join("Cargo.toml")];
    find(&folder.join("src"), &mut files)?;
    files.sort();
    let mut list = String::new();
    for file in files {
        let name = file.strip_prefix(folder).unwrap_or(&file).display();
        let digest = Sha256::digest(fs::read(&file).map_err(|error| unreadable(&file, &error))?);
        for byte in digest {
            let _ = write!(list, "{byte:02x}");
        }
        let _ = writeln!(list, "  {name}");
    }
    let lock = folder.join("../Cargo.lock");
    let lock = fs::read_to_string(&lock).map_err(|error| unreadable(&lock, &error))?;
    for package in lock.split("[[package]]\n") {
        let value = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
            line.and_then(|line| line.strip_suffix('"')).unwrap_or_default()
        };
        if value("name").starts_with(PACKAGES) {
            let _ = writeln!(list, "{}  {}-{}.crate", value("checksum"), value("name"), value("version"));
        }
    }
    Ok(list)
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    format!("{} cannot be read: {error}", path.display())
}
