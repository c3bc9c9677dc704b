//! A certificate authority of the moment, and what it signed: for Traefik's entrypoints, for backends, for clients.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// A certificate and its key.
#[derive(Debug)]
struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
    pem: String,
    key_pem: String,
}

#[derive(Debug)]
pub struct Certificates {
    authority: CertificateDer<'static>,
    authority_pem: String,
    server: Identity,
    client: Identity,
    /// Signed by nobody that anybody trusts.
    stranger: Identity,
}

/// How a client says hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Hello {
    /// TLS 1.2 at most; 1.3 alone otherwise.
    pub old: bool,
    pub http2: bool,
    /// Shows the client's certificate if it is asked for one.
    pub certified: bool,
}

impl Certificates {
    /// `hosts`: what the server's certificate is good for, besides the loopback.
    ///
    /// # Errors
    /// Where no key can be made.
    pub fn new(hosts: &[String]) -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "lab authority");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let sign = |name: &str, hosts: &[String], purpose, trusted| -> Result<Identity> {
            let mut params = CertificateParams::new(hosts)?;
            params.distinguished_name.push(DnType::CommonName, name);
            params.extended_key_usages = vec![purpose];
            let key = KeyPair::generate()?;
            let signed = if trusted { params.signed_by(&key, &authority)? } else { params.self_signed(&key)? };
            Ok(Identity {
                certificate: signed.der().clone(),
                key: key.serialize_der(),
                pem: signed.pem(),
                key_pem: key.serialize_pem(),
            })
        };
        let mut all = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        all.extend(hosts.iter().cloned());
        let server = ExtendedKeyUsagePurpose::ServerAuth;
        Ok(Self {
            server: sign("lab server", &all, server.clone(), true)?,
            client: sign("lab client", &[], ExtendedKeyUsagePurpose::ClientAuth, true)?,
            stranger: sign("lab stranger", &all, server, false)?,
            authority: authority.der().clone(),
            authority_pem: authority.pem(),
        })
    }

    /// Writes `ca.pem`, and `server` and `client` with `.pem` and `.key`.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write(&self, directory: &Path) -> Result<()> {
        for (name, text) in [
            ("ca.pem", &self.authority_pem),
            ("server.pem", &self.server.pem),
            ("server.key", &self.server.key_pem),
            ("client.pem", &self.client.pem),
            ("client.key", &self.client.key_pem),
        ] {
            let file = directory.join(name);
            std::fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
        }
        Ok(())
    }

    /// What a backend needs to speak TLS and these protocols, the best first.
    ///
    /// # Errors
    /// Where the library refuses it.
    pub fn backend(&self, protocols: &[&str], asks_for_client: bool) -> Result<Arc<ServerConfig>> {
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        let builder = if asks_for_client {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(self.roots()?), provider()).build()?;
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder.with_single_cert(vec![self.server.certificate.clone()], self.server.private_key())?;
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Ok(Arc::new(config))
    }

    /// The same with a certificate that Traefik has no reason to trust.
    ///
    /// # Errors
    /// Where the library refuses it.
    pub fn untrusted_backend(&self) -> Result<Arc<ServerConfig>> {
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        let certificate = vec![self.stranger.certificate.clone()];
        Ok(Arc::new(builder.with_no_client_auth().with_single_cert(certificate, self.stranger.private_key())?))
    }

    /// # Errors
    /// Where the library refuses it.
    pub fn client(&self, hello: Hello) -> Result<Arc<ClientConfig>> {
        let versions = if hello.old { [&TLS12] } else { [&TLS13] };
        let protocol = if hello.http2 { "h2" } else { "http/1.1" };
        Ok(Arc::new(self.client_with(&versions, protocol, hello.certified)?))
    }

    /// For QUIC, which has TLS 1.3 inside.
    ///
    /// # Errors
    /// Where the library refuses it.
    pub fn quic_client(&self) -> Result<ClientConfig> {
        self.client_with(&[&TLS13], "h3", false)
    }

    fn client_with(
        &self,
        versions: &[&'static tokio_rustls::rustls::SupportedProtocolVersion],
        protocol: &str,
        certified: bool,
    ) -> Result<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)?
            .with_root_certificates(self.roots()?);
        let mut config = if certified {
            builder.with_client_auth_cert(vec![self.client.certificate.clone()], self.client.private_key())?
        } else {
            builder.with_no_client_auth()
        };
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        Ok(config)
    }

    fn roots(&self) -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone())?;
        Ok(roots)
    }
}

impl Identity {
    fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
