//! Datagrams, files and lines of this machine.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::ops::Range;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use thingflow_adapters::framing;
use thingflow_adapters::udp::{self, Datagram};
use thingflow_adapters::{folder, lines, uart};
use thingflow_core::prelude::*;
use thingflow_core::testing::{Feed, Weather, check_reader};

use super::SOON;
use super::support::mosquitto::free_port;

const MILLISECOND: Duration = Duration::from_millis(1);

/// Another side that does something each half millisecond, as long as it is there.
struct Beside<T>(Arc<(Mutex<T>, Condvar)>);

impl<T: Send + 'static> Beside<T> {
    fn new(state: T, act: fn(&mut T)) -> Self {
        let own = Self(Arc::new((Mutex::new(state), Condvar::new())));
        let there = own.0.clone();
        thread::spawn(move || {
            while Arc::strong_count(&there) > 1 {
                let (state, never) = &*there;
                let (mut state, _) = never.wait_timeout(state.lock().unwrap(), MILLISECOND / 2).unwrap();
                act(&mut state);
            }
        });
        own
    }

    fn state(&self) -> MutexGuard<'_, T> {
        self.0.0.lock().unwrap()
    }
}

/// One that sends a number in a datagram from time to time, unless it is away.
struct Datagrams {
    address: SocketAddr,
    sender: Beside<(UdpSocket, Range<u64>, Weather)>,
}

impl Datagrams {
    fn new() -> Self {
        let (socket, address) = (UdpSocket::bind("127.0.0.1:0").unwrap(), free_port());
        socket.connect(address).unwrap();
        let sender = Beside::new((socket, 0..0, Weather::Calm), |(socket, numbers, weather)| {
            if *weather == Weather::Calm
                && let Some(number) = numbers.next()
            {
                let _ = socket.send(number.to_string().as_bytes()); // or it is lost
            }
        });
        Self { address, sender }
    }
}

impl Feed for Datagrams {
    type Event = Datagram;

    fn start(&mut self, scheduler: &Scheduler) -> Port<Datagram> {
        let inbox = udp::bind(self.address).unwrap();
        let port = inbox.port().clone();
        scheduler.schedule_on_main_event_loop(inbox).unwrap();
        port
    }
    fn start_wrong(&mut self, _: &Scheduler) -> Option<Port<Datagram>> {
        assert!(udp::bind("192.0.2.1:7000").is_err()); // no address of this machine
        None
    }
    fn number(&self, datagram: &Datagram) -> u64 {
        std::str::from_utf8(&datagram.data).unwrap().parse().unwrap()
    }
    fn offer(&mut self, numbers: Range<u64>) {
        self.sender.state().1 = numbers;
    }
    fn disturb(&mut self, weather: Weather) {
        self.sender.state().2 = weather;
    }
    fn is_acknowledged(&self) -> bool {
        false
    }
}

#[test]
fn an_inbox_of_datagrams_keeps_what_readers_promise() {
    check_reader(Datagrams::new);
}

/// A file that another program writes, moves away, and begins anew.
struct Log(tempfile::TempDir);

impl Log {
    fn new() -> Self {
        let log = Self(tempfile::tempdir().unwrap());
        fs::write(log.path(), "").unwrap();
        log
    }
    fn path(&self) -> PathBuf {
        self.0.path().join("log")
    }
}

impl Feed for Log {
    type Event = String;

    fn start(&mut self, scheduler: &Scheduler) -> Port<String> {
        let port = Port::new();
        scheduler.schedule_recurring(lines::follow(self.path(), MILLISECOND).unwrap().connect(port.clone())).unwrap();
        port
    }
    fn start_wrong(&mut self, _: &Scheduler) -> Option<Port<String>> {
        assert!(lines::follow(self.0.path().join("lag"), MILLISECOND).is_err());
        None
    }
    fn number(&self, line: &String) -> u64 {
        line.parse().unwrap()
    }
    fn offer(&mut self, numbers: Range<u64>) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.path()).unwrap();
        numbers.into_iter().for_each(|number| file.write_all(format!("{number}\n").as_bytes()).unwrap());
    }
    fn disturb(&mut self, weather: Weather) {
        let is_begun = fs::metadata(self.path()).is_ok_and(|file| file.len() > 0);
        match weather {
            Weather::Away if is_begun => fs::rename(self.path(), self.0.path().join("log.1")).unwrap(),
            Weather::Calm => drop(OpenOptions::new().append(true).create(true).open(self.path()).unwrap()),
            Weather::Away | Weather::Silent => {}
        }
    }
    fn is_acknowledged(&self) -> bool {
        false
    }
}

#[test]
fn a_follower_of_a_file_keeps_what_readers_promise() {
    check_reader(Log::new);
}

/// A folder into which another program puts files.
struct Inbox(tempfile::TempDir);

impl Feed for Inbox {
    type Event = PathBuf;

    fn start(&mut self, scheduler: &Scheduler) -> Port<PathBuf> {
        let files = folder::watch(self.0.path());
        let port = files.port().clone();
        scheduler.schedule_on_main_event_loop(files).unwrap();
        port
    }
    fn start_wrong(&mut self, scheduler: &Scheduler) -> Option<Port<PathBuf>> {
        let files = folder::watch(self.0.path().join("none"));
        assert!(scheduler.schedule_on_main_event_loop(files).is_err());
        None
    }
    fn number(&self, path: &PathBuf) -> u64 {
        path.file_name().unwrap().to_str().unwrap().parse().unwrap()
    }
    fn offer(&mut self, numbers: Range<u64>) {
        numbers.into_iter().for_each(|number| fs::write(self.0.path().join(format!("{number:05}")), "").unwrap());
    }
    fn disturb(&mut self, _: Weather) {} // a folder is always there
    fn is_acknowledged(&self) -> bool {
        false
    }
}

#[test]
fn a_watch_of_a_folder_keeps_what_readers_promise() {
    check_reader(|| Inbox(tempfile::tempdir().unwrap()));
}

/// A board that sends a number from time to time when it has heard something.
struct Board {
    folder: tempfile::TempDir,
    board: Beside<Plugged>,
}

#[derive(Default)]
struct Plugged {
    line: Option<File>,
    is_greeted: bool,
    numbers: Range<u64>,
}

impl Plugged {
    fn act(&mut self) {
        let Some(line) = &mut self.line else { return };
        self.is_greeted |= line.read(&mut [0; 64]).is_ok_and(|n| n > 0);
        if self.is_greeted
            && let Some(number) = self.numbers.next()
        {
            let _ = line.write_all(format!("{number}\n").as_bytes()); // or it is lost
        }
    }
}

impl Board {
    fn new() -> Self {
        let mut board =
            Self { folder: tempfile::tempdir().unwrap(), board: Beside::new(Plugged::default(), Plugged::act) };
        board.disturb(Weather::Calm);
        board
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("board")
    }

    fn plug_in(&self) -> File {
        let end = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&end).unwrap();
        unlockpt(&end).unwrap();
        symlink(ptsname(&end, Vec::new()).unwrap().to_str().unwrap(), self.path()).unwrap();
        rustix::io::ioctl_fionbio(&end, true).unwrap();
        end.into()
    }
}

impl Feed for Board {
    type Event = String;

    fn start(&mut self, scheduler: &Scheduler) -> Port<String> {
        let options = uart::Options::new(self.path(), 115_200).unwrap().framed(framing::Lines::default());
        let line = options.retry(SOON).connect();
        let hello = line.status().filter_map(|status| (status == uart::Status::Connected).then(|| "hello".to_owned()));
        hello.connect(line.sender());
        scheduler.schedule_on_main_event_loop(line.thing()).unwrap();
        line.received().clone()
    }
    fn start_wrong(&mut self, scheduler: &Scheduler) -> Option<Port<String>> {
        let file = self.folder.path().join("file");
        fs::write(&file, "").unwrap();
        let line = uart::connect(file, 115_200).unwrap(); // it is no serial line
        scheduler.schedule_on_main_event_loop(line.thing()).unwrap();
        Some(line.received().clone())
    }
    fn number(&self, line: &String) -> u64 {
        line.parse().unwrap()
    }
    fn offer(&mut self, numbers: Range<u64>) {
        self.board.state().numbers = numbers;
    }
    fn disturb(&mut self, weather: Weather) {
        let state = &mut *self.board.state();
        match (weather, &state.line) {
            (Weather::Away, Some(_)) => {
                fs::remove_file(self.path()).unwrap();
                (state.line, state.is_greeted) = (None, false);
            }
            (Weather::Calm, None) => state.line = Some(self.plug_in()),
            _ => {}
        }
    }
    fn is_acknowledged(&self) -> bool {
        false
    }
}

#[test]
fn a_serial_line_keeps_what_readers_promise() {
    if std::env::var_os("THINGFLOW_TEST_RUNNER").is_some() {
        eprintln!("NOT CHECKED: qemu-user cannot set up terminals");
        return;
    }
    check_reader(Board::new);
}
