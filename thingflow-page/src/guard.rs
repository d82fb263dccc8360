//! Which requests are answered: those by a name of this machine, with the token, and from the page itself.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::token::Token;

/// What a page may load: nothing but what comes from here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Who may ask for what.
#[derive(Debug)]
pub(crate) struct Guard {
    /// That of the page. At a Unix socket it has none, and may be forwarded to any port of a machine.
    pub(crate) address: Option<SocketAddr>,
    pub(crate) names: Vec<String>,
    /// Unless whoever can connect may look.
    pub(crate) token: Option<Token>,
    /// Whether browsers come by `https`.
    pub(crate) is_tls: bool,
}

/// A refusal, with what to do.
type Refusal = (StatusCode, &'static str);

/// Whether a path shows nothing that is secret.
fn is_open(path: &str) -> bool {
    !(path.starts_with("/api/") || path == "/metrics")
}

/// Every request comes by here first.
pub(crate) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut response = match guard.allows(request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

impl Guard {
    fn allows(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let path = uri.path();
        // A request to a proxy names a host twice.
        let is_own = uri.authority().is_none_or(|authority| self.knows(authority.as_str()));
        if !is_own || !only(headers, &HOST).is_some_and(|host| self.knows(host)) {
            let mend =
                "unknown host: call the page by the address that it was bound to, or see `Options::allow_host`\n";
            return Err((StatusCode::MISDIRECTED_REQUEST, mend));
        }
        if method != Method::GET && method != Method::HEAD {
            if !self.comes_from_the_page(headers) {
                return Err((StatusCode::FORBIDDEN, "changes are made by the page itself only\n"));
            }
        } else if is_open(path) {
            return Ok(());
        }
        let Some(token) = &self.token else { return Ok(()) };
        let said = only(headers, &AUTHORIZATION).and_then(|text| text.strip_prefix("Bearer "));
        if said.is_some_and(|said| token.is(said.as_bytes())) {
            return Ok(());
        }
        Err((
            StatusCode::UNAUTHORIZED,
            "the token is missing or wrong: open the page by the address that the program has shown\n",
        ))
    }

    /// Whether the `Origin` is the page. Through a Unix socket any port may lead to it, and there is no token that the pages of
    /// other ports lack: so it is what the browser itself has asked. What has no origin there is no browser's.
    fn comes_from_the_page(&self, headers: &HeaderMap) -> bool {
        let scheme = if self.is_tls { "https://" } else { "http://" };
        let origin = only(headers, &ORIGIN).and_then(|origin| origin.strip_prefix(scheme));
        if let Some(own) = self.address {
            // An origin has no port if it is that of its scheme.
            let usual = if self.is_tls { 443 } else { 80 };
            let is_own = |host: &str| self.knows(host) && split_port(host).1.unwrap_or(usual) == own.port();
            return origin.is_some_and(is_own);
        }
        let asked = only(headers, &HOST);
        !headers.contains_key(ORIGIN) || origin.zip(asked).is_some_and(|(from, asked)| from.eq_ignore_ascii_case(asked))
    }

    /// Whether a `Host` is this machine, with the port of the page.
    fn knows(&self, host: &str) -> bool {
        let (name, port) = split_port(host);
        // Without a port it cannot be the page of another one.
        let (own_port, own_ip) = (self.address.map(|it| it.port()), self.address.map(|it| it.ip().to_canonical()));
        if port.is_some_and(|port| port == 0 || own_port.is_some_and(|own| port != own)) {
            return false;
        }
        let name = name.to_ascii_lowercase();
        match ip_of(&name) {
            Some(ip) => ip.is_loopback() || Some(ip) == own_ip || self.names.iter().any(|it| ip_of(it) == Some(ip)),
            None => name == "localhost" || self.names.contains(&name),
        }
    }
}

/// The address that a host is, if it is one, however it is written.
fn ip_of(host: &str) -> Option<IpAddr> {
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    inner.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// A header that is there once and is text.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?;
    if all.next().is_some() { None } else { first.to_str().ok() }
}

/// A host and its port, if it has a valid one; `[::1]:80` too.
fn split_port(host: &str) -> (&str, Option<u16>) {
    let after_name = host.rfind(']').map_or(0, |at| at + 1);
    match host[after_name..].rfind(':') {
        Some(at) => (&host[..after_name + at], host[after_name + at + 1..].parse().ok().or(Some(0))),
        None => (host, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn guard() -> Guard {
        let (address, token) = ("127.0.0.1:8080".parse().unwrap(), Token::new("correct-horse-battery").unwrap());
        Guard { address: Some(address), names: vec!["board.local".into()], token: Some(token), is_tls: false }
    }

    #[test]
    fn s01_s02_only_names_of_this_machine_are_known() {
        let known = [
            "127.0.0.1:8080",
            "localhost:8080",
            "LOCALHOST:8080",
            "[::1]:8080",
            "[::ffff:127.0.0.1]:8080",
            "board.local:8080",
        ];
        known.iter().for_each(|host| assert!(guard().knows(host), "{host}"));
        let foreign = [
            "127.attacker.example:8080",
            "localhost.evil:8080",
            "evil.example",
            "127.0.0.1.nip.io:8080",
            "192.168.1.4:8080",
            "localhost:80",
            "localhost:",
            "localhost:x",
            "",
            ":8080",
            "0.0.0.0:8080",
            "localhost:8080:8080",
        ];
        foreign.iter().for_each(|host| assert!(!guard().knows(host), "{host}"));
    }

    #[test]
    fn s01_s02_an_address_that_is_allowed_is_known_however_it_is_written() {
        let names = ["192.168.1.4", "fd00::5", "[fd00::6]", "::ffff:10.0.0.7"].map(str::to_owned).to_vec();
        let guard = Guard { names, ..guard() };
        for host in
            ["192.168.1.4", "[::ffff:192.168.1.4]", "[fd00::5]", "[FD00:0:0::5]", "[fd00::6]", "10.0.0.7", "[::1]"]
        {
            assert!(guard.knows(&format!("{host}:8080")) && guard.knows(host), "{host}");
            assert!(!guard.knows(&format!("{host}:80")), "{host}");
        }
        let foreign = ["192.168.1.5", "192.168.1.4.nip.io", "192.168.1.40", "0192.168.1.4", "3232235780", "[fd00::7]"];
        for host in foreign.iter().chain(&["[192.168.1.4", "board.local", "fd00::5.evil.example"]) {
            assert!(!guard.knows(&format!("{host}:8080")), "{host}");
        }
    }

    #[test]
    fn s03_what_changes_something_needs_token_and_origin() {
        let allows = |method: Method, headers: &[(HeaderName, &'static str)]| {
            let mut map = HeaderMap::new();
            map.insert(HOST, HeaderValue::from_static("localhost:8080"));
            for (name, value) in headers {
                map.append(name, HeaderValue::from_static(value));
            }
            guard().allows(&method, &Uri::from_static("/api/pause"), &map).map_err(|(status, _)| status.as_u16())
        };
        let (token, origin) = ((AUTHORIZATION, "Bearer correct-horse-battery"), (ORIGIN, "http://localhost:8080"));
        assert_eq!(allows(Method::POST, &[token.clone(), origin.clone()]), Ok(()));
        assert_eq!(allows(Method::POST, std::slice::from_ref(&token)), Err(403), "no origin is no pass");
        assert_eq!(allows(Method::POST, &[token.clone(), (ORIGIN, "null")]), Err(403));
        assert_eq!(allows(Method::POST, &[token.clone(), (ORIGIN, "https://localhost:8080")]), Err(403));
        assert_eq!(allows(Method::POST, &[token.clone(), (ORIGIN, "http://localhost:9090")]), Err(403));
        assert_eq!(allows(Method::POST, &[token.clone(), (ORIGIN, "http://localhost")]), Err(403), "that is port 80");
        assert_eq!(allows(Method::POST, &[origin]), Err(401));
        assert_eq!(allows(Method::GET, &[]), Err(401));
        assert_eq!(allows(Method::GET, &[token.clone(), token]), Err(401), "twice");
    }

    #[test]
    fn s03_at_a_unix_socket_that_is_forwarded_the_origin_is_what_the_browser_has_asked() {
        let guard = Guard { address: None, names: Vec::new(), token: None, is_tls: false };
        let allows = |method: Method, headers: &[(HeaderName, &'static str)]| {
            let mut all = HeaderMap::new();
            for (name, value) in headers {
                all.append(name, HeaderValue::from_static(value));
            }
            guard.allows(&method, &Uri::from_static("/api/press"), &all).map_err(|(status, _)| status.as_u16())
        };
        for (host, origin) in [
            ("localhost:8080", "http://localhost:8080"),
            ("localhost", "http://localhost"),
            ("[::1]:8080", "http://[::1]:8080"),
            ("LocalHost:8080", "http://localhost:8080"),
        ] {
            assert_eq!(allows(Method::POST, &[(HOST, host), (ORIGIN, origin)]), Ok(()), "{origin}");
        }
        for origin in [
            "http://localhost:3000",
            "http://localhost",
            "http://127.0.0.1:8080",
            "https://localhost:8080",
            "http://localhost:8080/",
            "http://",
            "null",
            "",
        ] {
            assert_eq!(allows(Method::POST, &[(HOST, "localhost:8080"), (ORIGIN, origin)]), Err(403), "{origin}");
        }
        let twice = (ORIGIN, "http://localhost:8080");
        assert_eq!(allows(Method::POST, &[(HOST, "localhost:8080"), twice.clone(), twice]), Err(403), "twice");
        assert_eq!(allows(Method::POST, &[(HOST, "localhost")]), Ok(()), "no browser sends none");
        let evil = [(HOST, "evil.example:8080"), (ORIGIN, "http://evil.example:8080")];
        assert_eq!(allows(Method::POST, &evil), Err(421), "a name that was bound anew");
    }

    proptest! {
        #[test]
        fn no_host_panics_and_none_with_a_foreign_name_is_known(host in ".*") {
            let name = split_port(&host).0.to_ascii_lowercase();
            let ours = name == "localhost" || name == "board.local"
                || name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
            prop_assert!(ours || !guard().knows(&host));
        }
    }
}
