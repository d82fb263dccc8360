//! A queue of 1024 from other threads into the scheduler, for each policy.

// pub struct Block, DropOldest, DropNewest, Fail: each an `Inbox` with a `Poster`.
