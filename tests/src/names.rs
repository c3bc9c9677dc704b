//! Names of attributes that are compared, where they may still change: in one place.

pub const PROTOCOL_VERSION: &str = "network.protocol.version";
pub const SCHEME: &str = "url.scheme";
pub const TLS_VERSION: &str = "tls.protocol.version";
pub const TLS_NAME: &str = "tls.protocol.name";
pub const TLS_CIPHER: &str = "tls.cipher";
pub const TLS_NEXT_PROTOCOL: &str = "tls.next_protocol";
pub const TLS_SERVER_NAME: &str = "tls.client.server_name";
pub const RPC_SYSTEM: &str = "rpc.system.name";
pub const RPC_METHOD: &str = "rpc.method";
pub const RPC_STATUS: &str = "rpc.response.status_code";
pub const RPC_REQUESTS: &str = "hoptap.rpc.request.messages";
pub const RPC_RESPONSES: &str = "hoptap.rpc.response.messages";
pub const CLOSE_CODE: &str = "hoptap.websocket.close_code";

/// A gRPC status as [`RPC_STATUS`] has it.
pub fn rpc_status(code: u16) -> &'static str {
    match code {
        0 => "OK",
        1 => "CANCELLED",
        2 => "UNKNOWN",
        3 => "INVALID_ARGUMENT",
        4 => "DEADLINE_EXCEEDED",
        5 => "NOT_FOUND",
        6 => "ALREADY_EXISTS",
        7 => "PERMISSION_DENIED",
        8 => "RESOURCE_EXHAUSTED",
        9 => "FAILED_PRECONDITION",
        10 => "ABORTED",
        11 => "OUT_OF_RANGE",
        12 => "UNIMPLEMENTED",
        13 => "INTERNAL",
        14 => "UNAVAILABLE",
        15 => "DATA_LOSS",
        16 => "UNAUTHENTICATED",
        _ => "no such status",
    }
}

/// `network.protocol.version` of what a request line or an access log calls `HTTP/1.1`, `HTTP/2.0` or `HTTP/3.0`.
pub fn version(protocol: &str) -> &str {
    match protocol {
        "HTTP/2.0" => "2",
        "HTTP/3.0" => "3",
        other => other.trim_start_matches("HTTP/"),
    }
}
