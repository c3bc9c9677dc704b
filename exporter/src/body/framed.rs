//! The messages of a gRPC body: five bytes before each say how long it is.

/// Sizes that are named in a note.
const NAMED: usize = 8;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Messages {
    /// Messages of which the length is among the captured bytes.
    pub count: u64,
    /// Sizes of the first of them.
    pub sizes: Vec<u64>,
}

pub(super) fn messages(mut bytes: &[u8]) -> Messages {
    const TRAILERS: u8 = 0x80;
    let mut found = Messages::default();
    while let Some(([flags, length @ ..], rest)) = bytes.split_first_chunk::<5>() {
        let length = u32::from_be_bytes(*length);
        // The trailers of gRPC-Web are framed as messages are.
        if flags & TRAILERS == 0 {
            found.count += 1;
            if found.sizes.len() < NAMED {
                found.sizes.push(u64::from(length));
            }
        }
        let Some(after) = usize::try_from(length).ok().and_then(|length| rest.get(length..)) else { break };
        bytes = after;
    }
    found
}
