//! How a walk sees the graph: each Thing shows itself, and what stands behind it, to a [`Visitor`].

use core::any::type_name;

/// Receives what a chain is made of, from its source to its end.
pub trait Visitor {
    /// A filter in the chain.
    fn filter(&mut self, name: &str);
    /// The Thing that ends the chain.
    fn sink(&mut self, name: &str);
    /// The chain ends in a port; `feedback` if only a later turn delivers to it.
    #[cfg(feature = "alloc")]
    fn port(&mut self, port: crate::port::PortRef, feedback: bool);
}

/// The name of a type without its path and parameters.
pub fn short_name<T: ?Sized>() -> &'static str {
    let name = type_name::<T>();
    let name = name.split('<').next().unwrap_or(name);
    name.rsplit("::").next().unwrap_or(name)
}
