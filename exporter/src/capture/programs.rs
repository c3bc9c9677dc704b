//! Loads the kernel side and attaches what is not bound to a process: bytes, states, new programs.

use aya::maps::{HashMap, MapData, PerCpuArray, RingBuf};
use aya::programs::{ProgramError, RawTracePoint};
use aya::{Ebpf, EbpfLoader};
use hoptap_ebpf as abi;

use super::btf::{self, Btf};
use super::object::{GROWING, object};
use super::permissions::Permissions;
use super::pod::Pod;
use crate::event::Pid;

/// How bytes are seen, by preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// `sock_send_length` and `sock_recv_length`: Linux 6.3 and later.
    Socket,
    /// `sys_exit`: Linux 5.10 and later; every system call of the machine pays a little.
    Syscall,
}

impl Hook {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Socket => "socket",
            Self::Syscall => "syscall",
        }
    }

    fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Socket => &["sock_send_length", "sock_recv_length"],
            Self::Syscall => &["sys_exit"],
        }
    }
}

/// Why the kernel side is not in place.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "the kernel does not let this process load eBPF programs; it lacks {missing}. Run it as root (`sudo hoptap`), \
         or give the program these capabilities with `setcap`"
    )]
    NotPermitted { missing: String },
    #[error("no process has the id {}: nothing to attach to; leave out --pid to wait for a Traefik", list(.0))]
    NoProcess(Vec<Pid>),
    #[error("kernel {release} cannot be used: {reason}")]
    Kernel { release: String, reason: String },
    #[error("the kernel's type data cannot be used: {0}. hoptap needs a kernel built with CONFIG_DEBUG_INFO_BTF")]
    Btf(#[from] btf::Error),
    #[error("it has no tracepoint `{0}`, which came with Linux 6.3")]
    NoTracepoint(&'static str),
    #[error("the kernel refused the program `{program}`: {reason}")]
    Refused { program: String, reason: String },
    #[error("the kernel side is not what this binary expects: {0}; this is a fault of the build")]
    Build(String),
}

fn list(pids: &[Pid]) -> String {
    pids.iter().map(Pid::to_string).collect::<Vec<_>>().join(" or ")
}

/// Bytes of the ring by default: a quarter of a second at 10 000 requests a second. Its pages count twice in the
/// resident memory, for the kernel maps them twice so that no record wraps.
pub const RING_BYTES: u32 = 8 << 20;

/// The loaded kernel side. Dropping it detaches everything.
pub struct Programs {
    ebpf: Ebpf,
    pub hook: Hook,
    /// Hooks that were tried before, and why they are not in use.
    pub refused: Vec<(Hook, String)>,
}

impl Programs {
    /// Loads and attaches. `wanted` forces one way.
    ///
    /// # Errors
    /// Permissions, kernel or type data do not suffice; each says what to do.
    pub fn load(wanted: Option<Hook>, ring_bytes: u32) -> Result<Self, Error> {
        raise_locked_memory();
        let permissions = Permissions::of_this_thread();
        let btf = Btf::read(btf::KERNEL.as_ref())?;
        let candidates = match &wanted {
            Some(hook) => std::slice::from_ref(hook),
            None => &[Hook::Socket, Hook::Syscall],
        };
        let mut refused = Vec::new();
        for hook in candidates {
            match Self::load_hook(*hook, &btf, &permissions, ring_bytes) {
                Ok(ebpf) => return Ok(Self { ebpf, hook: *hook, refused }),
                Err(error) => {
                    if let Error::NotPermitted { .. } | Error::Build(_) = error {
                        return Err(error);
                    }
                    refused.push((*hook, error.to_string()));
                }
            }
        }
        let reasons: Vec<String> =
            refused.iter().map(|(hook, reason)| format!("--capture {}: {reason}", hook.as_str())).collect();
        Err(Error::Kernel { release: permissions.release, reason: reasons.join("; ") })
    }

    /// Loads and attaches this way and no other.
    ///
    /// # Errors
    /// As [`load`](Self::load), in the kernel's own words.
    pub(super) fn only(hook: Hook, ring_bytes: u32) -> Result<Self, Error> {
        raise_locked_memory();
        let btf = Btf::read(btf::KERNEL.as_ref())?;
        let ebpf = Self::load_hook(hook, &btf, &Permissions::of_this_thread(), ring_bytes)?;
        Ok(Self { ebpf, hook, refused: Vec::new() })
    }

    fn load_hook(hook: Hook, btf: &Btf, permissions: &Permissions, ring_bytes: u32) -> Result<Ebpf, Error> {
        // Asked before anything is loaded: on older kernels the verifier takes its time to accept what is then refused.
        if let Some(missing) = hook.programs().iter().find(|name| hook == Hook::Socket && !btf.has_tracepoint(name)) {
            return Err(Error::NoTracepoint(missing));
        }
        let kernel = Pod(offsets(btf, ring_bytes, at_least(permissions, 5, 15))?);
        let preallocated = !at_least(permissions, 6, 1);
        let object = object(preallocated).ok_or_else(|| Error::Build("its maps are not where they were".into()))?;
        let mut loader = EbpfLoader::new();
        loader.override_global("KERNEL", &kernel, true).map_max_entries("EVENTS", ring_bytes);
        if preallocated {
            for (map, entries) in GROWING {
                loader.map_max_entries(map, entries);
            }
        }
        let mut ebpf = loader.load(&object).map_err(|error| refusal("maps", &error, permissions))?;
        for name in hook.programs().iter().chain(&["inet_sock_set_state", "sched_process_exec"]) {
            let program: &mut RawTracePoint = ebpf
                .program_mut(name)
                .ok_or_else(|| Error::Build(format!("no program `{name}`")))?
                .try_into()
                .map_err(|error: ProgramError| Error::Build(error.to_string()))?;
            program
                .load()
                .and_then(|()| program.attach(name).map(|_| ()))
                .map_err(|error| refusal(name, &error, permissions))?;
        }
        Ok(ebpf)
    }

    /// The ring, to be read by one thread. Can be taken once.
    ///
    /// # Errors
    /// The build is broken.
    pub fn ring(&mut self) -> Result<RingBuf<MapData>, Error> {
        self.map("EVENTS")
    }

    /// # Errors
    /// The build is broken.
    pub fn processes(&mut self) -> Result<HashMap<MapData, u32, Pod<abi::Target>>, Error> {
        self.map("PROCESSES")
    }

    /// # Errors
    /// The build is broken.
    pub fn listeners(&mut self) -> Result<HashMap<MapData, u16, u8>, Error> {
        self.map("LISTENERS")
    }

    /// # Errors
    /// The build is broken.
    pub fn skips(&mut self) -> Result<HashMap<MapData, u64, Pod<abi::Skip>>, Error> {
        self.map("SKIPS")
    }

    /// # Errors
    /// The build is broken.
    pub fn tally(&mut self) -> Result<PerCpuArray<MapData, Pod<abi::Tally>>, Error> {
        self.map("TALLY")
    }

    /// # Errors
    /// The build is broken.
    pub fn ended(&mut self) -> Result<HashMap<MapData, u64, Pod<abi::Ended>>, Error> {
        self.map("ENDED")
    }

    fn map<T: TryFrom<aya::maps::Map, Error = aya::maps::MapError>>(&mut self, name: &str) -> Result<T, Error> {
        self.ebpf
            .take_map(name)
            .ok_or_else(|| Error::Build(format!("no map `{name}`")))?
            .try_into()
            .map_err(|error: aya::maps::MapError| Error::Build(error.to_string()))
    }

    pub(super) fn program(&mut self, name: &str) -> Option<&mut aya::programs::Program> {
        self.ebpf.program_mut(name)
    }
}

/// Distributions bring programs' helpers to older kernels, but never take one away.
fn at_least(permissions: &Permissions, major: u32, minor: u32) -> bool {
    permissions.kernel.as_ref().is_some_and(|kernel| (kernel.major, kernel.minor) >= (major, minor))
}

/// `THREAD_SIZE` of x86-64 and arm64 with 4 KiB pages and without KASAN (arch/*/include/asm).
const STACK_SIZE: u32 = 16 * 1024;

/// `task_registers`: the kernel has `bpf_task_pt_regs` (5.15).
fn offsets(btf: &Btf, ring_bytes: u32, task_registers: bool) -> Result<abi::Kernel, btf::Error> {
    let sock = |field: &str| btf.offset("sock", field);
    Ok(abi::Kernel {
        sk_family: sock("__sk_common.skc_family")?,
        sk_num: sock("__sk_common.skc_num")?,
        sk_dport: sock("__sk_common.skc_dport")?,
        sk_daddr: sock("__sk_common.skc_daddr")?,
        sk_rcv_saddr: sock("__sk_common.skc_rcv_saddr")?,
        sk_v6_daddr: sock("__sk_common.skc_v6_daddr")?,
        sk_v6_rcv_saddr: sock("__sk_common.skc_v6_rcv_saddr")?,
        sk_protocol: sock("sk_protocol")?,
        sk_err: sock("sk_err")?,
        sk_socket: sock("sk_socket")?,
        task_files: btf.offset("task_struct", "files")?,
        files_fdt: btf.offset("files_struct", "fdt")?,
        fdt_fd: btf.offset("fdtable", "fd")?,
        fdt_max: btf.offset("fdtable", "max_fds")?,
        file_private: btf.offset("file", "private_data")?,
        file_inode: btf.offset("file", "f_inode")?,
        inode_mode: btf.offset("inode", "i_mode")?,
        socket_sk: btf.offset("socket", "sk")?,
        pressure: ring_bytes / 4 * 3,
        wake: ring_bytes / 8,
        task_stack: btf.offset("task_struct", "stack")?,
        stack_size: if task_registers { 0 } else { STACK_SIZE },
    })
}

/// Before 5.11 maps count against `RLIMIT_MEMLOCK`, which is small by default.
#[expect(unsafe_code, reason = "there is no safe call for it in the standard library")]
fn raise_locked_memory() {
    let limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the structure lives through the call. Where it is refused, loading says so.
    unsafe {
        libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const limit);
    }
}

/// A loader's error as one sentence: the verifier's log is hundreds of lines, its reason is the last.
pub(super) fn refusal(program: &str, error: &(dyn std::error::Error + 'static), permissions: &Permissions) -> Error {
    let mut reasons = Vec::new();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut denied = false;
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            denied |= io.kind() == std::io::ErrorKind::PermissionDenied;
        }
        reasons.push(error.to_string());
        cause = error.source();
    }
    tracing::debug!(program, error = ?error, "the kernel refused a program");
    let missing = permissions.missing();
    if denied && !missing.is_empty() {
        let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
        return Error::NotPermitted { missing: missing.join(", ") };
    }
    let mut reason = String::new();
    for text in reasons {
        let last = text.lines().rfind(|line| !line.trim().is_empty() && !is_statistics(line)).unwrap_or("");
        if !reason.ends_with(last) {
            if !reason.is_empty() {
                reason.push_str(": ");
            }
            reason.push_str(last.trim());
        }
    }
    Error::Refused { program: program.into(), reason }
}

/// What the verifier writes below its reason.
fn is_statistics(line: &str) -> bool {
    ["processed ", "stack depth ", "verification time "].iter().any(|start| line.starts_with(start))
}
