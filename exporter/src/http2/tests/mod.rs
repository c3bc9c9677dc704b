//! Frames as data, and in one line what must come of them. Every stream is also run byte by byte and cut at every
//! position, and as records of a walk, and must say the same.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![allow(clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod compression;
mod frames;
mod fuzz;
mod gaps;
mod limits;
mod midway;
mod walk;
mod walked;

use std::fmt::Write;

use super::{Decoder, Input, Output};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW: u8 = 8;
const CONTINUATION: u8 = 9;

/// END_STREAM, or ACK.
const END: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const WITH_PRIORITY: u8 = 0x20;

/// `:method: GET`, and inserts `a: b`.
const GET: &[u8] = b"\x82\x40\x01a\x01b";
/// `a: b`, where that is the newest entry.
const AGAIN: &[u8] = b"\xbe";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u32;
    [&length.to_be_bytes()[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// What a decoder said, in one line; DATA in one word each time.
#[derive(Default)]
struct Trace {
    words: Vec<String>,
    data: Option<(u32, u64, u64, String)>,
    unseen: u64,
    /// Say only how long bodies are.
    sizes_only: bool,
}

impl Trace {
    fn take(&mut self, output: &Output<'_>) {
        let Output::Data { stream, size, wire, bytes } = output else {
            self.flush();
            return self.words.push(describe(output));
        };
        assert!(bytes.is_empty() || bytes.len() as u64 == *size);
        if self.data.as_ref().is_some_and(|data| data.0 != *stream) {
            self.flush();
        }
        let data = self.data.get_or_insert((*stream, 0, 0, String::new()));
        (data.1, data.2) = (data.1 + size, data.2 + wire);
        if bytes.is_empty() {
            self.unseen += size;
        } else {
            unseen(&mut data.3, &mut self.unseen);
            data.3.push_str(&bytes.escape_ascii().to_string());
        }
    }

    fn flush(&mut self) {
        if let Some((stream, size, wire, mut text)) = self.data.take() {
            unseen(&mut text, &mut self.unseen);
            let text = if self.sizes_only { String::new() } else { format!(" {text:?}") };
            self.words.push(format!("data {stream} {size}/{wire}{text}"));
        }
    }

    fn finish(mut self) -> String {
        self.flush();
        self.words.join(", ")
    }
}

fn unseen(text: &mut String, count: &mut u64) {
    if *count > 0 {
        write!(text, "<{count}>").unwrap();
        *count = 0;
    }
}

fn describe(output: &Output<'_>) -> String {
    match output {
        Output::Headers { stream, fields, complete, end, wire, .. } => {
            let text =
                |text: &Option<super::Text>| text.as_ref().map_or("?".into(), |text| text.escape_ascii().to_string());
            let fields: Vec<_> =
                fields.iter().map(|field| format!("{}={}", text(&field.name), text(&field.value))).collect();
            let (end, part) = (if *end { " last" } else { "" }, if *complete { "" } else { " incomplete" });
            format!("headers {stream} {wire} [{}]{part}{end}", fields.join(" "))
        }
        Output::End { stream } => format!("end {stream}"),
        Output::Reset { stream, code } => format!("reset {stream} {code}"),
        Output::GoAway { last, code } => format!("goaway {last} {code}"),
        Output::Settings { header_table_size: Some(size) } => format!("settings {size}"),
        Output::Settings { header_table_size: None } => "settings".into(),
        Output::Lost { frames: true } => "lost frames".into(),
        Output::Lost { frames: false } => "lost".into(),
        Output::Data { .. } => String::new(),
    }
}

fn run(mut decoder: Decoder, input: &[Input<'_>]) -> String {
    let mut trace = Trace::default();
    for input in input {
        decoder.feed(*input, &mut |output| trace.take(&output));
    }
    trace.finish()
}

/// The same input as it is, byte by byte, and cut in two at every position, gaps too.
fn pieces<'a>(input: &[Input<'a>]) -> Vec<Vec<Input<'a>>> {
    let single = input
        .iter()
        .flat_map(|input| match *input {
            Input::Bytes(bytes) => bytes.chunks(1).map(Input::Bytes).collect(),
            Input::Gap(length) if length < 100 => vec![Input::Gap(1); length as usize],
            other => vec![other],
        })
        .collect();
    let mut all = vec![input.to_vec(), single];
    for (index, part) in input.iter().enumerate() {
        let mut halves: Vec<[Input<'a>; 2]> = Vec::new();
        match *part {
            Input::Bytes(bytes) => halves.extend((1..bytes.len()).map(|at| {
                let (before, after) = bytes.split_at(at);
                [Input::Bytes(before), Input::Bytes(after)]
            })),
            Input::Gap(length) if length > 1 => halves.push([Input::Gap(1), Input::Gap(length - 1)]),
            Input::Gap(_) | Input::Walked(_) => {}
        }
        all.extend(halves.iter().map(|halves| [&input[..index], halves, &input[index + 1..]].concat()));
    }
    all
}

/// Frames of a connection from its start: raw in all cuts, and walked.
#[track_caller]
fn check(frames: &[Vec<u8>], expected: &str) {
    let stream = frames.concat();
    for input in pieces(&[Input::Bytes(&stream)]) {
        assert_eq!(run(Decoder::new(), &input), expected);
    }
    walk::check(&stream);
}
