//! Who failed: which stage of a chain, or the end of it, a panic or a fatal error comes from.
//!
//! On its way out a failure passes the stages that were being called, the innermost first. Each leaves a mark, which is the
//! name of its type. Whoever holds the whole chain compares the marks with what the chain shows of itself, and so knows the
//! stage as it is called, and the name that was given to it. A call that returns as it should costs nothing: a panic unwinds
//! through a guard without a field, a fatal error is looked at where a receipt is looked at anyway.
//!
//! Without `std` there is no place for marks, and the end of the chain is named.

#[cfg(feature = "std")]
mod marks;

use core::marker::PhantomData;

use crate::thing::Receipt;
use crate::visit::Visitor;
#[cfg(feature = "std")]
pub(crate) use marks::{culprit_in, filter_in, forget, given_to_source};

/// Stands by while a filter of the type `F` is called, which is named if it fails.
#[inline(always)]
pub(crate) fn filter<F: ?Sized>() -> Witness<F, false> {
    Witness(PhantomData)
}

/// Stands by while what follows a filter is called. If that is the end of the chain it is named if it fails.
#[inline(always)]
pub(crate) fn end<N: ?Sized>() -> Witness<N, true> {
    Witness(PhantomData)
}

/// Leaves a mark if a panic drops it, or if it sees a fatal error.
#[must_use]
pub(crate) struct Witness<S: ?Sized, const END: bool>(PhantomData<fn(&S)>);

impl<S: ?Sized, const END: bool> Witness<S, END> {
    #[inline(always)]
    #[cfg_attr(not(feature = "std"), allow(clippy::forget_non_drop))] // without marks there is nothing to drop
    pub(crate) fn sees(self, receipt: &Receipt) {
        if receipt.is_ok() {
            core::mem::forget(self);
        }
    }
}

#[cfg(feature = "std")]
impl<S: ?Sized, const END: bool> Drop for Witness<S, END> {
    #[inline(always)]
    fn drop(&mut self) {
        marks::leave_for::<S, END>();
    }
}

/// Calls what follows a filter, beside the filter, which shows itself to `describe`.
#[cfg_attr(not(feature = "std"), allow(unused_variables))]
pub(crate) fn beside(describe: impl Fn(&mut dyn Visitor), call: impl FnOnce() -> Receipt) -> Receipt {
    #[cfg(feature = "std")]
    return marks::beside(describe, call);
    #[cfg(not(feature = "std"))]
    call()
}
