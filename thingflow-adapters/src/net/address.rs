//! [`Address`]: where a server is, read from a URL.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::printable::printable;

/// Where a server is: `mqtt://user@host:1883`, `tls://[fe80::1]:7000`, `unix:///run/lux.sock`, `mqtt+unix:///run/broker.sock`.
///
/// The scheme says which protocol, and whether by TLS (`tls`, `…s`) or by a Unix socket (`unix`, `…+unix`). What it lacks, such as the port,
/// is up to the adapter. A password does not belong here, where a list of processes or a log would show it: see
/// [`Secret`](super::Secret).
///
/// ```
/// use thingflow_adapters::net::Address;
/// let address: Address = "mqtt://pi@broker.local:1884".parse()?;
/// assert_eq!((address.scheme(), address.user(), address.port()), ("mqtt", Some("pi"), Some(1884)));
/// assert!("mqtt://pi:secret@broker.local".parse::<Address>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    scheme: String,
    user: Option<String>,
    place: Place,
}

/// On the network, or on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Host {
        name: String,
        port: Option<u16>,
    },
    Socket(PathBuf),
    /// A serial line, and its bits a second.
    #[cfg(feature = "uart")]
    Line(PathBuf, u32),
}

impl Address {
    /// A serial line of this machine.
    #[cfg(feature = "uart")]
    pub(crate) fn of_line(path: PathBuf, baud: u32) -> Self {
        Self { scheme: "serial".to_owned(), user: None, place: Place::Line(path, baud) }
    }

    /// The part before `://`, in small letters.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The part before `@`.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The name or the number of the host; `None` for a Unix socket. An IPv6 address is without brackets.
    pub fn host(&self) -> Option<&str> {
        match &self.place {
            Place::Host { name, .. } => Some(name),
            _ => None,
        }
    }

    /// The port, if the URL names one.
    pub fn port(&self) -> Option<u16> {
        match self.place {
            Place::Host { port, .. } => port,
            _ => None,
        }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = |why| AddressError { text: shown(text), why };
        let (scheme, rest) = text.split_once("://").ok_or(wrong("it has no `://`"))?;
        if scheme.is_empty() || !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
            return Err(wrong("its scheme, the part before `://`, is not a word"));
        }
        if text.bytes().any(|byte| byte.is_ascii_control() || byte == b' ') {
            return Err(wrong("it has a space or a control character"));
        }
        let scheme = scheme.to_ascii_lowercase();
        if scheme == "unix" || scheme.ends_with("+unix") {
            if !rest.starts_with('/') {
                return Err(wrong("the path of a Unix socket begins with `/`, after `://`"));
            }
            return Ok(Self { scheme, user: None, place: Place::Socket(rest.into()) });
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(wrong("nothing may follow the host and its port"));
        }
        let (user, host) = rest.rsplit_once('@').map_or((None, rest), |(user, host)| (Some(user), host));
        if user.is_some_and(|user| user.contains(':')) {
            return Err(wrong("a password must not stand in it, but in a file"));
        }
        let user = user.map(|user| unescape(user).ok_or(wrong("its user is not text"))).transpose()?;
        let (name, port) = split_port(host).map_err(wrong)?;
        Ok(Self { scheme, user, place: Place::Host { name, port } })
    }
}

fn split_port(host: &str) -> Result<(String, Option<u16>), &'static str> {
    let (name, port) = if let Some(rest) = host.strip_prefix('[') {
        let (name, rest) = rest.split_once(']').ok_or("its `[` is not closed")?;
        if name.parse::<std::net::Ipv6Addr>().is_err() {
            return Err("what stands in `[…]` is not an IPv6 address");
        }
        (name, if rest.is_empty() { None } else { Some(rest.strip_prefix(':').ok_or("only a port may follow `]`")?) })
    } else {
        host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)))
    };
    if name.is_empty() {
        return Err("it has no host");
    }
    let port = port.map(|port| port.parse().map_err(|_| "its port must be a number from 1 to 65535")).transpose()?;
    if port == Some(0) {
        return Err("its port must be a number from 1 to 65535");
    }
    Ok((name.to_owned(), port))
}

/// With `%40` read as `@`.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        rest = others;
        if first == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(first);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Without what may be a password.
fn shown(text: &str) -> String {
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, rest)), Some((_, host))) if rest.contains('@') => printable(&format!("{scheme}://…@{host}")),
        _ => printable(text),
    }
}

/// The URL as far as it can be read again; without a password, since there is none.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        match &self.place {
            Place::Socket(path) => write!(f, "{}", printable(&path.to_string_lossy())),
            #[cfg(feature = "uart")]
            Place::Line(path, _) => write!(f, "{}", printable(&path.to_string_lossy())),
            Place::Host { name, port } => {
                let (open, close) = if name.contains(':') { ("[", "]") } else { ("", "") };
                write!(f, "{open}{}{close}", printable(name))?;
                port.map_or(Ok(()), |port| write!(f, ":{port}"))
            }
        }
    }
}

/// A URL that cannot be read.
#[derive(Clone, PartialEq, Eq)]
pub struct AddressError {
    text: String,
    why: &'static str,
}

impl AddressError {
    pub(crate) fn of(address: &Address, why: &'static str) -> Self {
        Self { text: address.to_string(), why }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invalid address `{}`: {}; write it as `mqtt://user@host:1883`, `tcp://host:7000` or `ws://host/path`",
            self.text, self.why
        )
    }
}

/// As `Display`.
impl fmt::Debug for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        let read = |text: &str| text.parse::<Address>().unwrap();
        let address = read("MQTTS://a%40b@[::1]:8883/");
        assert_eq!((address.scheme(), address.user(), address.host()), ("mqtts", Some("a@b"), Some("::1")));
        assert_eq!((address.port(), address.to_string()), (Some(8883), "mqtts://[::1]:8883".to_owned()));
        assert_eq!((read("mqtt://broker").port(), read("mqtt://broker").user()), (None, None));
        assert_eq!(read("mqtt+unix:///run/b.sock").place(), &Place::Socket("/run/b.sock".into()));
    }

    #[test]
    fn what_cannot_be_read_is_told_apart_and_no_password_is_shown() {
        for (text, why) in [
            ("broker", "no `://`"),
            ("://x", "scheme"),
            ("mqtt://", "no host"),
            ("mqtt://h:", "port"),
            ("mqtt://h:0", "port"),
            ("mqtt://h:65536", "port"),
            ("mqtt://h/x", "follow the host"),
            ("mqtt://[::1", "not closed"),
            ("mqtt://[x]", "not an IPv6"),
            ("mqtt://[::1]1", "only a port"),
            ("mqtt://a b", "space"),
            ("mqtt://%4@h", "not text"),
            ("mqtt+unix://x", "begins with `/`"),
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
        let error = "mqtt://pi:geheim@h".parse::<Address>().unwrap_err().to_string();
        assert!(error.contains("password") && !error.contains("geheim"), "{error}");
    }
}
