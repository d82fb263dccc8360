//! `print()`, `print_debug()`, `write_to(w)`: each event as a line of text.
//!
//! Holds nothing.

use core::fmt::{self, Debug, Display};
use core::marker::PhantomData;
use std::io::{self, ErrorKind, Write};

use crate::context::Context;
use crate::error::StreamError;
use crate::thing::{Closed, Demand, Receipt, Sink};
use crate::visit::Visitor;

/// Prints each event on a line of standard output, as `{}` does, and nothing else: what is printed can be read by another
/// program. An error of the stream is reported, see [`Context::report`].
///
/// When the reader of standard output has gone (`program | head`), it wants no more. Any other error is fatal.
///
/// ```
/// # use thingflow_core::prelude::*;
/// pipe::<&str>().also_to(print()).to(call(drop)).feed(["warm", "cold"])?; // prints warm, then cold
/// # Ok::<(), RunError>(())
/// ```
#[doc(alias = "output")]
pub fn print<T: Display>() -> Print<T> {
    Print(<T as Display>::fmt)
}

/// As [`print()`], but as `{:?}` shows an event: for lists, and for readings that have no text.
///
/// ```
/// # use thingflow_core::prelude::*;
/// pipe::<i32>().chunks(2).to(print_debug()).feed([1, 2, 3])?; // prints [1, 2], then [3]
/// # Ok::<(), RunError>(())
/// ```
#[doc(alias = "output")]
pub fn print_debug<T: Debug>() -> Print<T> {
    Print(<T as Debug>::fmt)
}

/// Made by [`print()`] and [`print_debug()`].
pub struct Print<T>(Show<T>);

type Show<T> = fn(&T, &mut fmt::Formatter<'_>) -> fmt::Result;

struct Shown<'a, T>(&'a T, Show<T>);

impl<T> Display for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1(self.0, f)
    }
}

impl<T> Print<T> {
    fn line(&self, event: &T, cx: &mut Context<'_>) -> Receipt {
        match writeln!(io::stdout().lock(), "{}", Shown(event, self.0)) {
            Ok(()) => Ok(Demand::More),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Demand::Done),
            Err(error) => Err(cx.fatal(error)),
        }
    }
}

impl<T> Sink for Print<T> {
    type Event = T;
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        self.line(&event, cx)
    }
    fn on_next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt
    where
        T: Clone,
    {
        self.line(event, cx)
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

impl<T> Clone for Print<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Print<T> {}

impl<T> Debug for Print<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Print")
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
pub fn write_to<T: Display, W: Write>(writer: W) -> WriteTo<T, W> {
    WriteTo(writer, PhantomData)
}

/// Made by [`write_to`].
pub struct WriteTo<T, W>(W, PhantomData<fn(T)>);

impl<T: Display, W: Write> Sink for WriteTo<T, W> {
    type Event = T;
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

impl<T, W: Clone> Clone for WriteTo<T, W> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<T, W> Debug for WriteTo<T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteTo")
    }
}
