//! [`UnixPage`]: the page at a Unix socket, for those who may open files of the program.

use std::path::Path;

use thingflow_unix::SocketFile;

use crate::server::Running;

/// Only the program's own user, and root.
pub(crate) const MODE: u32 = 0o600;

/// A page that is being served at a Unix socket. Dropping it ends that, and removes the socket.
#[must_use = "the page is gone when this is dropped"]
#[derive(Debug)]
pub struct UnixPage {
    file: SocketFile,
    _running: Running,
}

impl UnixPage {
    pub(crate) fn new(file: SocketFile, running: Running) -> Self {
        Self { file, _running: running }
    }

    /// Where the socket is.
    pub fn path(&self) -> &Path {
        self.file.path()
    }
}
