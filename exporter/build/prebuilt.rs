//! The kernel side that comes with the source, for machines that cannot compile it. `make prebuilt` makes it.

use std::path::Path;

use crate::sources;

/// Reads it; where its sources are at hand, only if it was made of them.
pub(crate) fn read(root: &Path, kernel_side: Option<&Path>, arch: &str) -> Result<Vec<u8>, String> {
    let folder = root.join("prebuilt");
    let object = folder.join(format!("{arch}.o"));
    if !object.exists() {
        return Err(format!("no kernel side for {arch} comes with the source, only for x86_64"));
    }
    if let Some(kernel_side) = kernel_side {
        let recorded = crate::read(&folder.join(sources::FILE))?;
        let found = sources::list(kernel_side)?;
        if recorded != found.as_bytes() {
            return Err("the kernel side that comes with the source was made of other sources than those in \
                        exporter-ebpf: run `make prebuilt` where it can be compiled"
                .into());
        }
    }
    crate::read(&object)
}
