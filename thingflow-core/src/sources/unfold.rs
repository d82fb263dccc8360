//! `unfold(state, condition, step, select)`: states from a start on, while a condition holds.
//!
//! Holds the state.

use crate::context::Context;
use crate::error::Failure;
use crate::output::{Flow, Source};

/// Begins at `state`, goes on by `step` while `condition` holds, and sends what `select` makes of each state.
///
/// The condition is asked about the state that is about to be sent, so that counting from 0 while below 10 sends 0 to 9.
///
/// ```
/// use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(unfold(0, |s| *s < 3, |s| s + 1, |s| s * 10).collect_now(), [0, 10, 20]);
/// ```
#[doc(alias = "from_func")]
#[doc(alias = "generate")]
pub fn unfold<S, T, C, N, F>(state: S, condition: C, step: N, select: F) -> Flow<Unfold<S, C, N, F>>
where
    C: FnMut(&S) -> bool,
    N: FnMut(S) -> S,
    F: FnMut(&S) -> T,
{
    Flow::new(Unfold { state: Some(state), fresh: true, condition, step, select })
}

/// Made by [`unfold`].
#[derive(Clone, Copy, Debug)]
pub struct Unfold<S, C, N, F> {
    state: Option<S>,
    fresh: bool,
    condition: C,
    step: N,
    select: F,
}

impl<S, T, C, N, F> Source for Unfold<S, C, N, F>
where
    C: FnMut(&S) -> bool,
    N: FnMut(S) -> S,
    F: FnMut(&S) -> T,
{
    type Item = T;
    fn pull(&mut self, _: &mut Context<'_>) -> Result<Option<T>, Failure> {
        let Some(mut state) = self.state.take() else { return Ok(None) };
        if !core::mem::take(&mut self.fresh) {
            state = (self.step)(state);
        }
        if !(self.condition)(&state) {
            return Ok(None);
        }
        let event = (self.select)(&state);
        self.state = Some(state);
        Ok(Some(event))
    }
}
