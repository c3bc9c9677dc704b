//! Connections of HTTP/2 that all workers of a mix share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use hoptap::link::Ids;

use crate::doors::Doors;
use crate::early::Early;
use crate::http2::Connection;
use crate::stream_case::{Over, StreamCase};

/// For each way in.
const CONNECTIONS: usize = 4;

#[derive(Debug, Default)]
pub(super) struct Pool {
    open: Mutex<HashMap<Over, Vec<Arc<Connection>>>>,
}

impl Pool {
    /// With those that are open already.
    pub(super) fn new(early: &mut Early) -> Self {
        let mut open: HashMap<_, Vec<_>> = HashMap::new();
        open.insert(Over::Http2, std::mem::take(&mut early.http2).into_iter().map(Arc::new).collect());
        open.insert(Over::Http2Tls, std::mem::take(&mut early.http2_tls).into_iter().map(Arc::new).collect());
        Self { open: Mutex::new(open) }
    }

    /// One of the connections that this case may share.
    pub(super) async fn draw(&self, case: &StreamCase, doors: &Doors, random: &mut Ids) -> Result<Arc<Connection>> {
        {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            let connections = open.entry(case.over).or_default();
            connections.retain(|connection| connection.is_open());
            if connections.len() >= CONNECTIONS {
                let index = usize::try_from(random.draw() % CONNECTIONS as u64)?;
                if let Some(connection) = connections.get(index) {
                    return Ok(Arc::clone(connection));
                }
            }
        }
        let connection = case.connect_http2(doors).await?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.entry(case.over).or_default().push(Arc::clone(&connection));
        Ok(connection)
    }
}
