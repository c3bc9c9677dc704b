//! Files that are not what they seem: an error or less knowledge, never a panic, a stall or a large allocation.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hoptap::capture::binary::{Binary, Error, Wanted};

use crate::toolchain::build;

fn wanted() -> Wanted<'static> {
    Wanted {
        functions: vec!["main.main"],
        prefixes: vec!["net/http."],
        calls: vec![],
        types: vec!["net.TCPConn", "main.own", "net/http.Request"],
    }
}

fn read(path: &Path) -> Result<Binary, Error> {
    Binary::read(&File::open(path).unwrap(), &wanted())
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hostile-{name}"))
}

fn check(name: &str, bytes: &[u8], expected: &str) {
    let path = scratch(name);
    fs::write(&path, bytes).unwrap();
    let found = read(&path).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(found.contains(expected), "{name}: {found:?}");
}

fn header(class: u8, order: u8, kind: u8, machine: u8) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, order, 1]);
    bytes[16] = kind;
    bytes[18] = machine;
    bytes[54] = 56;
    bytes
}

#[test]
fn other_files() {
    check("empty", b"", "shorter than an ELF header");
    check("script", &[b'#'; 100], "without the ELF magic");
    check("class32", &header(1, 1, 2, 3), "found class 1");
    check("big-endian", &header(2, 2, 2, 21), "byte order 2");
    check("riscv", &header(2, 1, 2, 243), "machine 243");
    check("object", &header(2, 1, 1, 62), "another kind");
    check("bare", &header(2, 1, 2, 62), "not a Go program");
    let mut endless = header(2, 1, 2, 62);
    endless[56..58].copy_from_slice(&[0xff, 0xff]);
    check("segments", &endless, "too many segments");
    endless[56..58].copy_from_slice(&[0xff, 0]);
    check("no-segments", &endless, "cut short");
    let own = std::env::current_exe().unwrap();
    assert!(matches!(read(&own), Err(Error::NotGo)));
}

#[test]
fn cut_short() {
    let whole = fs::read(build("hostile", "CGO_ENABLED=0 GOARCH=amd64", "", true)).unwrap();
    let path = scratch("cut");
    let mut failed = 0;
    for step in 0..64 {
        let length = whole.len() * step / 64;
        fs::write(&path, &whole[..length]).unwrap();
        failed += usize::from(read(&path).is_err());
    }
    // Only the symbol table and the section names may be missing.
    assert!(failed >= 63, "{failed}");
}

/// Without section headers everything is found by its first bytes.
#[test]
fn without_sections() {
    for (name, flags) in [("hostile", ""), ("hostile-pie", "-buildmode=pie")] {
        let whole = build(name, "CGO_ENABLED=0 GOARCH=amd64", flags, true);
        let mut bytes = fs::read(&whole).unwrap();
        bytes[40..48].fill(0);
        bytes[60..64].fill(0);
        let path = scratch(&format!("sections-{name}"));
        fs::write(&path, bytes).unwrap();
        let (found, expected) = (read(&path).unwrap(), read(&whole).unwrap());
        assert_eq!(found.go_version, expected.go_version);
        assert_eq!(found.function("main.main"), expected.function("main.main"));
        assert_eq!(found.type_address("*main.own"), expected.type_address("*main.own"));
        assert!(found.function("main.main").is_some() && found.field("main.own", "Count") == Some(8));
    }
}

/// Go 1.27 has no `typelinks`, and puts the length of the descriptors before the end of the types.
#[test]
fn laid_out_as_by_go_1_27() {
    let whole = build("hostile", "CGO_ENABLED=0 GOARCH=amd64", "", true);
    let expected = read(&whole).unwrap();
    let mut bytes = fs::read(&whole).unwrap();
    let (module, size) = section(&bytes, ".go.module").unwrap();
    let types = module + 37 * 8;
    bytes.copy_within(types + 8..module + size - 8, types + 16);
    bytes[types + 8..types + 16].copy_from_slice(&0x1000_u64.to_le_bytes());
    let (links, size) = section(&bytes, ".typelink").unwrap();
    bytes[links..links + size].fill(0xff);
    let path = scratch("go-1.27");
    fs::write(&path, bytes).unwrap();
    let found = read(&path).unwrap();
    for of in wanted().types {
        let pointer = format!("*{of}");
        assert!(expected.type_address(&pointer).is_some(), "{of}");
        assert_eq!(found.type_address(&pointer), expected.type_address(&pointer));
    }
}

/// A segment at the last addresses must not make sums overflow.
#[test]
fn last_addresses() {
    let whole = fs::read(build("hostile", "CGO_ENABLED=0 GOARCH=amd64", "", true)).unwrap();
    for index in 0..usize::from(whole[56]) {
        for address in [u64::MAX, u64::MAX - 7, u64::MAX << 12, 1 << 63, 1 << 56] {
            let mut bytes = whole.clone();
            let at = 64 + index * 56 + 16;
            bytes[at..at + 8].copy_from_slice(&address.to_le_bytes());
            let path = scratch("last");
            fs::write(&path, bytes).unwrap();
            // Program headers that are not loaded are not looked at.
            let loaded = whole[64 + index * 56] == 1;
            assert_eq!(read(&path).is_err(), loaded, "segment {index} at {address:#x}");
        }
    }
}

/// A generator of numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize
    }
}

/// Bytes of the tables themselves are changed, since most of a file is code that is never read.
#[test]
fn changed_bytes() {
    use std::os::unix::fs::FileExt;
    for flags in ["", "-buildmode=pie"] {
        let name = if flags.is_empty() { "hostile" } else { "hostile-pie" };
        let whole = fs::read(build(name, "CGO_ENABLED=0 GOARCH=amd64", flags, true)).unwrap();
        let path = scratch(&format!("changed-{name}"));
        fs::write(&path, &whole).unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        let regions = regions(&whole);
        let mut numbers = Numbers(1);
        let (mut failed, mut slowest) = (0, Duration::ZERO);
        for _ in 0..300 {
            let mut changed = Vec::new();
            for _ in 0..1 + numbers.next() % 8 {
                let (start, length) = regions[numbers.next() % regions.len()];
                let at = start + numbers.next() % length;
                let value = [0, 1, 0x7f, 0x80, 0xff, numbers.next() as u8][numbers.next() % 6];
                file.write_all_at(&[value], at as u64).unwrap();
                changed.push(at);
            }
            let start = Instant::now();
            failed += usize::from(Binary::read(&file, &wanted()).is_err());
            slowest = slowest.max(start.elapsed());
            for at in changed {
                file.write_all_at(&whole[at..=at], at as u64).unwrap();
            }
        }
        assert!(failed > 20, "{failed} of 300 failed: the changes miss what is read");
        assert!(slowest < Duration::from_secs(3), "{slowest:?}");
        assert!(Binary::read(&file, &wanted()).is_ok());
    }
}

/// Start and length of what is read: headers, start of the function table, module data, start of the types.
fn regions(whole: &[u8]) -> Vec<(usize, usize)> {
    let sections = word(whole, 40);
    let mut regions = vec![(0, 0x190), (sections, usize::from(whole[60]) * 64)];
    for (name, most) in [
        (".gopclntab", 72),
        (".gopclntab", 4096),
        (".go.module", 0x250),
        (".go.buildinfo", 64),
        (".rodata", 4096),
        (".dynamic", 512),
        (".rela", 4096),
    ] {
        regions.extend(section(whole, name).map(|(start, size)| (start, size.min(most))));
    }
    assert!(regions.len() >= 7);
    regions
}

/// Where in the file a section is, and its size.
pub(crate) fn section(whole: &[u8], name: &str) -> Option<(usize, usize)> {
    let header = |index: usize| word(whole, 40) + index * 64;
    let names = word(whole, header(usize::from(whole[62])) + 24);
    let found = (0..usize::from(whole[60])).map(header).find(|at| {
        let offset = u32::from_le_bytes(whole[*at..at + 4].try_into().unwrap()) as usize;
        whole[names + offset..].starts_with(format!("{name}\0").as_bytes())
    })?;
    Some((word(whole, found + 24), word(whole, found + 32)))
}

pub(crate) fn word(whole: &[u8], at: usize) -> usize {
    u64::from_le_bytes(whole[at..at + 8].try_into().unwrap()) as usize
}
