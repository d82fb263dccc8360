//! The marks that a failure leaves, and what they are compared with.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::any::type_name;
use core::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::diagram::called;
use crate::port::PortRef;
use crate::thing::Receipt;
use crate::visit::Visitor;

/// A failure passes no more stages than this that anybody would compare.
const MOST: usize = 256;

std::thread_local! {
    /// The innermost first.
    static MARKS: RefCell<Vec<Mark>> = const { RefCell::new(Vec::new()) };
}

#[derive(Clone, Copy)]
struct Mark {
    type_name: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A filter that was being called.
    Filter,
    /// A filter beside the call: what follows it was told of something by itself.
    Beside,
    /// What follows a filter, and not the filter itself.
    End,
}

#[cold]
#[inline(never)]
pub(super) fn leave_for<S: ?Sized, const END: bool>() {
    leave(Mark { type_name: type_name::<S>(), kind: if END { Kind::End } else { Kind::Filter } });
}

/// Leaves marks for filters that are not being called, if a panic drops it.
struct Beside<D: Fn(&mut dyn Visitor)>(D);

impl<D: Fn(&mut dyn Visitor)> Drop for Beside<D> {
    fn drop(&mut self) {
        // A panic may be on its way: one more, of a question, would end the process.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            let mut shown = Shown::default();
            (self.0)(&mut shown);
            let filters = shown.0.iter().filter(|item| matches!(item, Item::Filter(_)));
            filters.for_each(|_| leave(Mark { type_name: "", kind: Kind::Beside }));
        }));
    }
}

/// Makes a call beside the filters that `describe` shows.
pub(super) fn beside(describe: impl Fn(&mut dyn Visitor), call: impl FnOnce() -> Receipt) -> Receipt {
    let witness = Beside(describe);
    let receipt = call();
    if receipt.is_ok() {
        core::mem::forget(witness);
    }
    receipt
}

fn leave(mark: Mark) {
    if mark.is_plumbing() {
        return;
    }
    // Not while the thread ends, nor from inside of a comparison.
    let _ = MARKS.try_with(|marks| {
        if let Ok(mut marks) = marks.try_borrow_mut()
            && marks.len() < MOST
        {
            marks.push(mark);
        }
    });
}

/// Forgets what an earlier failure has left.
pub(crate) fn forget() {
    drop(take());
}

fn take() -> Vec<Mark> {
    MARKS
        .try_with(|marks| marks.try_borrow_mut().map(|mut marks| core::mem::take(&mut *marks)).unwrap_or_default())
        .unwrap_or_default()
}

impl Mark {
    fn path(self) -> &'static str {
        self.type_name.split_once('<').map_or(self.type_name, |(path, _)| path)
    }

    /// One of this library's types, by the end of its path.
    fn is(self, ends: &[&str]) -> bool {
        let path = self.path().strip_prefix(env!("CARGO_CRATE_NAME"));
        path.is_some_and(|path| ends.iter().any(|end| path.ends_with(end)))
    }

    /// What holds stages together is none.
    fn is_plumbing(self) -> bool {
        const CHAIN: [&str; 5] =
            ["::chain::Connected", "::chain::Then", "::chain::Pipe", "::chain::Following", "::chain::Identity"];
        self.is(&CHAIN) || self.is(&["::named::Named"]) || self.type_name.starts_with("&mut dyn ")
    }

    /// Whether a filter shows itself as one.
    fn is_shown(self) -> bool {
        !self.is(&["::zip_with::ZipWith"]) // it is a part of a join
    }

    fn name(self) -> String {
        let name = self.path().rsplit("::").next().unwrap_or_default();
        if self.kind == Kind::End { name.to_string() } else { called(name) }
    }
}

/// The name of the stage that has failed, in a chain that shows itself to `describe`. `None` if no stage was being called:
/// then it is the end of a chain that has no filter, or its source.
pub(crate) fn culprit_in(describe: impl FnOnce(&mut dyn Visitor)) -> Option<String> {
    let mut marks = take();
    marks.reverse();
    let innermost = *marks.last()?;
    let mut shown = Shown::default();
    describe(&mut shown);
    Some(shown.find(&marks).unwrap_or_else(|| innermost.name()))
}

/// As [`culprit_in`], if it is a filter.
pub(crate) fn filter_in(describe: impl FnOnce(&mut dyn Visitor)) -> Option<String> {
    let is_filter = MARKS.try_with(|marks| marks.borrow().first().is_some_and(|mark| mark.kind != Kind::End));
    if is_filter.unwrap_or_default() { culprit_in(describe) } else { None }
}

/// The name that a chain gives to the source before it, if that is what it begins with.
pub(crate) fn given_to_source(describe: impl FnOnce(&mut dyn Visitor)) -> Option<String> {
    let mut shown = Shown::default();
    describe(&mut shown);
    match shown.0.into_iter().next() {
        Some(Item::Place(name)) => Some(name),
        _ => None,
    }
}

/// What a chain shows of itself, from its beginning to its end.
#[derive(Default)]
struct Shown(Vec<Item>);

enum Item {
    Filter(String),
    /// A name that was given to this place.
    Place(String),
    /// A join, a port or a sink: what an end stands for.
    End(String),
    /// A sink that has no name but that of its type.
    Nameless(&'static str),
}

impl Shown {
    /// The name of what the last mark stands for. The marks are in the order of the chain.
    fn find(&self, marks: &[Mark]) -> Option<String> {
        let innermost = marks.last()?;
        let fails_at_end = innermost.kind == Kind::End;
        let ends = marks.iter().filter(|mark| mark.kind == Kind::End).count();
        let part = self.behind_ends(ends - usize::from(fails_at_end))?;
        if fails_at_end {
            return end_of(part);
        }
        let filters = marks.iter().rev().take_while(|mark| mark.kind != Kind::End).filter(|mark| mark.is_shown());
        let (own, following) = match filters.count().checked_sub(1) {
            None => (None, part),
            Some(n) => {
                let (at, name) = part.iter().enumerate().filter_map(Item::filter).nth(n)?;
                (Some(name), &part[at + 1..])
            }
        };
        let own = own.filter(|_| innermost.is_shown()).cloned().unwrap_or_else(|| innermost.name());
        Some(with_place(&own, following))
    }

    /// The part of the chain that begins behind so many joins.
    fn behind_ends(&self, n: usize) -> Option<&[Item]> {
        let Some(last) = n.checked_sub(1) else { return Some(&self.0) };
        let (at, _) = self.0.iter().enumerate().filter(|(_, item)| item.is_end()).nth(last)?;
        Some(&self.0[at + 1..])
    }
}

/// The name of what a part of a chain ends in; if it has none but that of its type, the last name given before it.
fn end_of(part: &[Item]) -> Option<String> {
    let at = part.iter().position(Item::is_end)?;
    let given = part[..at].iter().rev().find_map(Item::place);
    match &part[at] {
        Item::End(name) => Some(name.clone()),
        Item::Nameless(name) => Some(given.cloned().unwrap_or_else(|| (*name).to_string())),
        _ => None,
    }
}

/// The name that was given to a filter behind it; else that of the operator, with the next name given in the chain.
fn with_place(own: &str, following: &[Item]) -> String {
    let mut following = following.iter().take_while(|item| !item.is_end());
    match following.next().map(Item::place) {
        Some(Some(place)) => place.clone(),
        _ => following.find_map(Item::place).map_or(own.to_string(), |place| format!("{own} before {place}")),
    }
}

impl Item {
    fn is_end(&self) -> bool {
        matches!(self, Self::End(_) | Self::Nameless(_))
    }

    fn place(&self) -> Option<&String> {
        if let Self::Place(name) = self { Some(name) } else { None }
    }

    fn filter((at, item): (usize, &Self)) -> Option<(usize, &String)> {
        if let Self::Filter(name) = item { Some((at, name)) } else { None }
    }
}

impl Visitor for Shown {
    fn filter(&mut self, name: &str) {
        self.0.push(Item::Filter(name.to_string()));
    }
    fn filter_type(&mut self, name: &'static str) {
        self.filter(&called(name));
    }
    fn place(&mut self, name: &str) {
        self.0.push(Item::Place(name.to_string()));
    }
    fn branch(&mut self, _: &dyn Fn(&mut dyn Visitor)) {}
    fn join(&mut self, name: &str, _: usize) -> bool {
        let is_type = name.starts_with(|c: char| c.is_ascii_uppercase());
        self.sink(&if is_type { called(name) } else { name.to_string() });
        true
    }
    fn sink(&mut self, name: &str) {
        self.0.push(Item::End(name.to_string()));
    }
    fn sink_type(&mut self, name: &'static str) {
        self.0.push(Item::Nameless(name));
    }
    fn port(&mut self, port: PortRef, _: bool) {
        self.0.push(Item::End(port.name()));
    }
}
