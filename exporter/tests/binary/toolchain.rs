//! A small program, built as Traefik is and as it might be, compared with what the toolchain and the program say.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use hoptap::capture::binary::{Arch, Binary, NoProbe, Wanted};

use crate::hostile::{section, word};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/binary/program");

/// Types whose layout the program prints.
const TYPES: [&str; 8] = [
    "main.own",
    "example.com/program/inner/http.persistConn",
    "net.TCPConn",
    "crypto/tls.Conn",
    "net/http.Request",
    "net/http.persistConn",
    "net.netFD",
    "internal/poll.FD",
];

/// Where plaintext comes out of TLS.
const READS_RECORDS: &str = "crypto/tls.(*Conn).readRecordOrCCS";
const DECRYPTS: &str = "crypto/tls.(*halfConn).decrypt";

/// Tests run side by side, and some share a program: none may read it while another writes it.
static BUILDING: Mutex<()> = Mutex::new(());

/// Builds the program; one build serves all tests that name it.
pub(crate) fn build(name: &str, environment: &str, flags: &str, stripped: bool) -> PathBuf {
    let _building = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let out =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("go-{name}{}", if stripped { "-stripped" } else { "" }));
    let linker = match (flags.contains("external"), stripped) {
        (true, true) => "-s -w -linkmode=external",
        (true, false) => "-linkmode=external",
        (false, true) => "-s -w",
        (false, false) => "",
    };
    let mut go = Command::new("go");
    go.args(["build", "-trimpath", "-buildvcs=false", "-o"]).arg(&out);
    go.args(["-ldflags", linker]);
    go.args(flags.split_whitespace().filter(|flag| *flag != "external"));
    go.current_dir(SOURCE).envs(environment.split_whitespace().filter_map(|pair| pair.split_once('=')));
    go.envs([("GOFLAGS", "-mod=mod"), ("GOTOOLCHAIN", "local"), ("GOPROXY", "off")]);
    let output = go.output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    out
}

fn tool(arguments: &[&str], file: &Path) -> String {
    let output = Command::new("go").arg("tool").args(arguments).arg(file).output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn read(path: &Path) -> Binary {
    let wanted = Wanted {
        functions: vec![READS_RECORDS, DECRYPTS],
        prefixes: vec!["main.", "net.", "fmt.", "runtime."],
        calls: vec![(READS_RECORDS, DECRYPTS)],
        types: TYPES.to_vec(),
    };
    Binary::read(&File::open(path).unwrap(), &wanted).unwrap()
}

/// Builds the program in one mode, with symbols and without, and compares.
fn check(name: &str, environment: &str, flags: &str) {
    let twin = build(name, environment, flags, false);
    let stripped = build(name, environment, flags, true);
    let binary = read(&stripped);
    let arch = if environment.contains("arm64") { Arch::Aarch64 } else { Arch::X86_64 };
    assert_eq!(binary.arch, arch);
    assert_eq!(binary.is_position_independent(), flags.contains("pie"), "{name}");
    let version = Command::new("go").args(["env", "GOVERSION"]).output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    assert_eq!(binary.go_version.as_deref(), Some(version.trim()));
    assert_eq!(binary.module.as_ref().unwrap().0, "example.com/program");
    assert_eq!(binary.traefik_version, None);

    same_functions(name, &binary, &read(&twin));
    functions_are_where_nm_says(name, &read(&twin), &twin);
    probes_are_where_objdump_says(name, &read(&twin), &twin);
    the_branch_is_where_objdump_says(name, &read(&twin), &twin);
    for of in TYPES {
        let pointer = format!("*{of}");
        assert!(binary.type_address(&pointer).is_some(), "{name}: {of}");
    }
    if arch == Arch::X86_64 {
        layouts_are_what_the_program_says(name, &binary, &stripped);
    }
}

/// A linker may keep pointers in the relocations only: the same file with zeros in their places must read the same.
fn pointers_may_be_relocations_only(name: &str, file: &Path) {
    let expected = read(file);
    let mut bytes = std::fs::read(file).unwrap();
    let (start, size) = section(&bytes, ".rela.dyn").unwrap();
    let mut cleared = 0;
    for at in (start..start + size).step_by(24) {
        const R_X86_64_RELATIVE: usize = 8;
        if word(&bytes, at + 8) == R_X86_64_RELATIVE {
            let offset = expected.file_offset(word(&bytes, at) as u64).unwrap() as usize;
            bytes[offset..offset + 8].fill(0);
            cleared += 1;
        }
    }
    assert!(cleared > 1000, "{name}: {cleared} pointers cleared");
    let path = file.with_extension("relocations");
    std::fs::write(&path, bytes).unwrap();
    let found = read(&path);
    for of in TYPES {
        let pointer = format!("*{of}");
        assert_eq!(found.type_address(&pointer), expected.type_address(&pointer), "{name}: {of}");
    }
    for (of, field) in [("crypto/tls.Conn", "tmp"), ("main.own", "name"), ("net/http.persistConn", "conn")] {
        assert!(found.field(of, field).is_some(), "{name}: {of}.{field}");
        assert_eq!(found.field(of, field), expected.field(of, field), "{name}: {of}.{field}");
    }
    assert_eq!(found.function("main.main"), expected.function("main.main"));
}

/// Stripping moves code at most as a whole.
fn same_functions(name: &str, stripped: &Binary, twin: &Binary) {
    let shape = |binary: &Binary| -> Vec<(String, u64)> {
        binary.functions_starting("").map(|(name, function)| (name.to_owned(), function.size)).collect()
    };
    assert_eq!(shape(stripped), shape(twin), "{name}");
}

fn functions_are_where_nm_says(name: &str, binary: &Binary, file: &Path) {
    let mut symbols: HashMap<String, Vec<u64>> = HashMap::new();
    for line in tool(&["nm"], file).lines() {
        let mut words = line.split_whitespace();
        let (Some(address), Some(kind), Some(symbol)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        if let (Ok(address), "T" | "t") = (u64::from_str_radix(address, 16), kind) {
            // The linker tells assembly from its wrapper; the function table has one name for both.
            let symbol = symbol.trim_end_matches(".abi0");
            symbols.entry(symbol.to_owned()).or_default().push(address);
        }
    }
    let mut compared = 0;
    for (function, found) in binary.functions_starting("") {
        if let Some(addresses) = symbols.get(function) {
            assert!(addresses.contains(&found.address), "{name}: {function} at {:#x}", found.address);
            compared += 1;
        }
    }
    assert!(compared > 500, "{name}: {compared} functions compared");
}

/// Every function that grows its stack has a probe, and every probe is on the instruction that makes the frame.
fn probes_are_where_objdump_says(name: &str, binary: &Binary, file: &Path) {
    let listing = tool(&["objdump", "-s", r"^(main|net|fmt|runtime)\."], file);
    let (mut probed, mut function, mut grows) = (0, None, false);
    let mut instructions: HashMap<u64, &str> = HashMap::new();
    for line in listing.lines().chain(["TEXT end(SB)"]) {
        if let Some(rest) = line.strip_prefix("TEXT ") {
            if let Some(found) = function.and_then(|function| binary.function(function)) {
                let frame = found.probe.map(|site| instructions.get(&site.address).copied().unwrap_or("nothing"));
                let makes_frame = |text: &str| match binary.arch {
                    Arch::X86_64 => text == "PUSHQ BP",
                    Arch::Aarch64 => {
                        text.starts_with("MOVD.W R30, -") || text.ends_with(", RSP, R20") || text.ends_with(", R27")
                    }
                };
                match frame {
                    Ok(text) => assert!(makes_frame(text), "{name}: {function:?}: {text}"),
                    Err(NoProbe::Ambiguous) => {}
                    Err(why) => assert!(!grows, "{name}: {function:?}: {why}"),
                }
                probed += usize::from(frame.is_ok());
            }
            function = rest.split("(SB)").next();
            instructions.clear();
            grows = false;
            continue;
        }
        let columns: Vec<&str> = line.split('\t').filter(|column| !column.trim().is_empty()).collect();
        if let [_, address, _, text, ..] = columns.as_slice()
            && let Ok(address) = u64::from_str_radix(address.trim_start_matches("0x"), 16)
        {
            instructions.insert(address, text.trim());
            // Not morestackc, which ends the program: the runtime's own stack does not grow.
            grows |= text.contains("runtime.morestack") && !text.contains("morestackc");
        }
    }
    assert!(probed > 300, "{name}: {probed} probes compared");
}

/// The branch on what `decrypt` gave follows its only call, and where the receiver is kept it was put.
fn the_branch_is_where_objdump_says(name: &str, binary: &Binary, file: &Path) {
    let back = binary.after_call(READS_RECORDS).unwrap().unwrap_or_else(|why| panic!("{name}: {why}"));
    let listing = tool(&["objdump", "-s", r"^crypto/tls.\(\*Conn\).readRecordOrCCS$"], file);
    let address = format!("{:#x}", back.probe.address);
    let at = |line: &str| line.split('\t').any(|column| column.trim() == address);
    let before: Vec<&str> = listing.lines().take_while(|line| !at(line)).collect();
    let branch = listing.lines().find(|line| at(line)).unwrap_or_else(|| panic!("{name}: nothing at {address}"));
    let (jumps, keeps) = match binary.arch {
        Arch::X86_64 => ("JNE ", format!("MOVQ AX, {:#x}(SP)", back.slot)),
        Arch::Aarch64 => ("CBNZ R4, ", format!("MOVD R0, {}(RSP)", back.slot)),
    };
    assert!(branch.contains(jumps), "{name}: {branch}");
    let call = before.iter().rposition(|line| line.contains(".(*halfConn).decrypt(SB)"));
    assert!(call.is_some_and(|call| before.len() - call <= 4), "{name}: {branch}");
    assert!(listing.contains(&keeps), "{name}: {keeps}");
}

fn layouts_are_what_the_program_says(name: &str, binary: &Binary, file: &Path) {
    let output = Command::new(file).output().unwrap();
    assert!(output.status.success(), "{name}");
    let output = String::from_utf8(output.stdout).unwrap();
    let path = file.to_str().unwrap();
    let text = output.lines().find(|line| line.contains(" r-xp ") && line.ends_with(path)).unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    let hex = |word: &str| u64::from_str_radix(word, 16).unwrap();
    let bias = binary.load_bias(hex(words[0].split('-').next().unwrap()), hex(words[2])).unwrap();
    let (mut fields, mut types) = (0, 0);
    for line in output.lines() {
        let words: Vec<&str> = line.split('\t').collect();
        match words.as_slice() {
            ["function", function, address] => {
                let found = binary.function(function).unwrap().address + bias;
                assert_eq!(found, address.parse::<u64>().unwrap(), "{name}: {function}");
            }
            ["type", of, address] => {
                let found = binary.type_address(of).unwrap_or_else(|| panic!("{name}: {of}"));
                assert_eq!(found + bias, address.parse::<u64>().unwrap(), "{name}: {of}");
                types += 1;
            }
            ["field", of, field, offset] => {
                assert_eq!(binary.field(of, field), Some(offset.parse().unwrap()), "{name}: {of}.{field}");
                fields += 1;
            }
            _ => {}
        }
    }
    assert_eq!(types, TYPES.len());
    assert!(fields > 80, "{name}: {fields} fields compared");
}

#[test]
fn built_as_traefik_is() {
    check("static", "CGO_ENABLED=0 GOARCH=amd64", "");
}

#[test]
fn position_independent() {
    check("pie", "CGO_ENABLED=0 GOARCH=amd64", "-buildmode=pie");
}

#[test]
fn for_aarch64() {
    check("arm64", "CGO_ENABLED=0 GOARCH=arm64", "");
    check("arm64-pie", "CGO_ENABLED=0 GOARCH=arm64", "-buildmode=pie");
}

/// GNU ld lays the file out: it needs a C compiler, as the build of a program with cgo does.
#[test]
fn linked_by_gnu_ld() {
    let compiler = Command::new("go").args(["env", "CC"]).output().unwrap();
    let compiler = String::from_utf8(compiler.stdout).unwrap();
    if Command::new(compiler.trim()).arg("--version").output().is_err() {
        return;
    }
    check("cgo", "CGO_ENABLED=1 GOARCH=amd64", "external");
    let (environment, flags) = ("CGO_ENABLED=1 GOARCH=amd64", "external -buildmode=pie");
    pointers_may_be_relocations_only("cgo-pie", &build("cgo-pie", environment, flags, true));
    check("cgo-pie", environment, flags);
}
