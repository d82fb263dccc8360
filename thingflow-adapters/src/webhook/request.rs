//! [`Request`]: what has been posted.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde::de::DeserializeOwned;

use super::budget::Share;
use crate::requests::{Answer, Headers};

/// What has been posted, once it is here whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// The path, as it was sent: `/events`.
    pub path: String,
    /// What follows the question mark, as it was sent.
    pub query: String,
    /// The body, not compressed any more.
    pub body: Vec<u8>,
    pub(super) headers: Headers,
    pub(super) is_by_1_1: bool,
}

impl Request {
    /// The first header of this name, whatever its case, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next().and_then(|value| str::from_utf8(value).ok())
    }

    /// All headers of this name.
    pub(super) fn all<'r, 'n>(&'r self, name: &'n str) -> impl Iterator<Item = &'r [u8]> + use<'r, 'n> {
        self.headers.all(name)
    }

    /// Whether a header, which may be a list, or be there several times, holds this word.
    pub(super) fn says(&self, name: &str, word: &str) -> bool {
        self.headers.says(name, word)
    }

    /// Uncompresses the body, for which the share has room.
    pub(super) fn unpack(&mut self, most: usize, share: &mut Share) -> Result<(), Answer> {
        if self.all("Content-Encoding").nth(1).is_some() {
            return Err(Answer::new(415, "there are two Content-Encodings; send it plain, or as gzip"));
        }
        let Some(encoding) = self.all("Content-Encoding").next() else { return Ok(()) };
        match &encoding.trim_ascii().to_ascii_lowercase()[..] {
            b"" | b"identity" => Ok(()),
            b"gzip" | b"x-gzip" => {
                let mut plain = Vec::new();
                let room = most.min(share.room()) as u64;
                let read = MultiGzDecoder::new(&self.body[..]).take(room.saturating_add(1)).read_to_end(&mut plain);
                read.map_err(|error| Answer::new(400, format!("the body is not valid gzip: {error}")))?;
                if plain.len() > most {
                    return Err(Answer::new(413, format!("the body has more than {most} bytes")));
                }
                self.body = plain;
                share.hold(self.body.len())
            }
            _ => Err(Answer::new(415, "the body is compressed; send it plain, or as gzip")),
        }
    }
}

/// The events in a body: a JSON text, several one after the other, such as lines, or an array of them.
pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<Vec<T>, String> {
    let texts: Result<Vec<T>, _> = serde_json::Deserializer::from_slice(body).into_iter().collect();
    match texts {
        Ok(events) if events.is_empty() => Err("there is no JSON text in it".to_owned()),
        Ok(events) => Ok(events),
        Err(_) if body.trim_ascii_start().starts_with(b"[") => {
            serde_json::from_slice(body).map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// The lines of a body.
pub(super) fn lines(body: &[u8]) -> Result<Vec<String>, String> {
    let text =
        str::from_utf8(body).map_err(|error| format!("not valid UTF-8 from byte {} on", error.valid_up_to() + 1))?;
    Ok(text.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::budget::Budget;

    fn much() -> Share {
        Share::of(&Budget::new(usize::MAX))
    }

    #[test]
    fn events_stand_in_a_body_in_several_ways() {
        assert_eq!(json::<u8>(b" 7 "), Ok(vec![7]));
        assert_eq!(json::<u8>(b"7\n8\n\n9"), Ok(vec![7, 8, 9]));
        assert_eq!(json::<u8>(b"[7, 8]"), Ok(vec![7, 8]));
        assert_eq!(json::<u8>(b"[]"), Ok(vec![]));
        assert_eq!(json::<(u8, u8)>(b"[7, 8]"), Ok(vec![(7, 8)]), "an event may be an array itself");
        assert_eq!(json::<(u8, u8)>(b"[[7, 8], [9, 10]]"), Ok(vec![(7, 8), (9, 10)]));
        for (wrong, why) in
            [(&b""[..], "no JSON text"), (b"7 x", "line 1 column 3"), (b"[7, 300]", "300"), (b"[7", "EOF")]
        {
            let error = json::<u8>(wrong).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let deep = "[".repeat(100_000);
        assert!(json::<serde_json::Value>(deep.as_bytes()).is_err());
        assert_eq!(lines(b"a\r\nb\n\nc"), Ok(["a", "b", "", "c"].map(str::to_owned).to_vec()));
        assert!(lines(b"a\xff").is_err_and(|why| why.contains("byte 2")));
    }

    #[test]
    fn a_small_body_does_not_become_a_large_one() {
        use std::io::Write;
        let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        bomb.write_all(&vec![0; 10 << 20]).unwrap();
        let headers = Headers(vec![("content-encoding".to_owned(), b"gzip".to_vec())]);
        let mut request = Request { body: bomb.finish().unwrap(), headers, ..Request::default() };
        assert!(request.body.len() < 20_000);
        assert_eq!(request.unpack(1 << 20, &mut much()).unwrap_err().status, 413);
        request.body.truncate(100);
        assert_eq!(request.unpack(1 << 20, &mut much()).unwrap_err().status, 400);
    }

    #[allow(clippy::unwrap_used)] // of what the test itself has made
    fn packed(text: &[u8]) -> Vec<u8> {
        use std::io::Write;
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn all_members_of_a_gzip_are_read_up_to_the_limit() {
        let members = [packed(b"1\n"), packed(b"2\n3\n")].concat();
        let headers = Headers(vec![("Content-Encoding".to_owned(), b"gzip".to_vec())]);
        let request = Request { body: members, headers, ..Request::default() };
        for (most, status) in [(usize::MAX, None), (6, None), (5, Some(413)), (0, Some(413))] {
            let mut request = request.clone();
            assert_eq!(request.unpack(most, &mut much()).err().map(|answer| answer.status), status, "{most}");
            assert!(status.is_some() || request.body == b"1\n2\n3\n");
        }
        let mut trailed = Request { body: [&request.body, &b"4\n"[..]].concat(), ..request };
        assert_eq!(
            trailed.unpack(100, &mut much()).unwrap_err().status,
            400,
            "what follows is no event that may be left out"
        );
    }

    #[test]
    fn a_body_that_is_encoded_twice_is_refused() {
        for values in [[&b"gzip"[..], b"gzip"], [b"identity", b"gzip"], [b"gzip", b"br"]] {
            let headers = Headers(values.map(|value| ("Content-Encoding".to_owned(), value.to_vec())).to_vec());
            let mut request = Request { body: packed(b"1"), headers, ..Request::default() };
            assert_eq!(request.unpack(100, &mut much()).unwrap_err().status, 415, "{values:?}");
        }
    }
}
