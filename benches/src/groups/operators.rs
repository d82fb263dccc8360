//! `operators`: every operator of the book's list, alone: the instructions that it adds to an event, and the bytes that it
//! holds. `benches/operators.jsonl` is what this has measured last, and what the book's list shows.

use std::thread;

use super::{Group, number, word};
use crate::child::{self, Readings};
use crate::figure::OURS;
use crate::report::Report;
use crate::subjects::operators;
use crate::{Result, args, counter};

pub const GROUP: Group =
    Group { name: "operators", about: "each operator of the list, alone", counts: true, measure, child };

/// Events of a short pass. A power of two, and more than all that fills first.
const EVENTS: u64 = 8_192;

const WITHOUT: usize = 0;
const WITH: usize = 1;

fn measure(report: &mut Report) {
    let names = operators::names();
    let (left, right) = names.split_at(names.len() / 2);
    let measured = thread::scope(|scope| {
        let other = scope.spawn(|| all(left));
        let right = all(right);
        other.join().map(|left| left.into_iter().chain(right).collect::<Vec<_>>()).unwrap_or_default()
    });
    for (name, [instructions, bytes, heap]) in names.iter().zip(measured) {
        let value = |value: std::result::Result<f64, String>| vec![(OURS, value.map_err(Into::into))];
        report.add(GROUP.name, name, "instr", value(instructions), None);
        if counter::is_emulated() {
            continue; // memory is no figure there
        }
        report.add(GROUP.name, name, "bytes", value(bytes), None);
        report.add(GROUP.name, name, "heap bytes", value(heap), None);
    }
}

type Measured = [std::result::Result<f64, String>; 3];

fn all(names: &[&str]) -> Vec<Measured> {
    let text = |error: crate::Error| error.to_string();
    names
        .iter()
        .map(|name| {
            [instructions(name).map_err(text), bytes(name, "bytes").map_err(text), bytes(name, "heap").map_err(text)]
        })
        .collect()
}

/// What it adds to an event; an operator that the compiler makes nothing of adds nothing.
fn instructions(name: &str) -> Result<f64> {
    let [without, with] = [WITHOUT, WITH].map(|which| counter::per_event(args![GROUP.name, name, which], EVENTS));
    Ok((with? - without?).max(0.0))
}

/// What it holds once it is warm, beside what there is without it.
fn bytes(name: &str, which: &str) -> Result<f64> {
    if counter::is_emulated() {
        return Err("memory is not measured on an emulated processor".into());
    }
    let [without, with] = [WITHOUT, WITH].map(|with| child::ask(args![GROUP.name, name, with, EVENTS]));
    Ok((with?.get(which)? - without?.get(which)?).max(0.0))
}

/// `OPERATOR WITH EVENTS`
fn child(args: &[String]) -> Result<Readings> {
    operators::run(word(args, 0)?, number::<usize>(args, 1)? == WITH, number(args, 2)?)
}
