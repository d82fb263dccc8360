//! What a join can be made of: [`Inputs`], each of which is a [`Branch`].

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;

use super::held::Held;
use super::join::Join;
use super::joined::{JoinInput, Joined};
use super::rule::{At, Rule, Takes};
use crate::chain::Connected;
use crate::limit::Limit;
use crate::port::{Branch, Connection};
use crate::thing::{Filter, InputThing};

impl<I, R, F> Branch for Join<I, R, F>
where
    I: Wire<R>,
    R: Rule + 'static,
    F: Filter<R::Out> + 'static,
{
    fn attach<N: InputThing<F::Out> + 'static>(self, thing: N) -> Connection {
        let join = Joined::new(self.rule, Connected::new(self.filter, thing));
        join.connected(self.inputs.wire(&join));
        Connection::new(Rc::downgrade(&join) as _, 0)
    }
}

/// The inputs of a join: a tuple of two to four [`Branch`]es, or a list of branches of one type. Those of a list without
/// elements never send anything.
pub trait Inputs: Sized {
    /// The type of the events of the first.
    type First;
    /// A queue for each.
    type Queues;
    /// The latest event of each.
    type Latest;
    /// How many there are.
    fn count(&self) -> usize;
    /// An empty queue for each.
    fn queues(&self, limit: Limit) -> Self::Queues;
    /// No event of each.
    fn latest(&self) -> Self::Latest;
}

/// Inputs whose events a rule takes.
pub trait Wire<R: Rule> {
    /// Connects each of them to the join, in their order.
    fn wire<N: InputThing<R::Out> + 'static>(self, join: &Rc<Joined<R, N>>) -> Vec<Connection>;
}

macro_rules! inputs {
    ($first:ident $($name:ident $i:tt)+) => {
        impl<$($name: Branch),+> Inputs for ($($name,)+) {
            type First = $first::Item;
            type Queues = ($(Held<$name::Item>,)+);
            type Latest = ($(Option<$name::Item>,)+);
            fn count(&self) -> usize {
                [$($i),+].len()
            }
            fn queues(&self, limit: Limit) -> Self::Queues {
                ($(Held::<$name::Item>::new(limit.clone()),)+)
            }
            fn latest(&self) -> Self::Latest {
                ($(None::<$name::Item>,)+)
            }
        }

        impl<$($name: Branch,)+ R> Wire<R> for ($($name,)+)
        where
            R: Rule + 'static $(+ Takes<At<$i>, $name::Item>)+,
        {
            fn wire<Next: InputThing<R::Out> + 'static>(self, join: &Rc<Joined<R, Next>>) -> Vec<Connection> {
                vec![$(self.$i.attach(JoinInput::new(join, At::<$i>))),+]
            }
        }
    };
}
inputs!(A A 0 B 1);
inputs!(A A 0 B 1 C 2);
inputs!(A A 0 B 1 C 2 D 3);

impl<C: Branch> Inputs for Vec<C> {
    type First = C::Item;
    type Queues = Vec<Held<C::Item>>;
    type Latest = Vec<Option<C::Item>>;
    fn count(&self) -> usize {
        self.len()
    }
    fn queues(&self, limit: Limit) -> Self::Queues {
        self.iter().map(|_| Held::new(limit.clone())).collect()
    }
    fn latest(&self) -> Self::Latest {
        self.iter().map(|_| None).collect()
    }
}

impl<C: Branch, R: Takes<usize, C::Item> + 'static> Wire<R> for Vec<C> {
    fn wire<N: InputThing<R::Out> + 'static>(self, join: &Rc<Joined<R, N>>) -> Vec<Connection> {
        wire_list(self, join)
    }
}

impl<C: Branch, const COUNT: usize> Inputs for [C; COUNT] {
    type First = C::Item;
    type Queues = Vec<Held<C::Item>>;
    type Latest = Vec<Option<C::Item>>;
    fn count(&self) -> usize {
        COUNT
    }
    fn queues(&self, limit: Limit) -> Self::Queues {
        self.iter().map(|_| Held::new(limit.clone())).collect()
    }
    fn latest(&self) -> Self::Latest {
        self.iter().map(|_| None).collect()
    }
}

impl<C: Branch, R: Takes<usize, C::Item> + 'static, const COUNT: usize> Wire<R> for [C; COUNT] {
    fn wire<N: InputThing<R::Out> + 'static>(self, join: &Rc<Joined<R, N>>) -> Vec<Connection> {
        wire_list(self, join)
    }
}

fn wire_list<C, R, N>(inputs: impl IntoIterator<Item = C>, join: &Rc<Joined<R, N>>) -> Vec<Connection>
where
    C: Branch,
    R: Takes<usize, C::Item> + 'static,
    N: InputThing<R::Out> + 'static,
{
    inputs.into_iter().enumerate().map(|(index, input)| input.attach(JoinInput::new(join, index))).collect()
}
