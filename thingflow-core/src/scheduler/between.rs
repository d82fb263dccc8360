//! [`Between`]: the notices that cross to a thread in their place between two events.

use crate::clock::Timestamp;
use crate::notice::Notice;

/// What was said between two events, at most one of each: a later watermark stands for the earlier ones, and a flush for
/// those before it. So the notices in a queue are bounded by its events.
#[derive(Default)]
pub(super) struct Between {
    watermark: Option<Timestamp>,
    flush: bool,
}

impl Between {
    pub(super) fn add(&mut self, said: Self) {
        self.watermark = self.watermark.max(said.watermark);
        self.flush |= said.flush;
    }

    pub(super) fn watermark(time: Timestamp) -> Self {
        Self { watermark: Some(time), flush: false }
    }

    pub(super) fn flush() -> Self {
        Self { watermark: None, flush: true }
    }

    /// The next one to be told: the watermark first, since a flush sets free what that leaves.
    pub(super) fn take(&mut self) -> Option<Notice<'static>> {
        if let Some(time) = self.watermark.take() {
            return Some(Notice::Watermark(time));
        }
        std::mem::take(&mut self.flush).then_some(Notice::Flush)
    }
}
