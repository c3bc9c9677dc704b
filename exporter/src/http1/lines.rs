//! Where the lines of a head start and end, also if they come in pieces: each byte is searched once.

/// A part of a head, as offsets from its first byte: they stay good when the head moves into a buffer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Span {
    start: usize,
    end: usize,
}

impl Span {
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    pub(super) fn of(self, head: &[u8]) -> &[u8] {
        head.get(self.start..self.end).unwrap_or_default()
    }

    /// The part of this one that starts `start` and ends `end` bytes after its own start.
    pub(super) fn part(self, start: usize, end: usize) -> Self {
        let clamp = |offset: usize| self.start.saturating_add(offset).min(self.end);
        Self { start: clamp(start), end: clamp(end) }
    }
}

/// The next thing in a head.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Not here yet.
    Missing,
    /// The request or status line, without its end.
    First(Span),
    /// A header line, without its end; its continuation lines, if any, are in it as they were sent.
    Field(Span),
    /// The empty line: the head is so many bytes long.
    Empty(usize),
}

/// Goes through a head line by line, as net/textproto does: `\n` ends a line, one `\r` before it belongs to the end,
/// and a line that starts with a space continues the one before.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Start of the line that is looked at.
    start: usize,
    /// Up to here there is no `\n` after `start`.
    searched: usize,
    /// A header line that the next one may continue.
    held: Option<Span>,
    first: Option<Span>,
}

impl Lines {
    /// The line after the last one that was handed out. `head` starts where it did at the calls before.
    pub(super) fn next(&mut self, head: &[u8]) -> Line {
        loop {
            if let Some(held) = self.held {
                match head.get(self.start) {
                    None => return Line::Missing,
                    Some(b' ' | b'\t') => {}
                    Some(_) => {
                        self.held = None;
                        return Line::Field(held);
                    }
                }
            }
            let Some(line) = self.physical(head) else {
                return Line::Missing;
            };
            if self.first.is_none() {
                self.first = Some(line);
                return Line::First(line);
            }
            match self.held {
                Some(held) => self.held = Some(Span::new(held.start, line.end)),
                None if line.start == line.end => return Line::Empty(self.start),
                None => self.held = Some(line),
            }
        }
    }

    fn physical(&mut self, head: &[u8]) -> Option<Span> {
        let unsearched = head.get(self.searched..)?;
        let Some(found) = memchr::memchr(b'\n', unsearched) else {
            self.searched = head.len();
            return None;
        };
        let newline = self.searched + found;
        let line = head.get(self.start..newline).unwrap_or_default();
        let line = Span::new(self.start, newline - usize::from(line.last() == Some(&b'\r')));
        self.start = newline + 1;
        self.searched = self.start;
        Some(line)
    }

    /// The header lines as they were sent, of a head that is `length` bytes long.
    pub(super) fn block(&self, head: &[u8], length: usize) -> Span {
        let mut start = self.first.map_or(0, |first| first.end);
        while matches!(head.get(start), Some(b'\r' | b'\n')) {
            start += 1;
            if head.get(start - 1) == Some(&b'\n') {
                break;
            }
        }
        Span::new(start, length.max(start))
    }
}
