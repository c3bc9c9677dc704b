#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::process::Command;

use super::*;

/// Makes tables of types, in either byte order.
struct Builder {
    big_endian: bool,
    types: Vec<u8>,
    strings: Vec<u8>,
    count: u32,
}

impl Builder {
    fn new(big_endian: bool) -> Self {
        Self { big_endian, types: Vec::new(), strings: vec![0], count: 0 }
    }

    fn word(&self, word: u32) -> [u8; 4] {
        if self.big_endian { word.to_be_bytes() } else { word.to_le_bytes() }
    }

    fn name(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        let at = self.strings.len() as u32;
        self.strings.extend_from_slice(name.as_bytes());
        self.strings.push(0);
        at
    }

    fn add(&mut self, name: &str, info: u32, size_or_type: u32, rest: &[u32]) -> u32 {
        let name = self.name(name);
        for word in [name, info, size_or_type].iter().chain(rest) {
            let word = self.word(*word);
            self.types.extend_from_slice(&word);
        }
        self.count += 1;
        self.count
    }

    fn integer(&mut self, size: u32, bits: u32, start: u32) -> u32 {
        self.add("int", 1 << 24, size, &[start << 16 | bits])
    }

    /// Members as name, type, bit offset, number of bits of a bit field.
    fn structure(&mut self, kind: u32, name: &str, members: &[(&str, u32, u32, u32)]) -> u32 {
        let flag = members.iter().any(|member| member.3 != 0);
        let rest: Vec<u32> =
            members.iter().flat_map(|(name, id, offset, bits)| [self.name(name), *id, bits << 24 | offset]).collect();
        let info = u32::from(flag) << 31 | kind << 24 | members.len() as u32;
        self.add(name, info, 64, &rest)
    }

    fn build(&self) -> Vec<u8> {
        let magic = if self.big_endian { [0xeb, 0x9f] } else { [0x9f, 0xeb] };
        let mut bytes = [magic[0], magic[1], 1, 0].to_vec();
        let (types, strings) = (self.types.len() as u32, self.strings.len() as u32);
        for word in [24, 0, types, types, strings] {
            bytes.extend_from_slice(&self.word(word));
        }
        bytes.extend_from_slice(&self.types);
        bytes.extend_from_slice(&self.strings);
        bytes
    }
}

/// A `sock` as kernels have it, with everything that can stand between a name and its field.
fn sample(big_endian: bool) -> Vec<u8> {
    let mut builder = Builder::new(big_endian);
    let short = builder.integer(2, 16, 0);
    let long = builder.integer(8, 64, 0);
    let eight_of_32 = builder.integer(4, 8, 16);
    let array = builder.add("", 3 << 24, 0, &[long, short, 31]);
    let inner = builder.structure(4, "", &[("port", short, 0, 0), ("number", short, 16, 0)]);
    let union = builder.structure(5, "", &[("pair", long, 0, 0), ("", inner, 0, 0)]);
    let common = builder.structure(4, "sock_common", &[("address", long, 0, 0), ("", union, 64, 0)]);
    let alias = builder.add("common_t", 8 << 24, common, &[]);
    let constant = builder.add("", 10 << 24, alias, &[]);
    builder.structure(4, "twice", &[("other", long, 0, 0)]);
    builder.structure(4, "twice", &[("wanted", long, 64, 0)]);
    builder.structure(4, "old", &[("protocol", eight_of_32, 32, 0)]);
    let registers = builder.structure(4, "user_pt_regs", &[("regs", array, 0, 0), ("sp", long, 1984, 0)]);
    builder.structure(4, "pt_regs", &[("", registers, 0, 0), ("table", array, 2048, 0)]);
    builder.structure(4, "sock", &[("common", constant, 32, 0), ("flag", short, 161, 3), ("error", short, 176, 0)]);
    builder.build()
}

#[test]
fn offsets() {
    for big_endian in [false, true] {
        let btf = Btf::parse(sample(big_endian)).unwrap();
        for (structure, path, expected) in [
            ("sock", "common", "4"),
            ("sock", "common.address", "4"),
            ("sock", "common.pair", "12"),
            ("sock", "common.port", "12"),
            ("sock", "common.number", "14"),
            ("sock", "error", "22"),
            ("sock_common", "number", "10"),
            ("twice", "wanted", "8"),
            ("pt_regs", "regs", "0"),
            ("pt_regs", "regs[28]", "224"),
            ("pt_regs", "sp", "248"),
            ("pt_regs", "table[1]", "264"),
            ("sock", "flag", "sock.flag is a bit field at bit 161: it has no offset in bytes"),
            ("old", "protocol", "old.protocol is a bit field at bit 48: it has no offset in bytes"),
            ("socket", "sk", "this kernel has no struct or union named socket"),
            ("sock", "common.nothing", "this kernel's sock has no field nothing (looked for common.nothing)"),
            ("sock", "error.deeper", "this kernel's sock has no field deeper (looked for error.deeper)"),
            ("pt_regs", "regs[31]", "this kernel's pt_regs has no field regs[31] (looked for regs[31])"),
            ("sock", "", "this kernel's sock has no field  (looked for )"),
        ] {
            let found = match btf.offset(structure, path) {
                Ok(offset) => offset.to_string(),
                Err(error) => error.to_string(),
            };
            assert_eq!(found, expected, "{structure}.{path}, big endian: {big_endian}");
        }
        let place = |bit_offset, bits| Field { bit_offset, bit_size: Some(bits) };
        assert_eq!(btf.field("sock", "flag").unwrap(), place(161, 3));
        assert_eq!(btf.field("old", "protocol").unwrap(), place(48, 8));
    }
}

#[test]
fn damaged_tables() {
    let whole = sample(false);
    for cut in 0..whole.len() {
        let cut = whole.get(..cut).unwrap().to_vec();
        assert!(Btf::parse(cut).is_err());
    }
    // Any byte may be anything: an answer or an error, soon.
    for at in 0..whole.len() {
        for value in [0x00, 0x01, 0x7f, 0xff] {
            let mut bytes = whole.clone();
            *bytes.get_mut(at).unwrap() = value;
            if let Ok(btf) = Btf::parse(bytes) {
                let _ = btf.offset("sock", "common.number");
                let _ = btf.offset("pt_regs", "regs[28]");
                let _ = btf.offset("old", "protocol");
            }
        }
    }
    let mut circle = Builder::new(false);
    circle.add("a", 8 << 24, 2, &[]);
    circle.add("b", 8 << 24, 1, &[]);
    circle.structure(4, "s", &[("", 1, 0, 0), ("x", 1, 0, 0)]);
    circle.structure(4, "t", &[("", 4, 0, 0), ("", 4, 0, 0), ("", 4, 0, 0)]);
    let circle = Btf::parse(circle.build()).unwrap();
    for structure in ["s", "t"] {
        let error = circle.offset(structure, "x").unwrap_err().to_string();
        assert!(error.ends_with("in a circle"), "{error}");
    }
    let mut unknown = Builder::new(false);
    unknown.add("new", 25 << 24, 0, &[]);
    let error = Btf::parse(unknown.build()).unwrap_err();
    assert!(matches!(error, Error::UnknownKind(25)));
}

#[test]
fn files() {
    let folder = std::env::temp_dir().join(format!("hoptap-btf-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let raw = folder.join("raw");
    std::fs::write(&raw, sample(false)).unwrap();
    let elf = folder.join("elf");
    std::fs::copy(std::env::current_exe().unwrap(), &elf).unwrap();
    let text = folder.join("text");
    std::fs::write(&text, "no table").unwrap();
    let message = |path: &Path| Btf::read(path).unwrap_err().to_string();
    assert!(message(&text).contains("text holds no kernel type data"));
    assert!(message(&elf).contains("no such section"));
    assert!(message(&folder.join("none")).contains("none: No such file"));
    let done = Command::new("objcopy").arg(format!("--add-section=.BTF={}", raw.display())).arg(&elf).status();
    assert!(done.is_ok_and(|done| done.success()), "binutils is needed");
    for path in [raw, elf] {
        let btf = Btf::read(&path).unwrap();
        assert_eq!(btf.offset("sock", "common.number").unwrap(), 14);
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// Everything that the kernel side needs.
const NEEDED: [(&str, &[&str]); 8] = [
    (
        "sock",
        &[
            "__sk_common.skc_family",
            "__sk_common.skc_num",
            "__sk_common.skc_dport",
            "__sk_common.skc_daddr",
            "__sk_common.skc_rcv_saddr",
            "__sk_common.skc_v6_daddr",
            "__sk_common.skc_v6_rcv_saddr",
            "__sk_common.skc_state",
            "sk_protocol",
            "sk_type",
            "sk_err",
        ],
    ),
    ("task_struct", &["files", "tgid", "thread.sp"]),
    ("files_struct", &["fdt"]),
    ("fdtable", &["fd", "max_fds"]),
    ("file", &["private_data", "f_inode", "f_op"]),
    ("socket", &["sk", "file", "type"]),
    ("inode", &["i_mode"]),
    (
        "pt_regs",
        &[
            "r15", "r14", "bp", "bx", "r11", "r10", "r9", "r8", "ax", "cx", "dx", "si", "di", "orig_ax", "ip", "flags",
            "sp",
        ],
    ),
];

/// The oracle is the C compiler, given what bpftool says about the running kernel.
#[test]
#[cfg(target_arch = "x86_64")]
fn running_kernel() {
    if !Path::new(KERNEL).exists() {
        return;
    }
    let folder = std::env::temp_dir().join(format!("hoptap-kernel-btf-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    // Debian keeps it where only root's PATH looks.
    let bpftool = ["bpftool", "/usr/sbin/bpftool"].into_iter().find_map(|program| {
        let output = Command::new(program).args(["btf", "dump", "file", KERNEL, "format", "c"]).output().ok()?;
        output.status.success().then_some(output.stdout)
    });
    let header = bpftool.expect("bpftool is needed, which `make setup` installs");
    std::fs::write(folder.join("vmlinux.h"), header).unwrap();
    let fields: Vec<(&str, &str)> =
        NEEDED.iter().flat_map(|(structure, paths)| paths.iter().map(move |path| (*structure, *path))).collect();
    let lines: String =
        fields.iter().map(|(structure, path)| format!("__builtin_offsetof(struct {structure}, {path}),\n")).collect();
    let source = format!(
        "#include \"vmlinux.h\"\nint printf(const char *, ...);\nunsigned long at[] = {{\n{lines}}};\n\
         int main() {{ for (int i = 0; i < {}; i++) printf(\"%lu\\n\", at[i]); return 0; }}\n",
        fields.len()
    );
    std::fs::write(folder.join("offsets.c"), source).unwrap();
    let compiled =
        Command::new("cc").args(["-std=gnu11", "-w", "-o", "offsets", "offsets.c"]).current_dir(&folder).status();
    assert!(compiled.is_ok_and(|done| done.success()), "a C compiler is needed, which `make setup` installs");
    let output = Command::new(folder.join("offsets")).output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.lines().count(), fields.len());
    let btf = Btf::read(Path::new(KERNEL)).unwrap();
    for ((structure, path), expected) in fields.iter().zip(output.lines()) {
        let found = btf.offset(structure, path).unwrap().to_string();
        assert_eq!(found, expected, "{structure}.{path}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
