//! `print()`, `print_debug()`, `write_to(w)`: each event as a line of text.
//!
//! Holds nothing.

use core::fmt::{self, Debug, Display};
use core::marker::PhantomData;
use std::io::{self, ErrorKind, Write};

use crate::context::Context;
use crate::error::StreamError;
use crate::thing::{Closed, Demand, InputThing, Receipt};
use crate::visit::Visitor;

/// Prints each event on a line of standard output, as `{}` does, and nothing else: what is printed can be read by another
/// program. An error of the stream is reported, see [`Context::report`].
///
/// When the reader of standard output has gone (`program | head`), it wants no more. Any other error is fatal.
///
/// ```
/// # use thingflow_core::prelude::*;
/// pipe::<&str>().tap(print()).to(call(drop)).feed(["warm", "cold"])?; // prints warm, then cold
/// # Ok::<(), RunError>(())
/// ```
#[doc(alias = "output")]
pub fn print() -> Print<AsText> {
    Print(PhantomData)
}

/// As [`print()`], but as `{:?}` shows an event: for lists, and for readings that have no text.
///
/// ```
/// # use thingflow_core::prelude::*;
/// pipe::<i32>().chunks(2).to(print_debug()).feed([1, 2, 3])?; // prints [1, 2], then [3]
/// # Ok::<(), RunError>(())
/// ```
#[doc(alias = "output")]
pub fn print_debug() -> Print<AsDebug> {
    Print(PhantomData)
}

/// Made by [`print()`] and [`print_debug()`].
#[derive(Clone, Copy, Debug)]
pub struct Print<S>(PhantomData<S>);

/// As `{}` shows an event.
#[derive(Clone, Copy, Debug)]
pub struct AsText;

/// As `{:?}` shows an event.
#[derive(Clone, Copy, Debug)]
pub struct AsDebug;

/// How an event is shown: [`AsText`] or [`AsDebug`].
pub trait Show<T>: sealed::Sealed {
    /// Shows an event.
    ///
    /// # Errors
    /// Those of the formatter.
    fn show(event: &T, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::AsText {}
    impl Sealed for super::AsDebug {}
}

impl<T: Display> Show<T> for AsText {
    fn show(event: &T, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        event.fmt(f)
    }
}

impl<T: Debug> Show<T> for AsDebug {
    fn show(event: &T, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        event.fmt(f)
    }
}

struct Shown<'a, T, S>(&'a T, PhantomData<S>);

impl<T, S: Show<T>> Display for Shown<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        S::show(self.0, f)
    }
}

impl<S> Print<S> {
    fn line<T>(event: &T, cx: &mut Context<'_>) -> Receipt
    where
        S: Show<T>,
    {
        match writeln!(io::stdout().lock(), "{}", Shown(event, PhantomData::<S>)) {
            Ok(()) => Ok(Demand::More),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Demand::Done),
            Err(error) => Err(cx.fatal(error)),
        }
    }
}

impl<T, S: Show<T>> InputThing<T> for Print<S> {
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        Self::line(&event, cx)
    }
    fn on_next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt
    where
        T: Clone,
    {
        Self::line(event, cx)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("print", &error);
        Ok(())
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.sink("print");
    }
}

/// Writes each event on a line of `writer`, as `{}` does, and flushes it at the end. An error of the stream is reported;
/// each error of the writer is fatal.
///
/// Lend the writer with `&mut` to have it back after the run. For files there is `lines::write` of `thingflow-adapters`.
///
/// ```
/// # use thingflow_core::prelude::*;
/// let mut text = Vec::new();
/// pipe().map(|x: i32| x * 2).to(write_to(&mut text)).feed([1, 2])?;
/// assert_eq!(text, b"2\n4\n");
/// # Ok::<(), RunError>(())
/// ```
#[doc(alias = "output")]
pub fn write_to<W: Write>(writer: W) -> WriteTo<W> {
    WriteTo(writer)
}

/// Made by [`write_to`].
#[derive(Clone)]
pub struct WriteTo<W>(W);

impl<T: Display, W: Write> InputThing<T> for WriteTo<W> {
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        writeln!(self.0, "{event}").map(|()| Demand::More).map_err(|error| cx.fatal(error))
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.0.flush().map_err(|error| cx.fatal(error))
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("write_to", &error);
        self.0.flush().map_err(|error| cx.fatal(error))
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.sink("write_to");
    }
}

impl<W> Debug for WriteTo<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteTo")
    }
}
