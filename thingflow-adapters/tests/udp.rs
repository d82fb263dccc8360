//! Datagrams on loopback.
#![cfg(feature = "udp")]

use std::net::UdpSocket;

use thingflow_adapters::udp;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

type Done = Result<(), Box<dyn std::error::Error>>;

#[test]
fn datagrams_are_events_with_their_senders_empty_ones_too() -> Done {
    let inbox = udp::bind("127.0.0.1:0")?;
    let other = UdpSocket::bind("127.0.0.1:0")?;
    let large = vec![7; 60_000];
    for data in [b"a".as_slice(), b"", &large] {
        other.send_to(data, inbox.local_addr())?;
    }
    let seen = Recorder::new();
    inbox.port().take(3).connect(seen.clone());
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_on_main_event_loop(inbox)?;
    scheduler.run_forever()?;
    let seen = seen.events();
    assert_eq!(seen.iter().map(|datagram| datagram.data.len()).collect::<Vec<_>>(), [1, 0, 60_000]);
    assert!(seen.iter().all(|datagram| Some(datagram.from) == other.local_addr().ok()));
    Ok(())
}

#[test]
fn what_nobody_hears_or_is_too_long_does_not_end_the_run() -> Done {
    let gone = UdpSocket::bind("127.0.0.1:0")?.local_addr()?;
    let mut sender = udp::send_to(gone)?;
    pipe::<Vec<u8>>().to(&mut sender).feed([vec![1], vec![2], vec![3], vec![0; 70_000], vec![0; 70_000]])?;
    assert_eq!(sender.sent() + sender.lost(), 5);
    assert!(sender.lost() >= 2, "{sender:?}");
    assert!(udp::send_to("localhost:no port").is_err());
    Ok(())
}

/// Nobody may send to all without asking for it.
#[test]
fn of_several_addresses_the_first_is_taken_to_which_there_is_a_way() -> Done {
    let other = UdpSocket::bind("127.0.0.1:0")?;
    let nowhere = "255.255.255.255:9".parse()?;
    let mut sender = udp::send_to(&[nowhere, other.local_addr()?][..])?;
    pipe::<Vec<u8>>().to(&mut sender).feed([b"21.5".to_vec()])?;
    let mut heard = [0; 16];
    let len = other.recv(&mut heard)?;
    assert_eq!(&heard[..len], b"21.5");
    let error = udp::send_to(nowhere).unwrap_err();
    assert!(error.to_string().starts_with("cannot send to 255.255.255.255:9: "), "{error}");
    Ok(())
}
