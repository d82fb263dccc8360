//! [`Decoder`]: bytes to requests. What could be read in two ways is refused, and so is what follows.

use super::budget::{Budget, Share};
use super::request::Request;
use crate::framing::Buffer;
use crate::requests::{Answer, Headers};

/// A head is at most as long.
const LONGEST_HEAD: usize = 16 * 1024;
const MOST_HEADERS: usize = 64;
/// The line that begins a chunk, and all that follows the last one, are at most as long.
const LONGEST_LINE: usize = 1024;

/// Reads the requests of one connection, one after the other.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    request: Request,
    rest: Rest,
}

/// What is to come.
#[derive(Debug, Default)]
enum Rest {
    #[default]
    Head,
    Bytes(usize),
    ChunkSize,
    Chunk(usize),
    ChunkEnd,
    Trailer,
}

/// What a step has come to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// More bytes are needed.
    More,
    /// The client waits for a word before it sends the body.
    Continue,
    /// A request, and whether the connection stays.
    Request(Request, bool),
    Refused(Answer),
}

impl Decoder {
    /// Whether nothing of a request has been read.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.rest, Rest::Head)
    }

    /// Takes bytes from the front, until there is a request whose body has at most `most` bytes, for which `share` has room. `check`
    /// says whether it may come in, before its body is looked at.
    pub(super) fn next(
        &mut self,
        bytes: &mut Buffer,
        most: usize,
        share: &mut Share,
        check: impl FnOnce(&Request) -> Result<(), Answer>,
    ) -> Step {
        self.step(bytes, most, share, check).unwrap_or_else(|answer| Step::Refused(answer.closing()))
    }

    fn step(
        &mut self,
        bytes: &mut Buffer,
        most: usize,
        share: &mut Share,
        check: impl FnOnce(&Request) -> Result<(), Answer>,
    ) -> Result<Step, Answer> {
        if matches!(self.rest, Rest::Head) {
            if !self.head(bytes)? {
                return Ok(Step::More);
            }
            check(&self.request)?;
            self.rest = body_of(&self.request, most)?;
            if let Rest::Bytes(length) = self.rest {
                share.hold(length)?;
            }
            let waits = self.request.is_by_1_1 && self.request.says("Expect", "100-continue");
            if waits && bytes.is_empty() {
                return Ok(Step::Continue);
            }
        }
        if !self.body(bytes, most, share)? {
            return Ok(Step::More);
        }
        self.rest = Rest::Head;
        let mut request = std::mem::take(&mut self.request);
        request.unpack(most, share)?;
        let stays = !request.says("Connection", "close") && request.is_by_1_1;
        Ok(Step::Request(request, stays))
    }

    /// Whether the head is there.
    fn head(&mut self, bytes: &mut Buffer) -> Result<bool, Answer> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut head = httparse::Request::new(&mut headers);
        let known = bytes.bytes().get(..LONGEST_HEAD).unwrap_or(bytes.bytes());
        let length = match head.parse(known) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if bytes.len() < LONGEST_HEAD => return Ok(false),
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                return Err(Answer::new(431, "the head of the request is too large"));
            }
            Err(httparse::Error::Version) => return Err(Answer::new(505, "HTTP/1.1 is spoken here")),
            Err(error) => return Err(Answer::new(400, format!("not an HTTP request: {error}"))),
        };
        if head.method != Some("POST") {
            return Err(Answer::new(405, "events are posted here"));
        }
        let target = head.path.unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        self.request = Request {
            path: path.to_owned(),
            query: query.to_owned(),
            body: Vec::new(),
            headers: Headers::of(head.headers),
            is_by_1_1: head.version == Some(1),
        };
        bytes.take(length);
        Ok(true)
    }

    /// Whether the body is there.
    fn body(&mut self, bytes: &mut Buffer, most: usize, share: &mut Share) -> Result<bool, Answer> {
        loop {
            match &mut self.rest {
                Rest::Head | Rest::Bytes(0) => return Ok(true),
                Rest::Bytes(left) | Rest::Chunk(left) => {
                    let piece = bytes.take(*left);
                    self.request.body.extend_from_slice(piece);
                    *left -= piece.len();
                    if *left > 0 {
                        return Ok(false);
                    }
                    self.rest = if matches!(self.rest, Rest::Chunk(_)) { Rest::ChunkEnd } else { Rest::Bytes(0) };
                }
                Rest::ChunkSize => match httparse::parse_chunk_size(bytes.bytes()) {
                    Ok(httparse::Status::Complete((length, size))) if length <= LONGEST_LINE => {
                        bytes.take(length);
                        let room = most - self.request.body.len().min(most);
                        let size = usize::try_from(size).ok().filter(|size| *size <= room);
                        let size = size.ok_or_else(|| too_large(most))?;
                        share.hold(self.request.body.len() + size)?;
                        self.rest = if size == 0 { Rest::Trailer } else { Rest::Chunk(size) };
                    }
                    Ok(httparse::Status::Partial) if bytes.len() < LONGEST_LINE => return Ok(false),
                    _ => return Err(Answer::new(400, "the size of a chunk of the body cannot be read")),
                },
                Rest::ChunkEnd => match bytes.bytes() {
                    [b'\r', b'\n', ..] => {
                        bytes.take(2);
                        self.rest = Rest::ChunkSize;
                    }
                    [] | [b'\r'] => return Ok(false),
                    _ => return Err(Answer::new(400, "a chunk is longer than it says")),
                },
                Rest::Trailer => match line(bytes.bytes()) {
                    Some(length) if length <= LONGEST_LINE => {
                        bytes.take(length);
                        if length == 2 {
                            return Ok(true);
                        }
                    }
                    None if bytes.len() < LONGEST_LINE => return Ok(false),
                    _ => return Err(Answer::new(431, "what follows the body is too large")),
                },
            }
        }
    }
}

/// The length of the line in front, with its end.
fn line(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|two| two == b"\r\n").map(|at| at + 2)
}

fn too_large(most: usize) -> Answer {
    Answer::new(413, format!("the body has more than {most} bytes"))
}

/// How the body comes. Two lengths would be two requests to somebody else (RFC 9112, section 6.3).
fn body_of(request: &Request, most: usize) -> Result<Rest, Answer> {
    let mut lengths = request.all("Content-Length");
    let mut codings = request.all("Transfer-Encoding");
    match (codings.next(), lengths.next()) {
        (Some(_), Some(_)) => {
            Err(Answer::new(400, "the request has both a Content-Length and a Transfer-Encoding; send one of them"))
        }
        (Some(coding), None) => {
            let is_chunked = coding.trim_ascii().eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
            let is_known = is_chunked && request.is_by_1_1;
            if is_known {
                Ok(Rest::ChunkSize)
            } else {
                Err(Answer::new(
                    501,
                    "this Transfer-Encoding is not known here; send the body plain, or by `chunked` of HTTP/1.1",
                ))
            }
        }
        (None, Some(length)) => {
            if lengths.next().is_some() || length.is_empty() || !length.iter().all(u8::is_ascii_digit) {
                return Err(Answer::new(400, "the Content-Length is empty, given twice or not a number"));
            }
            let length = str::from_utf8(length).ok().and_then(|text| text.parse().ok());
            length.filter(|length| *length <= most).map(Rest::Bytes).ok_or_else(|| too_large(most))
        }
        (None, None) => Ok(Rest::Bytes(0)),
    }
}

/// Reads the requests in some bytes, which come in pieces: for the tests and the fuzzing of what comes from outside. The bodies, and
/// the status by which the rest was refused.
#[doc(hidden)]
pub fn read_requests(bytes: &[u8], piece: usize, most: usize) -> (Vec<Request>, Option<u16>) {
    let (mut decoder, mut buffer, mut read) = (Decoder::default(), Buffer::default(), Vec::new());
    let mut share = Share::of(&Budget::new(usize::MAX));
    for piece in bytes.chunks(piece.max(1)) {
        buffer.extend(piece);
        loop {
            match decoder.next(&mut buffer, most, &mut share, |_| Ok(())) {
                Step::More => break,
                Step::Continue => {}
                Step::Request(request, _) => read.push(request),
                Step::Refused(answer) => return (read, Some(answer.status)),
            }
        }
    }
    (read, None)
}
