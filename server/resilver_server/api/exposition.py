"""The server's numbers as Prometheus reads them. Needs prometheus_client, the extra ``metrics``."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from resilver_client.errors import ResilverError
from resilver_server import __version__
from resilver_server.scheduling.counts import BOUNDS, Histogram
from resilver_server.scheduling.manager import JobManager

from .metrics import Calls

_PATIENCE = 5.0
"""Seconds that the database may take to answer; without an answer its numbers are left out."""
KINDS = {"measurement": "analyse", "state": "solve", "segment": "render", "changes": "render"}
"""What a chunk is for, by the kind of content that it makes."""


def serve_metrics(
    manager: JobManager, calls: Calls, loop: asyncio.AbstractEventLoop, host: str, port: int
) -> tuple[Callable[[], None], int]:
    """Answer HTTP from a thread: what stops it, and the port. ``loop`` is the manager's. Raises OSError."""
    registry = CollectorRegistry()
    registry.register(_Numbers(manager, calls, loop))
    ProcessCollector(registry=registry)
    server, thread = start_http_server(port, host, registry)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop, int(server.server_port)


class _Numbers(Collector):
    def __init__(self, manager: JobManager, calls: Calls, loop: asyncio.AbstractEventLoop) -> None:
        self._manager, self._calls, self._loop = manager, calls, loop

    def collect(self) -> Iterator[Metric]:
        version = GaugeMetricFamily("resilver_server", "1, with the server's version.", labels=["version"])
        version.add_metric([__version__], 1)
        yield version
        yield from self._stored()
        yield from self._work()
        yield from self._workers()
        ended = CounterMetricFamily("resilver_calls", "Calls that ended.", labels=["method", "code"])
        for labels, count in tuple(self._calls.ended.items()):
            ended.add_metric(labels, count)
        yield ended
        yield _histograms("resilver_call_seconds", "Time of calls with one answer.", "method", self._calls.seconds)

    def describe(self) -> Iterator[Metric]:
        """Nothing: registering must not wait for the database."""
        return iter(())

    def _stored(self) -> Iterator[Metric]:
        asked = asyncio.run_coroutine_threadsafe(self._manager.tally(), self._loop)
        try:
            found = asked.result(_PATIENCE)
        except (ResilverError, TimeoutError, concurrent.futures.CancelledError):
            return
        jobs = GaugeMetricFamily("resilver_jobs", "Jobs by state.", labels=["state"])
        for state, count in found.jobs.items():
            jobs.add_metric([state.value], count)
        yield jobs
        yield GaugeMetricFamily("resilver_store_bytes", "Bytes in the store.", found.stored_bytes)
        quota = self._manager.settings.store_bytes
        if quota is not None:
            yield GaugeMetricFamily("resilver_store_quota_bytes", "Bytes that the store may keep.", quota)
        yield GaugeMetricFamily("resilver_store_pieces", "Pieces of content in the store.", found.stored)

    def _work(self) -> Iterator[Metric]:
        counts = self._manager.counts
        done = CounterMetricFamily("resilver_chunks_done", "Chunks that were made.", labels=["kind"])
        for kind, count in _by_word(counts.done).items():
            done.add_metric([kind], count)
        yield done
        failed = CounterMetricFamily("resilver_chunks_failed", "Attempts that failed.", labels=["kind", "reason"])
        for (kind, reason), count in tuple(counts.failed.items()):
            failed.add_metric([KINDS.get(kind, kind), reason], count)
        yield failed
        retried = CounterMetricFamily("resilver_chunks_retried", "Tries after transient errors.", labels=["reason"])
        for reason, count in tuple(counts.retried.items()):
            retried.add_metric([reason], count)
        yield retried
        yield CounterMetricFamily("resilver_frames_rendered", "Output frames that were rendered.", counts.frames)
        seconds = {KINDS.get(kind, kind): found for kind, found in tuple(counts.seconds.items())}
        yield _histograms("resilver_chunk_seconds", "Time that a chunk took, with waiting.", "kind", seconds)

    def _workers(self) -> Iterator[Metric]:
        workers = self._manager.workers
        yield GaugeMetricFamily("resilver_workers", "Worker processes that run.", workers.running)
        yield CounterMetricFamily("resilver_workers_started", "Worker processes that were started.", workers.started)
        yield CounterMetricFamily("resilver_workers_lost", "Worker processes that ended unasked.", workers.lost)


def _by_word(counts: Counter[str]) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for kind, count in tuple(counts.items()):
        found[KINDS.get(kind, kind)] += count
    return found


def _histograms(name: str, about: str, label: str, found: Mapping[str, Histogram]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, about, labels=[label])
    bounds = [*(str(bound) for bound in BOUNDS), "+Inf"]
    for value, histogram in tuple(found.items()):
        family.add_metric([value], list(zip(bounds, accumulate(histogram.counts), strict=True)), histogram.total)
    return family
