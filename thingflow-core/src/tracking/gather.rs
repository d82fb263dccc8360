//! `gather()`: makes one tracked event of a list or a tuple of them.
//!
//! Holds nothing.

use alloc::vec::Vec;

use super::tracked::{Ack, Tracked};
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`gather`](super::Tracking::gather).
///
/// The metadata of the parts follow each other, and all parts share what becomes of the whole: done, failed or abandoned.
/// It costs an allocation per list or tuple.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::tracking::{Tracker, Tracking};
/// let tracker = Tracker::new(|_, _| Ok(()));
/// let lists = from_iter(10..=12).track_by(&tracker, |x| *x).chunks(2).gather();
/// let lists: Vec<_> = lists.collect_now().into_iter().map(|list| (list.metadata().sum(), list.done())).collect();
/// assert_eq!(lists, [(21, vec![10, 11]), (12, vec![12])]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Gathered;

impl<In: Gather> Filter<In> for Gathered {
    type Out = Tracked<In::Value, In::Meta>;
    const TRANSPARENT: bool = true;
    fn on_next(&mut self, event: In, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        out.next(event.gather())
    }
    fn describe(&self, visitor: &mut dyn crate::Visitor) {
        visitor.filter_type("Gather");
    }
}

/// What can be made one tracked event: a `Vec` or an array of them, or a tuple of two to four.
pub trait Gather {
    /// The value of the whole.
    type Value;
    /// The metadata of each part.
    type Meta;
    /// Makes one tracked event of them, see [`Gathered`].
    fn gather(self) -> Tracked<Self::Value, Self::Meta>;
}

impl<T, M> Gather for Vec<Tracked<T, M>> {
    type Value = Vec<T>;
    type Meta = M;
    fn gather(self) -> Tracked<Vec<T>, M> {
        let mut whole = Ack::none();
        let values = self.into_iter().map(|part| take(part, &mut whole)).collect();
        whole.with(values)
    }
}

impl<T, M, const N: usize> Gather for [Tracked<T, M>; N] {
    type Value = [T; N];
    type Meta = M;
    fn gather(self) -> Tracked<[T; N], M> {
        let mut whole = Ack::none();
        let values = self.map(|part| take(part, &mut whole));
        whole.with(values)
    }
}

fn take<T, M>(part: Tracked<T, M>, whole: &mut Ack<M>) -> T {
    let (value, ack) = part.split();
    whole.join(ack);
    value
}

macro_rules! gather {
    ($($part:ident),+) => {
        impl<$($part,)+ M> Gather for ($(Tracked<$part, M>,)+) {
            type Value = ($($part,)+);
            type Meta = M;
            #[allow(non_snake_case)]
            fn gather(self) -> Tracked<Self::Value, M> {
                let ($($part,)+) = self;
                let mut whole = Ack::none();
                let values = ($(take($part, &mut whole),)+);
                whole.with(values)
            }
        }
    };
}
gather!(A, B);
gather!(A, B, C);
gather!(A, B, C, D);
