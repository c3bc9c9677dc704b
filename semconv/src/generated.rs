//! Made from `registry/` by `UPDATE=1 cargo test -p hoptap-semconv`: change the registry, not this file.

/// Name of the instrumentation scope.
pub const NAME: &str = "hoptap";
/// Schema of everything below.
pub const SCHEMA_URL: &str = "https://hoptap.dev/schemas/0.1.0";

/// Attribute keys.
pub mod attribute {
    /// Address of the client.
    pub const CLIENT_ADDRESS: &str = "client.address";
    /// Port of the client.
    pub const CLIENT_PORT: &str = "client.port";
    /// Id of the container.
    pub const CONTAINER_ID: &str = "container.id";
    /// What kind of failure it was; the status code where the status is the failure.
    pub const ERROR_TYPE: &str = "error.type";
    /// Bytes of the body that are kept.
    pub const HOPTAP_BODY_CAPTURED_SIZE: &str = "hoptap.body.captured_size";
    /// A body ended before its framing said so.
    pub const HOPTAP_BODY_INCOMPLETE: &str = "hoptap.body.incomplete";
    /// How much is kept of a body that is told.
    pub const HOPTAP_BODY_OUTCOME: &str = "hoptap.body.outcome";
    /// Less is kept than went over the wire.
    pub const HOPTAP_BODY_TRUNCATED: &str = "hoptap.body.truncated";
    /// Why the content of a body is not told, nor stored. What is secret in it could not be found.
    pub const HOPTAP_BODY_WITHHELD: &str = "hoptap.body.withheld";
    /// What became of a configuration file that was read again.
    pub const HOPTAP_CONFIG_OUTCOME: &str = "hoptap.config.outcome";
    /// Why something was lost.
    pub const HOPTAP_DROP_CAUSE: &str = "hoptap.drop.cause";
    /// What became of something that was handed to an output.
    pub const HOPTAP_EXPORT_OUTCOME: &str = "hoptap.export.outcome";
    /// Which of the two hops of an exchange it is.
    pub const HOPTAP_HOP_DIRECTION: &str = "hoptap.hop.direction";
    /// Nanoseconds from the start of the request to the end of its response.
    pub const HOPTAP_HOP_DURATION: &str = "hoptap.hop.duration";
    /// Why Traefik made this request.
    pub const HOPTAP_HOP_ROLE: &str = "hoptap.hop.role";
    /// How sure it is that a request to a backend belongs to its client request.
    pub const HOPTAP_LINK: &str = "hoptap.link";
    /// A metric of this page, by the name that it has here.
    pub const HOPTAP_METRIC_FAMILY: &str = "hoptap.metric.family";
    /// Where the Traefik names of a request come from.
    pub const HOPTAP_NAMES: &str = "hoptap.names";
    /// A place where hoptap is attached to the kernel or to Traefik.
    pub const HOPTAP_PROBE: &str = "hoptap.probe";
    /// A queue between the pipeline and an output.
    pub const HOPTAP_QUEUE_NAME: &str = "hoptap.queue.name";
    /// Where object stores have the request body, or will have it.
    pub const HOPTAP_REQUEST_BODY_URL: &str = "hoptap.request.body.url";
    /// How far a request came.
    pub const HOPTAP_REQUEST_STATE: &str = "hoptap.request.state";
    /// Where object stores have the response body, or will have it.
    pub const HOPTAP_RESPONSE_BODY_URL: &str = "hoptap.response.body.url";
    /// Messages of the client in a call of gRPC.
    pub const HOPTAP_RPC_REQUEST_MESSAGES: &str = "hoptap.rpc.request.messages";
    /// Messages of the server in a call of gRPC.
    pub const HOPTAP_RPC_RESPONSE_MESSAGES: &str = "hoptap.rpc.response.messages";
    /// Who reset the HTTP/2 stream before its response was complete.
    pub const HOPTAP_STREAM_RESET_BY: &str = "hoptap.stream.reset.by";
    /// Why it was reset, by the name that RFC 9113 gives the code.
    pub const HOPTAP_STREAM_RESET_CODE: &str = "hoptap.stream.reset.code";
    /// What traffic is for that serves no client.
    pub const HOPTAP_TRAFFIC: &str = "hoptap.traffic";
    /// Attributes that cannot be known, for the connection was joined in its middle or what it carries is hidden.
    pub const HOPTAP_UNKNOWN: &str = "hoptap.unknown";
    /// What the connection was switched to. Body sizes are then the bytes of the session.
    pub const HOPTAP_UPGRADE_PROTOCOL: &str = "hoptap.upgrade.protocol";
    /// The code with which a WebSocket session was closed.
    pub const HOPTAP_WEBSOCKET_CLOSE_CODE: &str = "hoptap.websocket.close_code";
    /// Messages of the client in a WebSocket session.
    pub const HOPTAP_WEBSOCKET_REQUEST_MESSAGES: &str = "hoptap.websocket.request.messages";
    /// Messages of the server in a WebSocket session.
    pub const HOPTAP_WEBSOCKET_RESPONSE_MESSAGES: &str = "hoptap.websocket.response.messages";
    /// Name of the machine.
    pub const HOST_NAME: &str = "host.name";
    /// The request body that a rule selected, without transfer coding. Text as a string, other content as bytes.
    pub const HTTP_REQUEST_BODY_CONTENT: &str = "http.request.body.content";
    /// Bytes of the request body without transfer coding.
    pub const HTTP_REQUEST_BODY_SIZE: &str = "http.request.body.size";
    /// Request headers, by lower-case name. The key goes on with a dot and the name.
    pub const HTTP_REQUEST_HEADER: &str = "http.request.header";
    /// Method of the request; `_OTHER` if the conventions do not know it.
    pub const HTTP_REQUEST_METHOD: &str = "http.request.method";
    /// Method as it was sent.
    pub const HTTP_REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
    /// How often the request was sent before.
    pub const HTTP_REQUEST_RESEND_COUNT: &str = "http.request.resend_count";
    /// The response body that a rule selected, without transfer coding. Text as a string, other content as bytes.
    pub const HTTP_RESPONSE_BODY_CONTENT: &str = "http.response.body.content";
    /// Bytes of the response body without transfer coding.
    pub const HTTP_RESPONSE_BODY_SIZE: &str = "http.response.body.size";
    /// Response headers, by lower-case name. The key goes on with a dot and the name.
    pub const HTTP_RESPONSE_HEADER: &str = "http.response.header";
    /// Status of the final response.
    pub const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
    /// The route that matched.
    pub const HTTP_ROUTE: &str = "http.route";
    /// Address of the other side of the socket.
    pub const NETWORK_PEER_ADDRESS: &str = "network.peer.address";
    /// Port of the other side of the socket.
    pub const NETWORK_PEER_PORT: &str = "network.peer.port";
    /// `1.0`, `1.1`, `2` or `3`.
    pub const NETWORK_PROTOCOL_VERSION: &str = "network.protocol.version";
    /// Path of the executable.
    pub const PROCESS_EXECUTABLE_PATH: &str = "process.executable.path";
    /// Id of the process.
    pub const PROCESS_PID: &str = "process.pid";
    /// Name of the language runtime.
    pub const PROCESS_RUNTIME_NAME: &str = "process.runtime.name";
    /// Version of the language runtime.
    pub const PROCESS_RUNTIME_VERSION: &str = "process.runtime.version";
    /// Service and method, as they stand in the path.
    pub const RPC_METHOD: &str = "rpc.method";
    /// Status of the call by its name, such as `OK` or `DEADLINE_EXCEEDED`.
    pub const RPC_RESPONSE_STATUS_CODE: &str = "rpc.response.status_code";
    /// `grpc`, also for what reached Traefik as gRPC-Web.
    pub const RPC_SYSTEM_NAME: &str = "rpc.system.name";
    /// Host that serves the request.
    pub const SERVER_ADDRESS: &str = "server.address";
    /// Port that serves the request.
    pub const SERVER_PORT: &str = "server.port";
    /// Tells instances of a service apart.
    pub const SERVICE_INSTANCE_ID: &str = "service.instance.id";
    /// Name of the service.
    pub const SERVICE_NAME: &str = "service.name";
    /// What the name of the service is unique in.
    pub const SERVICE_NAMESPACE: &str = "service.namespace";
    /// Version of the service.
    pub const SERVICE_VERSION: &str = "service.version";
    /// The cipher suite, as IANA calls it.
    pub const TLS_CIPHER: &str = "tls.cipher";
    /// The name that the client asked for (SNI).
    pub const TLS_CLIENT_SERVER_NAME: &str = "tls.client.server_name";
    /// The protocol that was agreed on (ALPN).
    pub const TLS_NEXT_PROTOCOL: &str = "tls.next_protocol";
    /// `tls`.
    pub const TLS_PROTOCOL_NAME: &str = "tls.protocol.name";
    /// `1.2`, `1.3` and so on.
    pub const TLS_PROTOCOL_VERSION: &str = "tls.protocol.version";
    /// The session went on with an earlier one.
    pub const TLS_RESUMED: &str = "tls.resumed";
    /// The entrypoint that accepted the request.
    pub const TRAEFIK_ENTRYPOINT_NAME: &str = "traefik.entrypoint.name";
    /// Traefik answered the request itself (API, dashboard, ping, metrics, redirection).
    pub const TRAEFIK_INTERNAL: &str = "traefik.internal";
    /// The provider that the router comes from.
    pub const TRAEFIK_PROVIDER_NAME: &str = "traefik.provider.name";
    /// The router that took the request, with its provider.
    pub const TRAEFIK_ROUTER_NAME: &str = "traefik.router.name";
    /// URL of the server that was called, as Traefik's configuration writes it, without user and password.
    pub const TRAEFIK_SERVER_URL: &str = "traefik.server.url";
    /// The service that served the request, with its provider.
    pub const TRAEFIK_SERVICE_NAME: &str = "traefik.service.name";
    /// The whole URL of the request.
    pub const URL_FULL: &str = "url.full";
    /// Path of the request.
    pub const URL_PATH: &str = "url.path";
    /// Query of the request, without the question mark.
    pub const URL_QUERY: &str = "url.query";
    /// `http` or `https`.
    pub const URL_SCHEME: &str = "url.scheme";
    /// The User-Agent header.
    pub const USER_AGENT_ORIGINAL: &str = "user_agent.original";
}

/// Attribute keys of metrics, as Prometheus writes them.
pub mod label {
    pub const ERROR_TYPE: &str = "error_type";
    pub const HOPTAP_BODY_OUTCOME: &str = "hoptap_body_outcome";
    pub const HOPTAP_CONFIG_OUTCOME: &str = "hoptap_config_outcome";
    pub const HOPTAP_DROP_CAUSE: &str = "hoptap_drop_cause";
    pub const HOPTAP_EXPORT_OUTCOME: &str = "hoptap_export_outcome";
    pub const HOPTAP_HOP_ROLE: &str = "hoptap_hop_role";
    pub const HOPTAP_LINK: &str = "hoptap_link";
    pub const HOPTAP_METRIC_FAMILY: &str = "hoptap_metric_family";
    pub const HOPTAP_PROBE: &str = "hoptap_probe";
    pub const HOPTAP_QUEUE_NAME: &str = "hoptap_queue_name";
    pub const HOPTAP_REQUEST_STATE: &str = "hoptap_request_state";
    pub const HOPTAP_TRAFFIC: &str = "hoptap_traffic";
    pub const HTTP_REQUEST_METHOD: &str = "http_request_method";
    pub const HTTP_RESPONSE_STATUS_CODE: &str = "http_response_status_code";
    pub const SERVER_ADDRESS: &str = "server_address";
    pub const SERVER_PORT: &str = "server_port";
    pub const SERVICE_VERSION: &str = "service_version";
    pub const TRAEFIK_ENTRYPOINT_NAME: &str = "traefik_entrypoint_name";
    pub const TRAEFIK_ROUTER_NAME: &str = "traefik_router_name";
    pub const TRAEFIK_SERVICE_NAME: &str = "traefik_service_name";
    pub const URL_SCHEME: &str = "url_scheme";
}

/// Values of the attributes that have a fixed set of them.
pub mod value {
    /// Values of `hoptap.body.outcome`.
    pub mod hoptap_body_outcome {
        /// All of it.
        pub const WHOLE: &str = "whole";
        /// Its beginning, for it is longer than `limits.body_bytes`.
        pub const LIMIT: &str = "limit";
        /// Its beginning, up to what went by unseen.
        pub const UNSEEN: &str = "unseen";
        /// Its beginning, for all bodies together took too much memory.
        pub const MEMORY: &str = "memory";
        /// Nothing, for no rule could want it as it looked then.
        pub const UNWANTED: &str = "unwanted";
        /// All that came of it, for it broke off.
        pub const INCOMPLETE: &str = "incomplete";
    }
    /// Values of `hoptap.config.outcome`.
    pub mod hoptap_config_outcome {
        /// It is in force.
        pub const APPLIED: &str = "applied";
        /// It has a mistake, and the one before stays in force.
        pub const REFUSED: &str = "refused";
    }
    /// Values of `hoptap.drop.cause`.
    pub mod hoptap_drop_cause {
        /// The ring buffer from the kernel had no room.
        pub const RING_FULL: &str = "ring_full";
        /// A table of connections or requests had no room.
        pub const MAP_FULL: &str = "map_full";
        /// The bytes of a call were cut because the ring buffer was filling up.
        pub const CUT: &str = "cut";
        /// Memory of the process could not be read.
        pub const FAULT: &str = "fault";
        /// The connection was joined in the middle of a message.
        pub const JOINED_MIDWAY: &str = "joined_midway";
        /// Bytes between two events are missing.
        pub const GAP: &str = "gap";
        /// Header compression of the connection began before the capture.
        pub const HPACK_UNKNOWN: &str = "hpack_unknown";
        /// The bytes are not HTTP as it is understood here.
        pub const MALFORMED: &str = "malformed";
        /// An output was slower than the traffic.
        pub const QUEUE_FULL: &str = "queue_full";
        /// An output did not take it.
        pub const EXPORT_FAILED: &str = "export_failed";
        /// A receiver took a batch only in part, and refused this.
        pub const REFUSED: &str = "refused";
        /// hoptap ended before it was sent.
        pub const SHUTDOWN: &str = "shutdown";
    }
    /// Values of `hoptap.export.outcome`.
    pub mod hoptap_export_outcome {
        /// The receiver took it.
        pub const SENT: &str = "sent";
        /// It was given up after the last attempt.
        pub const FAILED: &str = "failed";
        /// It found no room in the queue, or waited in vain at the end.
        pub const DROPPED: &str = "dropped";
        /// The receiver took the batch, and refused this part of it.
        pub const REFUSED: &str = "refused";
    }
    /// Values of `hoptap.hop.direction`.
    pub mod hoptap_hop_direction {
        /// From the client to Traefik.
        pub const INGRESS: &str = "ingress";
        /// From Traefik to a backend.
        pub const EGRESS: &str = "egress";
    }
    /// Values of `hoptap.hop.role`.
    pub mod hoptap_hop_role {
        /// To serve the client.
        pub const BACKEND: &str = "backend";
        /// To copy the client's request to another service.
        pub const MIRROR: &str = "mirror";
        /// To ask a ForwardAuth server.
        pub const FORWARD_AUTH: &str = "forward_auth";
        /// To fetch an error page.
        pub const ERROR_PAGE: &str = "error_page";
        /// For another middleware, such as a plugin.
        pub const MIDDLEWARE: &str = "middleware";
        /// To check the health of a server.
        pub const HEALTH_CHECK: &str = "health_check";
    }
    /// Values of `hoptap.link`.
    pub mod hoptap_link {
        /// Traefik's own goroutines say so.
        pub const EXACT: &str = "exact";
        /// Addresses, headers and times say so.
        pub const INFERRED: &str = "inferred";
        /// No client request was found. Counted, never a span attribute.
        pub const NONE: &str = "none";
    }
    /// Values of `hoptap.names`.
    pub mod hoptap_names {
        /// From Traefik itself, for this very request.
        pub const PROBES: &str = "probes";
        /// From Traefik's configuration, by matching the request against its rules.
        pub const API: &str = "api";
        /// Several routers of one priority match. Traefik chooses at random, and the name may be wrong.
        pub const AMBIGUOUS: &str = "ambiguous";
    }
    /// Values of `hoptap.queue.name`.
    pub mod hoptap_queue_name {
        pub const SPANS: &str = "spans";
        pub const RECORDS: &str = "records";
        pub const OBJECTS: &str = "objects";
        pub const TEXT: &str = "text";
        /// Exchanges whose bodies are to be redacted and stored before they are told.
        pub const CONTENTS: &str = "contents";
    }
    /// Values of `hoptap.request.state`.
    pub mod hoptap_request_state {
        /// Its response went to the client, whatever became of it here.
        pub const SEEN: &str = "seen";
        /// It was handed to the outputs.
        pub const EXPORTED: &str = "exported";
    }
    /// Values of `hoptap.stream.reset.by`.
    pub mod hoptap_stream_reset_by {
        /// Who sent the request.
        pub const CLIENT: &str = "client";
        /// Who was to answer it.
        pub const SERVER: &str = "server";
    }
    /// Values of `hoptap.traffic`.
    pub mod hoptap_traffic {
        /// Traefik checks its servers.
        pub const HEALTH_CHECK: &str = "health_check";
        /// Traefik asks its providers for configuration.
        pub const PROVIDER: &str = "provider";
        /// Traefik sends its own telemetry.
        pub const TELEMETRY: &str = "telemetry";
        /// TCP routers, which carry no HTTP that Traefik looks at.
        pub const TCP: &str = "tcp";
        /// Anything else that Traefik does by itself, such as asking for certificates.
        pub const OTHER: &str = "other";
    }
}

/// Names of span events and log events.
pub mod event {
    /// The first byte of the final response was seen. An event of the span it belongs to.
    pub const HOPTAP_HTTP_FIRST_BYTE: &str = "hoptap.http.first_byte";
    /// A request body that a rule selected.
    pub const HOPTAP_HTTP_REQUEST_BODY: &str = "hoptap.http.request.body";
    /// A response body that a rule selected.
    pub const HOPTAP_HTTP_RESPONSE_BODY: &str = "hoptap.http.response.body";
    /// One hop of an exchange, anonymised. It has no headers, no bodies and no query, and of the client a network.
    pub const HOPTAP_HTTP_HOP: &str = "hoptap.http.hop";
}

/// Metrics.
pub mod metric {
    use crate::{Instrument, Metric};

    /// Duration of requests as the client sees them: first byte of the request to last byte of the response.
    pub const HTTP_SERVER_REQUEST_DURATION: Metric = Metric {
        name: "http.server.request.duration",
        prometheus: "http_server_request_duration_seconds",
        instrument: Instrument::Histogram,
        unit: "s",
        brief: "Duration of requests as the client sees them: first byte of the request to last byte of the response.",
    };
    /// Size of request bodies as clients send them.
    pub const HTTP_SERVER_REQUEST_BODY_SIZE: Metric = Metric {
        name: "http.server.request.body.size",
        prometheus: "http_server_request_body_size_bytes",
        instrument: Instrument::Histogram,
        unit: "By",
        brief: "Size of request bodies as clients send them.",
    };
    /// Size of response bodies as clients get them.
    pub const HTTP_SERVER_RESPONSE_BODY_SIZE: Metric = Metric {
        name: "http.server.response.body.size",
        prometheus: "http_server_response_body_size_bytes",
        instrument: Instrument::Histogram,
        unit: "By",
        brief: "Size of response bodies as clients get them.",
    };
    /// Duration of requests to backends, one for each attempt; health checks are not among them.
    pub const HTTP_CLIENT_REQUEST_DURATION: Metric = Metric {
        name: "http.client.request.duration",
        prometheus: "http_client_request_duration_seconds",
        instrument: Instrument::Histogram,
        unit: "s",
        brief: "Duration of requests to backends, one for each attempt; health checks are not among them.",
    };
    /// Size of request bodies as backends get them.
    pub const HTTP_CLIENT_REQUEST_BODY_SIZE: Metric = Metric {
        name: "http.client.request.body.size",
        prometheus: "http_client_request_body_size_bytes",
        instrument: Instrument::Histogram,
        unit: "By",
        brief: "Size of request bodies as backends get them.",
    };
    /// Size of response bodies as backends send them.
    pub const HTTP_CLIENT_RESPONSE_BODY_SIZE: Metric = Metric {
        name: "http.client.response.body.size",
        prometheus: "http_client_response_body_size_bytes",
        instrument: Instrument::Histogram,
        unit: "By",
        brief: "Size of response bodies as backends send them.",
    };
    /// Requests of clients that are being served.
    pub const HTTP_SERVER_ACTIVE_REQUESTS: Metric = Metric {
        name: "http.server.active_requests",
        prometheus: "http_server_active_requests",
        instrument: Instrument::UpDownCounter,
        unit: "{request}",
        brief: "Requests of clients that are being served.",
    };
    /// CPU time that hoptap used.
    pub const PROCESS_CPU_TIME: Metric = Metric {
        name: "process.cpu.time",
        prometheus: "process_cpu_time_seconds_total",
        instrument: Instrument::Counter,
        unit: "s",
        brief: "CPU time that hoptap used.",
    };
    /// Memory that hoptap holds (resident set).
    pub const PROCESS_MEMORY_USAGE: Metric = Metric {
        name: "process.memory.usage",
        prometheus: "process_memory_usage_bytes",
        instrument: Instrument::UpDownCounter,
        unit: "By",
        brief: "Memory that hoptap holds (resident set).",
    };
    /// Time since hoptap started.
    pub const PROCESS_UPTIME: Metric = Metric {
        name: "process.uptime",
        prometheus: "process_uptime_seconds",
        instrument: Instrument::Gauge,
        unit: "s",
        brief: "Time since hoptap started.",
    };
    /// Time of a proxied request in which no request to a backend was under way.
    pub const TRAEFIK_PROXY_OVERHEAD: Metric = Metric {
        name: "traefik.proxy.overhead",
        prometheus: "traefik_proxy_overhead_seconds",
        instrument: Instrument::Histogram,
        unit: "s",
        brief: "Time of a proxied request in which no request to a backend was under way.",
    };
    /// Requests, by how far they came. Seen is exported plus dropped.
    pub const HOPTAP_REQUESTS: Metric = Metric {
        name: "hoptap.requests",
        prometheus: "hoptap_requests_total",
        instrument: Instrument::Counter,
        unit: "{request}",
        brief: "Requests, by how far they came. Seen is exported plus dropped.",
    };
    /// Configuration files that were read again, on SIGHUP, by outcome.
    pub const HOPTAP_CONFIG_RELOADS: Metric = Metric {
        name: "hoptap.config.reloads",
        prometheus: "hoptap_config_reloads_total",
        instrument: Instrument::Counter,
        unit: "{reload}",
        brief: "Configuration files that were read again, on SIGHUP, by outcome.",
    };
    /// Bodies of exchanges that are told in full, by how much of each is kept.
    pub const HOPTAP_BODIES: Metric = Metric {
        name: "hoptap.bodies",
        prometheus: "hoptap_bodies_total",
        instrument: Instrument::Counter,
        unit: "{body}",
        brief: "Bodies of exchanges that are told in full, by how much of each is kept.",
    };
    /// Requests that were seen and not exported, by cause.
    pub const HOPTAP_DROPS: Metric = Metric {
        name: "hoptap.drops",
        prometheus: "hoptap_drops_total",
        instrument: Instrument::Counter,
        unit: "{request}",
        brief: "Requests that were seen and not exported, by cause.",
    };
    /// Events that the kernel side lost or cut, by cause.
    pub const HOPTAP_CAPTURE_LOSSES: Metric = Metric {
        name: "hoptap.capture.losses",
        prometheus: "hoptap_capture_losses_total",
        instrument: Instrument::Counter,
        unit: "{event}",
        brief: "Events that the kernel side lost or cut, by cause.",
    };
    /// Events that came from the kernel.
    pub const HOPTAP_EVENTS: Metric = Metric {
        name: "hoptap.events",
        prometheus: "hoptap_events_total",
        instrument: Instrument::Counter,
        unit: "{event}",
        brief: "Events that came from the kernel.",
    };
    /// Bytes of traffic that were copied out of the kernel.
    pub const HOPTAP_CAPTURED_BYTES: Metric = Metric {
        name: "hoptap.captured.bytes",
        prometheus: "hoptap_captured_bytes_total",
        instrument: Instrument::Counter,
        unit: "By",
        brief: "Bytes of traffic that were copied out of the kernel.",
    };
    /// Requests to backends, by how they were linked to client requests.
    pub const HOPTAP_LINKS: Metric = Metric {
        name: "hoptap.links",
        prometheus: "hoptap_links_total",
        instrument: Instrument::Counter,
        unit: "{request}",
        brief: "Requests to backends, by how they were linked to client requests.",
    };
    /// Exchanges that serve no client and are told apart, by what they are for.
    pub const HOPTAP_EXCHANGES: Metric = Metric {
        name: "hoptap.exchanges",
        prometheus: "hoptap_exchanges_total",
        instrument: Instrument::Counter,
        unit: "{exchange}",
        brief: "Exchanges that serve no client and are told apart, by what they are for.",
    };
    /// Connections of clients on which TLS was begun and no session came about.
    pub const HOPTAP_TLS_HANDSHAKE_FAILURES: Metric = Metric {
        name: "hoptap.tls.handshake.failures",
        prometheus: "hoptap_tls_handshake_failures_total",
        instrument: Instrument::Counter,
        unit: "{handshake}",
        brief: "Connections of clients on which TLS was begun and no session came about.",
    };
    /// Items that wait for an output.
    pub const HOPTAP_QUEUE_LENGTH: Metric = Metric {
        name: "hoptap.queue.length",
        prometheus: "hoptap_queue_length",
        instrument: Instrument::Gauge,
        unit: "{item}",
        brief: "Items that wait for an output.",
    };
    /// Items for which a queue has room.
    pub const HOPTAP_QUEUE_CAPACITY: Metric = Metric {
        name: "hoptap.queue.capacity",
        prometheus: "hoptap_queue_capacity",
        instrument: Instrument::Gauge,
        unit: "{item}",
        brief: "Items for which a queue has room.",
    };
    /// Bytes that wait for an output, where they are counted.
    pub const HOPTAP_QUEUE_BYTES: Metric = Metric {
        name: "hoptap.queue.bytes",
        prometheus: "hoptap_queue_bytes",
        instrument: Instrument::Gauge,
        unit: "By",
        brief: "Bytes that wait for an output, where they are counted.",
    };
    /// Spans that were handed to the exporter, by outcome.
    pub const HOPTAP_EXPORT_SPANS: Metric = Metric {
        name: "hoptap.export.spans",
        prometheus: "hoptap_export_spans_total",
        instrument: Instrument::Counter,
        unit: "{span}",
        brief: "Spans that were handed to the exporter, by outcome.",
    };
    /// Log records that were handed to the exporter, by outcome.
    pub const HOPTAP_EXPORT_RECORDS: Metric = Metric {
        name: "hoptap.export.records",
        prometheus: "hoptap_export_records_total",
        instrument: Instrument::Counter,
        unit: "{record}",
        brief: "Log records that were handed to the exporter, by outcome.",
    };
    /// Objects that were handed to the store, by outcome.
    pub const HOPTAP_EXPORT_OBJECTS: Metric = Metric {
        name: "hoptap.export.objects",
        prometheus: "hoptap_export_objects_total",
        instrument: Instrument::Counter,
        unit: "{object}",
        brief: "Objects that were handed to the store, by outcome.",
    };
    /// Exchanges with something to redact or to store. Those that are dropped are told without their bodies.
    pub const HOPTAP_EXPORT_CONTENTS: Metric = Metric {
        name: "hoptap.export.contents",
        prometheus: "hoptap_export_contents_total",
        instrument: Instrument::Counter,
        unit: "{exchange}",
        brief: "Exchanges with something to redact or to store. Those that are dropped are told without their bodies.",
    };
    /// Bodies that are neither told nor stored because what is secret in them could not be found.
    pub const HOPTAP_BODIES_WITHHELD: Metric = Metric {
        name: "hoptap.bodies.withheld",
        prometheus: "hoptap_bodies_withheld_total",
        instrument: Instrument::Counter,
        unit: "{body}",
        brief: "Bodies that are neither told nor stored because what is secret in them could not be found.",
    };
    /// Traefik processes in which a probe is in place; 0 if it is missing where it is wanted.
    pub const HOPTAP_ATTACHED: Metric = Metric {
        name: "hoptap.attached",
        prometheus: "hoptap_attached",
        instrument: Instrument::Gauge,
        unit: "{process}",
        brief: "Traefik processes in which a probe is in place; 0 if it is missing where it is wanted.",
    };
    /// Observations whose labels were folded into _OTHER because a metric has too many series.
    pub const HOPTAP_METRIC_FOLDED: Metric = Metric {
        name: "hoptap.metric.folded",
        prometheus: "hoptap_metric_folded_total",
        instrument: Instrument::Counter,
        unit: "{observation}",
        brief: "Observations whose labels were folded into _OTHER because a metric has too many series.",
    };
    /// Always 1; its labels say which hoptap this is.
    pub const HOPTAP_BUILD_INFO: Metric = Metric {
        name: "hoptap.build.info",
        prometheus: "hoptap_build_info",
        instrument: Instrument::Gauge,
        unit: "{build}",
        brief: "Always 1; its labels say which hoptap this is.",
    };
    /// All of them, in the order of the registry.
    pub const ALL: &[Metric] = &[
        HTTP_SERVER_REQUEST_DURATION,
        HTTP_SERVER_REQUEST_BODY_SIZE,
        HTTP_SERVER_RESPONSE_BODY_SIZE,
        HTTP_CLIENT_REQUEST_DURATION,
        HTTP_CLIENT_REQUEST_BODY_SIZE,
        HTTP_CLIENT_RESPONSE_BODY_SIZE,
        HTTP_SERVER_ACTIVE_REQUESTS,
        PROCESS_CPU_TIME,
        PROCESS_MEMORY_USAGE,
        PROCESS_UPTIME,
        TRAEFIK_PROXY_OVERHEAD,
        HOPTAP_REQUESTS,
        HOPTAP_CONFIG_RELOADS,
        HOPTAP_BODIES,
        HOPTAP_DROPS,
        HOPTAP_CAPTURE_LOSSES,
        HOPTAP_EVENTS,
        HOPTAP_CAPTURED_BYTES,
        HOPTAP_LINKS,
        HOPTAP_EXCHANGES,
        HOPTAP_TLS_HANDSHAKE_FAILURES,
        HOPTAP_QUEUE_LENGTH,
        HOPTAP_QUEUE_CAPACITY,
        HOPTAP_QUEUE_BYTES,
        HOPTAP_EXPORT_SPANS,
        HOPTAP_EXPORT_RECORDS,
        HOPTAP_EXPORT_OBJECTS,
        HOPTAP_EXPORT_CONTENTS,
        HOPTAP_BODIES_WITHHELD,
        HOPTAP_ATTACHED,
        HOPTAP_METRIC_FOLDED,
        HOPTAP_BUILD_INFO,
    ];
}
