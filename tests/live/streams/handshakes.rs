//! Handshakes that fail, and connections that begin with nothing or with nonsense: none of them is a request.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use hoptap_tests::certificates::{Certificates, Hello};
use hoptap_tests::client::Connection;
use hoptap_tests::lab::Lab;
use hoptap_tests::oracle::Traces;
use hoptap_tests::socket::Socket;

/// A ClientHello begins like this: a handshake record of 512 bytes.
const HALF_A_HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 half of what was promised";

/// Spans would be there by then.
const LONG_ENOUGH: Duration = Duration::from_millis(1500);

pub(crate) async fn fail(lab: &Lab) -> Result<()> {
    let before = lab.begin()?;
    for _ in 0..5 {
        handshakes(lab).await?;
        nonsense(lab).await?;
    }
    tokio::time::sleep(LONG_ENOUGH).await;
    let rows = lab.traefik.access_log()?.split_off(before);
    ensure!(rows.is_empty(), "expected no rows in the access log, found {rows:#?}");
    let spans = lab.collector.spans();
    let traces = Traces::new(&spans);
    ensure!(traces.servers.is_empty(), "expected no SERVER spans, found {:#?}", traces.servers);
    Ok(())
}

async fn handshakes(lab: &Lab) -> Result<()> {
    let doors = &lab.doors;
    let old = Hello { old: true, ..Hello::default() };
    let shaken = doors.tls("websecure", b"", old, "strict.test").await;
    ensure!(shaken.is_err(), "expected TLS 1.2 to be refused");
    // With TLS 1.3 the client has finished its part before the server asks it for a certificate in vain.
    for hello in [Hello::default(), Hello { http2: true, ..Hello::default() }] {
        if let Ok(socket) = doors.tls("websecure", b"", hello, "mtls.test").await {
            let mut connection = Connection::over(socket)?;
            let _refused = connection.send(b"GET /x?id=uncertified HTTP/1.1\r\nHost: mtls.test\r\n\r\n").await;
            let answer = connection.read().await;
            ensure!(answer.as_ref().is_ok_and(Vec::is_empty) || answer.is_err(), "found {answer:?}");
        }
    }
    let shaken = doors.tls("websecure", b"", old, "mtls.test").await;
    ensure!(shaken.is_err(), "expected TLS 1.2 without a certificate to be refused");
    // A client that does not trust this server says so and leaves.
    let strangers = Certificates::new(&["any.test".to_owned()])?;
    let shaken =
        Socket::connect_tls(doors.address("websecure")?, b"", strangers.client(Hello::default())?, "any.test").await;
    ensure!(shaken.is_err(), "expected a server that is not trusted");
    let mut config = Arc::unwrap_or_clone(doors.certificates()?.client(Hello::default())?);
    config.alpn_protocols = vec![b"none/1".to_vec()];
    let shaken = Socket::connect_tls(doors.address("websecure")?, b"", Arc::new(config), "any.test").await;
    ensure!(shaken.is_err(), "expected no protocol in common");
    Ok(())
}

async fn nonsense(lab: &Lab) -> Result<()> {
    for entrypoint in ["websecure", "web"] {
        for bytes in [b"".as_slice(), b"\x16", HALF_A_HELLO, b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"] {
            let mut connection = Connection::over(lab.doors.plain(entrypoint).await?)?;
            connection.send(bytes).await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let mut connection = Connection::over(lab.doors.plain(entrypoint).await?)?;
        connection.send(HALF_A_HELLO).await?;
        connection.abort()?;
    }
    // A hello that is answered, and then nothing that HTTP/2 would begin with.
    let socket = lab.doors.tls("websecure", b"", Hello { http2: true, ..Hello::default() }, "any.test").await?;
    let mut connection = Connection::over(socket)?;
    connection.send(b"no preface of HTTP/2 at all, but enough bytes for one").await?;
    let _settings = connection.read().await?;
    // Nothing at all.
    let socket = lab.doors.tls("websecure", b"", Hello { http2: true, ..Hello::default() }, "any.test").await?;
    drop(socket);
    let socket = lab.doors.tls("websecure", b"", Hello::default(), "any.test").await?;
    drop(socket);
    Ok(())
}
