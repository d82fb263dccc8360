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
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (readings, high, rest) = (Port::new(), Recorder::new(), Recorder::new());
    /// let routes = readings.dispatch().rule("high", |celsius: &f64| *celsius > 30.0).build();
    /// routes.port("high").expect("a rule").connect(high.clone());
    /// routes.default_port().connect(rest.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// readings.emit(31.5, cx)?;
    /// readings.emit(20.0, cx)?;
    /// assert_eq!((high.text(), rest.text()), ("31.5".into(), "20.0".into()));
    /// # Ok::<(), FatalError>(())
    /// ```
    #[doc(alias = "route")]
    #[doc(alias = "partition")]
    #[doc(alias = "groupBy")]
    fn dispatch<K>(self) -> Routing<Self, K> {
        Routing::new(self)
    }

    /// Sends the events for which `p` holds to the first port and the others to the second one.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (numbers, evens, odds) = (Port::new(), Recorder::new(), Recorder::new());
    /// let (even, odd) = numbers.partition(|n| n % 2 == 0);
    /// even.connect(evens.clone());
    /// odd.connect(odds.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// numbers.emit(1, cx)?;
    /// numbers.emit(2, cx)?;
    /// assert_eq!((evens.text(), odds.text()), ("2".into(), "1".into()));
    /// # Ok::<(), FatalError>(())
    /// ```
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
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (words, lengths, firsts) = (Port::new(), Recorder::new(), Recorder::new());
    /// let (length, first) = words.split(|word: &'static str| (Some(word.len()), word.chars().next()));
    /// length.connect(lengths.clone());
    /// first.connect(firsts.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// words.emit("lux", cx)?;
    /// assert_eq!((lengths.events(), firsts.events()), (vec![3], vec!['l']));
    /// # Ok::<(), FatalError>(())
    /// ```
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
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (pairs, times, values) = (Port::<(u32, f64)>::new(), Recorder::new(), Recorder::new());
    /// let (time, value) = pairs.unzip();
    /// time.connect(times.clone());
    /// value.connect(values.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// pairs.emit((7, 20.5), cx)?;
    /// assert_eq!((times.text(), values.text()), ("7".into(), "20.5".into()));
    /// # Ok::<(), FatalError>(())
    /// ```
    #[doc(alias = "split_tuple")]
    fn unzip(self) -> <<Self::Item as Unzip>::Slots as Slots>::Ports
    where
        Self: Branch<Item: Unzip>,
    {
        self.split(Unzip::slots)
    }

    /// Sends each event, a pair of an index and a value, to one of `N` ports: `let [a, b] = pairs.route_by_index();`. An
    /// index without a port ends the stream by an error.
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (pairs, seen) = (Port::new(), Recorder::new());
    /// let [_, second] = pairs.route_by_index();
    /// second.connect(seen.clone());
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// pairs.emit((0, 'a'), cx)?;
    /// pairs.emit((1, 'b'), cx)?;
    /// assert_eq!(seen.events(), ['b']);
    /// # Ok::<(), FatalError>(())
    /// ```
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
    ///
    /// ```
    /// # use thingflow_core::{prelude::*, testing::Recorder};
    /// let (words, seen) = (Port::new(), Recorder::new());
    /// let sink = seen.clone();
    /// words
    ///     .group_by(|word: &&'static str| word.len())
    ///     .for_each(move |(length, group): (usize, Port<&str>)| drop(group.map(move |word| (length, word)).connect(sink.clone())));
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// words.emit("lux", cx)?;
    /// words.emit("on", cx)?;
    /// words.emit("off", cx)?;
    /// assert_eq!(seen.events(), [(3, "lux"), (2, "on"), (3, "off")]);
    /// # Ok::<(), FatalError>(())
    /// ```
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
