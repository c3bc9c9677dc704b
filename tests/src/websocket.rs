//! WebSocket frames by hand (RFC 6455), for both ends.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// That clients of the lab send: always the same, as nothing in between keeps it.
pub const KEY: &str = "eHh4eHh4eHh4eHh4eHh4eA==";

/// One whole message or control frame, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub payload: Vec<u8>,
}

impl Frame {
    /// Of a close frame; 1005 where it has none.
    pub fn close_code(&self) -> u16 {
        match self.payload.as_slice() {
            &[high, low, ..] => u16::from_be_bytes([high, low]),
            _ => 1005,
        }
    }
}

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
pub fn accept(key: &str) -> String {
    let bytes = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes.as_bytes()))
}

/// A frame; clients mask theirs.
pub fn frame(kind: u8, payload: &[u8], masked: bool) -> Vec<u8> {
    let mut frame = vec![0x80 | kind];
    let mask_bit = if masked { 0x80 } else { 0 };
    match payload.len() {
        length @ 0..126 => frame.push(mask_bit | u8::try_from(length).unwrap_or_default()),
        length @ 126..65536 => {
            frame.push(mask_bit | 126);
            frame.extend(u16::try_from(length).unwrap_or_default().to_be_bytes());
        }
        length => {
            frame.push(mask_bit | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    if masked {
        let mask = [0x5a, 0xc3, 0x17, 0x88];
        frame.extend(mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    } else {
        frame.extend(payload);
    }
    frame
}

pub fn close(code: u16, masked: bool) -> Vec<u8> {
    frame(CLOSE, &code.to_be_bytes(), masked)
}

/// Takes the first frame out of bytes that came; `None` while it is not whole.
pub fn take(bytes: &mut Vec<u8>) -> Option<Frame> {
    let &[first, second, ..] = bytes.as_slice() else { return None };
    let (mut at, length) = match second & 0x7f {
        126 => (4, u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        length => (2, u64::from(length)),
    };
    let mask = if second & 0x80 == 0 {
        [0; 4]
    } else {
        at += 4;
        bytes.get(at - 4..at)?.try_into().ok()?
    };
    let end = at + usize::try_from(length).ok()?;
    let payload = bytes.get(at..end)?.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    bytes.drain(..end);
    Some(Frame { kind: first & 0x0f, payload })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_size() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for size in [0, 1, 125, 126, 65535, 65536] {
            for masked in [false, true] {
                let payload = vec![7; size];
                let mut bytes = frame(BINARY, &payload, masked);
                let whole = bytes.split_off(bytes.len() - 1);
                assert_eq!(take(&mut bytes), None);
                bytes.extend(whole);
                assert_eq!(take(&mut bytes), Some(Frame { kind: BINARY, payload }));
                assert!(bytes.is_empty());
            }
        }
        let mut bytes = close(1011, true);
        assert_eq!(take(&mut bytes).map(|frame| frame.close_code()), Some(1011));
    }
}
