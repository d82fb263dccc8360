//! Windows against a naive model.

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::windows::{Chunks, Sliding};

use crate::{end, events, line, run};

proptest! {
    #[test]
    fn groups(e in events(), end in end(), n in 1_usize..7) {
        prop_assert_eq!(run(&e, end, pipe().chunks(n)), line(e.chunks(n), end));
        let kept = if end.is_some() { &e[..e.len() / n * n] } else { &e[..] };
        prop_assert_eq!(run(&e, end, pipe().pipe(Chunks::new(n).drop_on_error())), line(kept.chunks(n), end));
        prop_assert_eq!(run(&e, end, pipe().sliding(n)), line(e.windows(n), end));
        let partial = (1..=e.len()).map(|to| &e[to.saturating_sub(n)..to]);
        prop_assert_eq!(run(&e, end, pipe().pipe(Sliding::new(n).partial())), line(partial, end));
        let medians = e.chunks(n).map(|group| {
            let mut group: Vec<_> = group.iter().copied().map(f64::from).collect();
            group.sort_by(f64::total_cmp);
            (group[(group.len() - 1) / 2] + group[group.len() / 2]) / 2.0
        });
        prop_assert_eq!(run(&e, end, pipe().map(f64::from).chunk_median(n)), line(medians, end));
        let means = (1..=e.len()).map(|to| {
            let window = &e[to.saturating_sub(n)..to];
            f64::from(window.iter().sum::<i32>()) / window.len() as f64
        });
        prop_assert_eq!(run(&e, end, pipe().map(f64::from).running_avg(n)), line(means, end));
    }

    #[test]
    fn running_avg_of_rough_values(e in prop::collection::vec(-1e6..1e6_f64, 0..200), n in 1_usize..20) {
        let means = from_iter(e.clone()).running_avg(n).collect_now();
        prop_assert_eq!(means.len(), e.len());
        for (to, mean) in (1..).zip(means) {
            let window = &e[usize::saturating_sub(to, n)..to];
            let exact = window.iter().sum::<f64>() / window.len() as f64;
            prop_assert!((mean - exact).abs() < 1e-8, "{} is not {}", mean, exact);
        }
    }
}
