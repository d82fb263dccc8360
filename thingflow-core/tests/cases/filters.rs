//! Cases of filters: 111 to 125, 181 to 186, 192 to 201, 269 to 279, 402; then what no case settles.

mod branches;
mod chains;

use std::fmt::Debug;

use thingflow_core::FatalError;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

type Result<T = ()> = std::result::Result<T, FatalError>;

fn cx() -> Context<'static> {
    Context::detached(Instant::ZERO)
}

fn emit<T: Clone + 'static>(port: &Port<T>, events: impl IntoIterator<Item = T>) -> Result {
    events.into_iter().try_for_each(|event| port.emit(event, &mut cx()).map(drop))
}

/// What a filter makes of events that come in several runs.
fn runs<T: Clone + 'static, F: Filter<T> + 'static>(runs: &[&[T]], filter: Pipe<T, F>) -> String
where
    F::Out: Debug + 'static,
{
    let (port, seen) = (Port::new(), Recorder::new());
    port.pipe(filter).connect(seen.clone());
    for run in runs {
        emit(&port, run.iter().cloned()).expect("no fatal error");
    }
    seen.text()
}
