"""Carry out a plan: read, colour and write its photos side by side, and report on each.

A worker takes a photo all the way, so reading, colouring and writing of different photos overlap. On a CPU each
worker colours with its share of the cores; on a GPU one worker at a time colours while the others read and write.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from colorcli.batch.job import STDIO, Job, Outcome, Plan, Report
from colorcli.errors import ColorcliError, PhotoError, told
from colorcli.memory import available_memory
from colorcli.photo import Photo, Provenance, read_photo, target_format, write_photo

if TYPE_CHECKING:
    from colorcli.engine import Colorizer

PHOTO_BYTES = 600 << 20  # what a photo of 24 megapixels costs while it is read, coloured and written
GPU_WORKERS = 8
TOGETHER = 4  # photos at most in one pass of the network, if every core is left with several such lots
QUEUED = 64  # photos that wait, as paths, for a worker: a slow one does not hold up the others
WRITING_ENDS = 10.0  # seconds that a write in progress is given after Ctrl-C


def read_source(source: str) -> Photo:
    """The photo of a job's source, "-" being stdin. PhotoError names it."""
    if source != STDIO:
        return read_photo(Path(source))
    return read_photo(sys.stdin.buffer.read(), name="stdin")


def run(
    plan: Plan,
    colorizer: Colorizer,
    *,
    batch_size: int | None = None,
    quality: int | None = None,
    provenance: bool = True,
    first: Photo | None = None,
    conditions: Mapping[str, Any] | None = None,
    on_outcome: Callable[[Outcome], None] = lambda outcome: None,
) -> Report:
    """Colour every photo of `plan`; `on_outcome` hears of each, in the order of the plan, in the caller's thread.

    A photo that cannot be read, coloured or written is an outcome with an error; the others are done. On any
    exception in the caller's thread (KeyboardInterrupt, a closed pipe) no further photo is begun, writes in progress
    are finished, and the exception goes on. first: the photo of the first job, if it is read already.
    conditions: what every photo's colours shall follow, as the colorizer takes it. batch_size: photos in one pass of
    the network, as many as suit the folder if not given.
    """
    start = time.perf_counter()
    batch_size = batch_size or max(1, min(TOGETHER, len(plan.jobs) // (4 * _cores(colorizer))))
    report = Report(skipped=len(plan.skipped))
    worker = Worker(plan, colorizer, quality, provenance, first, conditions or {})
    chunks = (plan.jobs[i : i + batch_size] for i in range(0, len(plan.jobs), batch_size))
    count = -(-len(plan.jobs) // batch_size)
    with _pool(count, colorizer, batch_size) as (pool, workers):
        try:
            for outcome in _in_order(pool, worker, chunks, workers + QUEUED // batch_size):
                report.count(outcome, time.perf_counter() - start)
                on_outcome(outcome)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            worker.stop()
            raise
    report.seconds = time.perf_counter() - start
    return report


def _in_order(pool: ThreadPoolExecutor, worker: Worker, chunks: Iterator[list[Job]], queued: int) -> Iterator[Outcome]:
    """Outcomes in the order of the jobs, with at most `queued` chunks handed to the pool ahead of them."""
    futures: deque[Future[list[Outcome]]] = deque(pool.submit(worker, c) for c in itertools.islice(chunks, queued))
    while futures:
        done = _result(futures.popleft())
        futures.extend(pool.submit(worker, chunk) for chunk in itertools.islice(chunks, 1))
        yield from done


def _result(future: Future[list[Outcome]]) -> list[Outcome]:
    """future.result(), waited for in steps: on Windows a wait without an end does not hear Ctrl-C."""
    while not future.done():
        wait([future], timeout=1.0)
    return future.result()


def _cores(colorizer: Colorizer) -> int:
    """How many photos can be worked on at once."""
    import torch

    return torch.get_num_threads() if colorizer.device.type == "cpu" else min(os.cpu_count() or 1, GPU_WORKERS)


@contextmanager
def _pool(chunks: int, colorizer: Colorizer, batch_size: int) -> Iterator[tuple[ThreadPoolExecutor, int]]:
    """As many workers as cores, photos and memory allow; torch's threads are shared out among them meanwhile."""
    import torch

    threads = torch.get_num_threads()
    on_cpu = colorizer.device.type == "cpu"
    workers = max(1, min(_cores(colorizer), chunks, available_memory() // (PHOTO_BYTES * batch_size)))
    share = max(1, threads // workers) if on_cpu else threads
    pool = ThreadPoolExecutor(workers, "colorcli", initializer=torch.set_num_threads, initargs=(share,))
    try:
        yield pool, workers
        pool.shutdown()
    finally:
        torch.set_num_threads(threads)


class Worker:
    """Takes a few jobs from source to target; called in several threads at once."""

    def __init__(
        self,
        plan: Plan,
        colorizer: Colorizer,
        quality: int | None,
        provenance: bool,
        first: Photo | None,
        conditions: Mapping[str, Any],
    ) -> None:
        self.plan, self.quality, self.first = plan, quality, first
        self.colorizers = colorizer.samples(plan.samples) if plan.samples > 1 else [colorizer]
        self.conditions = conditions
        self.provenance = Provenance(colorizer.name, colorizer.weights_sha256) if provenance else None
        self.one_at_a_time = nullcontext() if colorizer.device.type == "cpu" else threading.Lock()
        self.stopped = False
        self.writers = 0
        self.idle = threading.Condition()

    def __call__(self, jobs: list[Job]) -> list[Outcome]:
        start = time.perf_counter()
        outcomes = [Outcome(job) for job in jobs]
        read: list[tuple[Outcome, Photo]] = []
        for outcome in outcomes:
            with _failing(outcome):
                read.append((outcome, self._read(outcome.job)))
        for (outcome, photo), results in zip(read, self._colour(read), strict=True):
            if results:
                with _failing(outcome), self._writing():
                    outcome.notes = [*results[0].notes, *self._write(outcome.job, photo, results)]
                    outcome.size = results[0].pixels.shape[1], results[0].pixels.shape[0]
        for outcome in outcomes:
            outcome.seconds = (time.perf_counter() - start) / len(jobs)
        return outcomes

    def stop(self) -> None:
        """Begin nothing more, and wait for the writes in progress."""
        with self.idle:
            self.stopped = True
            self.idle.wait_for(lambda: not self.writers, timeout=WRITING_ENDS)

    def _read(self, job: Job) -> Photo:
        self._go_on()
        photo, self.first = self.first, None
        return photo if photo is not None else read_source(job.source)

    def _colour(self, read: list[tuple[Outcome, Photo]]) -> list[list[Photo]]:
        """The colourings of each, all photos in one pass of the network; one by one if that is not possible, none where
        it failed."""
        if len(read) > 1:
            # what fails for one, or for want of memory, must not take the others with it
            with suppress(Exception), self.one_at_a_time:
                self._go_on()
                photos = [photo for _, photo in read]
                samples = [colorizer.many(photos, **self.conditions) for colorizer in self.colorizers]
                return [list(colourings) for colourings in zip(*samples, strict=True)]
        results: list[list[Photo]] = []
        for outcome, photo in read:
            results.append([])
            with _failing(outcome), self.one_at_a_time:
                self._go_on()
                results[-1] = [colorizer(photo, **self.conditions) for colorizer in self.colorizers]
        return results

    def _write(self, job: Job, photo: Photo, results: list[Photo]) -> list[str]:
        """Write all outputs of a job; returns what the format of the target could not hold."""
        how: Any = {"quality": self.quality, "provenance": self.provenance}
        if job.target == STDIO:
            format = self.plan.format or target_format(results[0].format)[0]
            return write_photo(results[0], sys.stdout.buffer, format=format, **how)
        coloured = dict(zip(map(Path, job.targets), results, strict=True))
        notes: list[str] = []
        for path in map(Path, job.outputs):
            if path.exists() and self.plan.keep:
                continue
            if path.exists() and not self.plan.overwrite:
                raise PhotoError(f"{path}: something else wrote it during this run: left as it is")
            path.parent.mkdir(parents=True, exist_ok=True)
            notes += write_photo(coloured[path] if path in coloured else side_by_side(photo, *results), path, **how)
        return list(dict.fromkeys(notes))

    def _go_on(self) -> None:
        if self.stopped:
            raise CancelledError

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Counts the writes in progress; none begins once the run has stopped."""
        with self.idle:
            self._go_on()
            self.writers += 1
        try:
            yield
        finally:
            with self.idle:
                self.writers -= 1
                self.idle.notify_all()


@contextmanager
def _failing(outcome: Outcome) -> Iterator[None]:
    """What goes wrong with one photo is told in its outcome; a closed stdout and the end of the run go on."""
    try:
        yield
    except (BrokenPipeError, CancelledError):
        raise
    except ColorcliError as error:
        outcome.error = str(error)
    except OSError as error:
        where = error.filename or outcome.job.target
        outcome.error = f"{outcome.job.source}: cannot write '{where}': {error.strerror or error}"
    except Exception as error:
        line = told(error)
        if line is None and os.environ.get("COLORCLI_DEBUG"):
            raise
        fault = f"internal error, please report it: {type(error).__name__}: {error}"
        outcome.error = f"{outcome.job.source}: {line or fault}"


def side_by_side(photo: Photo, result: Photo, *others: Photo) -> Photo:
    """Grey | colour in one picture: `photo` without its colours, if it had any, left of `result`, then the others.

    Everything else a file carries (EXIF, format, notes) is the result's.
    """
    from colorcli.color import grey_of  # needs torch, which a bad photo is answered without

    results = [result, *others]
    grey = np.repeat(grey_of(photo.pixels)[:, :, None], 3, axis=2)
    row = np.concatenate([grey, *(each.pixels for each in results)], axis=1)
    alpha = None if result.alpha is None else np.concatenate([result.alpha] * (1 + len(results)), axis=1)
    return replace(result, pixels=row, alpha=alpha)
