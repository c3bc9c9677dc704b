//! A walk over the frames of raw bytes, as the kernel does it: what it keeps must say the same as the bytes themselves,
//! but for the content of bodies.

use super::super::{Decoder, Input, LEFT_OUT_KEPT, Walked};
use super::{DATA, PING, PRIORITY, Trace, WINDOW};

#[derive(Debug, Default, Clone)]
pub(super) struct Record {
    pub(super) bytes: Vec<u8>,
    pub(super) continued: usize,
    pub(super) left: u32,
}

impl Record {
    pub(super) fn input(&self) -> Input<'_> {
        Input::Walked(Walked { bytes: &self.bytes, continued: self.continued, left: self.left, resumed: false })
    }
}

/// Which payloads are left out.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub(super) elided: &'static [u8],
    /// A header goes into the record in which it is complete, and not in parts.
    pub(super) whole_headers: bool,
}

pub(super) const PLANS: &[Plan] = &[
    Plan { elided: &[], whole_headers: true },
    Plan { elided: &[DATA, WINDOW, PING], whole_headers: true },
    Plan { elided: &[DATA, WINDOW, PING, PRIORITY], whole_headers: false },
];

/// One record of each piece.
pub(super) fn walk<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, plan: Plan) -> Vec<Record> {
    let (mut header, mut at, mut kept) = (Vec::new(), 0, true);
    let mut length = 0;
    let mut records = Vec::new();
    for piece in pieces {
        let mut record = Record::default();
        let mut begun = false;
        for byte in piece {
            if at == length {
                header.push(*byte);
                let elided = header.len() > 5 && plan.elided.contains(&header[3]);
                if header.len() == 6 {
                    header[5] = header[5] & 0x7f | u8::from(elided) << 7;
                }
                if !plan.whole_headers {
                    record.bytes.push(header[header.len() - 1]);
                }
                if header.len() < 9 {
                    continue;
                }
                if plan.whole_headers {
                    record.bytes.extend(&header);
                }
                (begun, kept, at) = (true, !elided, 0);
                length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
            } else {
                if kept || at < LEFT_OUT_KEPT {
                    record.bytes.push(*byte);
                    record.continued += usize::from(!begun);
                }
                at += 1;
            }
            if at == length {
                (at, length) = (0, 0);
                header.clear();
            }
        }
        record.left = length - at;
        records.push(record);
    }
    records
}

pub(super) fn run(inputs: &[Input<'_>]) -> String {
    let mut trace = Trace { sizes_only: true, ..Trace::default() };
    let mut decoder = Decoder::new();
    for input in inputs {
        decoder.feed(*input, &mut |output| trace.take(&output));
    }
    trace.finish()
}

#[track_caller]
pub(super) fn check(stream: &[u8]) {
    let expected = run(&[Input::Bytes(stream)]);
    for plan in PLANS {
        // What goes by is cut.
        for at in 0..=stream.len() {
            let (before, after) = stream.split_at(at);
            same(&walk([before, after], *plan), &expected);
        }
        same(&walk(stream.chunks(1), *plan), &expected);
        // All has gone by, and what was kept of it is cut.
        let whole = &walk([stream], *plan)[0];
        for at in 0..=whole.bytes.len() {
            let (before, after) = whole.bytes.split_at(at);
            let continued = continued(stream, *plan, at);
            let record = |bytes: &[u8], continued| Record { bytes: bytes.into(), continued, left: whole.left };
            same(&[record(before, 0), record(after, continued)], &expected);
        }
    }
}

/// How many of the kept bytes from `at` on are of a frame whose header is before.
fn continued(stream: &[u8], plan: Plan, at: usize) -> usize {
    let (mut kept, mut records) = (0, walk(stream.chunks(1), Plan { whole_headers: false, ..plan }).into_iter());
    while kept < at {
        kept += records.next().map_or(at, |record| record.bytes.len());
    }
    records
        .skip_while(|record| record.bytes.is_empty())
        .take_while(|record| record.continued > 0 || record.bytes.is_empty())
        .map(|record| record.continued)
        .sum()
}

#[track_caller]
fn same(records: &[Record], expected: &str) {
    let inputs: Vec<_> = records.iter().map(Record::input).collect();
    assert_eq!(run(&inputs), expected, "{records:?}");
}
