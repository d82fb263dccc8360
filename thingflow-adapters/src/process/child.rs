//! [`Program`]: a program that runs, its standard streams as ports and an input.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, ExitStatus, Stdio};

use thingflow_core::{
    Attempts, Context, Demand, Descriptor, EventThing, Failure, InputThing, Instant, Interest, Notice, Port, PortRef,
    PortSource, Ports, Question, Receipt, Registry, Shared, StreamError,
};

use super::options::Options;
use crate::framing::{Buffer, FrameError, Framed, Framing, Lines, Piece};

/// How a program has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// What it answered, or the signal that ended it.
    pub status: ExitStatus,
    /// Whether it will be started again.
    pub restarts: bool,
}

/// A handle to a program: its ports and its input. Give [`thing`](Self::thing) to the scheduler. Clones are the same program.
pub struct Program<F: Framing> {
    shared: Shared<Running<F>>,
    output: Port<F::Frame>,
    errors: Port<String>,
    exits: Port<Exit>,
}

impl<F: Framing + 'static> Program<F> {
    pub(super) fn new(options: Options<F>) -> Self {
        let output = Port::new().named(&options.name);
        let (errors, exits) = (Port::new().named("errors"), Port::new().named("exits"));
        let attempts = options.restart.as_ref().map(|backoff| backoff.attempts());
        let running = Running {
            attempts,
            stage: Stage::Waiting(Instant::ZERO),
            registry: None,
            unsent: Buffer::default(),
            lost: 0,
            is_input_open: false,
            has_input: false,
            is_read: false,
            scratch: Vec::new(),
            output: output.clone(),
            errors: errors.clone(),
            exits: exits.clone(),
            options,
        };
        let shared = Shared::new(running).has_room(|running| running.unsent.len() < running.options.max_unsent);
        Self { shared, output, errors, exits }
    }

    /// The port of what it writes to its standard output. It completes when the program has ended and is not started again; a
    /// program that ends by a failure ends it by an error.
    pub fn output(&self) -> &Port<F::Frame> {
        &self.output
    }

    /// The port of the lines that it writes to its standard error. If nothing is connected to it, they go to the log.
    pub fn stderr(&self) -> &Port<String> {
        &self.errors
    }

    /// The port of its ends.
    pub fn exits(&self) -> &Port<Exit> {
        &self.exits
    }

    /// An input whose events the program reads from its standard input. Sources are paused while it does not read. At the end
    /// of the stream its input is closed, which ends most programs. A program without an input reads nothing. What it has not read
    /// when it ends is lost, and reported. One that closes its input and goes on ends the stream, unless it is to be started again.
    pub fn input(&self) -> impl InputThing<F::Frame> + use<F> {
        self.shared.with(|running| (running.is_input_open, running.has_input) = (true, true));
        let next = |running: &mut Running<F>, frame: F::Frame, cx: &mut Context<'_>| Ok(running.write(&frame, cx));
        let input = self.shared.input(next);
        let close = |running: &mut Running<F>| {
            running.is_input_open = false;
            running.registry.iter().for_each(Registry::call_soon);
            Ok(())
        };
        input.on_completed(move |running, _| close(running)).on_error(move |running, error, cx| {
            cx.report(&running.options.name, &error);
            close(running)
        })
    }

    /// What to give to
    /// [`schedule_on_main_event_loop`](thingflow_core::Scheduler::schedule_on_main_event_loop).
    pub fn thing(&self) -> impl EventThing + use<F> {
        self.shared.clone()
    }
}

impl<F: Framing> Clone for Program<F> {
    fn clone(&self) -> Self {
        let (output, errors, exits) = (self.output.clone(), self.errors.clone(), self.exits.clone());
        Self { shared: self.shared.clone(), output, errors, exits }
    }
}

impl<F: Framing> fmt::Debug for Program<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("output", &self.output).finish_non_exhaustive()
    }
}

/// The keys of the descriptors.
const INPUT: usize = 0;
const OUTPUT: usize = 1;
const ERRORS: usize = 2;
const END: usize = 3;

/// So many frames are sent before others have their turn.
const BATCH: usize = 64;

struct Running<F: Framing> {
    options: Options<F>,
    attempts: Option<Attempts>,
    stage: Stage<F>,
    registry: Option<Registry>,
    /// What the program has not read yet.
    unsent: Buffer,
    /// Bytes that it will not read, which nobody has been told of.
    lost: usize,
    has_input: bool,
    /// Somebody has listened to its output, or does.
    is_read: bool,
    is_input_open: bool,
    scratch: Vec<u8>,
    output: Port<F::Frame>,
    errors: Port<String>,
    exits: Port<Exit>,
}

/// Where the program stands.
enum Stage<F> {
    /// It is to be started at this time.
    Waiting(Instant),
    Alive(Box<Alive<F>>),
    Over,
}

struct Alive<F> {
    child: Reaped,
    status: Option<ExitStatus>,
    /// Readable when the program has ended.
    _end: Descriptor<OwnedFd>,
    input: Option<Descriptor<ChildStdin>>,
    output: Framed<Pipe<ChildStdout>, F>,
    errors: Framed<Pipe<ChildStderr>, Lines>,
    /// They take turns: a flood of either leaves the other its share.
    errors_are_next: bool,
}

impl<F> Alive<F> {
    /// Looks whether the program has ended.
    fn look_for_end(&mut self) {
        if self.status.is_none()
            && let Ok(Some(status)) = self.child.0.try_wait()
        {
            self.status = Some(status);
            self.output.stream.end();
            self.errors.stream.end();
        }
    }
}

/// What a program has written. Programs that it has started, and that go on when it has ended, may write to the same pipe without an
/// end: then no more is read of it than was there.
struct Pipe<S> {
    stream: Descriptor<S>,
    left: Option<u64>,
}

impl<S: AsFd> Pipe<S> {
    fn new(stream: Descriptor<S>) -> Self {
        Self { stream, left: None }
    }

    /// The program has ended.
    fn end(&mut self) {
        self.left = rustix::io::ioctl_fionread(&*self.stream).ok();
    }
}

impl<S: Read> Read for Pipe<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(left) = &mut self.left else { return self.stream.read(into) };
        let most = into.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        let read = self.stream.read(&mut into[..most])?;
        *left -= read as u64;
        Ok(read)
    }
}

/// Killed when it is dropped, and not left behind as a zombie.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        // It may have ended: then both do nothing.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a call has found.
enum Found<T> {
    Output(T),
    Error(String),
    /// A frame that was left out.
    Bad(FrameError),
    /// None yet, and there may be more.
    Again,
    Nothing,
    Exited(ExitStatus),
}

/// What a piece of a stream comes to.
fn found<P, T>(piece: Piece<P>, frame: fn(P) -> Found<T>, name: &str) -> Found<T> {
    match piece {
        Piece::Frame(found) => frame(found),
        Piece::Bad(error) => Found::Bad(error),
        Piece::Again => Found::Again,
        Piece::End(Some(error)) => {
            log::debug!("{name}: {error}");
            Found::Nothing
        }
        Piece::Nothing | Piece::End(None) => Found::Nothing,
    }
}

impl<F: Framing> Running<F> {
    fn write(&mut self, frame: &F::Frame, cx: &mut Context<'_>) -> Demand {
        if matches!(self.stage, Stage::Over) {
            return Demand::Done;
        }
        self.scratch.clear();
        self.options.framing.encode(frame, &mut self.scratch);
        self.unsent.extend(&self.scratch);
        self.push();
        if matches!(&self.stage, Stage::Alive(alive) if alive.input.is_none()) && self.attempts.is_none() {
            self.give_up_input();
            self.tell_lost(cx);
            return Demand::Done;
        }
        if self.unsent.len() < self.options.max_unsent { Demand::More } else { Demand::Full }
    }

    /// Nobody reads what waits.
    fn give_up_input(&mut self) {
        self.lost += std::mem::take(&mut self.unsent).len();
    }

    fn tell_lost(&mut self, cx: &mut Context<'_>) {
        if self.lost > 0 {
            let lost = std::mem::take(&mut self.lost);
            let text =
                format!("{lost} bytes are lost, since the program has closed its input or ended before it read them");
            cx.report(&self.options.name, &StreamError::msg(text));
        }
    }

    /// Sends as much as the program reads now. Says whether there is room again where there was none.
    fn push(&mut self) -> bool {
        let was_full = self.unsent.len() >= self.options.max_unsent;
        let Stage::Alive(alive) = &mut self.stage else { return false };
        while let Some(input) = &mut alive.input {
            if self.unsent.is_empty() {
                if !self.is_input_open {
                    alive.input = None;
                }
                break;
            }
            match input.write(self.unsent.bytes()) {
                Ok(n) if n > 0 => drop(self.unsent.take(n)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => {
                    alive.input = None;
                    if self.attempts.is_none() {
                        self.lost += std::mem::take(&mut self.unsent).len(); // otherwise the sources wait for the next one
                    }
                }
            }
        }
        was_full && self.unsent.len() < self.options.max_unsent
    }

    fn start(&mut self) -> io::Result<Alive<F>> {
        let registry = self.registry.as_ref().ok_or(ErrorKind::NotConnected)?;
        let mut command = (self.options.make)();
        let input = if self.has_input { Stdio::piped() } else { Stdio::null() };
        let child = command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut child = Reaped(child);
        let raw = i32::try_from(child.0.id()).ok().and_then(rustix::process::Pid::from_raw);
        let end = rustix::process::pidfd_open(raw.ok_or(ErrorKind::NotFound)?, rustix::process::PidfdFlags::empty())?;
        let (mut end, mut input) = (Descriptor::new(end), child.0.stdin.take().map(Descriptor::new));
        let mut output = child.0.stdout.take().map(Descriptor::new).ok_or(ErrorKind::NotFound)?;
        let mut errors = child.0.stderr.take().map(Descriptor::new).ok_or(ErrorKind::NotFound)?;
        registry.register(&mut end, END, Interest::READABLE)?;
        input.as_mut().map_or(Ok(()), |input| registry.register(input, INPUT, Interest::WRITABLE))?;
        registry.register(&mut output, OUTPUT, Interest::READABLE)?;
        registry.register(&mut errors, ERRORS, Interest::READABLE)?;
        let output = Framed::new(Pipe::new(output), self.options.framing.clone());
        let errors = Framed::new(Pipe::new(errors), Lines::default());
        Ok(Alive { child, status: None, _end: end, input, output, errors, errors_are_next: true })
    }

    /// The next thing that the program has said or done.
    fn next(&mut self) -> Found<F::Frame> {
        let Stage::Alive(alive) = &mut self.stage else { return Found::Nothing };
        loop {
            let mut is_all = true;
            for is_error in [alive.errors_are_next, !alive.errors_are_next] {
                let found = if is_error {
                    found(alive.errors.next(), Found::Error, &self.options.name)
                } else {
                    found(alive.output.next(), Found::Output, &self.options.name)
                };
                match found {
                    Found::Nothing => {}
                    Found::Again => is_all = false,
                    found => {
                        alive.errors_are_next = !is_error;
                        return found;
                    }
                }
            }
            if !is_all {
                return Found::Again;
            }
            // What it has written before its end is read before that is told.
            if let Some(status) = alive.status {
                return Found::Exited(status);
            }
            alive.look_for_end();
            if alive.status.is_none() {
                return Found::Nothing;
            }
        }
    }

    /// The program is to be started, if its time has come.
    fn start_if_due(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let Stage::Waiting(due) = self.stage else { return Ok(()) };
        if cx.now() < due {
            cx.wake_at(due);
            return Ok(());
        }
        match self.start() {
            Ok(alive) => {
                self.stage = Stage::Alive(Box::new(alive));
                self.attempts.iter_mut().for_each(|attempts| attempts.connected(cx.now()));
                Ok(())
            }
            Err(error) => {
                let name = &self.options.name;
                let why = format!("cannot start the program `{name}`: {error}; check its name and its rights");
                let error = StreamError::msg(why);
                match self.next_start(cx) {
                    Some(due) => {
                        cx.report(&self.options.name, &error);
                        self.wait_until(due, cx);
                        Ok(())
                    }
                    None => Err(self.fail(error)),
                }
            }
        }
    }

    /// When the program is started again, if it is.
    fn next_start(&mut self, cx: &Context<'_>) -> Option<Instant> {
        let is_wanted = !self.has_input || self.is_input_open;
        let attempts = self.attempts.as_mut().filter(|_| is_wanted)?;
        Some(cx.now() + attempts.failed(cx.now()))
    }

    fn wait_until(&mut self, due: Instant, cx: &mut Context<'_>) {
        self.stage = Stage::Waiting(due);
        cx.wake_at(due);
    }

    fn fail(&mut self, error: StreamError) -> Failure {
        self.stage = Stage::Over;
        error.into()
    }

    /// The program has ended.
    fn exited(&mut self, status: ExitStatus, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        let next = self.next_start(cx);
        self.stage = Stage::Over;
        self.give_up_input();
        self.tell_lost(cx);
        self.exits.emit(Exit { status, restarts: next.is_some() }, cx)?;
        if let Some(due) = next {
            self.wait_until(due, cx);
            cx.resume();
            return Ok(Demand::More);
        }
        if !status.success() {
            let why = format!("`{}` has failed: {status}", self.options.name);
            return Err(self.fail(StreamError::msg(why)));
        }
        self.tell_ports(Notice::Completed, cx)?;
        Ok(Demand::Done)
    }

    /// Hands on what was found; `None` if nothing was.
    fn hand_on(&mut self, found: Found<F::Frame>, cx: &mut Context<'_>) -> Result<Option<Demand>, Failure> {
        match found {
            Found::Nothing => return Ok(None),
            Found::Again => {}
            Found::Output(frame) => {
                self.is_read = self.is_read || self.output.is_listened();
                let demand = self.output.emit(frame, cx)?;
                return Ok(Some(if self.is_read { demand } else { Demand::More })); // else what it writes is of no interest
            }
            Found::Exited(status) => return self.exited(status, cx).map(Some),
            Found::Bad(error) => cx.report(&self.options.name, &StreamError::caused("a frame was left out", error)),
            Found::Error(line) if self.errors.is_listened() => drop(self.errors.emit(line, cx)?),
            Found::Error(line) => log::warn!("{}: {line}", self.options.name),
        }
        Ok(Some(Demand::More))
    }
}

impl<F: Framing> Ports for Running<F> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.output.as_ref());
        see(self.errors.as_ref());
        see(self.exits.as_ref());
    }
}

impl<F: Framing> PortSource for Running<F> {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        while let Some(ready) = self.registry.as_ref().and_then(Registry::next_ready) {
            if ready.key == END
                && let Stage::Alive(alive) = &mut self.stage
            {
                alive.look_for_end();
            }
        }
        self.start_if_due(cx)?;
        if self.push() {
            cx.resume();
        }
        self.tell_lost(cx);
        for _ in 0..BATCH {
            let found = self.next();
            match self.hand_on(found, cx)? {
                None => return Ok(Demand::More),
                Some(Demand::More) => {}
                Some(demand) => return Ok(demand),
            }
        }
        cx.call_again();
        Ok(Demand::More)
    }
    fn on_notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        if matches!(notice, Notice::Wake) {
            cx.call_again();
            return Ok(Demand::More);
        }
        self.tell_ports(notice, cx)
    }
    fn answer(&self, question: Question<'_>) -> bool {
        matches!(question, Question::Open) || self.ask_ports(question) // it may only listen
    }
    fn name(&self) -> &str {
        &self.options.name
    }
}

impl<F: Framing> EventThing for Running<F> {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        self.registry = Some(registry.clone()); // its streams follow when it is started
        Ok(())
    }
}
