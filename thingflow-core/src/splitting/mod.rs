//! Operators with several outputs: each gives back the ports that it sends to.

mod dispatch;
mod group_by;
pub(crate) mod outputs;
mod partition;
mod route_by_index;
mod split;
mod unzip;

pub use dispatch::{Dispatcher, Routes, Routing, UnknownPort};
pub use group_by::GroupBy;
pub use partition::partition;
pub use route_by_index::RouteByIndex;
pub use split::{Slots, Split};
pub use unzip::Unzip;

use crate::chain::Chain;
use crate::port::{Branch, Port};

/// The operators with several outputs as methods of every [`Chain`] that begins at a port.
pub trait Splitting: Chain {
    /// Begins a routing table: rules follow, in order, then [`build`](Routing::build).
    #[doc(alias = "route")]
    #[doc(alias = "partition")]
    #[doc(alias = "groupBy")]
    fn dispatch<K>(self) -> Routing<Self, K> {
        Routing::new(self)
    }

    /// Sends the events for which `p` holds to the first port and the others to the second one.
    fn partition<P>(self, p: P) -> (Port<Self::Item>, Port<Self::Item>)
    where
        Self: Branch,
        Self::Item: Clone + 'static,
        P: FnMut(&Self::Item) -> bool + 'static,
    {
        let split = partition(p);
        let ports = split.ports();
        self.attach(split);
        ports
    }

    /// Sends what `f` makes of each event, a tuple of two to four options, to as many ports.
    #[doc(alias = "split_element")]
    fn split<S, F>(self, f: F) -> S::Ports
    where
        Self: Branch,
        S: Slots,
        F: FnMut(Self::Item) -> S + 'static,
    {
        let split = Split::new(f);
        let ports = split.ports();
        self.attach(split);
        ports
    }

    /// Sends the parts of each event, a tuple of two to four, to as many ports.
    #[doc(alias = "split_tuple")]
    fn unzip(self) -> <<Self::Item as Unzip>::Slots as Slots>::Ports
    where
        Self: Branch<Item: Unzip>,
    {
        self.split(Unzip::slots)
    }

    /// Sends each event, a pair of an index and a value, to one of `N` ports: `let [a, b] = pairs.route_by_index();`. An
    /// index without a port ends the stream by an error.
    #[doc(alias = "separate")]
    #[doc(alias = "unmix")]
    fn route_by_index<T, const N: usize>(self) -> [Port<T>; N]
    where
        Self: Branch<Item = (usize, T)>,
        T: Clone + 'static,
    {
        const { assert!(N > 0, "route_by_index(): there must be at least one port") };
        let route = RouteByIndex::new(N);
        let ports = core::array::from_fn(|n| route.ports()[n].clone());
        self.attach(route);
        ports
    }

    /// Makes a port for each key that `key` finds in the events, and announces it, as `(key, port)`, at the port that this
    /// gives back. Up to 1024 keys at once; [`GroupBy::max_keys`] says otherwise.
    fn group_by<K, F>(self, key: F) -> Port<(K, Port<Self::Item>)>
    where
        Self: Branch,
        Self::Item: Clone + 'static,
        K: Ord + Clone + 'static,
        F: FnMut(&Self::Item) -> K + 'static,
    {
        let group_by = GroupBy::new(key);
        let groups = group_by.groups().clone();
        self.attach(group_by);
        groups
    }
}

impl<C: Chain> Splitting for C {}
