"""The chain and the fan-out of the benches in Python: a plain loop, thingflow 2.3.0 and streamz 0.6.6.

    python3 -m venv venv && venv/bin/pip install thingflow==2.3.0 streamz==0.6.6
    venv/bin/python python/peers.py

Prints nanoseconds for each event (chain) or delivery (fan-out 10): the median of five turns.
"""

import statistics
import time
from collections import namedtuple

import thingflow.filters.map  # noqa: F401  (adds the method)
from streamz import Stream
from thingflow.base import InputThing, OutputThing

Event = namedtuple("Event", "id ts val")

TURNS = 5
SINKS = 10


def events(count, state=2026):
    """The same pseudo-random readings as `src/event.rs`."""
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield Event((state >> 33) & 7, state, (state >> 40) * (128 / 2**24))


class RunningAvg:
    def __init__(self):
        self.window, self.at, self.filled, self.sum = [0.0] * 5, 0, 0, 0.0

    def push(self, val):
        self.sum += val - self.window[self.at]
        self.window[self.at] = val
        self.at = (self.at + 1) % 5
        self.filled = min(self.filled + 1, 5)
        return self.sum / self.filled


class Sink:
    def __init__(self, threshold):
        self.threshold, self.count, self.latest = threshold, 0, 0

    def take(self, event):
        if event.val > self.threshold:
            self.count += 1
            self.latest = event.ts


class Counter:
    def __init__(self):
        self.count = 0

    def take(self, over):
        if over:
            self.count += 1


class ThingFlowSink(InputThing):
    def __init__(self, sink):
        self.sink = sink

    def on_next(self, event):
        self.sink.take(event)


class Source(OutputThing):
    def send(self, event):
        self._dispatch_next(event)


def loop_chain(data):
    avg, count = RunningAvg(), 0
    for event in data:
        if avg.push(event.val) > 64.0:
            count += 1
    return count


def thingflow_chain(data):
    avg, counter, source = RunningAvg(), Counter(), Source()
    source.map(lambda e: e.val).map(avg.push).map(lambda a: a > 64.0).connect(ThingFlowSink(counter))
    for event in data:
        source.send(event)
    return counter.count


def streamz_chain(data):
    avg, counter, source = RunningAvg(), Counter(), Stream()
    source.map(lambda e: e.val).map(avg.push).map(lambda a: a > 64.0).sink(counter.take)
    for event in data:
        source.emit(event)
    return counter.count


def loop_fanout(data):
    sinks = [Sink(threshold) for threshold in range(SINKS)]
    for event in data:
        for sink in sinks:
            sink.take(event)
    return sum(sink.count for sink in sinks)


def thingflow_fanout(data):
    sinks, source = [Sink(threshold) for threshold in range(SINKS)], Source()
    for sink in sinks:
        source.connect(ThingFlowSink(sink))
    for event in data:
        source.send(event)
    return sum(sink.count for sink in sinks)


def streamz_fanout(data):
    sinks, source = [Sink(threshold) for threshold in range(SINKS)], Stream()
    for sink in sinks:
        source.sink(sink.take)
    for event in data:
        source.emit(event)
    return sum(sink.count for sink in sinks)


def measure(title, subjects, count, deliveries):
    """All subjects take turns on the same events, which are made beforehand, and have to agree."""
    data = list(events(count))
    times = {subject: [] for subject in subjects}
    results = set()
    for _ in range(TURNS):
        for subject in subjects:
            start = time.perf_counter()
            results.add(subject(data))
            times[subject].append((time.perf_counter() - start) / count / deliveries * 1e9)
    assert len(results) == 1, results
    for subject in subjects:
        print(f"{title:8} {subject.__name__:18} {statistics.median(times[subject]):8.0f} ns")


if __name__ == "__main__":
    measure("chain", [loop_chain, thingflow_chain, streamz_chain], 50_000, 1)
    measure("fanout", [loop_fanout, thingflow_fanout, streamz_fanout], 20_000, SINKS)
