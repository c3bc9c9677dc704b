//! Where a process has its executable in memory.

use super::Proc;

/// Linux maps whole pages of at least this size; arm64 kernels with larger ones align segments of their own.
const PAGE: u64 = 4096;

impl Proc {
    /// See [`super::load_bias`].
    pub fn load_bias(&self, pid: u32, lowest: u64) -> Option<u64> {
        // By name: on overlay and btrfs the device of a mapping is not the one that `stat` gives. The kernel writes
        // both names the same way, " (deleted)" too, but for newlines.
        let executable = std::fs::read_link(self.of(pid).join("exe")).ok()?;
        let executable = executable.to_str()?.replace('\n', "\\012");
        let maps = self.text(pid, "maps")?;
        bias(&maps, &executable, lowest)
    }
}

/// The lowest mapping is the first segment; a segment starts at its page, not at its first byte.
fn bias(maps: &str, executable: &str, lowest: u64) -> Option<u64> {
    let start = maps
        .lines()
        .filter_map(|line| {
            let mut rest = line;
            let mut range = "";
            // Range, permissions, offset, device, inode, then the name, in which spaces may be.
            for column in 0..5 {
                let (word, after) = rest.split_once(' ')?;
                if column == 0 {
                    range = word;
                }
                rest = after.trim_start_matches(' ');
            }
            let (start, _) = range.split_once('-')?;
            (rest == executable).then(|| u64::from_str_radix(start, 16).ok())?
        })
        .min()?;
    start.checked_sub(lowest - lowest % PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
55d0c0a00000-55d0c0b00000 r--p 00000000 fe:00 1234                       /usr/local/bin/traefik
55d0c0b00000-55d0c0c00000 r-xp 00100000 fe:00 1234                       /usr/local/bin/traefik
7f0000000000-7f0000100000 r--p 00000000 fe:00 1234                       /usr/local/bin/traefik
7f0000200000-7f0000300000 r--p 00000000 fe:00 77                         /a b/traefik (deleted)
7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]
7f0000400000-7f0000500000 rw-p 00000000 00:00 0
garbage
";

    #[test]
    fn biases() {
        for (executable, lowest, expected) in [
            ("/usr/local/bin/traefik", 0, Some(0x55d0_c0a0_0000)),
            ("/usr/local/bin/traefik", 0x40, Some(0x55d0_c0a0_0000)),
            ("/usr/local/bin/traefik", 0x40_0fff, Some(0x55d0_c060_0000)),
            ("/usr/local/bin/traefik", 0x55d0_c0a0_0000, Some(0)),
            ("/usr/local/bin/traefik", u64::MAX, None),
            ("/a b/traefik (deleted)", 0, Some(0x7f00_0020_0000)),
            ("/bin/traefik", 0, None),
        ] {
            assert_eq!(bias(MAPS, executable, lowest), expected, "{executable} {lowest:x}");
        }
    }
}
