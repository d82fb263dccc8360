//! [`call_with`]: a function as a sink.

use thingflow_core::prelude::*;

/// A sink that is a function with all that a sink may do.
pub(crate) fn call_with<T: 'static>(
    f: impl FnMut(T, &mut Context<'_>) -> Receipt + 'static,
) -> impl InputThing<T> + 'static {
    struct CallWith<T, F>(F, std::marker::PhantomData<T>);
    impl<T, F: FnMut(T, &mut Context<'_>) -> Receipt> Sink for CallWith<T, F> {
        type Event = T;
        fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
            (self.0)(event, cx)
        }
        fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
            Ok(())
        }
        fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
            Ok(())
        }
    }
    CallWith(f, std::marker::PhantomData)
}
