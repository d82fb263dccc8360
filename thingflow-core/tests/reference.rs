//! Agreement with others: the certified values of NIST, and what pandas, numpy and statsmodels make of a recorded series. The
//! values were computed once, by `reference/values.py`.
#![cfg(feature = "std")]

use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::windows::{
    Aggregate, Alpha, Assigner, Autocorrelation, Carrier, Correlation, Covariance, Increase, Integral, Max, Mean,
    Median, Min, OrNone, Quantile, StdDev, Sum, Trend, Values, Variance,
};

const NAN: f64 = f64::NAN;

/// The columns of a table, by their names.
struct Table(Vec<(String, Vec<f64>)>);

impl Table {
    fn read(text: &str) -> Self {
        let mut rows = text.lines().map(|line| line.split(','));
        let mut columns: Vec<_> = rows.next().expect("a header").map(|name| (name.to_string(), Vec::new())).collect();
        for row in rows {
            for ((_, column), cell) in columns.iter_mut().zip(row) {
                column.push(cell.parse().expect("a number"));
            }
        }
        Self(columns)
    }

    fn column(&self, name: &str) -> &[f64] {
        &self.0.iter().find(|(column, _)| column == name).expect("a column").1
    }

    /// Compares with a column to ten digits. A NaN stands for no value.
    fn check(&self, name: &str, seen: impl IntoIterator<Item = Option<f64>>) {
        let (expected, seen): (_, Vec<_>) = (self.column(name), seen.into_iter().collect());
        assert_eq!(seen.len(), expected.len(), "{name}");
        for (at, (seen, expected)) in seen.into_iter().map(|x| x.unwrap_or(NAN)).zip(expected).enumerate() {
            let same = (seen - expected).abs() <= 1e-10 * expected.abs().max(1.0) || seen.is_nan() && expected.is_nan();
            assert!(same, "{name}: row {at} is {seen}, and not {expected}");
        }
    }
}

fn co2() -> Table {
    Table::read(include_str!("reference/co2.csv"))
}

/// The results of an aggregate, `None` where it has none.
fn results<T, W, A>(events: Vec<T>, window: W, aggregate: A) -> Vec<Option<A::Out>>
where
    T: Carrier<Value = T> + 'static,
    A: Aggregate<T> + Clone + 'static,
    W: Assigner<T, Values<OrNone<A>>, Filter: Filter<T, Out = Option<A::Out>> + 'static>,
{
    from_iter(events).aggregate(window, OrNone(aggregate)).collect_now()
}

#[test]
fn sz55_rolling_as_pandas_has_it() {
    let table = co2();
    let e = || table.column("co2").to_vec();
    let window = || Window::sliding(12).partial();
    table.check("mean", results(e(), window(), Mean::new()));
    table.check("var", results(e(), window(), Variance::new()));
    table.check("std", results(e(), window(), StdDev::new()));
    table.check("var_of_all", results(e(), window(), Variance::new().of_all()));
    table.check("min", results(e(), window(), Min::new()));
    table.check("max", results(e(), window(), Max::new()));
    table.check("median", results(e(), window(), Median::new()));
    table.check("quantile", results(e(), window(), Quantile::at(0.9)));
    table.check("sum", results(e(), window(), Sum::new()));
    table.check("mean", from_iter(e()).running_avg(12).map(Some).collect_now());
}

#[test]
fn sz57_expanding_and_exponential_as_pandas_has_it() {
    let table = co2();
    let e = || from_iter(table.column("co2").to_vec());
    let all = |x: Vec<f64>| x.into_iter().map(Some);
    table.check("running_mean", results(table.column("co2").to_vec(), Window::cumulative(), Mean::new()));
    table.check("running_var", results(table.column("co2").to_vec(), Window::cumulative(), Variance::new()));
    table.check("ewma", all(e().ewma(Alpha::span(9.0)).collect_now()));
    table.check("ewma_corrected", all(e().ewma_corrected(Alpha::span(9.0)).collect_now()));
    table.check("ewm_variance", all(e().ewm_variance(Alpha::span(9.0)).collect_now()));
    table.check("half_life", all(e().ewma(Alpha::half_life(4.0)).collect_now()));
    table.check("center_of_mass", all(e().ewma(Alpha::center_of_mass(4.0)).collect_now()));
}

#[test]
fn pairs_trends_and_integrals_as_others_have_them() {
    let table = Table::read(include_str!("reference/co2_uneven.csv"));
    let (days, e) = (table.column("day").to_vec(), table.column("co2").to_vec());
    let window = || Window::sliding(12);
    // There is no result before the window is full.
    let full = |seen: Vec<Option<f64>>, late: usize| [vec![None; late], seen].concat();
    let before: Vec<(f64, f64)> = e[1..].iter().copied().zip(e.iter().copied()).collect();
    table.check("cov", full(results(before.clone(), window(), Covariance::new()), 12));
    table.check("corr", full(results(before, window(), Correlation::new()), 12));

    let over_days: Vec<(f64, f64)> = days.iter().copied().zip(e.iter().copied()).collect();
    let lines = || results(over_days.clone(), window(), Trend::new()).into_iter();
    table.check("slope", full(lines().map(|line| Some(line?.slope)).collect(), 11));
    table.check("slope_error", full(lines().map(|line| line?.slope_error()).collect(), 11));
    table.check("integral", results(over_days.clone(), Window::cumulative(), Integral::new()));
    table.check("increase", results(over_days, Window::cumulative(), Increase::new()));

    #[allow(clippy::cast_possible_truncation)] // whole days
    let at = |day: f64| Timestamp::from_secs(day as i64 * 86_400);
    let events: Vec<_> = days.iter().zip(&e).map(|(day, x)| SensorEvent::new("co2", at(*day), *x)).collect();
    let month = Duration::from_secs(30 * 86_400);
    let smooth = from_iter(events).ewma_by_time_corrected(month, |event| event.ts).map(|event| Some(event.val));
    table.check("by_time", smooth.collect_now());
}

/// The 5,000 digits of NIST's set: those of pi, but for one, a 3 in the place of an 8, which the certified values go with.
fn digits_of_pi() -> Vec<f64> {
    include_str!("reference/pi.txt").chars().filter_map(|digit| digit.to_digit(10)).map(f64::from).collect()
}

/// The sets of NIST: name, certified mean, deviation and lag-1 autocorrelation, data.
fn nist() -> Vec<(String, [f64; 3], Vec<f64>)> {
    let mut sets: Vec<(String, [f64; 3], Vec<f64>)> = Vec::new();
    for line in include_str!("reference/nist.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ').peekable();
        if words.peek().is_some_and(|word| word.starts_with(char::is_alphabetic)) {
            let name = words.next().unwrap_or_default().to_string();
            let certified = words.map(|word| word.parse().expect("a number")).collect::<Vec<f64>>();
            sets.push((name, certified.try_into().expect("three values"), Vec::new()));
        } else if let Some((.., data)) = sets.last_mut() {
            data.extend(words.map(|word| word.parse::<f64>().expect("a number")));
        }
    }
    let swinging = |middle: f64, low: f64, high: f64| {
        let mut e = vec![middle];
        (0..500).for_each(|_| e.extend([low, high]));
        e
    };
    let made = [
        ("PiDigits", [4.534_8, 2.867_339_060_288_71, -0.003_550_992_872_379_72], digits_of_pi()),
        ("NumAcc1", [10_000_002.0, 1.0, -0.5], vec![10_000_001.0, 10_000_003.0, 10_000_002.0]),
        ("NumAcc2", [1.2, 0.1, -0.999], swinging(1.2, 1.1, 1.3)),
        ("NumAcc3", [1_000_000.2, 0.1, -0.999], swinging(1_000_000.2, 1_000_000.1, 1_000_000.3)),
        ("NumAcc4", [10_000_000.2, 0.1, -0.999], swinging(10_000_000.2, 10_000_000.1, 10_000_000.3)),
    ];
    sets.extend(made.map(|(name, certified, data)| (name.to_string(), certified, data)));
    sets
}

#[test]
fn b08_univariate_sets_of_nist() {
    let sets = nist();
    assert_eq!(sets.len(), 9);
    for (name, [mean, deviation, lag], data) in sets {
        let near = |seen: Option<f64>, certified: f64, digits: i32| {
            let seen = seen.unwrap_or(NAN);
            let off = (seen - certified).abs() / certified.abs();
            assert!(off <= 10_f64.powi(-digits), "{name}: {seen} is not {certified}");
        };
        let n = data.len();
        // Over all at once, value by value, and in a window that had to forget values of another size.
        let after_others: Vec<f64> = [vec![1e9; n], data.clone()].concat();
        let whole = results(data.clone(), Window::tumbling(n), (Mean::new(), StdDev::new(), Autocorrelation::new()));
        let running = results(data, Window::cumulative(), (Mean::new(), StdDev::new(), Autocorrelation::new()));
        let sliding = results(after_others, Window::sliding(n), (Mean::new(), StdDev::new(), Autocorrelation::new()));
        for seen in [whole, running, sliding] {
            let (m, d, l) = seen.last().copied().flatten().expect("a result");
            near(Some(m), mean, 13);
            near(Some(d), deviation, 8);
            near(Some(l), lag, 8);
        }
    }
}
