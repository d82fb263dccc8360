//! [`StateVisitor`]: saving and restoring what the stages of a graph remember.

/// Walks over the state of all stages, in a fixed order. The same walk saves and restores: a stage shows each number that
/// it remembers by reference, a saving visitor reads it, a restoring one writes it.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::{Notice, StateVisitor};
/// /// Numbers events from one on.
/// #[derive(Default)]
/// struct Numbered(u64);
/// impl<T> Filter<T> for Numbered {
///     type Out = (u64, T);
///     fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<(u64, T)>>) -> Receipt {
///         self.0 += 1;
///         out.next((self.0, event))
///     }
///     fn on_state(&mut self, state: &mut dyn StateVisitor) {
///         state.integer("numbered", &mut self.0);
///     }
/// }
/// /// Sets every integer to 41.
/// struct Restore;
/// impl StateVisitor for Restore {
///     fn integer(&mut self, _name: &str, value: &mut u64) {
///         *value = 41;
///     }
///     fn float(&mut self, _name: &str, _value: &mut f64) {}
/// }
/// let mut last = 0;
/// let mut chain = pipe::<char>().pipe(Numbered::default()).to(call(|(number, _)| last = number));
/// let cx = &mut Context::detached(Instant::ZERO);
/// chain.notice(Notice::State(&mut Restore), cx)?;
/// chain.next('a', cx)?;
/// drop(chain);
/// assert_eq!(last, 42);
/// # Ok::<(), FatalError>(())
/// ```
pub trait StateVisitor {
    /// Shows a whole number. `name` says what it is, for messages.
    fn integer(&mut self, name: &str, value: &mut u64);
    /// Shows a number with a fraction.
    fn float(&mut self, name: &str, value: &mut f64);
    /// Several ways lead to a port or a join, which `id` tells from others: whether to go on there. By default always; a
    /// visitor that counts stages answers no the second time.
    fn enter(&mut self, _id: usize) -> bool {
        true
    }
}

impl core::fmt::Debug for dyn StateVisitor + '_ {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("StateVisitor")
    }
}
