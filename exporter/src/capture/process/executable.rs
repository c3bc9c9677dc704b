//! Whether an executable file is Traefik: not by its name, which scripts and other programs share.

use std::fs::File;
use std::path::Path;

use object::read::{ReadCache, ReadCacheRange};
use object::{Object, ObjectSection};

/// Traefik's own is 33 KB.
const LONGEST_BUILD_INFO: u64 = 1 << 20;

/// What an executable file turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Executable {
    /// Its build information names the package `…/cmd/traefik`.
    Traefik,
    /// A Go program whose build information names no package (Bazel, Nix): its file name must do.
    UnnamedGo,
    /// A Go program whose build information names another package.
    OtherGo(String),
    /// A script's interpreter, or a program that is not Go's, or was packed.
    NotGo,
    /// A file that cannot be read.
    Unreadable,
}

impl Executable {
    /// Reads the headers and one section of the file.
    pub(super) fn read(path: &Path) -> Self {
        File::open(path).map_or(Self::Unreadable, |file| Self::of(file).unwrap_or(Self::NotGo))
    }

    fn of(file: File) -> Option<Self> {
        let cache = ReadCache::new(file);
        let whole: ReadCacheRange<'_, _> = cache.range(0, u64::MAX);
        let elf = object::File::parse(whole).ok()?;
        let section = elf.section_by_name(".go.buildinfo")?;
        if section.size() > LONGEST_BUILD_INFO {
            return None;
        }
        Some(Self::from_build_info(section.data().ok()?))
    }

    /// Since Go 1.18 the text lies in the section itself, `path` first (runtime/debug.BuildInfo).
    fn from_build_info(section: &[u8]) -> Self {
        let Some(at) = memchr::memmem::find(section, b"path\t") else {
            return Self::UnnamedGo;
        };
        let path = section.get(at + 5..).unwrap_or_default();
        let path = path.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if path.ends_with(b"/cmd/traefik") {
            Self::Traefik
        } else if path == b"command-line-arguments" {
            // Built from a list of files.
            Self::UnnamedGo
        } else {
            Self::OtherGo(String::from_utf8_lossy(path).into_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_info() {
        for (section, expected) in [
            ("\u{1}go1.26path\tgithub.com/traefik/traefik/v3/cmd/traefik\nmod\t", Executable::Traefik),
            ("path\texample.com/fork/cmd/traefik\n", Executable::Traefik),
            ("path\tcommand-line-arguments\n", Executable::UnnamedGo),
            ("\u{1}go1.26", Executable::UnnamedGo),
            (
                "path\tgithub.com/thomseddon/traefik-forward-auth/cmd\n",
                Executable::OtherGo("github.com/thomseddon/traefik-forward-auth/cmd".into()),
            ),
            ("path\t", Executable::OtherGo(String::new())),
        ] {
            let found = Executable::from_build_info(section.as_bytes());
            assert_eq!(found, expected, "{section}");
        }
    }

    #[test]
    fn files() {
        for (path, expected) in [
            ("/bin/sh", Executable::NotGo),
            ("/proc/self/exe", Executable::NotGo),
            ("/etc/passwd", Executable::NotGo),
            ("/none", Executable::Unreadable),
        ] {
            assert_eq!(Executable::read(Path::new(path)), expected, "{path}");
        }
    }
}
