//! Sockets of the program's own at a place of its choice: an error says where, and what to do.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};

/// Binds a socket to an address.
pub(crate) fn bound<S>(
    address: impl ToSocketAddrs,
    bind: impl FnOnce(&[SocketAddr]) -> io::Result<S>,
) -> io::Result<S> {
    let addresses: Vec<_> = address.to_socket_addrs()?.collect();
    let place = || addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(", ");
    bind(&addresses).map_err(|error| cannot_listen(place(), &error))
}

/// The error with its place, of the same kind.
pub(crate) fn cannot_listen(place: impl fmt::Display, error: &io::Error) -> io::Error {
    let advice = match error.kind() {
        ErrorKind::AddrInUse => "; another program has it: see `ss -lnp`",
        ErrorKind::AddrNotAvailable => "; not an address of this machine: see `ip address`",
        ErrorKind::PermissionDenied => "; a port below 1024, or a folder of somebody else, needs rights",
        ErrorKind::InvalidFilename => "; the path of a socket has at most 107 bytes",
        _ => "",
    };
    io::Error::new(error.kind(), format!("cannot listen at {place}: {error}{advice}"))
}
