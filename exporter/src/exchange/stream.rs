//! What a hop had beyond a request and a response: calls of gRPC, the session of a WebSocket, a stream that was reset.

use crate::rpc;

/// A call of gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rpc {
    pub kind: rpc::Kind,
    /// `grpc-status`; None where none came.
    pub status: Option<u32>,
    /// Messages of the client; None where they could not be counted.
    pub requests: Option<u64>,
    /// Messages of the server.
    pub responses: Option<u64>,
}

/// The session of a WebSocket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WebSocket {
    /// Messages to the server and to the client; None where they could not be counted.
    pub sent: Option<u64>,
    pub received: Option<u64>,
    /// Of the first Close frame.
    pub close_code: Option<u16>,
}

/// An HTTP/2 stream was reset before it was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset {
    pub by: End,
    /// RFC 9113, 7.
    pub code: u32,
}

/// One of the two that speak on a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Who asked.
    Client,
    /// Who was asked.
    Server,
}

impl Reset {
    pub const REFUSED_STREAM: u32 = 7;
    pub const CANCEL: u32 = 8;

    /// The code's name in RFC 9113.
    pub fn code_name(self) -> &'static str {
        const NAMES: [&str; 14] = [
            "NO_ERROR",
            "PROTOCOL_ERROR",
            "INTERNAL_ERROR",
            "FLOW_CONTROL_ERROR",
            "SETTINGS_TIMEOUT",
            "STREAM_CLOSED",
            "FRAME_SIZE_ERROR",
            "REFUSED_STREAM",
            "CANCEL",
            "COMPRESSION_ERROR",
            "CONNECT_ERROR",
            "ENHANCE_YOUR_CALM",
            "INADEQUATE_SECURITY",
            "HTTP_1_1_REQUIRED",
        ];
        usize::try_from(self.code).ok().and_then(|code| NAMES.get(code)).copied().unwrap_or("_OTHER")
    }
}
