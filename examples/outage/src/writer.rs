//! The writer: sends readings to the server, and is done with each when the server has said that it is stored.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use thingflow::adapters::outbox::Stored;
use thingflow::tracking::Tracked;
use thingflow::{Batch, Refusal, StreamError, Worker};

use crate::server::{Line, Reading};

/// How long the server may take for anything.
const PATIENCE: Duration = Duration::from_millis(500);

pub(crate) struct Writer {
    address: SocketAddr,
    connection: Option<BufReader<TcpStream>>,
}

impl Writer {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, connection: None }
    }
}

impl Worker<Tracked<Reading, Stored>> for Writer {
    fn connect(&mut self) -> Result<(), Refusal> {
        let socket = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        self.connection = Some(BufReader::new(socket));
        Ok(())
    }

    fn work(&mut self, batch: &mut Batch<Tracked<Reading, Stored>>) -> Result<(), Refusal> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let mut lines = Vec::new();
        for (index, event) in batch.iter().enumerate() {
            let number = event.metadata().next().map_or(0, |stored| stored.number);
            serde_json::to_writer(&mut lines, &Line { number, reading: event.value })
                .map_err(|error| Refusal::Event { index, error: StreamError::caused("no JSON", error) })?;
            lines.push(b'\n');
        }
        connection.get_mut().write_all(&lines)?;
        while !batch.is_empty() {
            let mut answer = String::new();
            if connection.read_line(&mut answer)? == 0 {
                return Err(io::Error::from(ErrorKind::ConnectionReset).into());
            }
            batch.done(1); // lets go of the reading: the outbox may forget it
        }
        Ok(())
    }
}
