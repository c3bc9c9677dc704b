//! Attributes as bytes: each goes straight into the span that is being written.

use std::borrow::Cow;

use super::protobuf::{Writer, length_of, long, varint_of, varying};
use super::span::cut;
use crate::export::attributes::Sink;

/// `Span.attributes`, `Event.attributes`.
pub(super) const OF_SPAN: u8 = 9;
pub(super) const OF_EVENT: u8 = 3;
/// `KeyValue.key`, `KeyValue.value`.
const KEY: u8 = 1;
const VALUE: u8 = 2;
/// Of `AnyValue`.
const STRING: u8 = 1;
const BOOL: u8 = 2;
const INT: u8 = 3;
const ARRAY: u8 = 5;
/// `ArrayValue.values`.
const VALUES: u8 = 1;

/// Takes the attributes of one span, or of an event of it, within the limits.
pub(super) struct Attributes<'a> {
    pub(super) out: &'a mut Writer,
    /// [`OF_SPAN`] or [`OF_EVENT`].
    pub(super) field: u8,
    /// How many more there may be.
    pub(super) room: usize,
    pub(super) dropped: u32,
    /// Characters that a value may have.
    pub(super) length: Option<usize>,
}

impl Attributes<'_> {
    #[inline(always)]
    fn takes(&mut self) -> bool {
        if self.room == 0 {
            self.dropped = self.dropped.saturating_add(1);
            return false;
        }
        self.room -= 1;
        true
    }

    #[inline(always)]
    fn cut<'t>(&self, text: &'t str) -> &'t str {
        match self.length {
            None => text,
            limit => cut(text, limit),
        }
    }

    /// Everything of a pair with a text but the text.
    #[inline(always)]
    fn before_text(&mut self, key: &'static str, length: usize) {
        match u8::try_from(length) {
            Ok(text) if self.before_short(key, length + 2) => self.out.raw(&[long(STRING), text]),
            _ => self.before_long_text(key, length),
        }
    }

    /// A pair up to the first byte of its `AnyValue` of this length, if each length in it takes one byte; else nothing.
    /// Keys are constants: inlined, this is a handful of stores.
    #[inline(always)]
    fn before_short(&mut self, key: &'static str, any: usize) -> bool {
        let (Ok(pair), Ok(name), Ok(any)) =
            (u8::try_from(key.len() + any + 4), u8::try_from(key.len()), u8::try_from(any))
        else {
            return false;
        };
        if pair >= 0x80 {
            return false;
        }
        self.out.raw(&[long(self.field), pair, long(KEY), name]);
        self.out.raw(key.as_bytes());
        self.out.raw(&[long(VALUE), any]);
        true
    }

    /// The same where a length takes more than a byte.
    fn before_long_text(&mut self, key: &str, length: usize) {
        self.before_value(key, 1 + length_of(length) + length);
        self.out.raw(&[long(STRING)]);
        self.out.length(length);
    }

    /// A pair up to the first byte of its `AnyValue` of this length.
    #[inline]
    fn before_value(&mut self, key: &str, any: usize) {
        let pair = 1 + length_of(key.len()) + key.len() + 1 + length_of(any) + any;
        self.out.raw(&[long(self.field)]);
        self.out.length(pair);
        self.out.text(KEY, key.as_bytes());
        self.out.raw(&[long(VALUE)]);
        self.out.length(any);
    }
}

impl Sink for Attributes<'_> {
    #[inline(always)]
    fn text(&mut self, key: &'static str, value: &str) {
        if self.takes() {
            let value = self.cut(value);
            self.before_text(key, value.len());
            self.out.raw(value.as_bytes());
        }
    }

    #[inline(always)]
    fn pieces(&mut self, key: &'static str, pieces: &[&str]) {
        if self.length.is_some() {
            return self.text(key, &pieces.concat());
        }
        if self.takes() {
            self.before_text(key, pieces.iter().map(|piece| piece.len()).sum());
            for piece in pieces {
                self.out.raw(piece.as_bytes());
            }
        }
    }

    #[inline(always)]
    fn integer(&mut self, key: &'static str, value: i64) {
        if self.takes() {
            let value = value.cast_unsigned();
            let any = 1 + varint_of(value);
            if !self.before_short(key, any) {
                self.before_value(key, any);
            }
            self.out.number(INT, value);
        }
    }

    #[inline(always)]
    fn flag(&mut self, key: &'static str, value: bool) {
        if self.takes() {
            self.before_value(key, 2);
            self.out.raw(&[varying(BOOL), value.into()]);
        }
    }

    fn list(&mut self, key: String, values: &[Cow<'_, str>]) {
        if !self.takes() {
            return;
        }
        // `AnyValue` with a string, as an element of `ArrayValue`.
        let element = |text: &str| 1 + length_of(text.len()) + text.len();
        let array =
            values.iter().map(|value| element(self.cut(value))).map(|element| 1 + length_of(element) + element).sum();
        self.before_value(&key, 1 + length_of(array) + array);
        self.out.raw(&[long(ARRAY)]);
        self.out.length(array);
        for value in values {
            let value = self.cut(value);
            self.out.raw(&[long(VALUES)]);
            self.out.length(element(value));
            self.out.text(STRING, value.as_bytes());
        }
    }
}
