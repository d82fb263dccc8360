//! The page by TLS: who gets in, and that those who do not hold up nobody.
#![cfg(feature = "tls")]

use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::ListSensor;
use thingflow_page::{Options, Tls, Token};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, version};

type Done<T = ()> = Result<T, Box<dyn Error>>;

const TOKEN: &str = "correct-horse-battery-staple";

/// A certificate of its own for this name, in a folder.
fn certificate(folder: &Path, name: &str) -> Done {
    let own = rcgen::generate_simple_self_signed([name.to_owned()])?;
    fs::write(folder.join("cert.pem"), own.cert.pem())?;
    Ok(fs::write(folder.join("key.pem"), own.signing_key.serialize_pem())?)
}

fn in_folder(folder: &Path) -> Result<Tls, thingflow_page::TlsError> {
    Tls::from_files(folder.join("cert.pem"), folder.join("key.pem"))
}

/// Who trusts the certificate in a folder, and no other.
#[derive(Clone)]
struct Client(Arc<ClientConfig>);

impl Client {
    fn new(folder: &Path) -> Done<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(folder.join("cert.pem"))?)?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }

    fn answer(&self, address: SocketAddr, lines: &[&str]) -> io::Result<String> {
        let name = "board.local".try_into().map_err(io::Error::other)?;
        let connection = ClientConnection::new(self.0.clone(), name).map_err(io::Error::other)?;
        let mut socket = StreamOwned::new(connection, TcpStream::connect(address)?);
        write!(socket, "{}\r\nConnection: close\r\n\r\n", lines.join("\r\n"))?;
        let mut bytes = Vec::new();
        match socket.read_to_end(&mut bytes) {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
            _ => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    fn status(&self, address: SocketAddr, lines: &[&str]) -> io::Result<u16> {
        let answer = self.answer(address, lines)?;
        Ok(answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0))
    }
}

/// A page by TLS at an address that others reach, until the work is done.
fn with_page<T: Send + 'static>(
    work: impl FnOnce(SocketAddr, Client, String) -> Result<T, String> + Send + 'static,
) -> Done<T> {
    let folder = tempfile::tempdir()?;
    certificate(folder.path(), "board.local")?;
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_sensor(ListSensor::new("lux", vec![21.5; 1_000_000]), Duration::from_millis(1), |lux| {
        lux.map(|event| event.val).for_each(drop);
    })?;
    let options = Options::new("0.0.0.0:0").tls(in_folder(folder.path())?).allow_host("board.local").allow_control();
    let page = options.token(Token::new(TOKEN)?).serve(&scheduler)?;
    let (address, url, client) =
        (([127, 0, 0, 1], page.local_addr().port()).into(), page.url(), Client::new(folder.path())?);
    let stopper = scheduler.stopper();
    let worker = thread::spawn(move || {
        let result = thread::spawn(move || work(address, client, url)).join();
        stopper.stop();
        result
    });
    scheduler.run_forever()?;
    let result = worker.join().and_then(|result| result).map_err(|_| "the client has panicked")?;
    Ok(result?)
}

#[test]
fn s01_s02_s03_s04_hold_by_tls_too() -> Done {
    let run = |address: SocketAddr, client: Client, url: String| -> io::Result<()> {
        let port = address.port();
        assert_eq!(url, format!("https://board.local:{port}/#token={TOKEN}"));
        let (host, token) = (format!("Host: board.local:{port}"), format!("Authorization: Bearer {TOKEN}"));
        let get = |host: &str, token: &str| client.status(address, &["GET /api/about HTTP/1.1", host, token]);
        assert_eq!(get(&host, &token)?, 200);
        assert_eq!(get(&host, "X: y")?, 401);
        assert_eq!(get(&host, "Authorization: Bearer correct-horse-battery-stapl")?, 401);
        for foreign in ["evil.example", "board.local.evil", "192.168.0.1"] {
            assert_eq!(get(&format!("Host: {foreign}:{port}"), &token)?, 421, "{foreign}");
        }
        let post = |origin: &str| {
            let line = "POST /api/pause?id=s0-0 HTTP/1.1";
            client.status(address, &[line, &host, "Content-Length: 0", &token, &format!("Origin: {origin}")])
        };
        assert!([400, 404].contains(&post(&format!("https://board.local:{port}"))?), "all is well but the id");
        for foreign in [
            format!("http://board.local:{port}"),
            "https://board.local".into(),
            "https://evil.example".into(),
            "null".into(),
        ] {
            assert_eq!(post(&foreign)?, 403, "{foreign}");
        }
        let page = client.answer(address, &["GET / HTTP/1.1", &host])?;
        assert!(page.contains("default-src 'none'") && !page.contains(TOKEN));
        Ok(())
    };
    with_page(move |address, client, url| run(address, client, url).map_err(|error| error.to_string()))
}

#[test]
fn s05_who_is_silent_or_speaks_no_tls_holds_up_nobody() -> Done {
    let run = |address: SocketAddr, client: Client| -> io::Result<()> {
        let silent = (0..60).map(|_| TcpStream::connect(address)).collect::<io::Result<Vec<_>>>()?;
        for words in
            [b"GET /api/about HTTP/1.1\r\nHost: localhost\r\n\r\n".as_slice(), &[0; 100], &[0x16, 3, 1, 255, 255]]
        {
            let mut socket = TcpStream::connect(address)?;
            socket.write_all(words)?;
            socket.shutdown(std::net::Shutdown::Write)?;
            let mut heard = Vec::new();
            let _ = socket.read_to_end(&mut heard);
            assert!(!String::from_utf8_lossy(&heard).contains("HTTP/1.1"), "{heard:?}");
        }
        let host = format!("Host: localhost:{}", address.port());
        assert_eq!(client.status(address, &["GET /health HTTP/1.1", &host])?, 200);
        drop(silent);
        Ok(())
    };
    with_page(move |address, client, _| run(address, client).map_err(|error| error.to_string()))
}

#[test]
fn a_certificate_that_was_renewed_on_disk_is_shown_to_the_next_who_connects() -> Done {
    let folder = tempfile::tempdir()?;
    certificate(folder.path(), "board.local")?;
    let scheduler = Scheduler::new()?;
    let page =
        Options::new("127.0.0.1:0").tls(in_folder(folder.path())?).allow_host("board.local").serve(&scheduler)?;
    let (address, host) = (page.local_addr(), format!("Host: board.local:{}", page.local_addr().port()));
    let lines = ["GET /page.css HTTP/1.1", &host];
    let first = Client::new(folder.path())?;
    assert_eq!(first.status(address, &lines)?, 200);
    // Renewed file by file: in between the key does not fit.
    let key = fs::read(folder.path().join("key.pem"))?;
    certificate(folder.path(), "board.local")?;
    let new_key = fs::read(folder.path().join("key.pem"))?;
    fs::write(folder.path().join("key.pem"), key)?;
    assert_eq!(first.status(address, &lines)?, 200, "the certificate from before");
    let second = Client::new(folder.path())?;
    assert!(second.status(address, &lines).is_err());
    fs::remove_file(folder.path().join("key.pem"))?;
    assert_eq!(first.status(address, &lines)?, 200, "the certificate from before");
    fs::write(folder.path().join("key.pem"), new_key)?;
    assert_eq!(second.status(address, &lines)?, 200);
    assert!(first.status(address, &lines).is_err());
    Ok(())
}

#[test]
fn a_certificate_that_cannot_be_used_is_refused_with_its_path() -> Done {
    let folder = tempfile::tempdir()?;
    let said = || in_folder(folder.path()).err().map(|error| error.to_string()).ok_or("a refusal");
    assert!(said()?.contains("cert.pem for TLS"), "there is none");
    certificate(folder.path(), "board.local")?;
    assert!(in_folder(folder.path()).is_ok());
    let key = fs::read(folder.path().join("key.pem"))?;
    fs::write(folder.path().join("key.pem"), "no key")?;
    assert!(said()?.contains("key.pem for TLS"));
    certificate(folder.path(), "board.local")?;
    fs::write(folder.path().join("key.pem"), key)?;
    assert!(said()?.contains("for TLS"), "the key of another one");
    certificate(folder.path(), "board.local")?;
    fs::write(folder.path().join("cert.pem"), "")?;
    assert!(said()?.contains("for TLS"), "an empty file");
    Ok(())
}
