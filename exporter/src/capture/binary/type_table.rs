//! Go's type descriptors: struct layouts and descriptor addresses, which survive `-s -w -trimpath`.
//!
//! Descriptors are recognised where they lie instead of through `typelinks`, which Go 1.27 no longer has. A
//! pointer's descriptor is believed if its name, its element's kind, name and package path all agree.

use std::collections::{HashMap, HashSet};

use super::error::Error;
use super::image::{Image, NARROW, Reader, WIDE, u32_at, u64_at};
use super::module_data::ModuleData;

/// `abi.Type` (internal/abi/type.go, go1.26); offsets unchanged since Go 1.14.
mod descriptor {
    pub(super) const SIZE: u64 = 48;
    pub(super) const FLAGS: u64 = 20;
    pub(super) const ALIGN: usize = 21;
    pub(super) const FIELD_ALIGN: usize = 22;
    pub(super) const KIND: usize = 23;
    pub(super) const NAME: usize = 40;
    /// `PtrType.Elem`, `StructType.PkgPath`.
    pub(super) const FIRST: u64 = 48;
    pub(super) const FIELDS: u64 = 56;
    pub(super) const FIELD_COUNT: u64 = 64;
    /// Where `UncommonType` follows a `StructType`.
    pub(super) const STRUCT_END: u64 = 80;
}

const FLAG_UNCOMMON: u8 = 1;
const FLAG_EXTRA_STAR: u8 = 2;
const KIND_MASK: u8 = 31;
const KIND_POINTER: u8 = 22;
const KIND_STRUCT: u8 = 25;
const POINTER_SIZE: u64 = 8;
/// `abi.StructField`: name, type, offset.
const FIELD: u64 = 24;
/// Names and descriptors that look like wanted ones; there is one each. A hostile file could hold millions.
const MAX_FOUND: usize = 4096;
/// The largest struct of a Traefik has some 400 fields.
const MAX_FIELDS: u64 = 4096;

/// A named struct type and the pointer to it.
#[derive(Debug, Clone)]
pub(super) struct Struct {
    /// Address of the descriptor of `*T`.
    pub(super) pointer: u64,
    pub(super) fields: HashMap<String, u64>,
}

/// The structs of these names (`net/http.persistConn`); a name that two types bear is left out.
pub(super) fn find<'n>(
    image: &Image<'_>,
    module: &ModuleData,
    wanted: impl IntoIterator<Item = &'n str>,
) -> Result<HashMap<String, Struct>, Error> {
    let types = Types { image, start: module.types, end: module.types_end };
    let mut by_text: HashMap<String, Vec<&str>> = HashMap::new();
    for name in wanted {
        by_text.entry(pointer_text(name)).or_default().push(name);
    }
    if by_text.is_empty() {
        return Ok(HashMap::new());
    }
    let mut found: HashMap<String, Struct> = HashMap::new();
    let mut ambiguous = HashSet::new();
    let names = types.names(&by_text)?;
    for (pointer, text) in types.pointers(&names)? {
        let Some(full) = types.element(pointer, text)? else {
            continue;
        };
        let element = types.element_address(pointer)?;
        if !by_text.get(text).is_some_and(|all| all.contains(&full.as_str())) {
            continue;
        }
        let fields = types.fields(element)?;
        if found.insert(full.clone(), Struct { pointer, fields }).is_some() {
            ambiguous.insert(full);
        }
    }
    found.retain(|name, _| !ambiguous.contains(name));
    Ok(found)
}

/// What the runtime calls the pointer to a type: `*http.persistConn` for `net/http.persistConn`.
///
/// The package's name is taken to be the last element of its path that is not a major version.
fn pointer_text(name: &str) -> String {
    let (path, name) = name.rsplit_once('.').unwrap_or(("", name));
    let is_major = |element: &str| {
        element.strip_prefix('v').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    let package = path.rsplit('/').find(|element| !is_major(element));
    let package = package.unwrap_or(path);
    // quic-go calls itself `quic`.
    let package = package.strip_suffix("-go").unwrap_or(package);
    // gopkg.in writes its majors as `yaml.v3`.
    let package = match package.rsplit_once('.') {
        Some((package, major)) if is_major(major) => package,
        _ => package,
    };
    format!("*{package}.{name}")
}

struct Types<'i, 'f> {
    image: &'i Image<'f>,
    start: u64,
    end: u64,
}

impl Types<'_, '_> {
    /// Offsets of the wanted texts among the names: a byte of flags, the length, the text (abi.Name).
    fn names<'t>(&self, wanted: &'t HashMap<String, Vec<&str>>) -> Result<HashMap<u32, &'t str>, Error> {
        let mut reader = self.image.reader(WIDE);
        let mut found = HashMap::new();
        let longest = wanted.keys().map(String::len).max().unwrap_or(0);
        let mut address = self.start;
        while address < self.end {
            let run = reader.run(address)?;
            let last = run.len() as u64 + address >= self.end || run.len() <= longest + 2;
            for star in memchr::memchr_iter(b'*', run) {
                // Every wanted text is shorter than 128 bytes, so its length is one byte.
                let Some(before) = star.checked_sub(1) else {
                    continue;
                };
                let length = run.get(before).copied().map_or(0, usize::from);
                let text = run.get(star..star.saturating_add(length)).and_then(|text| std::str::from_utf8(text).ok());
                if let Some((text, _)) = text.and_then(|text| wanted.get_key_value(text))
                    && let Some(start) = star.checked_sub(2)
                    && let Ok(offset) = u32::try_from(address + start as u64 - self.start)
                {
                    if found.len() == MAX_FOUND {
                        return Err(self.damaged(address));
                    }
                    found.insert(offset, text.as_str());
                }
            }
            // Windows overlap, so that no text is cut in two.
            let step = if last { run.len() } else { run.len() - longest - 2 };
            address += step as u64;
        }
        Ok(found)
    }

    /// Descriptors of pointers that bear one of the names.
    fn pointers<'t>(&self, names: &HashMap<u32, &'t str>) -> Result<Vec<(u64, &'t str)>, Error> {
        let mut reader = self.image.reader(WIDE);
        let mut found = Vec::new();
        let mut address = self.start.next_multiple_of(POINTER_SIZE);
        while address.saturating_add(descriptor::SIZE) <= self.end {
            let run = reader.run(address)?;
            let count = run.len().saturating_sub(descriptor::SIZE as usize) / 8 + 1;
            for at in (0..count).map(|index| index * 8) {
                // The first two words of a pointer's descriptor are its size and its pointer bytes.
                if u64_at(run, at) == Some(POINTER_SIZE)
                    && u64_at(run, at + 8) == Some(POINTER_SIZE)
                    && is_pointer(run.get(at..).unwrap_or_default())
                    && let Some(name) = u32_at(run, at + descriptor::NAME)
                    && let Some(text) = names.get(&name)
                {
                    if found.len() == MAX_FOUND {
                        return Err(self.damaged(address));
                    }
                    found.push((address + at as u64, *text));
                }
            }
            address += count as u64 * 8;
        }
        Ok(found)
    }

    fn damaged(&self, address: u64) -> Error {
        Error::Damaged { table: "the type table", address }
    }

    fn element_address(&self, pointer: u64) -> Result<u64, Error> {
        let mut reader = self.image.reader(POINTER_SIZE as usize);
        self.image.pointer(&mut reader, pointer.saturating_add(descriptor::FIRST))
    }

    /// Package path and name of the struct that a pointer points to, if it is one whose name agrees.
    fn element(&self, pointer: u64, text: &str) -> Result<Option<String>, Error> {
        let element = self.element_address(pointer)?;
        if !(self.start..self.end).contains(&element) {
            return Ok(None);
        }
        let mut reader = self.image.reader(NARROW);
        let Ok(bytes) = reader.bytes(element, descriptor::SIZE as usize) else {
            return Ok(None);
        };
        let kind = bytes.get(descriptor::KIND).map(|kind| kind & KIND_MASK);
        let flags = bytes.get(descriptor::FLAGS as usize).copied().unwrap_or(0);
        if kind != Some(KIND_STRUCT) || flags & FLAG_EXTRA_STAR == 0 {
            return Ok(None);
        }
        let name = u32_at(bytes, descriptor::NAME).unwrap_or(0);
        if self.name(&mut reader, self.start + u64::from(name))?.as_deref() != Some(text) {
            return Ok(None);
        }
        // A struct without methods tells its package only if a field is not exported.
        let path = if flags & FLAG_UNCOMMON != 0 {
            let offset = reader.half(element + descriptor::STRUCT_END)?;
            self.name(&mut reader, self.start + u64::from(offset))?
        } else {
            let at = self.image.pointer(&mut reader, element + descriptor::FIRST)?;
            self.name(&mut reader, at)?
        };
        let name = text.rsplit_once('.').map(|(_, name)| name);
        Ok(path.zip(name).map(|(path, name)| format!("{path}.{name}")))
    }

    fn fields(&self, element: u64) -> Result<HashMap<String, u64>, Error> {
        let mut reader = self.image.reader(NARROW);
        let mut names = self.image.reader(NARROW);
        let list = self.image.pointer(&mut reader, element + descriptor::FIELDS)?;
        let count = reader.word(element + descriptor::FIELD_COUNT)?;
        let size = reader.word(element)?;
        let mut fields = HashMap::new();
        for index in 0..count.min(MAX_FIELDS) {
            let at = list.saturating_add(index * FIELD);
            let name = self.image.pointer(&mut reader, at)?;
            let offset = reader.word(at.saturating_add(16))?;
            if offset > size {
                return Err(self.damaged(at));
            }
            if let Some(name) = self.name(&mut names, name)? {
                fields.insert(name, offset);
            }
        }
        Ok(fields)
    }

    /// A name of at most 127 bytes; longer ones are none of ours.
    fn name(&self, reader: &mut Reader<'_>, address: u64) -> Result<Option<String>, Error> {
        if !(self.start..self.end).contains(&address) {
            return Ok(None);
        }
        let length = reader.byte(address + 1)?;
        if length & 0x80 != 0 {
            return Ok(None);
        }
        let bytes = reader.bytes(address + 2, usize::from(length))?;
        Ok(std::str::from_utf8(bytes).ok().map(str::to_owned))
    }
}

fn is_pointer(bytes: &[u8]) -> bool {
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    byte(descriptor::KIND) & KIND_MASK == KIND_POINTER
        && u64::from(byte(descriptor::ALIGN)) == POINTER_SIZE
        && u64::from(byte(descriptor::FIELD_ALIGN)) == POINTER_SIZE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str) {
        assert_eq!(pointer_text(name), text);
    }

    #[test]
    fn texts() {
        check("runtime.g", "*runtime.g");
        check("net/http.persistConn", "*http.persistConn");
        check("gopkg.in/yaml.v3.Node", "*yaml.Node");
        check("github.com/go-acme/lego/v4.Client", "*lego.Client");
        check("github.com/quic-go/quic-go.Conn", "*quic.Conn");
        check("github.com/quic-go/quic-go/http3.rawConn", "*http3.rawConn");
        check("github.com/traefik/traefik/v3/pkg/proxy/fast.ReverseProxy", "*fast.ReverseProxy");
    }
}
