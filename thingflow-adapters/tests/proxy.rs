//! The proxy that injects faults does what the tests of adapters rely on.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use support::proxy::{Proxy, Way};

/// A server that sends back what it gets.
fn echo() -> Proxy {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback works");
    let address = listener.local_addr().expect("loopback works");
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.expect("a connection");
            thread::spawn(move || {
                let mut bytes = [0; 512];
                while let Ok(n @ 1..) = socket.read(&mut bytes) {
                    if socket.write_all(&bytes[..n]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    Proxy::new(address)
}

fn client(proxy: &Proxy) -> TcpStream {
    let socket = TcpStream::connect(proxy.address()).expect("loopback works");
    socket.set_read_timeout(Some(Duration::from_millis(50))).expect("loopback works");
    socket
}

#[test]
fn bytes_pass_and_a_cut_ends_all_connections() {
    let proxy = echo();
    let mut socket = client(&proxy);
    socket.write_all(b"lux").unwrap();
    let mut bytes = [0; 3];
    socket.read_exact(&mut bytes).unwrap();
    assert_eq!((&bytes, proxy.seen(Way::ToServer).as_slice()), (b"lux", &b"lux"[..]));
    proxy.cut();
    assert_eq!(socket.read(&mut bytes).unwrap_or(0), 0);
    proxy.refuse(true);
    assert_eq!(client(&proxy).read(&mut bytes).unwrap_or(0), 0);
    proxy.refuse(false);
    let mut socket = client(&proxy);
    socket.write_all(b"led").unwrap();
    socket.read_exact(&mut bytes).unwrap();
    assert_eq!(proxy.accepted(), 3);
}

#[test]
fn a_black_hole_swallows_and_a_hold_keeps() {
    let proxy = echo();
    let (mut socket, mut bytes) = (client(&proxy), [0; 3]);
    proxy.black_hole(Way::ToServer, true);
    socket.write_all(b"one").unwrap();
    proxy.wait_until("it has been swallowed", |proxy| proxy.seen(Way::ToServer).len() == 3);
    proxy.black_hole(Way::ToServer, false);
    proxy.hold(Way::ToClient, true);
    socket.write_all(b"two").unwrap();
    assert_eq!(socket.read(&mut bytes).unwrap_err().kind(), ErrorKind::WouldBlock);
    proxy.hold(Way::ToClient, false);
    socket.set_read_timeout(None).unwrap();
    socket.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"two");
}

#[test]
fn a_reset_comes_at_its_byte_and_a_half_close_is_an_end() {
    let proxy = echo();
    let (mut socket, mut bytes) = (client(&proxy), [0; 8]);
    proxy.reset_after(Way::ToServer, 2);
    socket.write_all(b"four").unwrap();
    proxy.wait_until(
        "it has been reset",
        |_| !matches!(socket.read(&mut bytes), Err(error) if error.kind() == ErrorKind::WouldBlock),
    );
    let mut socket = client(&proxy);
    socket.write_all(b"x").unwrap();
    socket.read_exact(&mut bytes[..1]).unwrap();
    proxy.half_close();
    socket.set_read_timeout(None).unwrap();
    assert_eq!(socket.read(&mut bytes).unwrap(), 0);
    socket.write_all(b"still taken").unwrap();
    proxy.wait_until("it is taken", |proxy| proxy.seen(Way::ToServer).ends_with(b"still taken"));
}
