//! Cases of windows.

use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::windows::{
    Aggregate, Count, DistinctList, Each, Grouped, List, Max, Mean, Median, Min, Of, OrNone, Sum, ValueCounts,
    Variance, Window,
};

/// A chain of integers that is fed in several runs; what came out in each.
fn runs<F: Filter<i32>, const N: usize>(filter: Pipe<i32, F>, runs: [&[i32]; N]) -> [Vec<F::Out>; N]
where
    F::Out: Clone + 'static,
{
    let seen = Recorder::new();
    let mut chain = filter.to(seen.clone());
    let cx = &mut Context::detached(Instant::ZERO);
    runs.map(|run| {
        let before = seen.events().len();
        for event in run {
            chain.next(*event, cx).expect("no fatal error");
        }
        seen.events()[before..].to_vec()
    })
}

const TO_15: &[i32] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

#[test]
fn case_141_tumbling_sums() {
    let sums = pipe().aggregate(Window::tumbling(4), Sum::new());
    assert_eq!(runs(sums, [TO_15, &[10, -10, 21, -20]]), [vec![6, 22, 38, 54], vec![1]]);
}

#[test]
fn case_142_overlapping_sums() {
    let sums = pipe().aggregate(Window::every(3, 2), Sum::new());
    let in_runs = [TO_15, &[10, -10, 21, -20], &[-1, 1, 0]];
    assert_eq!(runs(sums, in_runs), [vec![3, 9, 15, 21, 27, 33, 39], vec![39, 21], vec![0, 0]]);
}

#[test]
fn case_143_overlapping_means_with_addend() {
    let means = pipe().aggregate(Window::every(3, 2), Mean::new()).map(|mean| mean + 1.0);
    assert_eq!(runs(means, [TO_15]), [[2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0]]);
}

#[test]
fn case_144_window_with_state() {
    let sums = pipe().aggregate(Window::tumbling(4), Sum::new()).scan(0, |s, sum| s + sum);
    assert_eq!(runs(sums, [TO_15, &[10, -10, 21, -20]]), [vec![6, 28, 66, 120], vec![121]]);
}

#[test]
fn case_145_window_to_list() {
    let maxima = pipe().aggregate(Window::tumbling(4), Max::new()).flat_map(|max| [max; 4]);
    assert_eq!(runs(maxima, [TO_15]), [[3, 3, 3, 3, 7, 7, 7, 7, 11, 11, 11, 11, 15, 15, 15, 15]]);
}

#[test]
fn case_146_window_to_list_with_state_and_constant() {
    let lists = pipe().chunks(2).enumerate().flat_map(|(s, window): (_, Vec<i32>)| {
        window.into_iter().map(move |v| v + 10 * i32::try_from(s).unwrap_or(0) + 100)
    });
    assert_eq!(runs(lists, [&TO_15[..10]]), [[100, 101, 112, 113, 124, 125, 136, 137, 148, 149]]);
}

#[test]
fn case_147_step_larger_than_the_window() {
    assert_eq!(runs(pipe().windows(2, 3), [&TO_15[..8]]), [[[0, 1], [3, 4], [6, 7]]]);
}

#[test]
fn case_148_window_fills_over_several_runs() {
    let sums = pipe().aggregate(Window::sliding(3), Sum::new());
    assert_eq!(runs(sums, [&[1, 2], &[3], &[4, 5]]), [vec![], vec![6], vec![9, 12]]);
}

#[test]
fn case_149_halting_a_window() {
    let (numbers, seen) = (Port::new(), Recorder::new());
    let window = numbers.aggregate(Window::tumbling(2), Sum::new()).connect(seen.clone());
    let cx = &mut Context::detached(Instant::ZERO);
    (0..6).for_each(|x| drop(numbers.emit(x, cx)));
    window.disconnect();
    (10..15).for_each(|x| drop(numbers.emit(x, cx)));
    assert_eq!(seen.events(), [1, 5, 9]);
}

#[test]
fn case_150_start_up_windows() {
    let sums = || pipe().aggregate(Window::every(10, 3).partial(), Sum::new());
    let all: Vec<i32> = (0..30).collect();
    let in_runs = [&all[..6], &all[6..9], &all[9..15], &all[15..]];
    let expected = [vec![3, 15], vec![36], vec![65, 95], vec![125, 155, 185, 215, 245]];
    assert_eq!(runs(sums(), in_runs), expected);
    let lists =
        pipe().window(Window::every(10, 3).partial(), List::new()).map(|window: Vec<i32>| window.iter().sum::<i32>());
    assert_eq!(runs(lists, in_runs), expected);
}

#[test]
fn case_151_windows_of_vectors() {
    let rows = || from_iter([[1, 5], [7, 11], [14, 18], [18, 30], [30, 38], [34, 42]]);
    let means = rows().aggregate(Window::tumbling(2), [Mean::new(), Mean::new()]).collect_now();
    assert_eq!(means, [[4.0, 8.0], [16.0, 24.0], [32.0, 40.0]]);
    let sums = rows().aggregate(Window::tumbling(2), [Sum::new(), Sum::new()]);
    let with_state = sums.scan(([0, 0], 0), |(_, s), [x, y]| ([x + s, y + s], s + 1)).map(|(sum, _)| sum);
    assert_eq!(with_state.collect_now(), [[8, 16], [33, 49], [66, 82]]);
}

/// The batch is the event: what was made of lists is made of any event with several values in it.
#[test]
fn case_202_batch_function() {
    let batch = || from_iter([vec![0, 1, 2, 3, 4]]);
    assert_eq!(batch().flat_map(|batch| batch.into_iter().map(|v| 2 * v)).collect_now(), [0, 2, 4, 6, 8]);
    let shifted = batch().flatten().enumerate().map(|(i, v)| v + 2 * i);
    assert_eq!(shifted.collect_now(), [0, 3, 6, 9, 12]);
}

#[test]
fn case_203_one_output_per_batch() {
    let sums = from_iter([vec![1, 2, 3], vec![4]]).map(|batch| batch.iter().sum::<i32>());
    assert_eq!(sums.collect_now(), [6, 4]);
}

#[test]
fn case_204_cumulative_sum_over_batches() {
    let batches = from_iter([vec![0, 1, 2, 3, 4], vec![5, 6, 7, 8, 9]]).flatten();
    let sums = batches.aggregate(Window::cumulative(), Sum::new()).collect_now();
    assert_eq!(sums, [0, 1, 3, 6, 10, 15, 21, 28, 36, 45]);
}

#[test]
fn case_280_partition() {
    assert_eq!(runs(pipe().chunks(2), [&TO_15[..10]]), [[[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]]);
}

const REPEATS: &[i32] = &[1, 2, 1, 3, 1, 3, 3, 2];

#[test]
fn case_281_partition_into_distinct_keys_first_kept() {
    assert_eq!(runs(pipe().chunks_distinct(3, |x| *x), [REPEATS]), [[[1, 2, 3], [1, 3, 2]]]);
}

#[test]
fn case_282_partition_into_distinct_keys_last_kept() {
    let lists = pipe().window(Window::tumbling(3), DistinctList::by(|x: &i32| *x).keep_last());
    assert_eq!(runs(lists, [REPEATS]), [[[2, 1, 3], [1, 3, 2]]]);
}

#[test]
fn case_283_distinct_by_a_function() {
    let words = ["f", "fo", "f", "foo", "f", "foo", "foo", "fo"];
    let lists = from_iter(words).window(Window::tumbling(3), DistinctList::by(|word: &&str| word.len()).keep_last());
    let lists = lists.collect_now();
    assert_eq!(lists[..2], [["fo", "f", "foo"], ["f", "foo", "fo"]]);
}

#[test]
fn case_284_distinct_by_a_field() {
    let rows = [(0, "bar"), (0, "baz"), (1, "bat")];
    let first = from_iter(rows).chunks_distinct(2, |(id, _)| *id).collect_now();
    assert_eq!(first, [[(0, "bar"), (1, "bat")]]);
    let last = from_iter(rows).window(Window::tumbling(2), DistinctList::by(|(id, _): &(i32, &str)| *id).keep_last());
    assert_eq!(last.collect_now(), [[(0, "baz"), (1, "bat")]]);
}

#[test]
fn case_291_sliding_window() {
    let full: Vec<_> = (1..10).map(|x| vec![x - 1, x]).collect();
    assert_eq!(runs(pipe().sliding(2), [&TO_15[..10]]), std::slice::from_ref(&full));
    let mut partial = vec![vec![0]];
    partial.extend(full);
    assert_eq!(runs(pipe().window(Window::sliding(2).partial(), List::new()), [&TO_15[..10]]), [partial]);
}

#[test]
fn case_292_sliding_window_of_three() {
    let windows = from_iter(0..5).window(Window::sliding(3).partial(), List::new()).collect_now();
    assert_eq!(windows, [vec![0], vec![0, 1], vec![0, 1, 2], vec![1, 2, 3], vec![2, 3, 4]]);
}

#[test]
fn case_395_running_reductions() {
    let frames = from_iter([[1, 2, 3], [1, 2, 3]]).flatten();
    let all = (Sum::new(), Mean::new(), Count::new());
    assert_eq!(frames.aggregate(Window::cumulative(), all).collect_now().last(), Some(&(12, 2.0, 6_u64)));
}

#[test]
fn case_396_reductions_with_start() {
    let start = (Mean::starting_at(10, 2), Count::starting_at(3), Sum::starting_at(10));
    let results = from_iter([50, 100, 200]).aggregate(Window::cumulative(), start).collect_now();
    assert_eq!(results.last(), Some(&(72.0, 6_u64, 360)));
}

#[test]
fn case_397_mean_after_an_empty_batch() {
    let mean = Mean::<i32>::new();
    assert_eq!(mean.value(), None); // of nothing there is no mean, and nothing is sent
    let means = from_iter([vec![], vec![1, 2, 3]]).flatten().aggregate(Window::cumulative(), mean);
    assert_eq!(means.collect_now().last(), Some(&2.0));
}

/// A product is an aggregate of one's own, which for a running one need not forget.
#[derive(Clone)]
struct Product(i32);
impl Aggregate<i32> for Product {
    type Out = i32;
    fn add(&mut self, value: &i32) {
        self.0 *= value;
    }
    fn remove(&mut self, value: &i32) {
        self.0 /= value;
    }
    fn value(&self) -> Option<i32> {
        Some(self.0)
    }
}

#[test]
fn case_405_cumulative_over_batches() {
    let pieces = from_iter([vec![0, 1, 2], vec![3, 4, 5], vec![6, 7, 8], vec![9], vec![]]).flatten();
    let all = (Sum::new(), Max::new(), Product(1), Min::new());
    let results = pieces.aggregate(Window::cumulative(), all).collect_now();
    let sums = [0, 1, 3, 6, 10, 15, 21, 28, 36, 45];
    let expected: Vec<_> = (0..10).zip(sums).map(|(x, sum)| (sum, x, 0, 0)).collect();
    assert_eq!(results, expected);
}

const TEN: Duration = Duration::from_secs(10);

/// Not of the cases: a window of time that is full holds its source up until half of the events are old enough.
#[test]
fn a_full_window_of_time_pauses_its_source() {
    fn paced<F: Filter<i32> + 'static>(filter: Pipe<i32, F>) -> String
    where
        F::Out: std::fmt::Debug + 'static,
    {
        let (mut scheduler, seen) = (Scheduler::virtual_time().expect("a scheduler"), Recorder::new());
        scheduler.schedule_recurring(from_iter(1..=5).pipe(filter).connect(seen.clone())).expect("a schedule");
        scheduler.run_for(6 * TEN).expect("no fatal error");
        seen.timed_text()
    }
    let limit = || Limit::block(2);
    assert_eq!(paced(pipe().sliding_time(TEN, limit())), "[1]@0 [1, 2]@0 [3]@10 [3, 4]@10 [5]@20 |@20");
    assert_eq!(paced(pipe().aggregate(Window::last(TEN, limit()), Sum::new())), "1@0 3@0 3@10 7@10 5@20 |@20");
}

/// The events of cases 406 and 407: `y` of the group `x mod 3`, with the group as the sensor.
fn grouped() -> Vec<SensorEvent<f64>> {
    let rows = [0_u64, 0, 1, 1, 2, 2, 3, 3, 4, 4].into_iter().zip([1.0, 2.0].into_iter().cycle());
    rows.map(|(x, y)| SensorEvent::new(x % 3, Timestamp::UNIX_EPOCH, y)).collect()
}

/// The last result of each group after 3, 7 and 10 rows.
fn by_group<A: Aggregate<f64, Out: Copy> + Clone + 'static>(aggregate: A) -> [Vec<A::Out>; 3] {
    let groups = Window::cumulative().by_key(10, |event: &SensorEvent<f64>| event.sensor_id);
    let seen = from_iter(grouped()).aggregate(groups, aggregate).collect_now();
    [3, 7, 10].map(|rows| {
        let last = |id| seen[..rows].iter().rfind(|event| event.sensor_id == id).map(|event| event.val);
        [0, 1, 2].into_iter().filter_map(last).collect()
    })
}

#[test]
fn case_406_group_by_and_reduce() {
    assert_eq!(by_group(Sum::new()), [vec![3.0, 1.0], vec![4.0, 3.0, 3.0], vec![6.0, 6.0, 3.0]]);
    assert_eq!(by_group(Mean::new())[2], [1.5, 1.5, 1.5]);
    assert_eq!(by_group(Count::new())[2], [4, 4, 2]);
}

#[test]
fn case_407_group_by_spread() {
    let spread = by_group(OrNone(Variance::new()));
    assert_eq!(spread[0], [Some(0.5), None]);
    let third = |x: Option<f64>| x.is_some_and(|x| (x - 1.0 / 3.0).abs() < 1e-15);
    assert!(third(spread[1][0]) && spread[1][1..] == [Some(0.5), Some(0.5)], "{spread:?}");
    assert!(third(spread[2][0]) && third(spread[2][1]) && spread[2][2] == Some(0.5), "{spread:?}");
}

#[test]
fn case_408_group_by_with_start() {
    let at = |name, amount| SensorEvent::new(name, Timestamp::UNIX_EPOCH, amount);
    let by_name = || Window::cumulative().by_key(10, |event: &SensorEvent<i32>| event.sensor_id);
    let first = from_iter([at("Alice", 50), at("Tom", 100)]).aggregate(by_name(), Sum::new()).collect_now();
    assert_eq!(first, [at("Alice", 50), at("Tom", 100)]);
    let kept = move |name: &SensorId| first.iter().find(|event| event.sensor_id == *name).map(|event| event.val);
    let second = || from_iter([at("Alice", 50), at("Tom", 100), at("Linda", 200)]);
    let start = kept.clone();
    let sums = by_name().starting(move |name| start(name).map_or_else(Sum::new, Sum::starting_at));
    let sums: Vec<_> = second().aggregate(sums, Sum::new()).map(|event| event.val).collect_now();
    assert_eq!(sums, [100, 200, 200]);
    let start = kept.clone();
    let means = by_name().starting(move |name| start(name).map_or_else(Mean::new, |sum| Mean::starting_at(sum, 1)));
    assert_eq!(second().aggregate(means, Mean::new()).map(|event| event.val).collect_now(), [50.0, 100.0, 200.0]);
    let counts = by_name().starting(move |name| kept(name).map_or_else(Count::new, |_| Count::starting_at(1)));
    assert_eq!(second().aggregate(counts, Count::new()).map(|event| event.val).collect_now(), [2, 2, 1]);
}

#[test]
fn case_409_rolling_by_rows() {
    let all = (Sum::new(), Mean::new(), Min::new(), Max::new(), Median::new());
    let seen = from_iter(0..10).aggregate(Window::sliding(2), all).collect_now();
    let rows: Vec<_> =
        (1..10).map(|x| (2 * x - 1, f64::from(2 * x - 1) / 2.0, x - 1, x, f64::from(2 * x - 1) / 2.0)).collect();
    assert_eq!(seen, rows);
}

#[test]
fn case_410_rolling_by_time() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let hour = 3600;
    let over = |secs: u64| -> std::result::Result<Vec<(i64, u64)>, Box<dyn std::error::Error>> {
        let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
        let rows = from_iter(0..10_i64).at_times(move |x| Timestamp::from_secs(x * hour));
        let window = Window::last(Duration::from_secs(secs), Limit::fail(100));
        scheduler.schedule_recurring(rows.aggregate(window, (Sum::new(), Count::new())).connect(seen.clone()))?;
        scheduler.run_forever()?;
        Ok(seen.events())
    };
    let sums = |rows: Vec<(i64, u64)>| rows.into_iter().map(|(sum, _)| sum).collect::<Vec<_>>();
    assert_eq!(sums(over(3 * 3600)?), [0, 1, 3, 6, 9, 12, 15, 18, 21, 24]);
    assert_eq!(sums(over(200 * 60)?), [0, 1, 3, 6, 10, 14, 18, 22, 26, 30]);
    assert_eq!(over(3 * 3600)?.into_iter().map(|(_, n)| n).collect::<Vec<_>>(), [1, 2, 3, 3, 3, 3, 3, 3, 3, 3]);
    Ok(())
}

/// A row of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Row {
    x: i64,
    y: i64,
}

fn rows(x: impl IntoIterator<Item = i64>, y: impl IntoIterator<Item = i64>) -> Vec<Row> {
    x.into_iter().zip(y).map(|(x, y)| Row { x, y }).collect()
}

/// The rows 0 to 9 with 1, in pieces of 3, 4, 3.
fn pieces() -> [Vec<Row>; 3] {
    [0..3, 3..7, 7..10].map(|x| rows(x, [1; 4]))
}

#[test]
fn case_391_batch_pipeline() {
    let sum = pipe().map(|row: Row| row.x + 1).aggregate(Window::cumulative(), Sum::new());
    assert_eq!(from_iter([rows(0..4, [0; 4])]).once_a_batch(sum).collect_now(), [10]);
}

#[test]
fn case_392_batch_filter_to_elements() {
    let even = from_iter([vec![1, 2, 3, 4], vec![5, 6]]).each_batch(pipe().filter(|n| n % 2 == 0)).flatten();
    assert_eq!(even.collect_now(), [2, 4, 6]);
}

#[test]
fn case_393_batch_to_frame() {
    let xs: Vec<i64> = (0..10).collect();
    let batches = from_iter(xs).map(|x| Row { x, y: 2 * x }).chunks(3);
    let z = batches.each_batch(pipe().map(|row: Row| row.x + row.y)).flatten();
    assert_eq!(z.collect_now(), (0..10).map(|n| 3 * n).collect::<Vec<_>>());
}

#[test]
fn case_398_column_arithmetic_and_rows() {
    let halves = || from_iter([rows(0..5, [1; 5]), rows(5..10, [1; 5])]);
    let doubled = halves().each_batch(pipe().map(|row: Row| (row.x + row.y) * 2)).flatten();
    assert_eq!(doubled.collect_now(), (1..=10).map(|n| 2 * n).collect::<Vec<_>>());
    let large = halves().each_batch(pipe().filter(|row: &Row| row.x > 4));
    assert_eq!(large.collect_now(), [vec![], rows(5..10, [1; 5])]);
}

#[test]
fn case_399_set_columns() {
    let more = pipe().map(|Row { x, y }| ([x, y, 2 * x], [10, x, y]));
    let mean = [Mean::new(), Mean::new(), Mean::new()];
    let left = Of(|row: &([i64; 3], [i64; 3])| row.0, mean.clone());
    let right = Of(|row: &([i64; 3], [i64; 3])| row.1, mean);
    let means = from_iter(pieces()).once_a_batch(more.aggregate(Window::cumulative(), (left, right)));
    assert_eq!(means.collect_now().last(), Some(&([4.5, 1.0, 9.0], [10.0, 4.5, 1.0])));
}

#[test]
fn case_400_overwrite_a_column() {
    let doubled = from_iter(pieces()).each_batch(pipe().map(|row: Row| Row { x: 2 * row.x, ..row }));
    assert_eq!(doubled.collect_now()[2].iter().map(|row| row.x).collect::<Vec<_>>(), [14, 16, 18]);
}

#[test]
fn case_401_query_and_counts() {
    let one = || from_iter([rows(1..=3, 4..=6)]);
    let query = one().each_batch(pipe().filter(|row: &Row| row.x > 1 && row.x < 4)).flatten();
    assert_eq!(query.map(|row| row.x).collect_now(), [2, 3]);
    let counts = one().once_a_batch(pipe().map(|row: Row| row.x).aggregate(Window::cumulative(), ValueCounts::new()));
    let largest: Vec<_> = counts.collect_now().concat().into_iter().take(2).collect();
    assert_eq!(largest.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn case_402_value_counts_run_on_one_result_a_batch() {
    let batches = from_iter([vec!['a', 'b', 'a'], vec!['a', 'b', 'a']]);
    let counts = batches.aggregate(Window::cumulative(), Each(ValueCounts::new()));
    assert_eq!(counts.collect_now(), [[('a', 2), ('b', 1)], [('a', 4), ('b', 2)]]);
}

#[test]
fn case_403_tail_is_per_batch() {
    let tails = from_iter([rows(1..=3, 4..=6), rows(1..=3, 4..=6)])
        .map(|batch| batch[batch.len().saturating_sub(2)..].to_vec());
    assert_eq!(tails.collect_now(), [rows(2..=3, 5..=6), rows(2..=3, 5..=6)]);
}

#[test]
fn case_404_frame_from_columns() {
    let frames = from_iter([rows(1..=3, 4..=6), rows(1..=3, 4..=6)]);
    let columns = frames.each_batch(pipe().map(|Row { x, y }| (x, 2 * x, y % 2)));
    assert_eq!(columns.collect_now(), [[(1, 2, 0), (2, 4, 1), (3, 6, 0)], [(1, 2, 0), (2, 4, 1), (3, 6, 0)]]);
}

#[test]
fn groups_inside_a_window() {
    let e = [("a", 1), ("b", 10), ("a", 2), ("b", 20), ("c", 5)];
    let sums = || Grouped::by(|e: &(&'static str, i32)| e.0, Of(|e: &(&str, i32)| e.1, Sum::new()));
    let last: Vec<_> = from_iter(e).aggregate(Window::sliding(3).partial(), sums()).collect_now();
    assert_eq!(last[2..], [vec![("a", 3), ("b", 10)], vec![("a", 2), ("b", 30)], vec![("a", 2), ("b", 20), ("c", 5)]]);
    assert_eq!(from_iter(e).aggregate(Window::tumbling(5), sums()).collect_now(), [[("a", 3), ("b", 30), ("c", 5)]]);
}

#[test]
fn a_batch_passes_on_what_is_no_event() {
    // What the filter holds at the end, and an error, come behind the batches.
    let held = try_from_iter([Ok(vec![1, 2, 3]), Err("no more")]).each_batch(pipe().chunks(2));
    let (seen, error) = held.try_collect_now();
    assert_eq!((seen, error.is_some()), (vec![vec![vec![1, 2]], vec![vec![3]]], true));
    // A filter that has enough ends the stream.
    let few = from_iter([vec![1, 2], vec![3, 4], vec![5, 6]]).each_batch(pipe().take(3));
    assert_eq!(few.collect_now(), [vec![1, 2], vec![3]]);
    let last = from_iter([vec![1, 2], vec![3, 4], vec![5, 6]]).once_a_batch(pipe().take(3));
    assert_eq!(last.collect_now(), [2, 3]);
}
