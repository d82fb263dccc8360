//! The order of places within their columns: the one with the fewest crossings that barycentre sweeps find.

use alloc::vec::Vec;

/// A line from a place to one in the next column. The offsets are for those that end lower than their place's middle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) left: usize,
    pub(super) right: usize,
    pub(super) offsets: (f64, f64),
}

/// So often an order is swept, from each beginning.
const SWEEPS: usize = 12;
/// A column is bettered by exchanges up to this length.
const SMALL: usize = 48;

/// The places of each column from the top down; `columns` has the column of each place.
pub(super) fn order(columns: &[usize], n: usize, steps: &[Step]) -> Vec<Vec<usize>> {
    let mut best: Option<(usize, Vec<Vec<usize>>)> = None;
    for turned in [false, true] {
        let mut order = Order::new(columns, n, steps, turned);
        for sweep in 0..=SWEEPS {
            let crossings = order.crossings();
            if best.as_ref().is_none_or(|(fewest, _)| crossings < *fewest) {
                best = Some((crossings, order.columns.clone()));
            }
            if crossings == 0 {
                return order.columns;
            }
            order.sweep(sweep % 2 == 0);
        }
    }
    best.map(|(_, columns)| columns).unwrap_or_default()
}

struct Order {
    columns: Vec<Vec<usize>>,
    /// The index of each place in its column.
    index: Vec<usize>,
    /// What each place is joined with in the column before and in the one behind: place, own offset, that one's offset.
    before: Vec<Vec<(usize, f64, f64)>>,
    behind: Vec<Vec<(usize, f64, f64)>>,
}

impl Order {
    /// As a walk meets the places. So trees have no crossings from the beginning.
    fn new(columns: &[usize], n: usize, steps: &[Step], turned: bool) -> Self {
        let none = alloc::vec![Vec::new(); columns.len()];
        let (mut before, mut behind) = (none.clone(), none);
        for step in steps {
            behind[step.left].push((step.right, step.offsets.0, step.offsets.1));
            before[step.right].push((step.left, step.offsets.1, step.offsets.0));
        }
        for ends in before.iter_mut().chain(&mut behind) {
            ends.sort_by(|a, b| if turned { b.1.total_cmp(&a.1).reverse() } else { a.1.total_cmp(&b.1) });
            if turned {
                ends.reverse();
            }
        }
        let mut order =
            Self { columns: alloc::vec![Vec::new(); n], index: alloc::vec![0; columns.len()], before, behind };
        let mut seen = alloc::vec![false; columns.len()];
        let roots = (0..columns.len()).filter(|at| order.before[*at].is_empty()).collect::<Vec<_>>();
        for root in roots.into_iter().chain(0..columns.len()) {
            order.walk(root, columns, &mut seen);
        }
        order.number();
        order
    }

    /// What is joined with a place, on either side, follows it before anything else does.
    fn walk(&mut self, root: usize, columns: &[usize], seen: &mut [bool]) {
        let mut waiting = alloc::vec![root];
        while let Some(at) = waiting.pop() {
            if !core::mem::replace(&mut seen[at], true) {
                self.columns[columns[at]].push(at);
                waiting.extend(self.before[at].iter().rev().map(|end| end.0));
                waiting.extend(self.behind[at].iter().rev().map(|end| end.0));
            }
        }
    }

    fn number(&mut self) {
        for column in &self.columns {
            column.iter().enumerate().for_each(|(index, at)| self.index[*at] = index);
        }
    }

    #[allow(clippy::cast_precision_loss)] // no column has 2^52 places
    fn height(&self, at: usize, offset: f64) -> f64 {
        self.index[at] as f64 + offset
    }

    /// The ends of the lines from one column to the next, by where they begin.
    fn ends(&self, column: &[usize]) -> Vec<(f64, f64)> {
        let of = |at: &usize| {
            let at = *at;
            self.behind[at].iter().map(move |(to, own, its)| (self.height(at, *own), self.height(*to, *its)))
        };
        let mut ends: Vec<_> = column.iter().flat_map(of).collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        ends
    }

    fn crossings(&self) -> usize {
        self.columns
            .iter()
            .map(|column| inversions(&self.ends(column).into_iter().map(|end| end.1).collect::<Vec<_>>()))
            .sum()
    }

    fn sweep(&mut self, forth: bool) {
        for step in 0..self.columns.len() {
            let column = if forth { step } else { self.columns.len() - 1 - step };
            let sides = if forth { &self.before } else { &self.behind };
            let mean = |at: usize| {
                #[allow(clippy::cast_precision_loss)] // nor as many lines
                let n = sides[at].len() as f64;
                let sum: f64 = sides[at].iter().map(|(to, own, its)| self.height(*to, *its) - own).sum();
                if n > 0.0 { sum / n } else { self.height(at, 0.0) }
            };
            let mut sorted: Vec<_> = self.columns[column].iter().map(|at| (mean(*at), *at)).collect();
            sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
            self.columns[column] = sorted.into_iter().map(|(_, at)| at).collect();
            self.number();
        }
        for column in 0..self.columns.len() {
            if self.columns[column].len() <= SMALL {
                self.exchange(column);
            }
        }
    }

    /// Exchanges neighbours in a column where that has fewer crossings.
    fn exchange(&mut self, column: usize) {
        for at in 1..self.columns[column].len() {
            let (upper, lower) = (self.columns[column][at - 1], self.columns[column][at]);
            if self.between(lower, upper) < self.between(upper, lower) {
                self.columns[column].swap(at - 1, at);
                (self.index[upper], self.index[lower]) = (at, at - 1);
            }
        }
    }

    /// The crossings among the lines of two places of a column, if one is above the other.
    fn between(&self, upper: usize, lower: usize) -> usize {
        let crossed = |sides: &[Vec<(usize, f64, f64)>]| {
            let of = |at: usize| sides[at].iter().map(|(to, _, its)| self.height(*to, *its)).collect::<Vec<_>>();
            let lower = of(lower);
            of(upper).into_iter().map(|y| lower.iter().filter(|other| **other < y).count()).sum::<usize>()
        };
        crossed(&self.before) + crossed(&self.behind)
    }
}

/// How many pairs stand in the wrong order.
fn inversions(values: &[f64]) -> usize {
    if values.len() < 2 {
        return 0;
    }
    let (left, right) = values.split_at(values.len() / 2);
    let mut sorted = left.to_vec();
    sorted.sort_by(f64::total_cmp);
    let across = |value: &f64| sorted.len() - sorted.partition_point(|other| other <= value);
    let between: usize = right.iter().map(across).sum();
    between + inversions(left) + inversions(right)
}
