//! What follows from an answer: whose fault it is.

use std::time::{Duration, SystemTime};

use thingflow_core::{Refusal, Rejection};
use ureq::Body;
use ureq::http::header::RETRY_AFTER;
use ureq::http::{HeaderMap, Response};

use super::client::Client;

/// Longer is nobody left alone, whatever it says.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

impl Client {
    /// Whether the server has taken what was sent, and if not whose fault that is.
    pub(crate) fn taken(&self, answer: Response<Body>) -> Result<(), Rejection> {
        let status = answer.status().as_u16();
        let wait = retry_after(answer.headers(), SystemTime::now());
        if (200..300).contains(&status) {
            drain(answer);
            return Ok(());
        }
        let error = self.refused(answer).into();
        Err(match status {
            400 | 409 | 422 => Rejection::SomeEvent(error),
            413 => Rejection::TooLarge(error),
            408 | 425 | 429 | 500..=599 => match wait {
                Some(wait) => Refusal::Busy { wait, error }.into(),
                None => Refusal::Peer(error).into(),
            },
            _ => Refusal::Setup(error).into(),
        })
    }
}

/// The connection can be used again when the answer has been read; one without an end is not waited for. The status has said
/// already that the server has the events, so one that breaks off changes nothing.
fn drain(answer: Response<Body>) {
    let mut body = answer.into_body().into_reader();
    let _ = std::io::copy(&mut std::io::Read::take(&mut body, 1 << 16), &mut std::io::sink());
}

/// How long the server wants to be left alone: seconds, or a date.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn a27_retry_after_is_seconds_or_a_date() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
        let wait = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers, now).map(|wait| wait.as_secs())
        };
        assert_eq!(wait("120"), Some(120));
        assert_eq!(wait(" 0 "), Some(0));
        assert_eq!(wait("99999999999"), Some(3600));
        assert_eq!(wait("Sun, 06 Nov 1994 08:51:37 GMT"), Some(120));
        assert_eq!(wait("Sunday, 06-Nov-94 08:51:37 GMT"), Some(120));
        assert_eq!(wait("Sun Nov  6 08:51:37 1994"), Some(120));
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!([wait("soon"), wait("-1"), wait("")], [None; 3]);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
