//! Collectors and object stores: each is asked something that changes nothing.

use super::question::Question;
use super::{Ends, Finding, Outputs, PATIENCE};
use crate::export::objects::{self, Taken};
use crate::export::otlp;

const COLLECTOR: &str = "collector";
const STORE: &str = "object store";

pub(super) fn ask(outputs: Outputs) -> Vec<Question> {
    let Outputs { collectors, stores } = outputs;
    let mut questions: Vec<Question> = collectors.into_iter().map(collector).collect();
    if questions.is_empty() {
        questions.push(none(COLLECTOR, "none is named: no spans are sent"));
    }
    if stores.is_empty() {
        questions.push(none(STORE, "none is named: no objects are stored"));
    }
    questions.extend(stores.into_iter().map(store));
    questions
}

/// A question that needs no asking.
fn none(check: &'static str, found: &str) -> Question {
    let finding = Finding::not_applicable(check, found);
    Question::ask(finding.clone(), || std::future::ready(finding))
}

fn silent(check: &'static str, what: &str, lost: &str) -> Finding {
    Finding::warning(check, format!("{what}: no answer within {} s", PATIENCE.as_secs())).lost(lost).advice(match check
    {
        COLLECTOR => "look whether the collector runs, and whether something drops what is sent to it",
        _ => "look whether the store runs, and whether something drops what is sent to it",
    })
}

fn collector(trial: otlp::Trial) -> Question {
    const LOST: &str = "what is for it: it waits a while, then it is dropped and counted";
    let what = trial.to_string();
    Question::ask(silent(COLLECTOR, &what, LOST), || async move {
        match trial.run(PATIENCE).await {
            Ok(()) => Finding::ok(COLLECTOR, format!("{what}: an empty request was taken")),
            Err(refusal) => {
                Finding::warning(COLLECTOR, format!("{what}: {}", refusal.reason)).lost(LOST).advice(refusal.advice)
            }
        }
    })
}

fn store(trial: objects::Trial) -> Question {
    const LOST: &str = "objects for it: they wait a while, then the oldest are dropped and counted";
    let what = trial.to_string();
    Question::ask(silent(STORE, &what, LOST), || async move {
        match trial.run(PATIENCE).await {
            Ok(Taken::Answers) => Finding::ok(STORE, format!("{what}: a list was given")),
            Ok(Taken::MayNotList { reason }) => Finding::warning(STORE, format!("{what}: {reason}"))
                .lost("certainty: the keys are known there, but may not list; whether they may write is not tried")
                .advice("allow these keys s3:PutObject there; s3:ListBucket is for this check only"),
            Ok(Taken::Room { bytes }) => room(&what, bytes, &trial),
            Ok(Taken::ToBeMade { bytes }) => room(&format!("{what}, which a run makes"), bytes, &trial),
            Err(refusal) => {
                let found = format!("{what}: {}", refusal.reason);
                let finding = match refusal.lasting {
                    true => Finding::failed(STORE, Ends::Usage, found).lost("hoptap does not start with it"),
                    false => Finding::warning(STORE, found).lost(LOST),
                };
                finding.advice(refusal.advice)
            }
        }
    })
}

fn room(what: &str, bytes: u64, trial: &objects::Trial) -> Finding {
    let found = format!("{what}: {} MiB are free", bytes >> 20);
    if bytes >= trial.waiting() {
        return Finding::ok(STORE, found);
    }
    Finding::warning(STORE, found)
        .lost("objects, once it is full: less is free than may wait in memory for it")
        .advice("make room there, or name another directory")
}
