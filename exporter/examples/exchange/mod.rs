//! The exchange that is measured: a GET through one router to one backend.

use std::sync::Arc;

use hoptap::event::Process;
use hoptap::exchange::{
    Attempt, Body, Context, Exchange, Headers, Hop, Kept, Link, Method, NameSource, Role, Server, Version,
};

pub(crate) fn exchange(process: Arc<Process>) -> Exchange {
    let context = |span_id, parent| Context {
        trace_id: 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c,
        span_id,
        parent,
        parent_is_remote: false,
        sampled: None,
        trace_state: None,
    };
    let hop = Hop {
        start: 1_782_864_000_000_000_000,
        first_byte: Some(1_782_864_000_007_900_000),
        end: 1_782_864_000_008_100_000,
        method: Method::Get,
        path: "/api/service-a/users".into(),
        query: Some("page=2".into()),
        absolute: None,
        host: Some("localhost:8083".into()),
        user_agent: Some("curl/7.81.0".into()),
        version: Version::Http11,
        status: Some(200),
        error: None,
        tls: None,
        local: ([172, 18, 0, 2], 80).into(),
        peer: ([172, 18, 0, 1], 53122).into(),
        request: Body::default(),
        response: Body::default(),
        request_headers: Headers::default(),
        response_headers: Headers::default(),
        contents: None,
        upgraded: None,
        rpc: None,
        websocket: None,
        reset: None,
        missing: Vec::new(),
    };
    Exchange {
        kept: Kept::default(),
        process,
        pid: 789,
        attempts: vec![Attempt {
            context: context(2, Some(1)),
            hop: Box::new(hop.clone()),
            role: Role::Backend,
            resend_count: 0,
            service: Some("service-a@docker".into()),
            server_url: Some("http://172.18.0.3:8000".into()),
            container: None,
            link: Some(Link::Exact),
            router: Some("service-a@docker".into()),
            entrypoint: Some("web".into()),
        }],
        server: Some(Server {
            context: context(1, None),
            hop: Box::new(hop),
            entrypoint: Some("web".into()),
            router: Some("service-a@docker".into()),
            rule: Some("PathPrefix(`/api/service-a`)".into()),
            router_service: Some("service-a@docker".into()),
            service: Some("service-a@docker".into()),
            server_url: Some("http://172.18.0.3:8000".into()),
            names: NameSource::Probes,
            internal: false,
            unrouted: false,
            overhead: 2_600_000,
            announced_client: None,
        }),
    }
}
