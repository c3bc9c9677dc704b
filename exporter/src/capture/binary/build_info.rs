//! What the Go linker wrote about the build: toolchain, main module, dependencies, settings.
//!
//! Format: debug/buildinfo (go1.26). The strings stand inline since Go 1.18.

use super::error::Error;
use super::image::{Image, Reader, WIDE};

const MAGIC: &[u8] = b"\xff Go buildinf:";
const ALIGN: u64 = 16;
const HEADER: u64 = 32;
const INLINE_STRINGS: u8 = 2;
/// Traefik's, the longest known, has 33 KiB.
const MAX_TEXT: u64 = 1 << 20;
/// Random bytes on both sides of the module text, so that it can be found in a core (runtime/debug/mod.go).
const SENTINEL: usize = 16;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct BuildInfo {
    pub(super) go_version: String,
    /// Path and version of the main module.
    pub(super) module: Option<(String, String)>,
    /// `-ldflags`; the go command leaves it out under `-trimpath` (golang/go#52372).
    linker_flags: Option<String>,
    /// `CGO_ENABLED`, where the build says it.
    pub(super) cgo: Option<bool>,
    dependencies: Vec<(String, String)>,
}

impl BuildInfo {
    pub(super) fn find(image: &Image<'_>) -> Result<Option<Self>, Error> {
        let Some(address) = locate(image)? else {
            return Ok(None);
        };
        let mut reader = image.reader(WIDE);
        if reader.byte(address + 15)? & INLINE_STRINGS == 0 {
            return Ok(None);
        }
        let (version, next) = string(&mut reader, address + HEADER)?;
        let (modules, _) = string(&mut reader, next)?;
        let modules = modules.get(SENTINEL..modules.len().saturating_sub(SENTINEL)).unwrap_or_default();
        Ok(Some(Self::parse(String::from_utf8_lossy(&version).into_owned(), &String::from_utf8_lossy(modules))))
    }

    fn parse(go_version: String, modules: &str) -> Self {
        let mut info = Self { go_version, ..Self::default() };
        for line in modules.lines() {
            let mut words = line.split('\t');
            let kind = words.next();
            let (Some(first), second) = (words.next(), words.next().unwrap_or_default()) else {
                continue;
            };
            match kind {
                Some("mod") => info.module = Some((first.to_owned(), second.to_owned())),
                Some("dep") => info.dependencies.push((first.to_owned(), second.to_owned())),
                Some("build") => {
                    if let Some(flags) = first.strip_prefix("-ldflags=") {
                        let flags = flags.trim_matches(['"', '`']);
                        info.linker_flags = Some(flags.to_owned());
                    }
                    if let Some(flag) = first.strip_prefix("CGO_ENABLED=") {
                        info.cgo = Some(flag == "1");
                    }
                }
                _ => {}
            }
        }
        info
    }

    /// Traefik's version, without the `v`: from the linker flag that sets it, else from its module.
    ///
    /// `None` where the build says `(devel)`: Traefik's API is the one to ask then.
    pub(super) fn traefik_version(&self) -> Option<&str> {
        let flag = self.linker_flags.as_deref().and_then(|flags| {
            let (_, rest) = flags.split_once("/pkg/version.Version=")?;
            rest.split([' ', '\'', '"', '\\']).next()
        });
        let version = flag.filter(|version| !version.is_empty()).or_else(|| {
            self.module
                .iter()
                .chain(&self.dependencies)
                .find(|(path, _)| is_traefik(path))
                .map(|(_, version)| version.as_str())
        })?;
        (!version.is_empty() && version != "(devel)").then(|| version.strip_prefix('v').unwrap_or(version))
    }
}

/// `github.com/traefik/traefik/v3`, and majors to come.
fn is_traefik(path: &str) -> bool {
    path.strip_prefix("github.com/traefik/traefik").is_some_and(|rest| rest.is_empty() || rest.starts_with("/v"))
}

fn locate(image: &Image<'_>) -> Result<Option<u64>, Error> {
    if let Some(address) = image.elf.section(".go.buildinfo") {
        let mut reader = image.reader(HEADER as usize);
        if matches!(reader.bytes(address, MAGIC.len()), Ok(bytes) if bytes == MAGIC) {
            return Ok(Some(address));
        }
    }
    for segment in image.elf.segments.iter().filter(|segment| segment.writable) {
        let mut reader = image.reader(WIDE);
        let mut address = segment.address.next_multiple_of(ALIGN);
        while address < segment.end() {
            let run = reader.run(address)?;
            let hit = run.chunks(ALIGN as usize).position(|chunk| chunk.starts_with(MAGIC));
            if let Some(index) = hit {
                return Ok(Some(address + index as u64 * ALIGN));
            }
            address += (run.len() as u64).max(ALIGN);
        }
    }
    Ok(None)
}

/// A string with its length in front, and the address behind it.
fn string(reader: &mut Reader<'_>, mut address: u64) -> Result<(Vec<u8>, u64), Error> {
    let damaged = Error::Damaged { table: "the build information", address };
    let mut length = 0_u64;
    for shift in [0, 7, 14, 21] {
        let byte = reader.byte(address)?;
        address += 1;
        length |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    if length > MAX_TEXT {
        return Err(damaged);
    }
    let end = address.checked_add(length).ok_or(damaged)?;
    let mut text = Vec::new();
    while address < end {
        let run = reader.run(address)?;
        let wanted = run.len().min((end - address) as usize);
        text.extend_from_slice(run.get(..wanted).unwrap_or_default());
        address += wanted as u64;
    }
    Ok((text, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(modules: &str, expected: Option<&str>) {
        let info = BuildInfo::parse("go1.26.8".to_owned(), modules);
        assert_eq!(info.traefik_version(), expected, "{modules:?}");
    }

    #[test]
    fn cgo() {
        let of = |modules: &str| BuildInfo::parse("go1.26.8".to_owned(), modules).cgo;
        assert_eq!(of("build\tCGO_ENABLED=1\n"), Some(true));
        assert_eq!(of("build\tGOARCH=amd64\nbuild\tCGO_ENABLED=0\n"), Some(false));
        assert_eq!(of("build\tGOARCH=amd64\n"), None);
    }

    #[test]
    fn traefik_version() {
        check("", None);
        check("mod\n", None);
        check("mod\tgithub.com/traefik/traefik/v3\tv3.6.12\th1:x=\n", Some("3.6.12"));
        check("mod\tgithub.com/traefik/traefik/v3\tv3.6.12+dirty\t\n", Some("3.6.12+dirty"));
        check("mod\tgithub.com/traefik/traefik/v3\t(devel)\t\n", None);
        check("mod\tgithub.com/traefik/traefik-hub\tv3.1.0\t\n", None);
        check("mod\tmine\t(devel)\t\ndep\tgithub.com/traefik/traefik/v3\tv3.5.1\th1:x=\n", Some("3.5.1"));
        let flags = r#"build	-ldflags="-s -w -X github.com/traefik/traefik/v3/pkg/version.Version=v3.7.0 -X a.b=c""#;
        check(flags, Some("3.7.0"));
        check(&format!("mod\tgithub.com/traefik/traefik/v3\t(devel)\t\n{flags}"), Some("3.7.0"));
        check(r#"build	-ldflags="-X 'github.com/traefik/traefik/v3/pkg/version.Version=3.7.0'""#, Some("3.7.0"));
        check("build\t-ldflags=-X=github.com/traefik/traefik/v3/pkg/version.Version=", None);
    }
}
