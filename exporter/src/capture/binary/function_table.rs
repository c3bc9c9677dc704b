//! Go's function table (`.gopclntab`): names, entries and sizes, which survive `-s -w -trimpath`.
//!
//! Two passes, each from end to end: which names are wanted, then which functions bear them.

use std::collections::HashMap;

use super::error::Error;
use super::image::{Image, NARROW, WIDE, u32_at};
use super::module_data::ModuleData;

/// Room for what is found, in bytes; a Traefik needs 10 KiB. A hostile file could name millions of functions.
const MAX_FOUND: usize = 2 << 20;

/// Where a named function is.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) name: String,
    pub(super) address: u64,
    pub(super) size: u64,
}

/// The functions whose names `wanted` accepts, by address.
pub(super) fn find(image: &Image<'_>, module: &ModuleData, wanted: impl Fn(&str) -> bool) -> Result<Vec<Place>, Error> {
    let names = names(image, module, wanted)?;
    let damaged = |address| Error::Damaged { table: "the function table", address };
    let table = module.functions.table;
    let mut entries = image.reader(WIDE);
    let mut functions = image.reader(WIDE);
    let mut found = Vec::new();
    let mut room = MAX_FOUND;
    for index in 0..module.functions.count {
        let at = table + index * 8;
        // Entry and `_func` of this function, entry of the next one: offsets from `text` and from the table.
        let bytes = entries.bytes(at, 12)?;
        let (Some(entry), Some(function), Some(next)) = (u32_at(bytes, 0), u32_at(bytes, 4), u32_at(bytes, 8)) else {
            return Err(damaged(at));
        };
        let function = table + u64::from(function);
        let bytes = functions.bytes(function, 8)?;
        let (Some(repeated), Some(name)) = (u32_at(bytes, 0), u32_at(bytes, 4)) else {
            return Err(damaged(function));
        };
        if repeated != entry || next < entry {
            return Err(damaged(function));
        }
        let Some(name) = names.get(&name) else {
            continue;
        };
        let address = module.text.saturating_add(u64::from(entry));
        let aligned = address.is_multiple_of(u64::from(module.functions.quantum));
        if !aligned || !(module.text..module.text_end).contains(&address) {
            return Err(damaged(function));
        }
        room = take(room, name).ok_or_else(|| damaged(function))?;
        found.push(Place { name: name.clone(), address, size: u64::from(next - entry) });
    }
    Ok(found)
}

/// Offsets of the wanted names from the start of the name table.
fn names(image: &Image<'_>, module: &ModuleData, wanted: impl Fn(&str) -> bool) -> Result<HashMap<u32, String>, Error> {
    let mut reader = image.reader(WIDE);
    let mut found = HashMap::new();
    let mut room = MAX_FOUND;
    let mut address = module.functions.names;
    while address < module.functions.names_end {
        let run = reader.run(address)?;
        let mut consumed = 0;
        while let Some(rest) = run.get(consumed..)
            && let Some(length) = memchr::memchr(0, rest)
        {
            let offset = address + consumed as u64 - module.functions.names;
            if let (Some(Ok(name)), Ok(offset)) = (rest.get(..length).map(std::str::from_utf8), u32::try_from(offset))
                && wanted(name)
            {
                room = take(room, name).ok_or(Error::Damaged { table: "the function names", address })?;
                found.insert(offset, name.to_owned());
            }
            consumed += length + 1;
        }
        // A name longer than the window is none of ours; generic code has names of a few KiB.
        if consumed == 0 {
            consumed = run.len().max(NARROW);
        }
        address += consumed as u64;
    }
    Ok(found)
}

/// What is left of the room when one more name is kept; `None` if it does not fit.
fn take(room: usize, name: &str) -> Option<usize> {
    room.checked_sub(name.len() + size_of::<Place>())
}
