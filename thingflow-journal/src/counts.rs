//! [`Counts`]: where all records are, at every moment.

/// Where the records are that one consumer is to get, since it was opened.
///
/// At every moment `pushed == delivered + waiting + dropped.total() + lost`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records offered to the journal since the consumer was opened, and those that waited for it then.
    pub pushed: u64,
    /// Records that the consumer has acknowledged.
    pub delivered: u64,
    /// Records on disk or in memory that it has not acknowledged.
    pub waiting: u64,
    /// Records that a limit has taken away.
    pub dropped: Dropped,
    /// Records that damage to the files has made unreadable.
    pub lost: u64,
}

/// Dropped records by what made them go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// By the limit in bytes.
    pub bytes: u64,
    /// By the limit in records.
    pub records: u64,
    /// By the limit in age.
    pub age: u64,
    /// The disk was full.
    pub disk: u64,
    /// The memory for what waits for a commit was full.
    pub buffer: u64,
    /// [`Store::cut`](crate::Store::cut) was called.
    pub cut: u64,
}

impl Dropped {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.bytes + self.records + self.age + self.disk + self.buffer + self.cut
    }

    pub(crate) fn of(&mut self, reason: Reason) -> &mut u64 {
        match reason {
            Reason::Bytes => &mut self.bytes,
            Reason::Records => &mut self.records,
            Reason::Age => &mut self.age,
            Reason::Disk => &mut self.disk,
            Reason::Cut => &mut self.cut,
        }
    }
}

/// Why records on disk are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Bytes,
    Records,
    Age,
    Disk,
    Cut,
}

impl Counts {
    /// Whether every record is accounted for. It always is; tests and meters ask.
    pub fn is_conserved(&self) -> bool {
        self.pushed == self.delivered + self.waiting + self.dropped.total() + self.lost
    }

    pub(crate) fn pushed(&mut self, records: u64) {
        self.pushed += records;
        self.waiting += records;
    }

    pub(crate) fn delivered(&mut self, records: u64) {
        self.take(records);
        self.delivered += records;
    }

    pub(crate) fn dropped(&mut self, reason: Reason, records: u64) {
        self.take(records);
        *self.dropped.of(reason) += records;
    }

    pub(crate) fn lost(&mut self, records: u64) {
        self.take(records);
        self.lost += records;
    }

    /// Records that were not known of, since damaged files hid their number, count as pushed when they turn up.
    fn take(&mut self, records: u64) {
        self.pushed(records.saturating_sub(self.waiting));
        self.waiting -= records;
    }
}
