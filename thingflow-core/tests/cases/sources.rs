//! Cases of sources and of filters made of functions.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

const VALUES: [i32; 7] = [20, 30, 100, 120, 20, 5, 2222];
const HALF: Duration = Duration::from_millis(500);

type Result = std::result::Result<(), Box<dyn std::error::Error>>;

#[test]
fn case_3_a_filter_of_functions_sees_everything() -> Result {
    let (recorded, completed, seen) =
        (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(false)), Recorder::new());
    let (list, flag) = (recorded.clone(), completed.clone());
    let filter = filter_fn(move |v: i32, out: &mut DynEmitter<'_, '_, '_, i32>| {
        list.borrow_mut().push(v);
        out.next(v)
    });
    let filter = filter.on_completed(move |out| {
        *flag.borrow_mut() = true;
        out.completed()
    });
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_periodic(from_iter(VALUES).pipe(filter).connect(seen.clone()), HALF)?;
    scheduler.run_forever()?;
    assert_eq!(*recorded.borrow(), VALUES);
    assert_eq!(seen.text(), "20 30 100 120 20 5 2222 |");
    assert!(*completed.borrow());
    Ok(())
}

#[test]
fn case_5_an_iterable() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    scheduler.schedule_periodic(from_iter(VALUES).filter(|v| *v >= 100).connect(seen.clone()), HALF)?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "100@1.5 120@2 2222@3.5 |@4");
    Ok(())
}
