//! Tests as data: what goes in, and in one line what must come out. Every case is also run byte by byte and cut at
//! every position, and must say the same.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![allow(clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod fuzz;
mod go;
mod limits;
mod loss;
mod requests;
mod responses;

use std::fmt::Write;

use super::{Expect, Input, Output, RequestDecoder, ResponseDecoder};

/// What a decoder said, in one line; bodies and tunnels in one word each.
#[derive(Default)]
struct Trace {
    text: String,
    body: Option<(u64, u64, String)>,
    tunnel: u64,
    unseen: u64,
}

impl Trace {
    fn take(&mut self, output: Output<'_>) {
        match output {
            Output::Body { size, wire, data } => {
                assert!(data.is_empty() || data.len() as u64 == size);
                let (sizes, wires, text) = self.body.get_or_insert_default();
                *sizes += size;
                *wires += wire;
                if data.is_empty() {
                    self.unseen += size;
                } else {
                    unseen(text, &mut self.unseen);
                    text.push_str(&data.escape_ascii().to_string());
                }
            }
            Output::Tunnel { bytes, .. } => self.tunnel += bytes,
            other => {
                self.flush();
                self.word(&describe(&other));
            }
        }
    }

    fn flush(&mut self) {
        if let Some((size, wire, mut text)) = self.body.take() {
            unseen(&mut text, &mut self.unseen);
            self.word(&format!("body {size}/{wire} {text:?}"));
        }
        if self.tunnel > 0 {
            let bytes = std::mem::take(&mut self.tunnel);
            self.word(&format!("tunnel {bytes}"));
        }
    }

    fn word(&mut self, word: &str) {
        if !self.text.is_empty() {
            self.text.push_str(", ");
        }
        self.text.push_str(word);
    }

    fn finish(mut self) -> String {
        self.flush();
        self.text
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
        Output::Begin => "begin".into(),
        Output::ProxyHeader(Some(source)) => format!("proxy {source}"),
        Output::ProxyHeader(None) => "proxy -".into(),
        Output::Interim(status) => format!("interim {status}"),
        Output::Trailers(headers) => format!("trailers {}", headers.as_bytes().escape_ascii()),
        Output::End { incomplete: false } => "end".into(),
        Output::End { incomplete: true } => "cut".into(),
        Output::Refused(status) => format!("refused {status}"),
        Output::Http2 => "http2".into(),
        Output::Sealed => "sealed".into(),
        Output::Lost(loss) => format!("lost {loss:?}"),
        Output::Request(head) => {
            let mut words = vec![head.method.original().to_string(), head.path.to_string()];
            let texts = [
                ("?", &head.query),
                ("absolute=", &head.absolute),
                ("host=", &head.host),
                ("agent=", &head.user_agent),
                ("upgrade=", &head.upgrade),
                ("parent=", &head.traceparent),
                ("state=", &head.tracestate),
            ];
            words.extend(texts.iter().filter_map(|(name, text)| text.as_ref().map(|text| format!("{name}{text}"))));
            words.push(head.version.as_str().into());
            words.extend(head.content_length.map(|length| format!("length={length}")));
            let flags = [(head.chunked, "chunked"), (head.close, "close"), (head.expect_continue, "continue")];
            words.extend(flags.iter().filter(|(set, _)| *set).map(|(_, name)| (*name).into()));
            if !head.headers.is_empty() {
                words.push(format!("[{}]", head.headers.as_bytes().escape_ascii()));
            }
            words.join(" ")
        }
        Output::Response(head) => {
            let mut words = vec![head.status.to_string(), head.version.as_str().into()];
            words.extend(head.content_length.map(|length| format!("length={length}")));
            words.extend(head.upgrade.as_ref().map(|name| format!("upgrade={name}")));
            if head.close {
                words.push("close".into());
            }
            words.push(format!("{:?}", head.framing));
            if !head.headers.is_empty() {
                words.push(format!("[{}]", head.headers.as_bytes().escape_ascii()));
            }
            words.join(" ")
        }
        Output::Body { .. } | Output::Tunnel { .. } => String::new(),
    }
}

fn requests(mut decoder: RequestDecoder, input: &[Input<'_>]) -> String {
    let mut trace = Trace::default();
    for input in input {
        decoder.feed(*input, &mut |output| trace.take(output));
    }
    trace.finish()
}

fn responses(mut decoder: ResponseDecoder, expected: &[Expect], input: &[Input<'_>]) -> String {
    let mut trace = Trace::default();
    for expect in expected {
        decoder.expect(*expect);
    }
    for input in input {
        decoder.feed(*input, &mut |output| trace.take(output));
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
            Input::Gap(length) if length > 1 => {
                halves.push([Input::Gap(1), Input::Gap(length - 1)]);
            }
            Input::Gap(_) | Input::End => {}
        }
        all.extend(halves.iter().map(|halves| [&input[..index], halves, &input[index + 1..]].concat()));
    }
    all
}
