//! The past on disk, read as that in memory is: [`JournalPast`] makes a [`Past`] of a journal.

mod error;

pub use error::PastError;

use std::error::Error;
use std::fmt;

use thingflow_core::Timestamp;
use thingflow_core::history::{Kept, Number, Past, Span};
use thingflow_journal::{Journal, Range, Record};

/// So many bytes of records are read at a time.
const PIECE: usize = 64 << 10;

/// A journal whose records are events, as a [`Past`]: by the numbers of its records, and by their times, which are those of a
/// [`Timestamp`] in nanoseconds, as an outbox and a recording write them.
///
/// What is not synced to the disk yet is left out, and so is what has been dropped at the journal's limit. A call waits for the
/// disk: make it on a thread. Reading along times looks only into those segments that have some of them; an end that is to be
/// covered is looked for in steps that double.
///
/// ```
/// use thingflow_adapters::past::JournalPast;
/// use thingflow_core::Timestamp;
/// use thingflow_core::history::{Past, Span};
/// use thingflow_journal::{CommitWindow, Journal, Options};
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let journal = Journal::open(folder, Options::new(16 << 20, CommitWindow::default()))?;
/// let writer = journal.writer();
/// for (second, celsius) in [(10, "21.5"), (20, "21.9"), (30, "22.4")] {
///     writer.push(Timestamp::from_secs(second).as_nanos(), celsius.as_bytes())?;
/// }
/// journal.sync()?;
///
/// let past = JournalPast::new(&journal, |bytes| std::str::from_utf8(bytes)?.parse::<f64>().map_err(Into::into));
/// let around = Span::of(Timestamp::from_secs(15)..=Timestamp::from_secs(20)).covering();
/// let celsius: Vec<f64> = past.range(around)?.iter().map(|kept| kept.event).collect();
/// assert_eq!(celsius, [21.5, 21.9]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct JournalPast<'j, F> {
    journal: &'j Journal,
    decode: F,
}

impl<'j, T, F> JournalPast<'j, F>
where
    F: Fn(&[u8]) -> Result<T, Box<dyn Error + Send + Sync>>,
{
    /// The past of a journal; `decode` makes an event of the bytes of a record.
    pub fn new(journal: &'j Journal, decode: F) -> Self {
        Self { journal, decode }
    }

    /// All records of a range, each handed to `see`.
    fn read(&self, mut range: Range, mut see: impl FnMut(Record)) -> Result<(), PastError> {
        loop {
            let records = self.journal.read(&mut range, PIECE).map_err(PastError::Journal)?;
            if records.is_empty() {
                return Ok(());
            }
            records.into_iter().for_each(&mut see);
        }
    }

    fn range_along<P: Along>(&self, span: &Span<P>) -> Result<Vec<Kept<T>>, PastError> {
        let newest = self.journal.durable();
        let until_now = |range: Option<(i64, i64)>| range.map(|(first, last)| P::range(first, last, newest));
        let before = match span.start_to_cover() {
            Some(start) => self.nearest(|reach| until_now(start.down_by(reach)), P::of, |a, b| a > b)?,
            None => None,
        };
        let after = match span.end_to_cover() {
            Some(end) => self.nearest(|reach| until_now(end.up_by(reach)), P::of, |a, b| a < b)?,
            None => None,
        };
        let span = span.widened(before, after)?;
        let (mut kept, mut failed, mut seen) = (Vec::new(), None, 0_usize);
        self.read(P::within(&span, newest), |record| {
            if !span.contains(&P::of(&record)) || failed.is_some() {
                return;
            }
            if seen % span.step() == 0 {
                match (self.decode)(&record.payload) {
                    Ok(event) => {
                        kept.push(Kept { number: record.number, time: Timestamp::from_nanos(record.time), event });
                    }
                    Err(cause) => failed = Some(PastError::Decode { number: record.number, cause }),
                }
            }
            seen += 1;
        })?;
        failed.map_or(Ok(kept), Err)
    }

    /// The place of the record that is nearest to another place: looked for in ranges that double, until one has a record or
    /// reaches the end.
    fn nearest<P: Along>(
        &self,
        range: impl Fn(Option<i64>) -> Option<Range>,
        of: impl Fn(&Record) -> P,
        is_nearer: impl Fn(&P, &P) -> bool,
    ) -> Result<Option<P>, PastError> {
        let mut reach = Some(P::STEP);
        loop {
            let Some(range) = range(reach) else { return Ok(None) };
            let mut nearest: Option<P> = None;
            self.read(range, |record| {
                let place = of(&record);
                if nearest.as_ref().is_none_or(|nearest| is_nearer(&place, nearest)) {
                    nearest = Some(place);
                }
            })?;
            if nearest.is_some() || reach.is_none() {
                return Ok(nearest);
            }
            reach = reach.and_then(|reach| reach.checked_mul(16));
        }
    }
}

/// What a journal can be read along.
trait Along: Ord + Clone {
    /// How far is looked first for a record that covers an end.
    const STEP: i64;
    fn of(record: &Record) -> Self;
    /// As a number.
    fn value(&self) -> i64;
    /// The records from one value to another, up to a number.
    fn range(first: i64, last: i64, newest: u64) -> Range;

    /// From so far before here to here; from the beginning, where it is not said how far. `None` if there is no such place.
    fn down_by(&self, reach: Option<i64>) -> Option<(i64, i64)> {
        Some((reach.map_or(i64::MIN, |reach| self.value().saturating_sub(reach)), self.value()))
    }
    fn up_by(&self, reach: Option<i64>) -> Option<(i64, i64)> {
        Some((self.value(), reach.map_or(i64::MAX, |reach| self.value().saturating_add(reach))))
    }
    /// Records among which all of a span are.
    fn within(span: &Span<Self>, newest: u64) -> Range {
        let (first, last) = span.ends();
        Self::range(first.map_or(i64::MIN, Self::value), last.map_or(i64::MAX, Self::value), newest)
    }
}

impl Along for Number {
    const STEP: i64 = 16;
    fn of(record: &Record) -> Self {
        Self(record.number)
    }
    fn value(&self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }
    fn range(first: i64, last: i64, newest: u64) -> Range {
        let number = |value: i64| u64::try_from(value).unwrap_or(0);
        Range::all().numbers(number(first)..=number(last).min(newest))
    }
}

impl Along for Timestamp {
    const STEP: i64 = 1_000_000_000;
    fn of(record: &Record) -> Self {
        Self::from_nanos(record.time)
    }
    fn value(&self) -> i64 {
        self.as_nanos()
    }
    fn range(first: i64, last: i64, newest: u64) -> Range {
        Range::all().numbers(..=newest).times(first..=last)
    }
}

/// By the numbers of the records.
impl<T, F> Past<Number> for JournalPast<'_, F>
where
    F: Fn(&[u8]) -> Result<T, Box<dyn Error + Send + Sync>>,
{
    type Event = T;
    type Error = PastError;
    fn range(&self, span: impl Into<Span<Number>>) -> Result<Vec<Kept<T>>, PastError> {
        self.range_along(&span.into())
    }
}

/// By the times of the records, which need not rise.
impl<T, F> Past<Timestamp> for JournalPast<'_, F>
where
    F: Fn(&[u8]) -> Result<T, Box<dyn Error + Send + Sync>>,
{
    type Event = T;
    type Error = PastError;
    fn range(&self, span: impl Into<Span<Timestamp>>) -> Result<Vec<Kept<T>>, PastError> {
        self.range_along(&span.into())
    }
}

impl<F> fmt::Debug for JournalPast<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalPast").field("journal", self.journal).finish_non_exhaustive()
    }
}
