//! [`Target`]: where a WebSocket is, read from a URL.

use crate::net::{Address, AddressError};

/// A URL in its parts: `ws://host:8080/readings?room=2`.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: Address,
    /// With what follows the question mark.
    pub(crate) path: String,
}

impl Target {
    /// Reads `ws://HOST:PORT/PATH`, or the same with `wss`.
    pub(crate) fn read(text: &str) -> Result<Self, AddressError> {
        let place = text.find("://").map_or(0, |at| at + 3);
        let end = text[place..].find(['/', '?', '#']).map_or(text.len(), |at| place + at);
        let (address, path) = text.split_at(end);
        let address: Address = address.parse()?;
        let wrong = |why| Err(AddressError::of(&address, why));
        match address.scheme() {
            "ws" => {}
            "wss" if cfg!(feature = "tls") => {}
            "wss" => return wrong("`wss://` needs the feature `tls` of this library"),
            _ => return wrong("its scheme must be `ws` or `wss`"),
        }
        if !path.bytes().all(|sign| sign.is_ascii_graphic()) || path.contains('#') {
            return wrong("its path is not in ASCII, or has a space or a `#`; write them as `%20`");
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { address, path })
    }

    /// As [`read`](Self::read), of a server that asks for no user.
    pub(crate) fn without_user(text: &str) -> Result<Self, AddressError> {
        let target = Self::read(text)?;
        if target.address.user().is_some() {
            let why = "nobody asks for a user there; leave out what is before the `@`, and see `token`";
            return Err(AddressError::of(&target.address, why));
        }
        Ok(target)
    }

    /// What the other side is called in a request: the host, and the port if it is not the usual one.
    pub(crate) fn host(&self) -> String {
        let whole = self.address.to_string();
        whole.split_once("://").map_or_else(String::new, |(_, host)| host.to_owned())
    }

    /// The port of the protocol.
    pub(crate) fn usual_port(&self) -> u16 {
        if self.is_by_tls() { 443 } else { 80 }
    }

    pub(crate) fn is_by_tls(&self) -> bool {
        self.address.scheme() == "wss"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_a_path_or_none() {
        for (text, host, path) in [
            ("ws://board", "board", "/"),
            ("WS://[::1]:8080?room=2", "[::1]:8080", "/?room=2"),
            ("ws://board/a/b?c=d:/", "board", "/a/b?c=d:/"),
        ] {
            let target = Target::read(text).unwrap();
            assert_eq!((target.host().as_str(), target.path.as_str()), (host, path), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_web_socket_is_told_apart() {
        for (text, why) in [
            ("board", "no `://`"),
            ("ws:///x", "no host"),
            ("http://board", "must be `ws` or `wss`"),
            ("ws://a@board", "asks for a user"),
            ("ws://a:geheim@board/", "password"),
            ("ws://board/a b", "%20"),
            ("ws://board/a\r\nX: y", "%20"),
            ("ws://board/#a", "%20"),
            ("ws://board/ü", "%20"),
        ] {
            let error = Target::without_user(text).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("geheim"), "{text}: {error}");
        }
    }
}
