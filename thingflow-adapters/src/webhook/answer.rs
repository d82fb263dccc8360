//! [`Answer`]: what a request is answered.

use std::time::Duration;

/// What a request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    text: String,
    retry_after: Option<Duration>,
    /// Nothing that follows on this connection can be read.
    pub(super) closes: bool,
}

impl Answer {
    pub(super) fn new(status: u16, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), retry_after: None, closes: false }
    }

    /// All events have been dealt with.
    pub(super) fn done() -> Self {
        Self::new(204, "")
    }

    /// The same request is welcome later.
    pub(super) fn busy(text: impl Into<String>, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(503, text) }
    }

    /// The connection is closed behind it.
    pub(super) fn closing(self) -> Self {
        Self { closes: true, ..self }
    }

    pub(super) fn write(&self, to: &mut Vec<u8>) {
        let Self { status, text, .. } = self;
        to.extend(format!("HTTP/1.1 {status} {}\r\n", reason(*status)).bytes());
        match status {
            401 => to.extend(b"WWW-Authenticate: Bearer\r\n"),
            405 => to.extend(b"Allow: POST\r\n"),
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
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Other",
    }
}
