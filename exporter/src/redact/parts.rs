//! What the parts of a multipart body say of themselves.

use crate::body::Media;
use crate::body::multipart::{Parts, disposition, field};

/// What the header lines of a part say.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Of the field of the form; several where several are said.
    pub names: Vec<String>,
    pub content_type: Option<String>,
    /// In base64 or quoted-printable.
    pub encoded: bool,
}

impl Said {
    pub(super) fn of(headers: &[u8]) -> Self {
        let plain = |coding: &str| ["7bit", "8bit", "binary"].iter().any(|known| known.eq_ignore_ascii_case(coding));
        let mut names = disposition(headers, "name");
        // Servers differ in what a backslash in quotes is.
        let bare = names.iter().filter(|name| name.contains('\\')).map(|name| name.replace('\\', ""));
        let bare: Vec<_> = bare.collect();
        names.extend(bare);
        Self {
            names,
            content_type: field(headers, "content-type").next().map(|value| value.into_owned()),
            encoded: field(headers, "content-transfer-encoding").any(|coding| !plain(&coding)),
        }
    }
}

/// The parts, by the boundary that is declared, or by the one that the body begins with. None where there is none.
pub(super) fn of<'a>(media: Media<'_>, body: &'a [u8]) -> Option<Parts<'a>> {
    let declared = media.parameter("boundary").and_then(|boundary| Parts::new(body, &boundary));
    declared.filter(Parts::fits).or_else(|| Parts::new(body, undeclared(body)?))
}

/// The boundary of what does not say that it is multipart, but begins as a form does.
pub(super) fn undeclared(body: &[u8]) -> Option<&str> {
    let start = body.get(..body.len().min(1024))?;
    let rest = start.trim_ascii_start().strip_prefix(b"--")?;
    let (boundary, rest) = rest.split_at(memchr::memchr(b'\n', rest)?);
    let headed = rest.trim_ascii_start().get(..8).is_some_and(|name| name.eq_ignore_ascii_case(b"content-"));
    let boundary = std::str::from_utf8(boundary.trim_ascii_end()).ok()?;
    (headed && !boundary.is_empty()).then_some(boundary)
}
