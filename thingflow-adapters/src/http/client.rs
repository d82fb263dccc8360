//! [`Client`]: an endpoint that requests are sent to.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use ureq::config::Config;
use ureq::http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use ureq::http::{HeaderMap, Response, Uri};
use ureq::{Agent, Body};

use super::endpoint::Who;
use super::{Endpoint, HttpError};

/// Connections to an endpoint, which are kept.
#[derive(Debug)]
pub(crate) struct Client {
    agent: Agent,
    endpoint: Endpoint,
    headers: HeaderMap,
}

/// How much of a refusal is read.
const SHOWN: u64 = 2000;

impl Client {
    /// Reads what the endpoint names. Nothing is sent yet.
    pub(crate) fn new(endpoint: &Endpoint) -> Result<Self, HttpError> {
        Self::with(endpoint, Some(endpoint.timeout))
    }

    /// A client for long answers: the time limit is for the beginning of the answer, and for each part of it.
    pub(super) fn patient(endpoint: &Endpoint) -> Result<Self, HttpError> {
        Self::with(endpoint, None)
    }

    fn with(endpoint: &Endpoint, whole: Option<Duration>) -> Result<Self, HttpError> {
        Self::by(endpoint, whole, |config| agent(config, endpoint))
    }

    /// A client whose connections are made by an agent.
    pub(super) fn by(
        endpoint: &Endpoint,
        whole: Option<Duration>,
        agent: impl FnOnce(&Config) -> Agent,
    ) -> Result<Self, HttpError> {
        check_address(endpoint)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &endpoint.headers {
            let known = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok());
            let (name, value) = known.ok_or_else(|| {
                endpoint.invalid(format!(
                    "`{name}` is not a header name, or its value has a line break or another control character"
                ))
            })?;
            headers.append(name, value);
        }
        if let Some(who) = &endpoint.who {
            headers.insert(AUTHORIZATION, authorization(endpoint, who)?);
        }
        let timeout = Some(endpoint.timeout);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent(concat!("thingflow/", env!("CARGO_PKG_VERSION")))
            .timeout_global(whole)
            .timeout_resolve(timeout)
            .timeout_connect(timeout)
            .timeout_recv_response(timeout)
            .timeout_per_read(timeout)
            .build();
        Ok(Self { agent: agent(&config), endpoint: endpoint.clone(), headers })
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Sends a body, compressed if the endpoint says so.
    pub(crate) fn post(&self, kind: &str, body: &[u8]) -> Result<Response<Body>, HttpError> {
        let mut request = self.agent.post(&self.endpoint.url).content_type(kind);
        if let Some(headers) = request.headers_mut() {
            headers.extend(self.headers.clone());
        }
        if !self.endpoint.gzip {
            return request.send(body).map_err(|error| self.failed(error));
        }
        let body = compressed(body).map_err(|error| self.failed(error))?;
        request.header("Content-Encoding", "gzip").send(&body[..]).map_err(|error| self.failed(error))
    }

    /// Asks for what is there, with headers of this request.
    pub(crate) fn get(&self, headers: &[(HeaderName, HeaderValue)]) -> Result<Response<Body>, HttpError> {
        let mut request = self.agent.get(&self.endpoint.url);
        if let Some(all) = request.headers_mut() {
            all.extend(self.headers.clone());
            all.extend(headers.iter().cloned());
        }
        request.call().map_err(|error| self.failed(error))
    }

    pub(crate) fn failed(&self, cause: impl std::error::Error + Send + Sync + 'static) -> HttpError {
        HttpError::Request { url: self.endpoint.to_string(), cause: Box::new(cause) }
    }

    /// What a server says that refuses.
    pub(crate) fn refused(&self, answer: Response<Body>) -> HttpError {
        let status = answer.status().as_u16();
        let (mut text, mut piece, begun) = (Vec::new(), [0; 256], Instant::now());
        let mut body = answer.into_body().into_reader().take(SHOWN);
        // The code says enough: one who says a byte from time to time is not listened to for long.
        while begun.elapsed() < self.endpoint.timeout
            && let Ok(n @ 1..) = body.read(&mut piece)
        {
            text.extend_from_slice(&piece[..n]);
        }
        let text = String::from_utf8_lossy(&text).trim().to_owned();
        HttpError::Status { url: self.endpoint.to_string(), status, text }
    }
}

fn check_address(endpoint: &Endpoint) -> Result<(), HttpError> {
    let uri: Uri = endpoint.url.parse().map_err(|error| endpoint.invalid(format!("{error}; use http://HOST/PATH")))?;
    if uri.host().is_none_or(str::is_empty) {
        return Err(endpoint.invalid("use http://HOST/PATH"));
    }
    match uri.scheme_str() {
        #[cfg(feature = "tls")]
        Some("http") if endpoint.tls.is_some() => {
            Err(endpoint.invalid("it has certificates for TLS but is not encrypted; use https://HOST/PATH"))
        }
        Some("http") => Ok(()),
        Some("https") if cfg!(feature = "tls") => Ok(()),
        Some("https") => Err(endpoint.invalid("https:// needs the feature `tls` of this library")),
        _ => Err(endpoint.invalid("use http://HOST/PATH")),
    }
}

#[cfg(not(feature = "tls"))]
fn agent(config: &Config, _: &Endpoint) -> Agent {
    config.new_agent()
}

#[cfg(feature = "tls")]
fn agent(config: &Config, endpoint: &Endpoint) -> Agent {
    use ureq::unversioned::resolver::DefaultResolver;
    use ureq::unversioned::transport::{Connector, TcpConnector};
    let secured = super::secured::Secured::new(endpoint.tls.clone().unwrap_or_default());
    Agent::with_parts(config.clone(), ().chain(TcpConnector::default()).chain(secured), DefaultResolver::default())
}

fn authorization(endpoint: &Endpoint, who: &Who) -> Result<HeaderValue, HttpError> {
    let (Who::Token { token: secret, .. } | Who::Password { password: secret, .. }) = who;
    let content = secret.read().map_err(HttpError::Secret)?;
    let text = match who {
        Who::Token { scheme, .. } => [scheme.as_bytes(), b" ", content.trim_ascii()].concat(),
        Who::Password { user, .. } => {
            let both = [user.as_bytes(), b":", &content].concat();
            format!("Basic {}", base64(&both)).into_bytes()
        }
    };
    let value = HeaderValue::from_bytes(&text).ok().filter(|_| !content.is_empty());
    let mut value = value.ok_or_else(|| endpoint.invalid("its token is empty, or more than one line"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// As RFC 4648 has it, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = (0..3).fold(0_usize, |number, place| number << 8 | usize::from(*three.get(place).unwrap_or(&0)));
        for place in 0..4 {
            let digit = DIGITS[number >> (18 - 6 * place) & 63];
            text.push(if place <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

fn compressed(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        let texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(texts, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]); // RFC 4648, section 10
    }
}
