//! `print()`, `write_to(w)`: each event as a line of text.
//!
//! Holds nothing.

use core::fmt::{self, Debug};
use core::marker::PhantomData;
use std::io::{self, ErrorKind, Write};

use crate::context::Context;
use crate::error::StreamError;
use crate::thing::{Closed, Demand, Receipt, Sink};
use crate::visit::Visitor;

/// Prints each event to standard output, as `{:?}` does, then `-- completed` or `-- error: ` and why.
///
/// If the reader of standard output has gone (`program | head`), it wants no more. Any other error is fatal.
///
/// ```
/// # use thingflow_core::prelude::*;
/// pipe::<i32>().tap(print()).to(call(drop)).feed([1, 2])?;
/// # Ok::<(), RunError>(())
/// ```
#[doc(alias = "output")]
pub fn print<T: Debug>() -> Print<T> {
    Print(PhantomData)
}

/// Made by [`print()`].
#[derive(Clone, Copy, Debug)]
pub struct Print<T>(PhantomData<fn(T)>);

impl<T> Print<T> {
    fn line(line: fmt::Arguments<'_>, cx: &mut Context<'_>) -> Receipt {
        match writeln!(io::stdout().lock(), "{line}") {
            Ok(()) => Ok(Demand::More),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Demand::Done),
            Err(error) => Err(cx.fatal(error)),
        }
    }
}

impl<T: Debug> Sink for Print<T> {
    type Event = T;
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        Self::line(format_args!("{event:?}"), cx)
    }
    fn on_next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt
    where
        T: Clone,
    {
        Self::line(format_args!("{event:?}"), cx)
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        Self::line(format_args!("-- completed"), cx).map(drop)
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        Self::line(format_args!("-- error: {error}"), cx).map(drop)
    }
}

/// Writes what [`print()`] prints to `writer`, and flushes it at the end. Each error of the writer is fatal.
///
/// Lend the writer with `&mut` to have it back after the run.
///
/// ```
/// # use thingflow_core::prelude::*;
/// let mut text = Vec::new();
/// pipe().map(|x: i32| x * 2).to(write_to(&mut text)).feed([1, 2])?;
/// assert_eq!(text, b"2\n4\n-- completed\n");
/// # Ok::<(), RunError>(())
/// ```
#[doc(alias = "output")]
pub fn write_to<T: Debug, W: Write>(writer: W) -> WriteTo<T, W> {
    WriteTo(writer, PhantomData)
}

/// Made by [`write_to`].
pub struct WriteTo<T, W>(W, PhantomData<fn(T)>);

impl<T, W: Write> WriteTo<T, W> {
    fn end(&mut self, line: fmt::Arguments<'_>, cx: &mut Context<'_>) -> Closed {
        writeln!(self.0, "{line}").and_then(|()| self.0.flush()).map_err(|error| cx.fatal(error))
    }
}

impl<T: Debug, W: Write> Sink for WriteTo<T, W> {
    type Event = T;
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        writeln!(self.0, "{event:?}").map(|()| Demand::More).map_err(|error| cx.fatal(error))
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.end(format_args!("-- completed"), cx)
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.end(format_args!("-- error: {error}"), cx)
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.sink_type("WriteTo");
    }
}

impl<T, W> Debug for WriteTo<T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteTo")
    }
}
