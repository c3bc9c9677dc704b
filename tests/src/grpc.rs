//! gRPC's framing, and gRPC-Web's, which puts the trailers behind the messages.

/// A message of so many bytes with its prefix.
pub fn message(size: usize) -> Vec<u8> {
    framed(0, &vec![b'm'; size])
}

/// Prefix and bytes; the lowest bit of `flags` says compressed, the highest that these are gRPC-Web's trailers.
pub fn framed(flags: u8, bytes: &[u8]) -> Vec<u8> {
    let mut framed = vec![flags];
    framed.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    framed.extend(bytes);
    framed
}

/// Takes messages out of bytes that come in any pieces.
#[derive(Debug, Default)]
pub struct Messages {
    buffer: Vec<u8>,
    /// So many were whole.
    pub count: u64,
    /// Of gRPC-Web, as text.
    pub trailers: Option<String>,
}

impl Messages {
    /// How many became whole with these bytes.
    pub fn push(&mut self, bytes: &[u8]) -> u64 {
        self.buffer.extend_from_slice(bytes);
        let before = self.count;
        let mut at = 0;
        while let Some(&[flags, a, b, c, d]) = self.buffer.get(at..at + 5) {
            let length = u32::from_be_bytes([a, b, c, d]) as usize;
            let Some(body) = self.buffer.get(at + 5..at + 5 + length) else { break };
            if flags & 0x80 == 0 {
                self.count += 1;
            } else {
                self.trailers = Some(String::from_utf8_lossy(body).into_owned());
            }
            at += 5 + length;
        }
        self.buffer.drain(..at);
        self.count - before
    }

    /// `grpc-status` of gRPC-Web's trailers.
    pub fn web_status(&self) -> Option<u16> {
        let trailers = self.trailers.as_ref()?;
        trailers.lines().find_map(|line| line.strip_prefix("grpc-status:")?.trim().parse().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_in_any_pieces() {
        let bytes = [message(3), message(0), framed(0x80, b"grpc-status: 5\r\n")].concat();
        let mut messages = Messages::default();
        let whole: u64 = bytes.iter().map(|byte| messages.push(&[*byte])).sum();
        assert_eq!((whole, messages.count, messages.web_status()), (2, 2, Some(5)));
        assert_eq!(Messages::default().push(&bytes), 2);
    }
}
