//! The Huffman code of RFC 7541, appendix B. It is canonical: codes of one length follow each other in the order of
//! their symbols, and so a few rows and the list of symbols say all.

/// All codes of one length. `first` and `last` are the lowest and the highest 32 bits that start with one of them.
struct Row {
    bits: u32,
    first: u32,
    last: u32,
    /// Where its symbols start in [`SYMBOLS`].
    offset: usize,
}

/// The longest code, in bits.
const LONGEST: u32 = 30;

/// The last code of the last row is the end of string, which is no symbol.
const ROWS: &[Row] = &[
    Row { bits: 5, first: 0x0000_0000, last: 0x4fff_ffff, offset: 0 },
    Row { bits: 6, first: 0x5000_0000, last: 0xb7ff_ffff, offset: 10 },
    Row { bits: 7, first: 0xb800_0000, last: 0xf7ff_ffff, offset: 36 },
    Row { bits: 8, first: 0xf800_0000, last: 0xfdff_ffff, offset: 68 },
    Row { bits: 10, first: 0xfe00_0000, last: 0xff3f_ffff, offset: 74 },
    Row { bits: 11, first: 0xff40_0000, last: 0xff9f_ffff, offset: 79 },
    Row { bits: 12, first: 0xffa0_0000, last: 0xffbf_ffff, offset: 82 },
    Row { bits: 13, first: 0xffc0_0000, last: 0xffef_ffff, offset: 84 },
    Row { bits: 14, first: 0xfff0_0000, last: 0xfff7_ffff, offset: 90 },
    Row { bits: 15, first: 0xfff8_0000, last: 0xfffd_ffff, offset: 92 },
    Row { bits: 19, first: 0xfffe_0000, last: 0xfffe_5fff, offset: 95 },
    Row { bits: 20, first: 0xfffe_6000, last: 0xfffe_dfff, offset: 98 },
    Row { bits: 21, first: 0xfffe_e000, last: 0xffff_47ff, offset: 106 },
    Row { bits: 22, first: 0xffff_4800, last: 0xffff_afff, offset: 119 },
    Row { bits: 23, first: 0xffff_b000, last: 0xffff_e9ff, offset: 145 },
    Row { bits: 24, first: 0xffff_ea00, last: 0xffff_f5ff, offset: 174 },
    Row { bits: 25, first: 0xffff_f600, last: 0xffff_f7ff, offset: 186 },
    Row { bits: 26, first: 0xffff_f800, last: 0xffff_fbbf, offset: 190 },
    Row { bits: 27, first: 0xffff_fbc0, last: 0xffff_fe1f, offset: 205 },
    Row { bits: 28, first: 0xffff_fe20, last: 0xffff_ffef, offset: 224 },
    Row { bits: 30, first: 0xffff_fff0, last: 0xffff_ffff, offset: 253 },
];

/// Ordered by the length of their codes, then by value.
#[rustfmt::skip]
const SYMBOLS: &[u8; 256] = &[
    48, 49, 50, 97, 99, 101, 105, 111, 115, 116, 32, 37, 45, 46, 47, 51, 52, 53, 54, 55,
    56, 57, 61, 65, 95, 98, 100, 102, 103, 104, 108, 109, 110, 112, 114, 117, 58, 66, 67, 68,
    69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 89,
    106, 107, 113, 118, 119, 120, 121, 122, 38, 42, 44, 59, 88, 90, 33, 34, 40, 41, 63, 39,
    43, 124, 35, 62, 0, 36, 64, 91, 93, 126, 94, 125, 60, 96, 123, 92, 195, 208, 128, 130,
    131, 162, 184, 194, 224, 226, 153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230, 129,
    132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190,
    196, 198, 228, 232, 233, 1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157,
    158, 165, 166, 168, 174, 175, 180, 182, 183, 188, 191, 197, 231, 239, 9, 142, 144, 145, 148, 159,
    171, 206, 215, 225, 236, 237, 199, 207, 234, 235, 192, 193, 200, 201, 202, 205, 210, 213, 218, 219,
    238, 240, 242, 243, 255, 203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250,
    251, 252, 253, 254, 2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20,
    21, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127, 220, 249, 10, 13, 22,
];

/// Appends what `octets` stand for; None if they are no string of this code. Padding must be less than an octet of
/// ones.
pub(super) fn decode(octets: &[u8], into: &mut Vec<u8>) -> Option<()> {
    // The lowest `count` bits are still to be read.
    let (mut pending, mut count) = (0u64, 0u32);
    for octet in octets {
        pending = pending << 8 | u64::from(*octet);
        count += 8;
        while count >= LONGEST {
            count -= symbol(window(pending, count)?, into)?;
        }
    }
    loop {
        let window = window(pending, count)?;
        if count < 8 && window == u32::MAX {
            return Some(());
        }
        count = count.checked_sub(symbol(window, into)?)?;
    }
}

/// The first 32 bits that are to be read, with ones where there are no more.
fn window(pending: u64, count: u32) -> Option<u32> {
    let bits = match count.checked_sub(32) {
        Some(more) => pending >> more,
        None => (pending << (32 - count)) | (u64::from(u32::MAX) >> count),
    };
    u32::try_from(bits & u64::from(u32::MAX)).ok()
}

/// Appends the symbol that `window` starts with. Returns the length of its code.
fn symbol(window: u32, into: &mut Vec<u8>) -> Option<u32> {
    let row = ROWS.iter().find(|row| window <= row.last)?;
    let index = (window - row.first) >> (32 - row.bits);
    into.push(*SYMBOLS.get(row.offset + usize::try_from(index).ok()?)?);
    Some(row.bits)
}
