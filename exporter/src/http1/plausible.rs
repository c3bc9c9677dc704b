//! Does a piece of a stream look like the start of a message? Asked only after the place in the stream was lost:
//! peers of Traefik start a message with a call of their own, so a piece that looks like one nearly always is one.

use crate::exchange::Method;

/// Bytes of a request line without its end that are enough to believe it.
const ENOUGH: usize = 16;

/// A request line that goes on longer than this in the pieces that follow is not waited for.
const LONGEST_START: usize = 2048;

/// Less than [`request`] wants to see, but nothing that it could not become: the client sends its head bit by bit.
pub(super) fn request_start(bytes: &[u8]) -> bool {
    if bytes.len() > LONGEST_START || bytes.contains(&b'\n') {
        return false;
    }
    let mut words = bytes.split(|byte| *byte == b' ');
    let method = words.next().unwrap_or_default();
    let is_method = method.iter().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_'));
    let Some(target) = words.next() else { return is_method && (1..=20).contains(&method.len()) };
    let is_target = target.iter().all(|byte| *byte > b' ' && *byte != 0x7f)
        && (method == b"CONNECT"
            || target.starts_with(b"/")
            || target == b"*"
            || target.starts_with(b"http")
            || b"http".starts_with(target));
    let is_version = words.next().is_none_or(|word| b"HTTP/1.1\r".starts_with(word) || b"HTTP/1.0\r".starts_with(word));
    is_method && (3..=20).contains(&method.len()) && is_target && is_version && words.next().is_none()
}

/// It starts with a method that many use.
pub(super) fn usual(bytes: &[u8]) -> bool {
    let method = bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
    std::str::from_utf8(method).is_ok_and(|method| !matches!(Method::parse(method), Method::Other(_)))
}

/// `METHOD target HTTP/1.`, or as much of it as a long target leaves in the piece.
pub(super) fn request(piece: &[u8]) -> bool {
    let line_end = memchr::memchr(b'\n', piece);
    let line = piece.get(..line_end.unwrap_or(piece.len())).unwrap_or(piece);
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return false;
    };
    let method_fits = (3..=20).contains(&method.len())
        && method.iter().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_'));
    let target_fits = target.iter().all(|byte| *byte > b' ' && *byte != 0x7f)
        && (method == b"CONNECT" || target.starts_with(b"/") || target == b"*" || target.starts_with(b"http"));
    let version_fits = match words.next() {
        Some(version) if line_end.is_some() => version.starts_with(b"HTTP/1.") && version.trim_ascii_end().len() == 8,
        Some(version) => b"HTTP/1.1\r".starts_with(version) || b"HTTP/1.0\r".starts_with(version),
        None => line_end.is_none() && line.len() >= ENOUGH,
    };
    method_fits && target_fits && version_fits && words.next().is_none()
}

/// `HTTP/1.x nnn`, and the end of the word.
pub(super) fn response(piece: &[u8]) -> bool {
    let Some((version, rest)) = piece.split_at_checked(9) else {
        return false;
    };
    let Some((status, rest)) = rest.split_at_checked(3) else {
        return false;
    };
    (version == b"HTTP/1.1 " || version == b"HTTP/1.0 ")
        && status.iter().all(u8::is_ascii_digit)
        && matches!(rest.first(), Some(b' ' | b'\r' | b'\n'))
}
