//! `stores`: rows into SQLite and PostgreSQL, beside the plain client library with the same batch.

use super::{Group, names, number, subject, word};
use crate::child::{Readings, ask};
use crate::figure::{Bound, OURS};
use crate::report::{Report, Values, value_of};
use crate::sampling::in_turns;
use crate::servers::Server;
use crate::subjects::{hand, thingflow};
use crate::{Result, args};

pub const GROUP: Group =
    Group { name: "stores", about: "rows into SQLite and PostgreSQL", counts: false, measure, child };

/// Writes so many rows to a place: a file, or the address of a server.
type Subject = fn(&str, u64) -> Result<Readings>;

const PLAIN: &str = "plain client";

const SQLITE: &[(&str, Subject)] = &[(OURS, thingflow::stores::sqlite), (PLAIN, hand::stores::sqlite)];
const POSTGRES: &[(&str, Subject)] = &[(OURS, thingflow::stores::postgres), (PLAIN, hand::stores::postgres)];

/// Rows that are written at once.
pub const BATCH: usize = 1_000;

const TURNS: usize = 5;
const ROWS: u64 = 200_000;

/// What part of the plain client's rate ours has to reach.
const SHARE: f64 = 0.9;

fn measure(report: &mut Report) {
    let name = "SQLite, synced, 1,000 rows a batch";
    let to_file = |subject: &'static str| -> Result<Readings> {
        let folder = tempfile::tempdir()?;
        ask(args![GROUP.name, "sqlite", subject, folder.path().join("bench.db").display(), ROWS])
    };
    add(report, name, rates(SQLITE, to_file));

    let name = "PostgreSQL, 1,000 rows a batch";
    let server = Server::postgres();
    let place = format!("postgresql://test@{}/postgres", server.address());
    add(report, name, rates(POSTGRES, |subject| ask(args![GROUP.name, "postgres", subject, place, ROWS])));
}

fn rates(subjects: &[(&'static str, Subject)], write: impl Fn(&'static str) -> Result<Readings>) -> Values {
    let medians = in_turns(&names(subjects), TURNS, write, &["rate"]);
    medians.into_iter().map(|(subject, row)| (subject, row.map(|row| row[0]))).collect()
}

fn add(report: &mut Report, name: &str, rates: Values) {
    let limit = value_of(&rates, PLAIN).map(|plain| Bound::AtLeast(SHARE * plain));
    report.add(GROUP.name, name, "k rows/s", rates, limit);
}

/// `sqlite|postgres SUBJECT PLACE ROWS`
fn child(args: &[String]) -> Result<Readings> {
    let subjects = if word(args, 0)? == "sqlite" { SQLITE } else { POSTGRES };
    subject(subjects, word(args, 1)?)?(word(args, 2)?, number(args, 3)?)
}
