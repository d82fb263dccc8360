//! `zip_with(other, limit, f)`: sends what a function makes of one event of each input.
//!
//! Holds up to `limit` events an input.

use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`zip_with`](super::Joins::zip_with): a [`zip`](super::Joins::zip), and what the function makes of its pairs.
///
/// ```
/// use thingflow_core::{prelude::*, testing::Recorder};
/// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
/// a.zip_with(&b, Limit::block(16), f64::hypot).connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// a.emit(3.0, cx)?;
/// b.emit(4.0, cx)?;
/// assert_eq!(seen.events(), [5.0]);
/// # Ok::<(), FatalError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ZipWith<F>(pub(super) F);

impl<A, B, U, F: FnMut(A, B) -> U> Filter<(A, B)> for ZipWith<F> {
    type Out = U;
    #[inline]
    fn on_next(&mut self, (a, b): (A, B), out: &mut Emitter<'_, '_, impl InputThing<U>>) -> Receipt {
        out.next((self.0)(a, b))
    }
    fn describe(&self, _: &mut dyn crate::Visitor) {}
}
