//! [`Merge`]: what two neighbouring parts of a window have gathered, put together.

use super::aggregates::{Of, OrNone};

/// What can take in what a later part of the same window has gathered. Windows by [session](super::Window::session) ask for it: an event
/// between two sessions makes one of them.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use thingflow_core::windows::{Aggregate, Max, Merge};
/// let (mut morning, mut evening) = (Max::new(), Max::new());
/// [18.0, 21.5].iter().for_each(|celsius| morning.absorb(celsius));
/// [23.0, 19.0].iter().for_each(|celsius| evening.absorb(celsius));
/// morning.merge(evening);
/// assert_eq!(morning.value(), Some(23.0));
/// # }
/// ```
pub trait Merge {
    /// Takes in what `later` has [absorbed](super::Aggregate::absorb), which came behind its own values in the window.
    fn merge(&mut self, later: Self);
}

impl<A: Merge> Merge for OrNone<A> {
    fn merge(&mut self, later: Self) {
        self.0.merge(later.0);
    }
}

impl<F, A: Merge> Merge for Of<F, A> {
    fn merge(&mut self, later: Self) {
        self.1.merge(later.1);
    }
}

impl<A: Merge, const N: usize> Merge for [A; N] {
    fn merge(&mut self, later: Self) {
        self.iter_mut().zip(later).for_each(|(aggregate, later)| aggregate.merge(later));
    }
}

macro_rules! tuples {
    ($($name:ident $at:tt),*) => {
        impl<$($name: Merge),*> Merge for ($($name,)*) {
            fn merge(&mut self, later: Self) {
                $(self.$at.merge(later.$at);)*
            }
        }
    };
}
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);
