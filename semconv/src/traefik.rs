//! Traefik's own metrics, by the names, labels and values that it gives them (v3.6.12,
//! pkg/observability/metrics/prometheus.go and pkg/middlewares/metrics/metrics.go): what hoptap says in Traefik's stead.
//!
//! Nothing here is hoptap's to choose, so it is in no registry.

/// One family, by its name on the page; counters end in `_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    pub name: &'static str,
    pub help: &'static str,
}

/// The families of one place at which Traefik counts requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub requests: Family,
    pub requests_tls: Family,
    pub duration: Family,
    pub request_bytes: Family,
    pub response_bytes: Family,
    /// Labels that say which of them.
    pub labels: &'static [&'static str],
}

pub const ENTRYPOINT: Place = Place {
    requests: Family {
        name: "traefik_entrypoint_requests_total",
        help: "How many HTTP requests processed on an entrypoint, partitioned by status code, protocol, and method.",
    },
    requests_tls: Family {
        name: "traefik_entrypoint_requests_tls_total",
        help: "How many HTTP requests with TLS processed on an entrypoint, partitioned by TLS Version and TLS cipher Used.",
    },
    duration: Family {
        name: "traefik_entrypoint_request_duration_seconds",
        help: "How long it took to process the request on an entrypoint, partitioned by status code, protocol, and method.",
    },
    request_bytes: Family {
        name: "traefik_entrypoint_requests_bytes_total",
        help: "The total size of requests in bytes handled by an entrypoint, partitioned by status code, protocol, and method.",
    },
    response_bytes: Family {
        name: "traefik_entrypoint_responses_bytes_total",
        help: "The total size of responses in bytes handled by an entrypoint, partitioned by status code, protocol, and method.",
    },
    labels: &[label::ENTRYPOINT],
};

pub const ROUTER: Place = Place {
    requests: Family {
        name: "traefik_router_requests_total",
        help: "How many HTTP requests are processed on a router, partitioned by service, status code, protocol, and method.",
    },
    requests_tls: Family {
        name: "traefik_router_requests_tls_total",
        help: "How many HTTP requests with TLS are processed on a router, partitioned by service, TLS Version, and TLS cipher Used.",
    },
    duration: Family {
        name: "traefik_router_request_duration_seconds",
        help: "How long it took to process the request on a router, partitioned by service, status code, protocol, and method.",
    },
    request_bytes: Family {
        name: "traefik_router_requests_bytes_total",
        help: "The total size of requests in bytes handled by a router, partitioned by service, status code, protocol, and method.",
    },
    response_bytes: Family {
        name: "traefik_router_responses_bytes_total",
        help: "The total size of responses in bytes handled by a router, partitioned by service, status code, protocol, and method.",
    },
    labels: &[label::ROUTER, label::SERVICE],
};

pub const SERVICE: Place = Place {
    requests: Family {
        name: "traefik_service_requests_total",
        help: "How many HTTP requests processed on a service, partitioned by status code, protocol, and method.",
    },
    requests_tls: Family {
        name: "traefik_service_requests_tls_total",
        help: "How many HTTP requests with TLS processed on a service, partitioned by TLS version and TLS cipher.",
    },
    duration: Family {
        name: "traefik_service_request_duration_seconds",
        help: "How long it took to process the request on a service, partitioned by status code, protocol, and method.",
    },
    request_bytes: Family {
        name: "traefik_service_requests_bytes_total",
        help: "The total size of requests in bytes received by a service, partitioned by status code, protocol, and method.",
    },
    response_bytes: Family {
        name: "traefik_service_responses_bytes_total",
        help: "The total size of responses in bytes returned by a service, partitioned by status code, protocol, and method.",
    },
    labels: &[label::SERVICE],
};

pub const SERVICE_RETRIES: Family =
    Family { name: "traefik_service_retries_total", help: "How many request retries happened on a service." };

pub const SERVICE_SERVER_UP: Family =
    Family { name: "traefik_service_server_up", help: "service server is up, described by gauge value of 0 or 1." };

/// Upper bounds of the durations where Traefik is told none, in seconds.
pub const BUCKETS: [f64; 4] = [0.1, 0.3, 1.2, 5.0];

/// Label names.
pub mod label {
    pub const CODE: &str = "code";
    pub const ENTRYPOINT: &str = "entrypoint";
    pub const METHOD: &str = "method";
    pub const PROTOCOL: &str = "protocol";
    pub const ROUTER: &str = "router";
    pub const SERVICE: &str = "service";
    pub const TLS_CIPHER: &str = "tls_cipher";
    pub const TLS_VERSION: &str = "tls_version";
    pub const URL: &str = "url";
}

/// Values of `protocol`.
pub mod protocol {
    pub const HTTP: &str = "http";
    pub const GRPC: &str = "grpc";
    pub const GRPC_WEB: &str = "grpc-web";
    pub const SSE: &str = "sse";
    pub const WEBSOCKET: &str = "websocket";
}

/// What `method` says of a method that Traefik does not know.
pub const EXTENSION_METHOD: &str = "EXTENSION_METHOD";

/// What is said of a version or a cipher suite that has no name.
pub const UNKNOWN: &str = "unknown";
