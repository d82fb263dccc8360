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

/// What the disk was given for what is stored: see [`Journal::wear`](crate::Journal::wear).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wear {
    /// Bytes of the payloads that were stored.
    pub stored: u64,
    /// Bytes of the blocks of 4 KiB that were synced: records, headers, positions. What a file system writes for itself is not
    /// among them; with segments that are used again that is little.
    pub written: u64,
}

impl Wear {
    const BLOCK: u64 = 4096;

    /// Bytes written for each stored byte; `None` as long as nothing is stored.
    ///
    /// ```
    /// # use thingflow_journal::{CommitWindow, Folder, Options, Store};
    /// # let folder = tempfile::tempdir()?;
    /// let mut store = Store::open(Folder::open(folder.path())?, Options::new(1 << 20, CommitWindow::default()))?;
    /// for n in 0..1000 {
    ///     store.push(n, &[0; 100])?;
    /// }
    /// store.commit()?;
    /// let ratio = store.wear().ratio().ok_or("nothing is stored")?;
    /// assert!((1.0..1.4).contains(&ratio), "{ratio}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[allow(clippy::cast_precision_loss)] // a ratio for people
    pub fn ratio(&self) -> Option<f64> {
        (self.stored > 0).then(|| self.written as f64 / self.stored as f64)
    }

    /// Some bytes from an offset on were synced.
    pub(crate) fn wrote(&mut self, offset: u64, bytes: u64) {
        let blocks = (offset + bytes).div_ceil(Self::BLOCK) - offset / Self::BLOCK;
        self.written += blocks * Self::BLOCK;
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
