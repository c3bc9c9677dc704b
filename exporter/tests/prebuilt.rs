//! The kernel side that comes with the source is that of the sources. `UPDATE=1`, or `make prebuilt`, makes it anew.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "../build/sources.rs"]
mod sources;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;

use object::build::elf::{Builder, SectionData};
use object::elf;
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

/// What this build of hoptap holds.
const BUILT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hoptap-bpf"));
const COMPILED: bool = matches!(env!("HOPTAP_BPF_FROM").as_bytes(), b"compiled");

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn object() -> PathBuf {
    root().join("prebuilt").join(format!("{}.o", std::env::consts::ARCH))
}

fn listed() -> String {
    sources::list(&root().join("../exporter-ebpf")).unwrap()
}

/// The object that comes with the source; made anew before the first test looks at it, where that is asked for.
fn prebuilt() -> Vec<u8> {
    static UPDATE: Once = Once::new();
    UPDATE.call_once(|| {
        if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
            let compiled = COMPILED;
            assert!(compiled, "the kernel side was not compiled here: run `make setup`, then this again");
            fs::write(object(), stripped(BUILT)).unwrap();
            fs::write(root().join("prebuilt").join(sources::FILE), listed()).unwrap();
        }
    });
    fs::read(object()).unwrap()
}

/// The object without what describes it to debuggers: types and lines for the kernel stay, and all relocations of
/// programs.
fn stripped(bytes: &[u8]) -> Vec<u8> {
    let mut builder = Builder::read(bytes).unwrap();
    for section in &mut builder.sections {
        let name = section.name.to_vec();
        section.delete = name.starts_with(b".debug_") || name.starts_with(b".rel.debug_");
    }
    builder.delete_orphans();
    // LLVM keeps names of sections and of symbols in one table, this writer in two.
    let names = builder.sections.add();
    names.name = b".shstrtab".as_slice().into();
    names.sh_type = elf::SHT_STRTAB;
    names.sh_addralign = 1;
    names.data = SectionData::SectionString;
    let mut out = Vec::new();
    builder.write(&mut out).unwrap();
    out
}

/// Programs and maps by section and name, with their sizes; and sizes of the sections that are loaded.
fn contents(bytes: &[u8]) -> BTreeMap<String, u64> {
    let file = object::File::parse(bytes).unwrap();
    let mut contents = BTreeMap::new();
    for symbol in file.symbols().filter(|symbol| matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data)) {
        let Some(index) = symbol.section_index() else { continue };
        let section = file.section_by_index(index).unwrap().name().unwrap().to_owned();
        // Sizes of programs are the compiler's business, those of maps and constants are the ABI.
        let size = if symbol.kind() == SymbolKind::Text { 0 } else { symbol.size() };
        contents.insert(format!("{section} {}", symbol.name().unwrap()), size);
    }
    contents
}

#[test]
fn the_object_is_made_of_the_sources() {
    prebuilt();
    let found = listed();
    let recorded = fs::read_to_string(root().join("prebuilt").join(sources::FILE)).unwrap_or_default();
    let stale: Vec<&str> = found.lines().filter(|line| !recorded.lines().any(|recorded| recorded == *line)).collect();
    assert!(recorded == found, "exporter/prebuilt is stale: run `make prebuilt`; what changed: {stale:#?}");
}

/// Where a compiler is there, it says the same; bytes differ from one compiler to the next.
#[test]
fn the_object_holds_what_is_compiled() {
    let prebuilt = prebuilt();
    let found = contents(&prebuilt);
    assert!(found.len() > 40, "expected programs and maps in {}, found {found:?}", object().display());
    assert_eq!(contents(BUILT), found);
}

/// What the kernel gets of it: types and lines, and nothing for debuggers.
#[test]
fn the_object_is_small() {
    let prebuilt = prebuilt();
    let file = object::File::parse(&*prebuilt).unwrap();
    let names: Vec<&str> = file.sections().map(|section| section.name().unwrap()).collect();
    for wanted in [".BTF", ".BTF.ext", ".rodata", "maps", "license", "uprobe"] {
        assert!(names.contains(&wanted), "expected a section {wanted}, found {names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("debug")), "{names:?}");
    assert!(prebuilt.len() < 600 * 1024, "{} bytes", prebuilt.len());
}

/// A digest that changes with nothing but its own file tells nothing: each file, and the lock, changes the list.
#[test]
fn the_list_notices_each_change() {
    let work = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prebuilt-sources");
    let folder = work.join("exporter-ebpf");
    fs::create_dir_all(folder.join("src/deep")).unwrap();
    let files = ["Cargo.toml", "src/lib.rs", "src/deep/map.rs"];
    let lock = |version: &str| {
        format!("version = 4\n\n[[package]]\nname = \"aya-ebpf\"\nversion = \"{version}\"\nchecksum = \"00\"\n")
    };
    fs::write(work.join("Cargo.lock"), lock("1")).unwrap();
    for file in files {
        fs::write(folder.join(file), file).unwrap();
    }
    let before = sources::list(&folder).unwrap();
    assert_eq!(before.lines().count(), 4, "{before}");
    for file in files {
        fs::write(folder.join(file), "changed").unwrap();
        assert_ne!(sources::list(&folder).unwrap(), before, "{file}");
        fs::write(folder.join(file), file).unwrap();
    }
    assert_eq!(sources::list(&folder).unwrap(), before);
    fs::write(work.join("Cargo.lock"), lock("2")).unwrap();
    assert_ne!(sources::list(&folder).unwrap(), before);
    fs::remove_dir_all(work).unwrap();
}
