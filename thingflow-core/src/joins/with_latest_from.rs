//! `with_latest_from(inputs)`: sends each event of the first input, with the latest of the others.
//!
//! Holds one event an input.

use super::{CombineLatest, Inputs, Join, Latest, combine_latest};

/// Sends each event of the first input together with the latest ones of the others. As long as one of those has had none,
/// the events of the first are dropped; [`zip_latest`](super::zip_latest()) keeps them.
///
/// It is [`combine_latest`](super::combine_latest()) that emits on input 0. It completes when the first input has ended,
/// or as soon as another one has ended without any event.
///
/// ```
/// use thingflow_core::{joins, prelude::*, testing::Recorder};
/// let (button, level, seen) = (Port::new(), Port::new(), Recorder::new());
/// joins::with_latest_from((&button, &level)).connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// button.emit("too early", cx)?;
/// level.emit(1, cx)?;
/// level.emit(2, cx)?;
/// button.emit("now", cx)?;
/// button.complete(cx)?;
/// assert_eq!(seen.text(), r#"("now", 2) |"#);
/// # Ok::<(), FatalError>(())
/// ```
#[track_caller]
pub fn with_latest_from<I: Inputs<Latest: Latest>>(inputs: I) -> Join<I, CombineLatest<I::Latest>> {
    combine_latest(inputs).emit_on([0])
}
