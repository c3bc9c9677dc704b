//! Random input from a fixed seed: whatever comes, the decoder stands, what it says adds up, and it holds little.

use std::time::{Duration, Instant};

use super::super::{BLOCK_LIMIT, Decoder, Walked};
use super::*;

/// xorshift64*: good enough, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn bytes(&mut self, limit: usize) -> Vec<u8> {
        (0..self.below(limit)).map(|_| self.next() as u8).collect()
    }

    /// A frame that is mostly right.
    fn frame(&mut self) -> Vec<u8> {
        let kind = [DATA, DATA, HEADERS, HEADERS, CONTINUATION, RESET, SETTINGS, PUSH, GOAWAY, WINDOW][self.below(10)];
        let stream = [0, 1, 1, 1, 3, 0x8000_0001][self.below(6)];
        let stream = if matches!(kind, SETTINGS | GOAWAY) { 0 } else { stream };
        let flags = [0, END, END_HEADERS, END_HEADERS | END, PADDED, PADDED | END_HEADERS, 0xff][self.below(7)];
        let payload = match kind {
            RESET | WINDOW => vec![0; 4],
            SETTINGS => vec![1; 6 * self.below(3)],
            HEADERS if self.below(2) == 0 => GET.to_vec(),
            _ => self.bytes(40),
        };
        frame(kind, flags, stream, &payload)
    }

    fn stream(&mut self) -> Vec<u8> {
        (0..self.below(12)).flat_map(|_| if self.below(30) == 0 { self.bytes(20) } else { self.frame() }).collect()
    }
}

fn within(duration: Duration, mut step: impl FnMut()) {
    let until = Instant::now() + duration;
    while Instant::now() < until {
        (0..20).for_each(|_| step());
    }
}

#[test]
fn anything() {
    let mut random = Random(1);
    let mut decoder = Decoder::new();
    within(Duration::from_millis(700), || {
        if random.below(10) == 0 {
            decoder = if random.below(2) == 0 { Decoder::new() } else { Decoder::joined_midway() };
        }
        let bytes = if random.below(3) == 0 { random.bytes(60) } else { random.stream() };
        let walked = Walked {
            bytes: &bytes,
            continued: [0, 0, random.below(4), random.below(100)][random.below(4)],
            left: [0, random.below(30) as u32, random.next() as u32][random.below(3)],
            resumed: random.below(20) == 0,
        };
        let gap = [1, random.below(40) as u64, random.next()][random.below(3)];
        let input = [Input::Bytes(&bytes), Input::Bytes(&bytes), Input::Gap(gap), Input::Walked(walked)];
        decoder.feed(input[random.below(4)], &mut |output| {
            if let Output::Data { size, wire, bytes, .. } = output {
                assert!(size <= wire && (bytes.is_empty() || bytes.len() as u64 == size));
            }
        });
        assert!(decoder.buffered() < 2 * BLOCK_LIMIT);
    });
}

#[test]
fn cuts_say_the_same() {
    let mut random = Random(2);
    within(Duration::from_millis(500), || {
        // Where the place is lost, pieces matter.
        let stream: Vec<_> = (0..random.below(8)).flat_map(|_| random.frame()).collect();
        let expected = run(Decoder::new(), &[Input::Bytes(&stream)]);
        if !expected.contains("frames") {
            let at = random.below(stream.len() + 1);
            let (before, after) = stream.split_at(at);
            assert_eq!(run(Decoder::new(), &[Input::Bytes(before), Input::Bytes(after)]), expected);
            let single: Vec<_> = stream.chunks(1).map(Input::Bytes).collect();
            assert_eq!(run(Decoder::new(), &single), expected);
            let sizes = walk::run(&[Input::Bytes(&stream)]);
            for plan in walk::PLANS {
                let records = walk::walk([before, after], *plan);
                let inputs: Vec<_> = records.iter().map(walk::Record::input).collect();
                assert_eq!(walk::run(&inputs), sizes, "{records:?}");
            }
        }
    });
}
