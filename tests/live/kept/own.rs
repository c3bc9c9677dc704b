//! The collector stands behind the Traefik that is watched: what hoptap sends there is not told, or it would never end.

use std::time::Duration;

use anyhow::{Result, ensure};
use hoptap_tests::client::Connection;
use hoptap_tests::collector::Collector;
use hoptap_tests::echo::Echo;
use hoptap_tests::hoptap::Hoptap;
use hoptap_tests::process::Stdout;
use hoptap_tests::traefik::{Setup, Traefik};

use super::counter;

const REQUESTS: usize = 20;

pub(crate) async fn check() -> Result<()> {
    let (collector, echo) = (Collector::start().await?, Echo::start().await?);
    let dynamic = format!(
        "http:\n  routers:\n    telemetry: {{rule: 'PathPrefix(`/v1`)', service: collector}}\n    all: {{rule: \
         'PathPrefix(`/`)', service: echo}}\n  services:\n    collector: {{loadBalancer: {{servers: [{{url: \
         'http://{}'}}]}}}}\n    echo: {{loadBalancer: {{servers: [{{url: 'http://{}'}}]}}}}\n",
        collector.address(),
        echo.address
    );
    let setup = Setup { entrypoints: &[("web", "")], dynamic: &dynamic, ..Setup::default() };
    let traefik = Traefik::start(&setup).await?;
    let (pid, endpoint) = (traefik.pid().to_string(), format!("http://{}", traefik.address("web")?));
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    let mut hoptap = Hoptap::start(&["--pid", &pid], &environment, Stdout::Log).await?;
    let mut connection = Connection::open(traefik.address("web")?).await?;
    for _ in 0..REQUESTS {
        let response = connection.exchange(b"GET /x HTTP/1.1\r\nHost: any.test\r\nUser-Agent: hoptap/0.1.0\r\n\r\n");
        ensure!(response.await?.status == 200);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Each batch of spans is a request that goes through Traefik: told of, it would be the next batch.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let samples = hoptap.metrics().await?;
    let own = counter(&samples, "hoptap_exchanges_total", "telemetry");
    let spans = collector.spans().len();
    ensure!(spans == REQUESTS * 2, "{spans} spans of {REQUESTS} requests");
    ensure!((1.0..=50.0).contains(&own), "{own} exchanges of hoptap's own");
    ensure!(hoptap.stop()?.success(), "{}", hoptap.output());
    Ok(())
}
