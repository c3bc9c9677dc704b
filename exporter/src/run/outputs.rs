//! What exchanges go to, from the command line, the environment and the file: first as a plan, then running.

use std::io::IsTerminal;
use std::sync::Arc;

use anyhow::Context;

use super::Error;
use super::fanout::Fanout;
use crate::command::Tell;
use crate::config::{self, Bodies, Configuration, Lookup, ObjectTarget, Otlp as Collector};
use crate::counters::Counters;
use crate::doctor;
use crate::export::contents::{self, Contents, Outlets};
use crate::export::metrics::{self, Metrics, Page};
use crate::export::objects::{self, Objects};
use crate::export::otlp::{self, Logs, Otlp, Problems, Sampler, Shares, Target};
use crate::export::stdout::{self, Room, Stdout};
use crate::policy::Policy;
use crate::readiness::Readiness;
use crate::redact::Redaction;

/// Of what hoptap may take, what is not said: as the file's default.
const MEMORY: usize = 256 << 20;

/// Everything that is started for exchanges to go to.
#[derive(Debug)]
pub(super) struct Plan {
    /// Each goes to a collector of its own.
    spans: Vec<otlp::Settings>,
    /// Bodies as log records likewise.
    logs: Vec<otlp::Settings>,
    stores: Vec<(objects::Settings, objects::Limits)>,
    stdout: Vec<stdout::Format>,
    room: Room,
    contents: contents::Settings,
    sampler: Sampler,
}

impl Plan {
    /// # Errors
    /// Variables of the environment that cannot be used.
    pub(super) fn new(
        tell: &Tell,
        file: Option<&Configuration>,
        environment: Lookup<'_>,
        is_terminal: bool,
    ) -> Result<Self, Error> {
        let lookup = |name: &str| match file {
            Some(file) => file.variable(name, environment),
            None => environment(name),
        };
        let main = otlp::Settings::from_env(&lookup).map_err(|problems| unusable(&problems))?;
        let sampler = Sampler { shares: file.map(shares).unwrap_or_default(), ..main.sampler };
        let mut spans = vec![main];
        let mut logs = Vec::new();
        if let Some(file) = file {
            let of = |collector: &Collector, name: &str| file.variable_of(collector, name, environment);
            for other in file.other_collectors() {
                spans.push(otlp::Settings::from_env(&|name| of(other, name)).map_err(|problems| unusable(&problems))?);
            }
            if file.spans.bodies == Bodies::Log {
                logs.push(otlp::Settings::logs_from_env(&lookup).map_err(|problems| unusable(&problems))?);
            }
            for store in &file.services.object_stores {
                if let ObjectTarget::Otlp(collector) = &store.to {
                    logs.push(
                        otlp::Settings::logs_from_env(&|name| of(collector, name))
                            .map_err(|problems| unusable(&problems))?,
                    );
                }
            }
        }
        spans.retain(|settings| settings.target != Target::None);
        logs.retain(|settings| settings.target != Target::None);
        let mut plan = Self {
            stdout: printed(tell, file, spans.is_empty(), is_terminal),
            stores: file.map(stores).unwrap_or_default(),
            spans,
            logs,
            room: Room::default(),
            contents: contents::Settings::default(),
            sampler,
        };
        for settings in &mut plan.spans {
            settings.sampler = sampler;
            settings.body_events = file.is_none_or(|file| file.spans.bodies == Bodies::Event);
        }
        plan.share_out(file);
        if let Some(file) = file {
            plan.contents.redaction = Arc::clone(&file.redact);
        }
        Ok(plan)
    }

    /// What it goes to, to be tried.
    pub(super) fn trials(self) -> doctor::Outputs {
        let collectors = self.spans.iter().chain(&self.logs).filter_map(otlp::Trial::new).collect();
        let stores = self.stores.into_iter().map(|(settings, limits)| objects::Trial::new(settings, limits)).collect();
        doctor::Outputs { collectors, stores }
    }

    /// A quarter of the memory for bodies that wait to be redacted, with half as much to look into what is compressed;
    /// a quarter for the object stores together; a quarter for all that send or print. The rest is for the capture, and
    /// for exchanges that are not over.
    fn share_out(&mut self, file: Option<&Configuration>) {
        let memory = file.map_or(MEMORY, |file| whole(file.limits.memory));
        let share = |among: usize| memory / 4 / among.max(1);
        let (stores, senders) = (self.stores.len(), self.spans.len() + self.logs.len() + self.stdout.len());
        self.contents.bytes = share(1);
        self.contents.decoded = memory / 8;
        for (_, limits) in &mut self.stores {
            limits.bytes = share(stores);
        }
        for settings in self.spans.iter_mut().chain(&mut self.logs) {
            settings.queue_bytes = share(senders);
        }
        self.room.bytes = share(senders);
        if let Some(file) = file {
            let queue = whole(file.limits.queue);
            (self.contents.exchanges, self.room.exchanges) = (queue, queue);
        }
    }

    /// # Errors
    /// What is wrong with a store, certificates that cannot be read, no thread.
    fn start(self) -> Result<Contents, Error> {
        let redaction: Arc<Redaction> = Arc::clone(&self.contents.redaction);
        let mut outlets = Outlets::default();
        for settings in self.spans {
            let host = settings.endpoint.host.clone();
            let otlp = Otlp::start(settings, Arc::clone(&redaction));
            let otlp = otlp.with_context(|| format!("cannot start the output of spans to {host}"))?;
            outlets.outputs.extend(otlp.map(|otlp| -> Box<dyn crate::export::Output> { Box::new(otlp) }));
        }
        for format in self.stdout {
            let stdout = Stdout::start(format, Arc::clone(&redaction), self.room);
            outlets.outputs.push(Box::new(stdout.context("cannot start the output of text")?));
        }
        for (settings, limits) in self.stores {
            // A person has to mend it, in the file or where it points to.
            let store = Objects::start(&settings, limits).map_err(|error| Error::Usage(error.to_string()))?;
            outlets.stores.push(store);
        }
        for settings in self.logs {
            let host = settings.endpoint.host.clone();
            let logs = Logs::start(settings).with_context(|| format!("cannot start the log records to {host}"))?;
            outlets.logs.extend(logs);
        }
        Ok(Contents::start(self.contents, outlets).context("cannot start the stage of bodies")?)
    }
}

/// Starts what exchanges go to.
pub(super) fn contents(tell: &Tell, file: Option<&Configuration>) -> Result<(Contents, Sampler), Error> {
    let environment = |name: &str| std::env::var(name).ok();
    let plan = Plan::new(tell, file, &environment, std::io::stdout().is_terminal())?;
    let sampler = plan.sampler;
    Ok((plan.start()?, sampler))
}

/// The same with metrics.
pub(super) fn outputs(
    tell: &Tell,
    file: Option<&Configuration>,
    policy: &Arc<Policy>,
    counters: &Arc<Counters>,
    readiness: &Arc<Readiness>,
) -> Result<(Fanout, Page), Error> {
    let (contents, sampler) = contents(tell, file)?;
    let settings = metrics::Settings {
        traefik_names: file.is_some_and(|file| file.metrics.traefik_names),
        sampled: Box::new(move |exchange| sampler.takes(exchange)),
        ..metrics::Settings::default()
    };
    let (metrics, page) = Metrics::new(settings, Arc::clone(counters), Arc::clone(readiness));
    Ok((Fanout::new(metrics, contents, Arc::clone(policy), Arc::clone(counters)), page))
}

fn unusable(problems: &Problems) -> Error {
    Error::Usage(format!("the environment cannot be used:\n{problems}"))
}

/// What standard output gets. Without a file: text, if somebody looks or nothing else would tell. With one: what its
/// stores say, or all if it names nothing that takes exchanges.
fn printed(tell: &Tell, file: Option<&Configuration>, alone: bool, is_terminal: bool) -> Vec<stdout::Format> {
    let asked = tell.format.map(stdout::Format::from);
    let Some(file) = file else {
        return asked.or((alone || is_terminal).then_some(stdout::Format::Text)).into_iter().collect();
    };
    let all = file.prints() && (alone || !file.names_nothing());
    let events = file.prints_events().then_some(stdout::Format::Events);
    let blocks = asked.or(all.then_some(stdout::Format::Kept));
    events.into_iter().chain(blocks).collect()
}

fn shares(file: &Configuration) -> Shares {
    let config::Sample { errors, slower_than_ms, rest } = file.spans.sample;
    Shares { errors, slower_than: slower_than_ms.map(|milliseconds| milliseconds * 1_000_000), rest }
}

fn stores(file: &Configuration) -> Vec<(objects::Settings, objects::Limits)> {
    let stores = file.services.object_stores.iter().filter_map(|store| match &store.to {
        ObjectTarget::File { directory } => {
            Some(objects::Settings::File(objects::File { directory: directory.clone(), prefix: String::new() }))
        }
        ObjectTarget::S3(s3) => Some(objects::Settings::S3(bucket(s3))),
        ObjectTarget::Stdout | ObjectTarget::Otlp(_) | ObjectTarget::Disabled => None,
    });
    stores.map(|settings| (settings, objects::Limits::default())).collect()
}

fn bucket(s3: &config::S3) -> objects::S3 {
    let secret = |secret: &config::Secret| objects::Secret(secret.expose().to_owned());
    let keys = s3.keys.as_ref();
    objects::S3 {
        endpoint: s3.endpoint.clone(),
        region: s3.region.clone(),
        bucket: s3.bucket.clone(),
        access_key: keys.map(|keys| secret(&keys.access_key)),
        secret_key: keys.map(|keys| secret(&keys.secret_key)),
        session_token: keys.and_then(|keys| keys.session_token.as_ref()).map(secret),
        prefix: s3.prefix.clone(),
        path_style: s3.path_style,
        insecure: !s3.tls,
    }
}

fn whole(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
