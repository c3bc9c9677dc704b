//! What both ends of an upstream connection know of a gRPC call or a WebSocket session.

use crate::backend::Received;
use crate::names;
use crate::span::Span;

/// A gRPC call that ended is the same on both ends of the connection; so is a WebSocket session that was closed.
pub(crate) fn compare(id: &str, one: &Received, child: &Span, differences: &mut Vec<String>) {
    let number = |count: u64| serde_json::Value::from(count);
    let mut expected = Vec::new();
    let whole = child.text(names::RPC_STATUS).is_some();
    if let Some(rpc) = one.rpc.filter(|rpc| whole && rpc.status.is_some()) {
        expected.push((names::RPC_REQUESTS, number(rpc.received)));
        expected.push((names::RPC_RESPONSES, number(rpc.sent)));
        expected.push((names::RPC_STATUS, rpc.status.map(names::rpc_status).into()));
    }
    if let Some(code) = one.close_code.filter(|code| *code > 0) {
        expected.push((names::CLOSE_CODE, number(code.into())));
    }
    for (name, expected) in expected {
        let found = child.attributes.get(name);
        if found != Some(&expected) {
            differences.push(format!("{id}: {name} is {found:?}, the backend had {expected}: {:?}", child.attributes));
        }
    }
}
