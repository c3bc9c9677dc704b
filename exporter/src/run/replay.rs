//! `hoptap replay FILE`: a recorded stream through the same pipeline and outputs.

use std::fs::File;
use std::io::{BufReader, Write};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::outputs::outputs;
use super::{Error, check, rules};
use crate::command::Replay;
use crate::counters::Counters;
use crate::export::metrics::Format;
use crate::pipeline::Pipeline;
use crate::readiness::Readiness;
use crate::record::Reader;

/// A replay has all the time that its outputs need.
const LAST_WORDS: Duration = Duration::from_secs(60);

pub(super) fn run(replay: &Replay) -> Result<(), Error> {
    let path = replay.file.display().to_string();
    let file =
        File::open(&replay.file).map_err(|error| Error::Usage(format!("cannot read the recording {path}: {error}")))?;
    let mut reader = Reader::new(BufReader::new(file)).map_err(|error| Error::Usage(format!("{path}: {error}")))?;
    let seed = reader.header().seed;
    let file = replay.config.as_deref().map(check::configuration).transpose()?;
    let counters = Arc::new(Counters::default());
    let readiness = Arc::new(Readiness::default());
    let settings = rules::settings(&replay.tell, file.as_ref(), false, seed);
    let (mut fanout, page) = outputs(&replay.tell, file.as_ref(), &settings.policy, &counters, &readiness)?;
    let mut pipeline = Pipeline::new(settings, counters);
    let mut last = 0;
    let mut problem = None;
    loop {
        match reader.next() {
            Ok(Some(event)) => {
                last = event.time;
                pipeline.event(&event, &mut fanout);
            }
            Ok(None) => break,
            Err(error) => {
                problem = Some(error);
                break;
            }
        }
        fanout.make_room();
    }
    pipeline.finish(last, &mut fanout);
    fanout.finish(LAST_WORDS);
    if replay.metrics {
        let page = page.encode(Format::Classic).context("cannot write the metrics page")?;
        std::io::stdout().write_all(page.as_bytes()).context("cannot write to standard output")?;
    }
    match problem {
        None => Ok(()),
        Some(error) => Err(anyhow::Error::new(error).context(format!("{path} was told up to its fault")).into()),
    }
}
