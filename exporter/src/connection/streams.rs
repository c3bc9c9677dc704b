//! The streams of one HTTP/2 connection: many messages at once, each known by its number.

use rustc_hash::{FxHashMap, FxHashSet};

use super::Side;
use super::bodies::{Keep, Part};
use super::book::{Fact, Sequence};
use super::message::{Call, Epoch, Hidden, Message};
use super::tables::Tables;
use crate::event::{Direction, Table, Time, Transfer};
use crate::exchange::{End, ErrorKind, Reset};
use crate::http1::Loss;
use crate::http2::hpack::Place;
use crate::http2::{Decoder, Field, Input, Output, Places, Walked, head};

/// Streams that are followed at once: Go lets a client open 250, and opens as many as the backend lets it.
const LIMIT: usize = 65_536;

/// Streams of which only the response was seen that are remembered, so that each is counted once.
const ORPHANS: usize = 4096;

/// The streams of a connection.
#[derive(Debug)]
pub struct Streams {
    requests: Decoder,
    responses: Decoder,
    open: FxHashMap<u32, Message>,
    /// Highest stream that was opened.
    highest: u32,
    /// The first stream of which the opening was seen; those below were open before we looked.
    first: Option<u32>,
    orphans: FxHashSet<u32>,
    /// Streams opened by the client so far, those included of which the opening was not seen.
    pub opened: u32,
    /// The kernel side walks over the frames, and counts streams.
    pub walked: bool,
    /// Payloads of DATA are wanted.
    pub wants_data: bool,
    /// Tables of header compression: of requests, of responses.
    tables: [Tables; 2],
    /// Streams of a backend that are over, and of which the table may tell more.
    held: Vec<u32>,
    midway: bool,
    epoch: Epoch,
    pub keep_headers: bool,
    /// What is kept of bodies; None: nothing.
    pub keep: Option<Keep>,
}

impl Streams {
    pub fn new(midway: bool, keep_headers: bool) -> Self {
        let decoder = || if midway { Decoder::joined_midway() } else { Decoder::new() };
        Self {
            requests: decoder(),
            responses: decoder(),
            open: FxHashMap::default(),
            highest: 0,
            first: None,
            orphans: FxHashSet::default(),
            opened: 0,
            walked: false,
            wants_data: false,
            tables: [Tables::new(midway), Tables::new(midway)],
            held: Vec::new(),
            midway,
            epoch: 0,
            keep_headers,
            keep: None,
        }
    }

    pub fn get(&self, sequence: Sequence) -> Option<&Message> {
        self.open.get(&u32::try_from(sequence).ok()?)
    }

    pub fn get_mut(&mut self, sequence: Sequence) -> Option<&mut Message> {
        self.open.get_mut(&u32::try_from(sequence).ok()?)
    }

    pub fn take(&mut self, sequence: Sequence) -> Option<Message> {
        self.open.remove(&u32::try_from(sequence).ok()?)
    }

    pub fn iter(&self) -> impl Iterator<Item = (Sequence, &Message)> {
        self.open.iter().map(|(stream, message)| (Sequence::from(*stream), message))
    }

    /// Numbers of the streams that are open, in order.
    pub fn numbers(&self) -> Vec<Sequence> {
        let mut numbers: Vec<Sequence> = self.open.keys().map(|stream| Sequence::from(*stream)).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Bytes of a direction went by unseen.
    pub fn lost(&mut self, requests: bool) {
        let [of_requests, of_responses] = &mut self.tables;
        let (decoder, tables) =
            if requests { (&mut self.requests, of_requests) } else { (&mut self.responses, of_responses) };
        decoder.lost(&mut |_| {});
        tables.lost();
    }

    /// Decodes one transfer.
    pub fn transfer(&mut self, time: Time, transfer: &Transfer<'_>, side: Side, epoch: Epoch, facts: &mut Vec<Fact>) {
        if epoch != self.epoch {
            self.epoch = epoch;
            // What was under way is in doubt, and nothing on the wire depends on it.
            let doubted = self.open.iter().filter(|(_, message)| message.epoch != epoch);
            let mut doubted: Vec<u32> = doubted.map(|(stream, _)| *stream).collect();
            doubted.sort_unstable();
            facts.extend(doubted.into_iter().map(|stream| Fact::Answered(stream.into())));
        }
        let bytes = transfer.bytes;
        match transfer.frames {
            Some(frames) => {
                self.walked = true;
                let walked =
                    Walked { bytes, continued: frames.continued as usize, left: frames.left, resumed: frames.resumed };
                self.feed(time, transfer.direction, side, Input::Walked(walked), facts);
            }
            None => {
                self.feed(time, transfer.direction, side, Input::Bytes(bytes), facts);
                let unseen = u64::try_from(transfer.result).unwrap_or(0).saturating_sub(bytes.len() as u64);
                if unseen > 0 {
                    self.feed(time, transfer.direction, side, Input::Gap(unseen), facts);
                }
            }
        }
    }

    /// Bytes of a direction as they are on the wire.
    pub fn feed(&mut self, time: Time, direction: Direction, side: Side, input: Input<'_>, facts: &mut Vec<Fact>) {
        let requests = (direction == Direction::Receive) == (side == Side::Ingress);
        let mut decoder = std::mem::take(if requests { &mut self.requests } else { &mut self.responses });
        let mut place = None;
        decoder.feed(input, &mut |output| {
            if let Output::Headers { stream, fields, places, .. } = &output {
                let [of_requests, of_responses] = &mut self.tables;
                let tables = if requests { of_requests } else { of_responses };
                place = tables.block(*stream, fields, *places).or(place);
            }
            match requests {
                true => self.request(time, output, facts),
                false => self.response(time, output, side, facts),
            }
        });
        *(if requests { &mut self.requests } else { &mut self.responses }) = decoder;
        if let Some(place) = place {
            let [of_requests, of_responses] = &mut self.tables;
            let early = if requests { of_requests } else { of_responses }.take_early();
            self.learn(requests, place, &early, facts);
        }
    }

    /// Takes what Traefik's memory says of a table.
    pub fn table(&mut self, table: &Table<'_>, requests: bool, facts: &mut Vec<Fact>) {
        let [of_requests, of_responses] = &mut self.tables;
        let tables = if requests { of_requests } else { of_responses };
        if let Some(place) = tables.told(table) {
            self.learn(requests, place, table.entries, facts);
        }
    }

    /// A table is known: so is what was not known of streams.
    fn learn(&mut self, requests: bool, place: Place, entries: &[u8], facts: &mut Vec<Fact>) {
        let [of_requests, of_responses] = &mut self.tables;
        match requests {
            true => of_requests.learn(&mut self.requests, place, entries),
            false => of_responses.learn(&mut self.responses, place, entries),
        }
        let decoder = if requests { &self.requests } else { &self.responses };
        let mut resolved = Vec::new();
        for (stream, message) in &mut self.open {
            let found = match requests {
                true => message.resolve_request(decoder, self.keep_headers),
                false => message.resolve_response(decoder, self.keep_headers),
            };
            if found && requests {
                resolved.push(*stream);
            }
            self.wants_data |= message.call.is_some();
        }
        resolved.sort_unstable();
        facts.extend(resolved.into_iter().map(|stream| Fact::Head(stream.into())));
        if !requests {
            self.release(facts);
        }
    }

    /// Streams that are over wait for what may become known of them.
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Tells of the streams that are over as far as is known.
    pub fn release(&mut self, facts: &mut Vec<Fact>) {
        facts.extend(self.held.drain(..).map(|stream| Fact::Answered(stream.into())));
    }

    /// Numbers of the tables to ask for: of requests, of responses.
    pub fn wanted_tables(&mut self) -> [Option<u8>; 2] {
        let [requests, responses] = &mut self.tables;
        [requests.wanted(), responses.wanted()]
    }

    fn request(&mut self, time: Time, output: Output<'_>, facts: &mut Vec<Fact>) {
        match output {
            Output::Headers { stream, fields, places, .. } => self.requested(time, stream, fields, places, facts),
            Output::Data { stream, size, wire, bytes } => {
                if let Some(message) = self.open.get_mut(&stream) {
                    message.request_body.size += size;
                    message.request_body.wire += wire;
                    if let Some(call) = &mut message.call {
                        call.requests.feed(size, bytes);
                    }
                    if self.keep.as_ref().is_some_and(|keep| message.keep(Part::Request, size, bytes, keep)) {
                        facts.push(Fact::Large(stream.into()));
                    }
                }
            }
            Output::End { stream } => {
                if let Some(message) = self.open.get_mut(&stream) {
                    message.request_over = true;
                }
            }
            Output::Reset { stream, code } => self.reset(time, stream, Reset { by: End::Client, code }, facts),
            Output::Settings { header_table_size: Some(size) } => self.responses.table_size(size),
            Output::Lost { .. } => facts.push(Fact::RequestsLost(Loss::Head)),
            Output::GoAway { .. } | Output::Settings { header_table_size: None } => {}
        }
    }

    fn requested(&mut self, time: Time, stream: u32, fields: Vec<Field>, places: Places, facts: &mut Vec<Fact>) {
        let is_new = stream > self.highest;
        if is_new {
            self.highest = stream;
            self.first.get_or_insert(stream);
            self.opened = self.opened.saturating_add(1);
        }
        let early = self.open.get(&stream).is_some_and(|message| message.request.is_none());
        if !is_new && !early || self.open.len() >= LIMIT {
            // Trailers, or of a stream that is over.
            return;
        }
        let (head, missing) = head::request(&fields, self.keep_headers);
        let epoch = self.epoch;
        let [tables, _] = &mut self.tables;
        tables.head(stream, places);
        let message = self.open.entry(stream).or_insert_with(|| Message::new(time, epoch));
        message.call = head.rpc.map(|kind| Box::new(Call::new(kind)));
        self.wants_data |= head.rpc.is_some();
        message.request = Some(head);
        message.missing.extend(missing);
        if hides(&fields) {
            message.hidden.get_or_insert_default().request = fields;
        }
        message.start = message.first_byte.map_or(time, |first| first.min(time));
        facts.push(Fact::Begun(stream.into()));
        facts.push(Fact::Head(stream.into()));
        if message.response_over {
            facts.push(Fact::Answered(stream.into()));
        }
    }

    fn response(&mut self, time: Time, output: Output<'_>, side: Side, facts: &mut Vec<Fact>) {
        match output {
            Output::Headers { stream, fields, places, .. } => self.responded(time, stream, fields, places, side, facts),
            Output::Data { stream, size, wire, bytes } => {
                if let Some(message) = self.open.get_mut(&stream) {
                    message.response_body.size += size;
                    message.response_body.wire += wire;
                    message.last = time;
                    if let Some(call) = &mut message.call {
                        call.responses.feed(size, bytes);
                    }
                    if self.keep.as_ref().is_some_and(|keep| message.keep(Part::Response, size, bytes, keep)) {
                        facts.push(Fact::Large(stream.into()));
                    }
                }
            }
            Output::End { stream } => {
                if let Some(message) = self.open.get_mut(&stream).filter(|message| !message.response_over) {
                    message.response_over = true;
                    message.last = time;
                    let [_, tables] = &self.tables;
                    let hides = |hidden: &Hidden| hidden.response.iter().any(|it| hides(it)) || hides(&hidden.trailers);
                    if side == Side::Egress && tables.expected && message.hidden.as_deref().is_some_and(hides) {
                        self.held.push(stream);
                    } else if message.request.is_some() {
                        facts.push(Fact::Answered(stream.into()));
                    }
                }
            }
            Output::Reset { stream, code } => self.reset(time, stream, Reset { by: End::Server, code }, facts),
            Output::GoAway { last, .. } => self.refused(time, last, facts),
            Output::Settings { header_table_size: Some(size) } => self.requests.table_size(size),
            Output::Lost { .. } => facts.push(Fact::ResponsesLost(Loss::Head)),
            Output::Settings { header_table_size: None } => {}
        }
    }

    fn responded(
        &mut self,
        time: Time,
        stream: u32,
        fields: Vec<Field>,
        places: Places,
        side: Side,
        facts: &mut Vec<Fact>,
    ) {
        if !self.open.contains_key(&stream) {
            let before = self.first.is_none_or(|first| stream < first);
            if side == Side::Egress && stream > self.highest && !self.midway {
                // The peer may answer before the tracepoint of our write has run.
                let epoch = self.epoch;
                self.open.insert(stream, Message::new(time, epoch));
            } else if side == Side::Ingress
                && self.midway
                && before
                && self.orphans.len() < ORPHANS
                && self.orphans.insert(stream)
            {
                facts.push(Fact::Orphan);
            }
        }
        let epoch = self.epoch;
        let Some(message) = self.open.get_mut(&stream) else { return };
        if message.response.is_some() {
            // Trailers.
            if let Some(call) = &mut message.call {
                call.status = head::rpc_status(&fields).or(call.status);
            }
            match &mut message.hidden {
                Some(hidden) if !hidden.response.is_empty() => hidden.response.push(fields),
                _ if hides(&fields) => message.hidden.get_or_insert_default().trailers = fields,
                _ => {}
            }
            return;
        }
        let (head, missing) = head::response(&fields, self.keep_headers);
        if (100..200).contains(&head.status) {
            return;
        }
        if let Some(call) = &mut message.call {
            call.status = head::rpc_status(&fields);
        }
        let [_, tables] = &mut self.tables;
        tables.head(stream, places);
        if hides(&fields) {
            message.hidden.get_or_insert_default().response.push(fields);
        }
        message.answered = Some(epoch);
        message.first_byte.get_or_insert(time);
        message.last = time;
        message.response = Some(head);
        message.missing.extend(missing);
    }

    fn reset(&mut self, time: Time, stream: u32, reset: Reset, facts: &mut Vec<Fact>) {
        let Some(message) = self.open.get_mut(&stream).filter(|message| !message.response_over) else { return };
        message.reset = Some(reset);
        message.response_over = true;
        message.response_body.incomplete |= message.response.is_some();
        message.last = time;
        facts.push(Fact::Reset(stream.into()));
    }

    /// The peer will not look at streams past `last`.
    fn refused(&mut self, time: Time, last: u32, facts: &mut Vec<Fact>) {
        let unanswered = |message: &Message| message.response.is_none() && !message.response_over;
        let mut refused: Vec<u32> = self
            .open
            .iter()
            .filter(|(stream, message)| **stream > last && unanswered(message))
            .map(|(stream, _)| *stream)
            .collect();
        refused.sort_unstable();
        for stream in refused {
            self.reset(time, stream, Reset { by: End::Server, code: Reset::REFUSED_STREAM }, facts);
        }
    }
}

/// Something of these is not known.
fn hides(fields: &[Field]) -> bool {
    fields.iter().any(|field| field.unknown.is_some())
}

/// The error of a hop whose stream was reset before it was over.
pub fn error_of_reset(reset: Reset) -> ErrorKind {
    match (reset.by, reset.code) {
        (End::Client, Reset::CANCEL) => ErrorKind::Cancelled,
        (End::Server, Reset::REFUSED_STREAM) => ErrorKind::StreamRefused,
        _ => ErrorKind::StreamReset,
    }
}
