//! A question to somebody on the network, on a thread of its own: nobody can hold up the others.

use std::future::Future;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::PATIENCE;
use super::finding::Finding;

/// Beyond its own patience, a thread that was asked needs this to say so.
const GRACE: Duration = Duration::from_secs(1);

/// An answer that is under way.
pub(super) struct Question {
    answer: Receiver<Finding>,
    /// What is found where there is none.
    silence: Finding,
}

impl Question {
    pub(super) fn ask<F>(silence: Finding, question: impl FnOnce() -> F + Send + 'static) -> Self
    where
        F: Future<Output = Finding>,
    {
        let (tell, answer) = channel();
        let asked = std::thread::Builder::new().name("question".into()).spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
            let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, question()).await });
            if let Ok(answer) = answer {
                let _ = tell.send(answer);
            }
            // A name resolution that hangs must not hold up the end.
            runtime.shutdown_background();
        });
        if let Err(error) = asked {
            tracing::warn!(%error, "no thread to ask with");
        }
        Self { answer, silence }
    }

    pub(super) fn wait(self) -> Finding {
        self.answer.recv_timeout(PATIENCE + GRACE).unwrap_or(self.silence)
    }
}
