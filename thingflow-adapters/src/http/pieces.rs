//! [`Pieces`]: a long answer, piece by piece; [`open`]: as a reader.

use std::fmt;
use std::io::{self, Read};

use thingflow_core::{Context, Failure, Flow, Size, Source, StreamError};
use ureq::BodyReader;

use super::client::Client;
use super::{Endpoint, HttpError};

/// Asks for what is at an address, and reads the answer while it comes, however long it is: for
/// `lines::Reader` and others that take a reader. The endpoint's time limit is for the beginning of the
/// answer and for each part of it.
///
/// # Errors
/// If there is no answer, or one that refuses.
pub fn open(endpoint: impl Into<Endpoint>) -> Result<Response, HttpError> {
    let client = Client::patient(&endpoint.into())?;
    let answer = client.get(&[])?;
    if !answer.status().is_success() {
        return Err(client.refused(answer));
    }
    let url = client.endpoint().to_string();
    Ok(Response { body: answer.into_body().into_reader(), url, _client: client })
}

/// An answer that is being read.
pub struct Response {
    body: BodyReader<'static>,
    url: String,
    _client: Client,
}

impl Read for Response {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.body.read(to)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A source of the pieces of an answer, in their order; it ends with the answer. Each pull gives what is there, as soon as there
/// is something, up to a number of bytes. It blocks until then: pull it on a thread of its own.
///
/// If the answer breaks off that is a failed sampling, and the next pull asks from the beginning.
#[derive(Debug)]
pub struct Pieces {
    endpoint: Endpoint,
    longest: Size,
    response: Option<Response>,
}

impl Pieces {
    /// The answer of an address, in pieces of at most so many bytes.
    #[track_caller]
    pub fn new(endpoint: impl Into<Endpoint>, longest: impl Into<Size>) -> Self {
        Self { endpoint: endpoint.into(), longest: longest.into(), response: None }
    }

    /// As a flow, to which operators and Things are connected.
    pub fn flow(self) -> Flow<Self> {
        Flow::new(self)
    }

    fn read(&mut self) -> Result<Vec<u8>, StreamError> {
        let response = match &mut self.response {
            Some(response) => response,
            none => none.insert(open(self.endpoint.clone())?),
        };
        let mut piece = vec![0; self.longest.get()];
        let n = response.read(&mut piece).map_err(|error| {
            StreamError::from(HttpError::Request { url: self.endpoint.to_string(), cause: Box::new(error) })
        })?;
        piece.truncate(n);
        Ok(piece)
    }
}

impl Source for Pieces {
    type Item = Vec<u8>;

    fn pull(&mut self, _: &mut Context<'_>) -> Result<Option<Vec<u8>>, Failure> {
        match self.read() {
            Ok(piece) if piece.is_empty() => Ok(None),
            Ok(piece) => Ok(Some(piece)),
            Err(error) => {
                self.response = None;
                Err(error.into())
            }
        }
    }

    fn name(&self) -> &str {
        "http::Pieces"
    }
}
