"""The windows of the benches in Polars: the last 1,000 values of one sensor.

    python3 -m venv venv && venv/bin/pip install polars==2.1.0
    POLARS_MAX_THREADS=1 venv/bin/python python/rolling.py

Prints millions of rows a second, the median of five turns: of a whole column at once, and of a sensor whose readings come
one by one, where each result is asked for before the next reading comes.
"""

import statistics
import time

import polars as pl

ROWS = 2_000_000
WINDOW = 1_000
TURNS = 5
ONE_BY_ONE = 2_000


def events(count, state=2026):
    """The same pseudo-random readings as `src/event.rs`."""
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield (state >> 40) * (128 / 2**24)


ROLLING = {
    "mean": (lambda s: s.rolling_mean(WINDOW), lambda s: s.mean()),
    "sum": (lambda s: s.rolling_sum(WINDOW), lambda s: s.sum()),
    "variance": (lambda s: s.rolling_var(WINDOW), lambda s: s.var()),
    "min": (lambda s: s.rolling_min(WINDOW), lambda s: s.min()),
    "max": (lambda s: s.rolling_max(WINDOW), lambda s: s.max()),
    "median": (lambda s: s.rolling_median(WINDOW), lambda s: s.median()),
}


def rate(rows, work):
    times = []
    for _ in range(TURNS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return rows / statistics.median(times) / 1e6


def one_by_one(column, result):
    """The column grows by a row at a time; the result is that of its end."""
    kept = column[: WINDOW]
    for at in range(WINDOW, WINDOW + ONE_BY_ONE):
        kept = kept.append(column[at : at + 1])
        result(kept.tail(WINDOW))


def main():
    column = pl.Series("readings", list(events(ROWS)))
    print(f"polars {pl.__version__}, {pl.thread_pool_size()} thread(s), M rows a second")
    for name, (rolling, result) in ROLLING.items():
        whole = rate(ROWS, lambda: rolling(column))
        single = rate(ONE_BY_ONE, lambda: one_by_one(column.clone(), result))
        print(f"{name:10} column {whole:8.1f}   one by one {single:8.4f}")


main()
