//! What differs between spans and log records: the variables that set them up, and where they are sent.

/// One kind of telemetry. OpenTelemetry names its variables one by one, so they stand here one by one.
#[derive(PartialEq, Eq)]
pub struct Signal {
    /// In log lines.
    pub(super) noun: &'static str,
    pub(super) exporter: &'static str,
    pub(super) endpoint: &'static str,
    pub(super) protocol: &'static str,
    pub(super) headers: &'static str,
    pub(super) timeout: &'static str,
    pub(super) compression: &'static str,
    pub(super) certificate: &'static str,
    pub(super) client_certificate: &'static str,
    pub(super) client_key: &'static str,
    pub(super) delay: &'static str,
    pub(super) export_timeout: &'static str,
    pub(super) queue: &'static str,
    pub(super) batch: &'static str,
    pub(super) attribute_count: &'static str,
    pub(super) attribute_length: &'static str,
    /// What HTTP adds to the endpoint of all signals.
    pub(super) path: &'static str,
    pub(super) grpc_path: &'static str,
    /// What the collector turned down of a batch, in OTLP/JSON.
    pub(super) rejected: &'static str,
    /// Bytes that may wait, and bytes in one request.
    pub(super) queue_bytes: usize,
    pub(super) batch_bytes: usize,
}

impl std::fmt::Debug for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.noun)
    }
}

pub(super) static SPANS: Signal = Signal {
    noun: "spans",
    exporter: "OTEL_TRACES_EXPORTER",
    endpoint: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    protocol: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    headers: "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    timeout: "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    compression: "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
    certificate: "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    client_certificate: "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
    client_key: "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
    delay: "OTEL_BSP_SCHEDULE_DELAY",
    export_timeout: "OTEL_BSP_EXPORT_TIMEOUT",
    queue: "OTEL_BSP_MAX_QUEUE_SIZE",
    batch: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    attribute_count: "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    attribute_length: "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    path: "/v1/traces",
    grpc_path: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    rejected: "rejectedSpans",
    // Spans are small and of one size: their number is limit enough. But bodies go along with some, and they alone
    // are counted here.
    queue_bytes: 32 * 1024 * 1024,
    batch_bytes: 2 * 1024 * 1024,
};

pub(super) static LOGS: Signal = Signal {
    noun: "log records",
    exporter: "OTEL_LOGS_EXPORTER",
    endpoint: "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    protocol: "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
    headers: "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
    timeout: "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT",
    compression: "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION",
    certificate: "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE",
    client_certificate: "OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE",
    client_key: "OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY",
    delay: "OTEL_BLRP_SCHEDULE_DELAY",
    export_timeout: "OTEL_BLRP_EXPORT_TIMEOUT",
    queue: "OTEL_BLRP_MAX_QUEUE_SIZE",
    batch: "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
    attribute_count: "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
    attribute_length: "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    path: "/v1/logs",
    grpc_path: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    rejected: "rejectedLogRecords",
    // A body can be large. An eighth of what the whole program may take.
    queue_bytes: 32 * 1024 * 1024,
    // Collectors refuse messages of gRPC above 4 MiB unless told otherwise.
    batch_bytes: 2 * 1024 * 1024,
};
