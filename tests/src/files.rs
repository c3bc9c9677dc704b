//! What lies below a folder.

use std::path::Path;

use anyhow::{Context, Result};

/// Every file below a folder, with its path from there, by path.
///
/// # Errors
/// Where one cannot be read.
pub fn below(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).with_context(|| format!("read {}", next.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.strip_prefix(folder)?.to_string_lossy().into_owned(), std::fs::read(&path)?));
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}
