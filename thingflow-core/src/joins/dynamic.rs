//! [`DynamicInputs`]: inputs of a join that come and go while it runs.

use alloc::boxed::Box;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::fmt;

use super::combine_latest::CombineLatest;
use super::held::{Held, Queue};
use super::inputs::Wire;
use super::join::Join;
use super::joined::{JoinInput, Joined};
use super::merge::Merge;
use super::merge_by_time::MergeByTime;
use super::row::{Get, Latest, Queues};
use super::rule::{Rule, Takes};
use super::zip::Zip;
use crate::chain::Connected;
use crate::context::Context;
use crate::limit::{Limit, QueueState};
use crate::port::{Branch, Connection};
use crate::saving::Saving;
use crate::state::{SavedEvents, StateVisitor};
use crate::thing::{Closed, Filter, InputThing};

/// A rule for a list of inputs that also exists in a form whose inputs may come and go: that of `merge`, `merge_by_time`,
/// `combine_latest` and `zip`.
pub trait Dynamic<T>: Rule {
    /// The rule in that form.
    type Rule: Rule<Out = Self::Out> + Takes<usize, T> + 'static;
    /// Changes the rule into that form.
    fn into_dynamic(self) -> Self::Rule;
}

impl<T, R: Dynamic<T, Rule: SavedEvents> + SavedEvents> Dynamic<T> for Saving<R> {
    type Rule = Saving<R::Rule>;
    fn into_dynamic(self) -> Self::Rule {
        Saving(self.0.into_dynamic())
    }
}

impl<T: 'static> Dynamic<T> for Merge<T> {
    type Rule = Self;
    fn into_dynamic(self) -> Self {
        self
    }
}

impl<T: 'static, K: Ord + Clone + 'static, F: FnMut(&T) -> K + 'static> Dynamic<T> for MergeByTime<T, K, F> {
    type Rule = Self;
    fn into_dynamic(self) -> Self {
        self
    }
}

impl<T: Clone + 'static> Dynamic<T> for CombineLatest<Vec<Option<T>>> {
    type Rule = CombineLatest<Members<Option<T>>>;
    fn into_dynamic(self) -> Self::Rule {
        self.with_latest(|latest| Members::new(latest, None))
    }
}

impl<T: Clone + 'static> Dynamic<T> for Zip<Vec<Held<T>>> {
    type Rule = Zip<Members<Held<T>>>;
    fn into_dynamic(self) -> Self::Rule {
        self.with_queues(|queues| {
            let limit = queues.first().map_or_else(Limit::default, |queue| queue.events.limit().clone());
            Members::new(queues, Held::new(limit))
        })
    }
}

/// What is kept for each input, by its number, in the order in which they have come.
#[derive(Clone, Debug)]
pub struct Members<V> {
    list: Vec<(usize, V)>,
    /// What is kept for an input that has just come.
    fresh: V,
    /// For an input that is no more, which nothing comes from.
    nobody: V,
}

impl<V: Clone> Members<V> {
    fn new(list: Vec<V>, fresh: V) -> Self {
        Self { list: list.into_iter().enumerate().collect(), nobody: fresh.clone(), fresh }
    }

    fn push(&mut self, input: usize) {
        self.list.push((input, self.fresh.clone()));
    }
}

impl<V> Members<V> {
    fn drop_one(&mut self, input: usize) {
        self.list.retain(|(number, _)| *number != input);
    }

    fn of(&self, input: usize) -> &V {
        self.list.iter().find(|(number, _)| *number == input).map_or(&self.nobody, |(_, kept)| kept)
    }

    fn all(&self) -> impl Iterator<Item = &V> {
        self.list.iter().map(|(_, kept)| kept)
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.list.iter_mut().map(|(_, kept)| kept)
    }
}

impl<V: SavedEvents> SavedEvents for Members<V> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.all_mut().for_each(|of_input| of_input.on_events(state));
    }
}

impl<V> Get<usize> for Members<V> {
    type Of = V;
    fn at(&mut self, input: usize) -> &mut V {
        let found = self.list.iter_mut().find(|(number, _)| *number == input);
        found.map_or(&mut self.nobody, |(_, kept)| kept)
    }
}

impl<Q: Queue + Clone> Queues for Members<Q> {
    type Row = Vec<Q::Event>;
    fn pop_row(&mut self) -> Option<Self::Row> {
        let none = self.list.is_empty() || self.all().any(Queue::is_empty);
        if none { None } else { self.all_mut().map(Queue::pop).collect() }
    }
    fn has_room(&self, input: usize) -> bool {
        self.of(input).has_room()
    }
    fn take_room(&mut self) -> bool {
        self.all_mut().fold(false, |room, queue| queue.take_room() | room)
    }
    fn end(&mut self, input: usize) {
        self.at(input).end();
    }
    fn show(&self, see: &mut dyn FnMut(QueueState)) {
        self.all().for_each(|queue| see(queue.state()));
    }
    fn is_calm(&self) -> bool {
        self.all().all(Queue::is_calm)
    }
    fn is_over(&self) -> bool {
        self.list.is_empty() || self.all().any(|queue| queue.is_ended() && queue.is_empty())
    }
    fn add(&mut self, input: usize) {
        self.push(input);
    }
    fn remove(&mut self, input: usize) {
        self.drop_one(input);
    }
}

impl<T: Clone> Latest for Members<Option<T>> {
    type Row = Vec<T>;
    fn row(&self) -> Option<Self::Row> {
        self.all().cloned().collect()
    }
    fn has(&self, input: usize) -> bool {
        self.of(input).is_some()
    }
    fn has_any(&self) -> bool {
        self.all().any(Option::is_some)
    }
    fn count(&self) -> usize {
        self.list.len()
    }
    fn add(&mut self, input: usize) {
        self.push(input);
    }
    fn remove(&mut self, input: usize) {
        self.drop_one(input);
    }
}

/// A connected join whose inputs come and go. Made by [`Join::connect_dynamic`].
///
/// It does not keep the join: that lives as long as one of its inputs does, and completes by its rule, or when its last
/// input is [removed](Self::remove).
pub struct DynamicInputs<T> {
    join: Weak<dyn Grows<T>>,
    connection: Connection,
}

impl<T: Clone + 'static> DynamicInputs<T> {
    /// Adds an input after the existing ones. It may be called from inside any call, including one of the join.
    ///
    /// The join's watermark waits from now on for one of this input. A `zip` waits for its first event, a `combine_latest` and a
    /// `merge_by_time` too.
    ///
    /// # Errors
    /// Hands the input back if the join has ended.
    pub fn add<C: Branch<Item = T>>(&self, input: C) -> Result<Connection, C> {
        let Some(join) = self.join.upgrade() else { return Err(input) };
        let Some((number, taker)) = join.grow() else { return Err(input) };
        let connection = input.attach(taker);
        join.grown(number, connection.clone());
        Ok(connection)
    }

    /// Removes an input from its port and from the join, without a notice of completion: what the join holds of it is
    /// dropped, and the others no longer wait for it. The watermark rises to the least of those that are left. If it was
    /// the last that had not ended the join completes. A connection of another join is left alone.
    ///
    /// The event in progress still reaches it if its port is dispatching. `connection.disconnect()` does the same, but what
    /// the others were waiting for goes on in the next turn, without a scheduler with the next event of any of them.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream, which gets what was waiting for the input.
    pub fn remove(&self, connection: &Connection, cx: &mut Context<'_>) -> Closed {
        match self.join.upgrade() {
            Some(join) => join.shrink(connection, cx),
            None => Ok(()),
        }
    }

    /// The join's connection to all its inputs.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }
}

impl<T> Clone for DynamicInputs<T> {
    fn clone(&self) -> Self {
        Self { join: self.join.clone(), connection: self.connection.clone() }
    }
}

impl<T> fmt::Debug for DynamicInputs<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamicInputs").field("connected", &self.connection.is_connected()).finish()
    }
}

/// A connected join of which only the type of its events is known.
trait Grows<T> {
    /// The number of a further input, and what takes its events; `None` if the join has ended.
    fn grow(&self) -> Option<(usize, Box<dyn InputThing<T>>)>;
    fn grown(&self, input: usize, connection: Connection);
    fn shrink(&self, connection: &Connection, cx: &mut Context<'_>) -> Closed;
}

impl<T: 'static, R: Takes<usize, T> + 'static, N: InputThing<R::Out> + 'static> Grows<T> for Joined<R, N> {
    fn grow(&self) -> Option<(usize, Box<dyn InputThing<T>>)> {
        let (number, join) = self.add_input()?;
        Some((number, Box::new(JoinInput::new(&join, number))))
    }
    fn grown(&self, input: usize, connection: Connection) {
        self.input_connected(input, connection);
    }
    fn shrink(&self, connection: &Connection, cx: &mut Context<'_>) -> Closed {
        self.remove_input(connection, cx)
    }
}

impl<I, R, F> Join<I, R, F> {
    /// Connects the join, as [`connect`](crate::Chain::connect) does; its inputs can then be added and removed while it runs.
    ///
    /// ```
    /// use thingflow_core::{joins, prelude::*, testing::Recorder};
    /// let (hall, attic, cellar, seen) = (Port::new(), Port::new(), Port::new(), Recorder::new());
    /// let rooms = joins::combine_latest(vec![&hall, &attic]).connect_dynamic(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// hall.emit(19, cx)?;
    /// attic.emit(14, cx)?;
    /// let Ok(connection) = rooms.add(&cellar) else { panic!("it has not ended") };
    /// cellar.emit(9, cx)?;
    /// rooms.remove(&connection, cx)?;
    /// hall.emit(20, cx)?;
    /// assert_eq!(seen.events(), [vec![19, 14], vec![19, 14, 9], vec![20, 14]]);
    /// # Ok::<(), FatalError>(())
    /// ```
    pub fn connect_dynamic<C, N>(self, thing: N) -> DynamicInputs<C::Item>
    where
        I: IntoIterator<Item = C>,
        C: Branch<Item: Clone + 'static>,
        R: Dynamic<C::Item>,
        F: Filter<R::Out> + 'static,
        N: InputThing<F::Out> + 'static,
        Vec<C>: Wire<R::Rule>,
    {
        let join = Joined::new(self.rule.into_dynamic(), Connected::new(self.filter, thing));
        join.make_dynamic();
        let inputs: Vec<C> = self.inputs.into_iter().collect();
        join.connected(inputs.wire(&join));
        let connection = Connection::new(Rc::downgrade(&join) as _, 0);
        let join: Rc<dyn Grows<C::Item>> = join;
        DynamicInputs { join: Rc::downgrade(&join), connection }
    }
}
