//! Filters against a naive model.

use proptest::prelude::*;
use thingflow_core::prelude::*;

use crate::{at_completion, end, events, line, run};

proptest! {
    #[test]
    fn take_and_skip(e in events(), end in end(), n in 0_usize..30) {
        let ends = if n <= e.len() { None } else { end };
        // A stream of exactly n events is complete with the last of them.
        prop_assert_eq!(run(&e, end, pipe().take(n)), line(e.iter().take(n), ends));
        prop_assert_eq!(run(&e, end, pipe().skip(n)), line(e.iter().skip(n), end));
        let m = n / 2;
        prop_assert_eq!(run(&e, end, pipe().skip(m).take(n)), line(e.iter().skip(m).take(n),
            if n == 0 || e.len() >= m + n { None } else { end }));
    }

    #[test]
    fn take_while_and_skip_while(e in events(), end in end(), limit in -4..5) {
        let p = move |x: &i32| *x < limit;
        let ends = if e.iter().all(p) { end } else { None };
        prop_assert_eq!(run(&e, end, pipe().take_while(p)), line(e.iter().copied().take_while(p), ends));
        prop_assert_eq!(run(&e, end, pipe().skip_while(p)), line(e.iter().copied().skip_while(p), end));
    }

    #[test]
    fn last_ones(e in events(), end in end(), n in 0_usize..30) {
        prop_assert_eq!(run(&e, end, pipe().take_last(n)), at_completion(&e[e.len().saturating_sub(n)..], end));
        prop_assert_eq!(run(&e, end, pipe().last_or(7)), at_completion([e.last().unwrap_or(&7)], end));
        let empty = end.or(e.is_empty().then_some("no elements"));
        prop_assert_eq!(run(&e, end, pipe().last()), at_completion(e.last(), empty));
    }

    #[test]
    fn running_results(e in events(), end in end(), seed in -4..5) {
        let sums = |from: i32| e.iter().scan(from, |s, x| { *s += x; Some(*s) }).collect::<Vec<_>>();
        prop_assert_eq!(run(&e, end, pipe().scan(seed, |s, x| s + x)), line(sums(seed), end));
        prop_assert_eq!(run(&e, end, pipe().accumulate(|s, x| s + x)), line(sums(0), end));
        let total = e.iter().sum::<i32>();
        prop_assert_eq!(run(&e, end, pipe().fold(seed, |s, x| s + x)), at_completion([total + seed], end));
        let empty = end.or(e.is_empty().then_some("no elements"));
        prop_assert_eq!(run(&e, end, pipe().reduce(|s, x| s + x)), at_completion([total], empty));
        prop_assert_eq!(run(&e, end, pipe().count()), at_completion([e.len()], end));
    }

    #[test]
    fn any(e in events(), end in end(), limit in -4..6) {
        let found = e.iter().any(|x| *x > limit);
        let expected = if found { line([true], None) } else { at_completion([false], end) };
        prop_assert_eq!(run(&e, end, pipe().any(move |x| x > limit)), expected);
    }

    #[test]
    fn neighbours(e in events(), end in end()) {
        let mut without = e.clone();
        without.dedup();
        prop_assert_eq!(run(&e, end, pipe().dedup()), line(without, end));
        prop_assert_eq!(run(&e, end, pipe().pairwise()), line(e.windows(2).map(|w| (w[0], w[1])), end));
        prop_assert_eq!(run(&e, end, pipe().enumerate()), line(e.iter().enumerate(), end));
    }

    #[test]
    fn own_events(e in events(), end in end(), own in events(), n in 1_usize..30) {
        let all = || own.iter().chain(&e);
        prop_assert_eq!(run(&e, end, pipe().start_with(own.clone())), line(all(), end));
        let ends = if all().count() >= n { None } else { end };
        prop_assert_eq!(run(&e, end, pipe().start_with(own.clone()).take(n)), line(all().take(n), ends));
        let default = if e.is_empty() && end.is_none() { vec![7] } else { e.clone() };
        prop_assert_eq!(run(&e, end, pipe().default_if_empty(7)), line(default, end));
        let copies = || e.iter().flat_map(|x| vec![*x; x.unsigned_abs() as usize]);
        let ends = if copies().count() >= n { None } else { end };
        let filter = pipe().flat_map(|x: i32| vec![x; x.unsigned_abs() as usize]).take(n);
        prop_assert_eq!(run(&e, end, filter), line(copies().take(n), ends));
    }
}
