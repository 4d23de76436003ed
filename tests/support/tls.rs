//! A door with TLS before a server that has none, with a certificate that only those trust who are
//! given it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The door. Dropping it closes it.
#[derive(Debug)]
pub struct TlsFront {
    port: u16,
    certificate: PathBuf,
    _folder: TempDir,
    _runtime: tokio::runtime::Runtime,
}

impl TlsFront {
    /// Opens one before the server at this address.
    ///
    /// # Errors
    /// When there is no port, or no certificate can be made.
    pub fn before(url: &str) -> Result<Self> {
        let port = url::Url::parse(url)?.port().context("the address has no port")?;
        let behind = SocketAddr::from(([127, 0, 0, 1], port));
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let folder = tempfile::tempdir()?;
        let certificate = folder.path().join("certificate.pem");
        std::fs::write(&certificate, made.cert.pem())?;
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(anyhow::Error::msg)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let port = listener.local_addr()?.port();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(acceptor.clone(), stream, behind));
            }
        });
        Ok(Self { port, certificate, _folder: folder, _runtime: runtime })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The file that makes whoever reads it trust the door.
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }
}

/// Either side may end it at any time, which the other is told by the end of its stream.
async fn pass(acceptor: TlsAcceptor, stream: TcpStream, behind: SocketAddr) -> Result<()> {
    let mut outside = acceptor.accept(stream).await?;
    let mut inside = TcpStream::connect(behind).await?;
    tokio::io::copy_bidirectional(&mut outside, &mut inside).await?;
    Ok(())
}
