//! [`Answer`]: what a request is answered.

use std::time::Duration;

/// What a request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    text: String,
    retry_after: Option<Duration>,
    /// The method that is, if another one is not.
    allowed: &'static str,
    /// Nothing that follows on this connection can be read.
    pub(crate) closes: bool,
}

impl Answer {
    pub(crate) fn new(status: u16, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), retry_after: None, allowed: "POST", closes: false }
    }

    /// There is another method to ask by.
    pub(crate) fn not_by_that_method(allowed: &'static str, text: &str) -> Self {
        Self { allowed, ..Self::new(405, text) }
    }

    /// All events have been dealt with.
    pub(crate) fn done() -> Self {
        Self::new(204, "")
    }

    /// The same request is welcome later.
    pub(crate) fn busy(text: impl Into<String>, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(503, text) }
    }

    /// The connection is closed behind it.
    pub(crate) fn closing(self) -> Self {
        Self { closes: true, ..self }
    }

    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        let Self { status, text, .. } = self;
        to.extend(format!("HTTP/1.1 {status} {}\r\n", reason(*status)).bytes());
        match status {
            401 => to.extend(b"WWW-Authenticate: Bearer\r\n"),
            405 => to.extend(format!("Allow: {}\r\n", self.allowed).bytes()),
            426 => to.extend(b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"),
            _ => {}
        }
        if let Some(wait) = self.retry_after {
            to.extend(format!("Retry-After: {}\r\n", wait.as_secs().max(1)).bytes());
        }
        if self.closes {
            to.extend(b"Connection: close\r\n");
        }
        if *status == 204 {
            to.extend(b"\r\n");
            return;
        }
        let head = "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n";
        to.extend(format!("{head}Content-Length: {}\r\n\r\n{text}\n", text.len() + 1).bytes());
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Other",
    }
}
