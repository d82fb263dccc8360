//! One file for each group of figures: its subjects, how they are measured, and the limits that ours has to keep.

mod allocations;
mod chain;
mod fanout;
mod flow;
mod footprint;
mod hops;
mod idle;
mod joins;
mod journal;
mod mqtt;
mod operators;
mod page;
mod posts;
pub mod stores;
mod timers;
pub mod timing;
mod windows;

use crate::Result;
use crate::child::Readings;
use crate::report::Report;

/// A group of figures.
#[derive(Debug)]
pub struct Group {
    /// What `--only` calls it.
    pub name: &'static str,
    /// What is measured, in a few words.
    pub about: &'static str,
    /// Whether it counts instructions, which an emulator can do as well.
    pub counts: bool,
    /// In the parent: measures all subjects, adds their figures.
    pub measure: fn(&mut Report),
    /// In the child: runs one subject once.
    pub child: fn(&[String]) -> Result<Readings>,
}

/// All groups, in the order of the table.
pub const ALL: [&Group; 16] = [
    &chain::GROUP,
    &hops::GROUP,
    &fanout::GROUP,
    &joins::GROUP,
    &timing::GROUP,
    &flow::GROUP,
    &timers::GROUP,
    &posts::GROUP,
    &idle::GROUP,
    &allocations::GROUP,
    &journal::GROUP,
    &page::GROUP,
    &windows::GROUP,
    &operators::GROUP,
    &mqtt::GROUP,
    &stores::GROUP,
];

/// The group of that name.
pub fn find(name: &str) -> Option<&'static Group> {
    ALL.into_iter().find(|group| group.name == name)
}

/// The subject of that name.
fn subject<T: Copy>(subjects: &[(&'static str, T)], name: &str) -> Result<T> {
    let found = subjects.iter().find(|(subject, _)| *subject == name);
    found.map(|(_, subject)| *subject).ok_or_else(|| format!("no subject {name}").into())
}

/// The names of the subjects.
fn names<T>(subjects: &[(&'static str, T)]) -> Vec<&'static str> {
    subjects.iter().map(|(name, _)| *name).collect()
}

/// A number among the child's arguments.
fn number<T: std::str::FromStr>(args: &[String], at: usize) -> Result<T> {
    args.get(at).and_then(|arg| arg.parse().ok()).ok_or_else(|| format!("argument {at} wants a number").into())
}

/// A word among the child's arguments.
fn word(args: &[String], at: usize) -> Result<&str> {
    args.get(at).map(String::as_str).ok_or_else(|| format!("argument {at} is missing").into())
}
