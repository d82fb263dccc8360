//! [`Timetable`]: which tasks are due at which tick. Arithmetic only, no Things.
//!
//! Invariants: the entries are in the order in which they run (ascending interval, then order of addition); entries of
//! equal interval are due at the same tick; the tick counter stays below its wrap.

use heapless::Vec;

use super::ScheduleError;

/// The number of a task in its [`Timetable`] or [`Scheduler`](super::Scheduler), not used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub(super) u32);

/// When up to `N` periodic tasks are due, in ticks of a counter that wraps.
///
/// ```
/// use thingflow_core::bare::Timetable;
/// let mut table = Timetable::<4>::new(1 << 20);
/// let (slow, fast) = (table.add(60)?, table.add(30)?); // related: they share wake-ups
/// assert_eq!(table.due(), [fast, slow]);
/// assert_eq!(table.sleep(), Some(30));
/// table.advance(34); // four ticks late,
/// assert_eq!(table.due(), [fast]);
/// assert_eq!(table.sleep(), Some(26)); // which the next sleep makes up for
/// # Ok::<(), thingflow_core::bare::ScheduleError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Timetable<const N: usize> {
    entries: Vec<Entry, N>,
    now: u32,
    wrap: u32,
    last_id: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    id: TaskId,
    interval: u32,
    /// On the counter's scale: below zero if due before the last wrap, above the wrap if due after the next.
    due: i64,
}

impl<const N: usize> Timetable<N> {
    /// An empty table at tick 0 of a counter that goes from 0 to `wrap - 1`.
    pub const fn new(wrap: u32) -> Self {
        Self { entries: Vec::new(), now: 0, wrap, last_id: 0 }
    }

    /// Adds a task that runs every `interval` ticks.
    ///
    /// # Errors
    /// If the interval is 0 or reaches the wrap, or if the table is full.
    pub fn add(&mut self, interval: u32) -> Result<TaskId, ScheduleError> {
        if interval == 0 {
            return Err(ScheduleError::IntervalTooShort);
        }
        if interval >= self.wrap {
            return Err(ScheduleError::IntervalTooLong);
        }
        let id = TaskId(self.last_id.wrapping_add(1));
        let entry = Entry { id, interval, due: self.first_due(interval) };
        let at = self.entries.partition_point(|other| other.interval <= interval);
        self.entries.insert(at, entry).map_err(|_| ScheduleError::Full)?;
        self.last_id = id.0;
        Ok(id)
    }

    /// The phase of the task of equal interval, else of the shortest interval that is related, else now. A shorter interval
    /// than that of its relative does not wait for it, but runs on its beat.
    fn first_due(&self, interval: u32) -> i64 {
        let equal = |entry: &&Entry| entry.interval == interval;
        let related =
            |entry: &&Entry| entry.interval.is_multiple_of(interval) || interval.is_multiple_of(entry.interval);
        let relative = self.entries.iter().find(equal).or_else(|| self.entries.iter().find(related));
        let now = i64::from(self.now);
        relative.map_or(now, |entry| match entry.due - now {
            wait if wait > i64::from(interval) => now + wait % i64::from(interval),
            _ => entry.due,
        })
    }

    /// Removes a task; false if it is not in the table.
    pub fn remove(&mut self, task: TaskId) -> bool {
        let Some(at) = self.entries.iter().position(|entry| entry.id == task) else { return false };
        self.entries.remove(at);
        true
    }

    /// The tasks that are due, in the order in which they are to run. Each of them is then due one interval later, so
    /// that a task that has missed several runs is given once at each call.
    pub fn due(&mut self) -> Vec<TaskId, N> {
        let now = i64::from(self.now);
        let mut due = Vec::new();
        for entry in self.entries.iter_mut().filter(|entry| entry.due <= now) {
            entry.due += i64::from(entry.interval);
            let _ = due.push(entry.id); // as many places as entries
        }
        due
    }

    /// The number of ticks until a task is due, 0 if one is overdue, `None` if the table is empty.
    pub fn sleep(&self) -> Option<u32> {
        let first = self.entries.iter().map(|entry| entry.due).min()?;
        Some(u32::try_from((first - i64::from(self.now)).max(0)).unwrap_or(u32::MAX))
    }

    /// Lets `ticks` pass.
    pub fn advance(&mut self, ticks: u32) {
        let (now, wrap) = (u64::from(self.now) + u64::from(ticks), u64::from(self.wrap.max(1)));
        self.now = u32::try_from(now % wrap).unwrap_or(0);
        if let Ok(wrapped @ 1..) = i64::try_from(now - u64::from(self.now)) {
            for entry in &mut self.entries {
                entry.due -= wrapped;
            }
        }
    }

    /// The ticks from one reading of the counter to the next, less than one turn of it later.
    pub fn between(&self, earlier: u32, later: u32) -> u32 {
        let wrap = self.wrap.max(1);
        let (earlier, later) = (earlier % wrap, later % wrap);
        if later >= earlier { later - earlier } else { wrap - earlier + later }
    }

    /// The value of the tick counter.
    pub fn now(&self) -> u32 {
        self.now
    }

    /// How many tasks there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no task.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
