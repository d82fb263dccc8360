//! What rules keep for each input, as a tuple or as a list: [`Get`], [`Queues`], [`Latest`].

use super::held::Queue;
use super::rule::At;
use crate::limit::QueueState;
use crate::state::{Saved, SavedEvents, StateVisitor};

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

/// Access to what is kept for one input.
pub trait Get<I> {
    /// What is kept.
    type Of;
    /// What is kept for input `index`.
    fn at(&mut self, index: I) -> &mut Self::Of;
}

/// A queue for each input.
pub trait Queues {
    /// One event of each.
    type Row;
    /// Takes one event of each, if there is one in each.
    fn pop_row(&mut self) -> Option<Self::Row>;
    /// Whether the queue of an input has room, see [`Queue::has_room`].
    fn has_room(&self, input: usize) -> bool;
    /// Whether a queue that was full has room again, see [`Queue::take_room`].
    fn take_room(&mut self) -> bool;
    /// Notes that an input has ended.
    fn end(&mut self, input: usize);
    /// Shows all of them, see [`Rule::queues`](super::Rule::queues).
    fn show(&self, see: &mut dyn FnMut(QueueState));
    /// Whether all queues are [calm](Queue::is_calm).
    fn is_calm(&self) -> bool;
    /// Whether an input has ended of which nothing waits.
    fn is_over(&self) -> bool;
    /// Makes a queue for one more input, where that is possible.
    fn add(&mut self, _input: usize) {}
    /// Drops the queue of an input, where that is possible.
    fn remove(&mut self, _input: usize) {}
}

/// The latest event of each input, if there was one.
pub trait Latest {
    /// One event of each.
    type Row;
    /// The latest events, if there was one of each.
    fn row(&self) -> Option<Self::Row>;
    /// Whether there was an event of an input.
    fn has(&self, input: usize) -> bool;
    /// Whether there was one of any.
    fn has_any(&self) -> bool {
        (0..self.count()).any(|input| self.has(input))
    }
    /// The number of inputs.
    fn count(&self) -> usize;
    /// Makes a place for one more input, where that is possible.
    fn add(&mut self, _input: usize) {}
    /// Forgets an input, where that is possible.
    fn remove(&mut self, _input: usize) {}
}

macro_rules! rows {
    (@get ($($all:ident)+) $name:ident $i:tt) => {
        impl<$($all),+> Get<At<$i>> for ($($all,)+) {
            type Of = $name;
            #[inline]
            fn at(&mut self, _: At<$i>) -> &mut $name {
                &mut self.$i
            }
        }
    };
    ($all:tt $($name:ident $i:tt)+) => {
        $(rows!(@get $all $name $i);)+

        #[allow(non_snake_case)]
        impl<$($name: Queue),+> Queues for ($($name,)+) {
            type Row = ($($name::Event,)+);
            #[inline]
            fn pop_row(&mut self) -> Option<Self::Row> {
                if $(self.$i.is_empty())||+ {
                    return None;
                }
                Some(($(self.$i.pop()?,)+))
            }
            fn has_room(&self, input: usize) -> bool {
                match input {
                    $($i => self.$i.has_room(),)+
                    _ => true,
                }
            }
            fn take_room(&mut self) -> bool {
                $(self.$i.take_room())|+
            }
            fn end(&mut self, input: usize) {
                match input {
                    $($i => self.$i.end(),)+
                    _ => {}
                }
            }
            fn show(&self, see: &mut dyn FnMut(QueueState)) {
                $(see(self.$i.state());)+
            }
            #[inline]
            fn is_calm(&self) -> bool {
                $(self.$i.is_calm())&+
            }
            fn is_over(&self) -> bool {
                $((self.$i.is_ended() && self.$i.is_empty()))||+
            }
        }

        impl<$($name: SavedEvents),+> SavedEvents for ($($name,)+) {
            fn on_events(&mut self, state: &mut dyn StateVisitor) {
                $(self.$i.on_events(state);)+
            }
        }

        impl<$($name: Clone),+> Latest for ($(Option<$name>,)+) {
            type Row = ($($name,)+);
            #[inline]
            fn row(&self) -> Option<Self::Row> {
                Some(($(self.$i.clone()?,)+))
            }
            fn has(&self, input: usize) -> bool {
                match input {
                    $($i => self.$i.is_some(),)+
                    _ => false,
                }
            }
            fn count(&self) -> usize {
                [$($i),+].len()
            }
        }
    };
}
rows!((A B) A 0 B 1);
rows!((A B C) A 0 B 1 C 2);
rows!((A B C D) A 0 B 1 C 2 D 3);

/// The latest event of an input.
impl<T: Saved> SavedEvents for Option<T> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.on_state("latest", state);
    }
}

/// That of each input, in their order: there are as many of them in the join that it is restored into.
#[cfg(feature = "alloc")]
impl<Q: SavedEvents> SavedEvents for Vec<Q> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.iter_mut().for_each(|of_input| of_input.on_events(state));
    }
}

#[cfg(feature = "alloc")]
impl<Q> Get<At<0>> for Vec<Q> {
    type Of = Q;
    #[inline]
    fn at(&mut self, _: At<0>) -> &mut Q {
        &mut self[0]
    }
}

#[cfg(feature = "alloc")]
impl<Q> Get<usize> for Vec<Q> {
    type Of = Q;
    #[inline]
    fn at(&mut self, index: usize) -> &mut Q {
        &mut self[index]
    }
}

#[cfg(feature = "alloc")]
impl<Q: Queue> Queues for Vec<Q> {
    type Row = Vec<Q::Event>;
    fn pop_row(&mut self) -> Option<Self::Row> {
        if self.iter().any(Queue::is_empty) { None } else { self.iter_mut().map(Queue::pop).collect() }
    }
    fn has_room(&self, input: usize) -> bool {
        self[input].has_room()
    }
    fn take_room(&mut self) -> bool {
        self.iter_mut().fold(false, |room, queue| queue.take_room() | room)
    }
    fn end(&mut self, input: usize) {
        self[input].end();
    }
    fn show(&self, see: &mut dyn FnMut(QueueState)) {
        self.iter().for_each(|queue| see(queue.state()));
    }
    fn is_calm(&self) -> bool {
        self.iter().all(Queue::is_calm)
    }
    fn is_over(&self) -> bool {
        self.iter().any(|queue| queue.is_ended() && queue.is_empty())
    }
}

#[cfg(feature = "alloc")]
impl<T: Clone> Latest for Vec<Option<T>> {
    type Row = Vec<T>;
    fn row(&self) -> Option<Self::Row> {
        if self.iter().all(Option::is_some) { self.iter().cloned().collect() } else { None }
    }
    fn has(&self, input: usize) -> bool {
        self[input].is_some()
    }
    fn count(&self) -> usize {
        self.len()
    }
}
