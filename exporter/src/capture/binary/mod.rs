//! What hoptap needs to know of a Go executable, stripped or not: where functions can be probed, where fields lie.
//!
//! A pure value, read once when a process is found. Positioned reads through small windows: never a map of the file.

mod build_info;
mod call;
mod elf;
mod error;
mod function_table;
mod image;
mod module_data;
mod prologue;
mod relocation;
mod type_table;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::os::unix::fs::FileExt;

pub use elf::{Arch, Segment};
pub use error::Error;
pub use prologue::NoProbe;

use build_info::BuildInfo;
use function_table::Place;
use image::Image;
use module_data::ModuleData;

/// The longest text that [`Binary::text`] reads.
const MAX_TEXT: usize = 64 << 10;

/// What to look for. Names are written as Go writes functions: package path, dot, name.
#[derive(Debug, Clone, Default)]
pub struct Wanted<'a> {
    /// Functions by their whole name, alternates included: `net/http.(*persistConn).roundTrip`.
    pub functions: Vec<&'a str>,
    /// Functions whose numbering moves between Go versions, by how their names begin:
    /// `net/http.(*Server).Serve.gowrap`.
    pub prefixes: Vec<&'a str>,
    /// Functions and one that each calls, between whose results and the branch on their error a probe is wanted. Both
    /// must be among `functions`.
    pub calls: Vec<(&'a str, &'a str)>,
    /// Struct types whose fields and whose pointer's descriptor are needed: `net/http.persistConn`.
    pub types: Vec<&'a str>,
}

/// A function of the executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Address of the entry as linked: what `runtime.g.startpc` holds, less the load bias.
    pub address: u64,
    /// Bytes to the next function, padding included.
    pub size: u64,
    /// Where to put a probe, or why there is no place.
    pub probe: Result<ProbeSite, NoProbe>,
}

/// An instruction behind the stack check where the arguments are still in their registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeSite {
    /// Address as linked.
    pub address: u64,
    /// Offset in the file, as uprobes are placed.
    pub offset: u64,
}

/// Where a function has the results of a call in registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AfterCall {
    pub probe: ProbeSite,
    /// Bytes from the stack pointer there to the word that holds the first argument of the function.
    pub slot: u32,
}

/// How an executable was put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linking {
    /// A dynamic linker brings it libraries.
    pub dynamic: bool,
    /// Whether C may be in it, where the build says so.
    pub cgo: Option<bool>,
    /// Its table of symbols was taken out: Go's own tables stay.
    pub stripped: bool,
}

/// What was found in an executable.
#[derive(Debug, Clone)]
pub struct Binary {
    /// The instruction set, which decides the registers that hold arguments.
    pub arch: Arch,
    /// `go1.26.8`; `None` where the build information was removed.
    pub go_version: Option<String>,
    /// Path and version of the main module; `(devel)` for a build from a working copy.
    pub module: Option<(String, String)>,
    /// Traefik's version without a leading `v`, where the build says it.
    pub traefik_version: Option<String>,
    pub linking: Linking,
    functions: BTreeMap<String, Function>,
    calls: HashMap<String, Result<AfterCall, NoProbe>>,
    types: HashMap<String, type_table::Struct>,
    segments: Vec<Segment>,
    position_independent: bool,
}

impl Binary {
    /// Reads what is wanted out of an executable, for instance `/proc/PID/exe`. What is not there is not an error:
    /// [`function`](Self::function) and the others answer `None` for it.
    ///
    /// # Errors
    /// The file cannot be read, is not an ELF executable for a known machine, is not a Go program, or is damaged.
    pub fn read(file: &File, wanted: &Wanted<'_>) -> Result<Self, Error> {
        let image = Image::open(file)?;
        let build = BuildInfo::find(&image)?;
        let module = ModuleData::find(&image).map_err(|error| match (error, &build) {
            (Error::NotGo, Some(build)) => Error::NoFunctions { go_version: build.go_version.clone() },
            (error, _) => error,
        })?;
        let functions = functions(&image, &module, wanted)?;
        let calls = wanted
            .calls
            .iter()
            .filter_map(|(caller, callee)| {
                let (from, to) = (functions.get(*caller)?, functions.get(*callee)?);
                Some(((*caller).to_owned(), after_call(&image, from, to)))
            })
            .collect();
        let types = type_table::find(&image, &module, wanted.types.iter().copied())?;
        Ok(Self {
            arch: image.elf.arch,
            traefik_version: build.as_ref().and_then(|build| build.traefik_version().map(str::to_owned)),
            module: build.as_ref().and_then(|build| build.module.clone()),
            linking: Linking {
                dynamic: image.elf.interpreted,
                cgo: build.as_ref().and_then(|build| build.cgo),
                stripped: !image.elf.symbols,
            },
            go_version: build.map(|build| build.go_version),
            functions,
            calls,
            types,
            position_independent: image.elf.position_independent,
            segments: image.elf.segments,
        })
    }

    /// A wanted function, by its whole name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.get(name)
    }

    /// The first of several names that the executable has: Go and Traefik rename functions between versions.
    pub fn first_function<'n>(&self, alternates: &[&'n str]) -> Option<(&'n str, &Function)> {
        alternates.iter().find_map(|name| self.functions.get(*name).map(|function| (*name, function)))
    }

    /// Where a wanted function is back from the call that was named with it.
    pub fn after_call(&self, caller: &str) -> Option<Result<AfterCall, NoProbe>> {
        self.calls.get(caller).copied()
    }

    /// The wanted functions whose names begin so, sorted by name.
    pub fn functions_starting(&self, prefix: &str) -> impl Iterator<Item = (&str, &Function)> {
        self.functions
            .range(prefix.to_owned()..)
            .take_while(move |(name, _)| name.starts_with(prefix))
            .map(|(name, function)| (name.as_str(), function))
    }

    /// Bytes from the start of a wanted struct to one of its fields: `("runtime.g", "goid")` is 152 in Go 1.26.
    pub fn field(&self, of: &str, name: &str) -> Option<u64> {
        self.types.get(of)?.fields.get(name).copied()
    }

    /// Address, as linked, of a type's descriptor: the first word of an interface value that holds one (or of its
    /// itab's second). Only pointers to wanted structs: `*crypto/tls.Conn`.
    pub fn type_address(&self, name: &str) -> Option<u64> {
        let of = name.strip_prefix('*')?;
        self.types.get(of).map(|found| found.pointer)
    }

    /// Where in the file the byte of an address, as linked, is.
    pub fn file_offset(&self, address: u64) -> Option<u64> {
        self.segments.iter().find_map(|segment| image::offset(segment, address))
    }

    /// Whether the addresses in memory differ from those here by a bias.
    pub fn is_position_independent(&self) -> bool {
        self.position_independent
    }

    /// The lowest address of what is loaded.
    pub fn lowest_address(&self) -> u64 {
        self.segments.iter().map(|segment| segment.address).min().unwrap_or(0)
    }

    /// What to add to an address of this value to get one of a process, from the executable line of the file in
    /// `/proc/PID/maps`: its first address and its offset in the file. `None` for a line of another file.
    pub fn load_bias(&self, start: u64, offset: u64) -> Option<u64> {
        if !self.position_independent {
            return Some(0);
        }
        let mut segments = self.segments.iter().filter(|segment| segment.executable);
        segments.find_map(|segment| {
            let (first, address) = segment.first_page();
            (first == offset).then(|| start.wrapping_sub(address))
        })
    }

    /// The bytes of a string that is a literal in the program, for a page that was not in memory when the kernel
    /// wanted it. `None` outside of read-only data and for more than 64 KiB.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn text(&self, file: &File, address: u64, length: usize) -> std::io::Result<Option<Vec<u8>>> {
        let segment = self.segments.iter().find(|segment| !segment.writable && segment.contains(address));
        let Some((offset, segment)) = segment.and_then(|segment| Some((image::offset(segment, address)?, segment)))
        else {
            return Ok(None);
        };
        if length > MAX_TEXT || length as u64 > segment.end() - address {
            return Ok(None);
        }
        let mut text = vec![0; length];
        file.read_exact_at(&mut text, offset)?;
        Ok(Some(text))
    }
}

fn functions(image: &Image<'_>, module: &ModuleData, wanted: &Wanted<'_>) -> Result<BTreeMap<String, Function>, Error> {
    let exact: HashSet<&str> = wanted.functions.iter().copied().collect();
    let places = function_table::find(image, module, |name| {
        exact.contains(name) || wanted.prefixes.iter().any(|prefix| name.starts_with(prefix))
    })?;
    let mut functions: BTreeMap<String, Function> = BTreeMap::new();
    for place in places {
        let function = Function { address: place.address, size: place.size, probe: probe(image, &place) };
        functions.entry(place.name).and_modify(|first| first.probe = Err(NoProbe::Ambiguous)).or_insert(function);
    }
    Ok(functions)
}

fn probe(image: &Image<'_>, place: &Place) -> Result<ProbeSite, NoProbe> {
    let mut reader = image.reader(prologue::LONGEST);
    let code = reader.run(place.address).map_err(|_| NoProbe::Missing)?;
    let length = code.len().min(usize::try_from(place.size).unwrap_or(usize::MAX));
    let within = prologue::site(image.elf.arch, code.get(..length).unwrap_or_default(), place.size)?;
    probe_at(image, place.address + within)
}

fn after_call(image: &Image<'_>, caller: &Function, callee: &Function) -> Result<AfterCall, NoProbe> {
    let mut reader = image.reader(call::LONGEST);
    let code = reader.run(caller.address).map_err(|_| NoProbe::Missing)?;
    let length = code.len().min(usize::try_from(caller.size).unwrap_or(usize::MAX));
    let code = code.get(..length).unwrap_or_default();
    let (within, slot) = call::site(image.elf.arch, code, caller.address, callee.address)?;
    Ok(AfterCall { probe: probe_at(image, caller.address + within)?, slot })
}

fn probe_at(image: &Image<'_>, address: u64) -> Result<ProbeSite, NoProbe> {
    let segment = image.elf.segment(address).ok_or(NoProbe::Missing)?;
    let offset = image::offset(segment, address).ok_or(NoProbe::Missing)?;
    Ok(ProbeSite { address, offset })
}
