//! Debug builds notice a filter that loses a receipt: it goes on sending although those behind it want no more, or says
//! `Done` and leaves them waiting. It would be a sensor that is sampled for ever, or a file that is never closed.
//!
//! In release builds all of this has no size and does nothing.

#[cfg(debug_assertions)]
pub(crate) use checked::{Link, Watch};
#[cfg(not(debug_assertions))]
pub(crate) use unchecked::{Link, Watch};

#[cfg(debug_assertions)]
mod checked {
    use core::cell::Cell;

    use crate::thing::{Demand, Receipt};
    use crate::visit::short_name;

    /// What has been said between a filter and those behind it.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    enum State {
        #[default]
        Open,
        /// Those behind have answered `Done`.
        Done,
        /// Those behind have been told the end.
        Ended,
    }

    /// Stands between a filter and those behind it.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct Link(Cell<State>);

    impl Link {
        pub(crate) fn watch<F: ?Sized>(&self) -> Watch<'_> {
            Watch(Some((self, short_name::<F>)))
        }
    }

    /// A link, with the name of the filter in front of it.
    #[derive(Clone, Copy, Debug, Default)]
    pub(crate) struct Watch<'e>(Option<(&'e Link, Name)>);

    type Name = fn() -> &'static str;

    impl Watch<'_> {
        /// It is this filter that sends.
        pub(crate) fn rename<F: ?Sized>(&mut self) {
            if let Some((_, name)) = &mut self.0 {
                *name = short_name::<F>;
            }
        }

        #[track_caller]
        pub(crate) fn sends(&self) {
            let Some((link, name)) = self.0 else { return };
            match link.0.get() {
                State::Open => {}
                State::Done => panic!(
                    "`{}` sent an event although those behind it had answered `Demand::Done`: pass the receipt on, \
                     `out.next(..)` returns it",
                    name()
                ),
                State::Ended => panic!("`{}` sent an event after it had ended the stream: nothing may follow", name()),
            }
        }

        pub(crate) fn answered(&self, receipt: &Receipt) {
            if let (Some((link, _)), Ok(Demand::Done)) = (self.0, receipt) {
                link.0.set(State::Done);
            }
        }

        #[track_caller]
        pub(crate) fn ends(&self) {
            let Some((link, name)) = self.0 else { return };
            match link.0.replace(State::Ended) {
                State::Open => {}
                State::Done => panic!(
                    "`{}` ended the stream although those behind it had answered `Demand::Done`: pass the receipt on, \
                     `out.next(..)` returns it",
                    name()
                ),
                State::Ended => panic!("`{}` ended the stream twice", name()),
            }
        }

        /// Looks at the receipt of the filter. One that still sends what it holds need not have ended the stream.
        #[track_caller]
        pub(crate) fn passed_on(&self, receipt: &Receipt, is_draining: impl FnOnce() -> bool) {
            if let (Some((link, name)), Ok(Demand::Done)) = (self.0, receipt)
                && link.0.get() == State::Open
                && !is_draining()
            {
                panic!(
                    "`{}` answered `Demand::Done`, but those behind it were not told the end: return `out.finish()` or \
                     `out.fail(..)`",
                    name()
                );
            }
        }
    }
}

#[cfg(not(debug_assertions))]
mod unchecked {
    use core::marker::PhantomData;

    use crate::thing::Receipt;

    #[derive(Clone, Debug, Default)]
    pub(crate) struct Link;

    impl Link {
        #[inline(always)]
        pub(crate) fn watch<F: ?Sized>(&self) -> Watch<'_> {
            Watch(PhantomData)
        }
    }

    #[derive(Clone, Copy, Debug, Default)]
    pub(crate) struct Watch<'e>(PhantomData<&'e ()>);

    impl Watch<'_> {
        #[inline(always)]
        pub(crate) fn rename<F: ?Sized>(&mut self) {}
        #[inline(always)]
        pub(crate) fn sends(&self) {}
        #[inline(always)]
        pub(crate) fn answered(&self, _: &Receipt) {}
        #[inline(always)]
        pub(crate) fn ends(&self) {}
        #[inline(always)]
        pub(crate) fn passed_on(&self, _: &Receipt, _: impl FnOnce() -> bool) {}
    }
}
