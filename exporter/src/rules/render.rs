//! A value as text, without a place on the heap.

use std::fmt::{self, Write};

use super::Value;

/// Room for the longest: an IPv6 address with its prefix, or a number of 128 bits.
const ROOM: usize = 64;

pub(super) struct Rendered {
    buffer: [u8; ROOM],
    length: usize,
}

impl Rendered {
    /// None where the value has no text of its own: lists, patterns, objects.
    pub(super) fn new(value: &Value<'_>) -> Option<Self> {
        let mut out = Self { buffer: [0; ROOM], length: 0 };
        match value {
            Value::Bool(value) => write!(out, "{value}"),
            Value::Int(value) => write!(out, "{value}"),
            Value::Float(value) => out.float(*value),
            Value::Ip(value) => write!(out, "{}", value.to_canonical()),
            Value::Cidr(value) => write!(out, "{value}"),
            Value::Mac(value) => write!(out, "{value}"),
            Value::Text(_) | Value::Bytes(_) | Value::Pattern(_) | Value::List(_) | Value::Object => return None,
        }
        .ok()?;
        Some(out)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    /// As Go prints it (`%v`): with an exponent of two digits from 1e21 on and below 1e-4.
    fn float(&mut self, value: f64) -> fmt::Result {
        let magnitude = value.abs();
        if magnitude == 0.0 || (1e-4..1e21).contains(&magnitude) {
            return write!(self, "{value}");
        }
        if value.is_nan() {
            return self.write_str("NaN");
        }
        if value.is_infinite() {
            return self.write_str(if value > 0.0 { "+Inf" } else { "-Inf" });
        }
        let exponent = magnitude.log10().floor();
        let sign = if exponent < 0.0 { '-' } else { '+' };
        write!(self, "{value:e}")?;
        let at = self.as_bytes().iter().position(|byte| *byte == b'e').unwrap_or(self.length);
        let digits = self.length - at - 1 - usize::from(sign == '-');
        let mut tail = [0; 4];
        let start = self.length - digits;
        let copied = self.buffer.get(start..self.length).unwrap_or_default();
        tail.get_mut(..digits).ok_or(fmt::Error)?.copy_from_slice(copied);
        self.length = at + 1;
        self.write_char(sign)?;
        if digits < 2 {
            self.write_char('0')?;
        }
        self.write_str(std::str::from_utf8(tail.get(..digits).ok_or(fmt::Error)?).map_err(|_| fmt::Error)?)
    }
}

impl Write for Rendered {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        self.buffer.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}
