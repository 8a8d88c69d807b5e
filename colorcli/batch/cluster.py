"""Carry out a plan on a Ray cluster, for folders that are too much for one machine.

The driver plans, checks and reports as ever. Ray places the actors, one a CPU or a GPU, brings them the network,
restarts those that die and repeats their photos; an actor takes photos all the way as a thread of `batch` does. The
nodes share the file system under the same paths and have the same colorcli. Nothing is reported to Ray's makers.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from colorcli.batch.job import STDIO, Job, Outcome, Plan, Report
from colorcli.batch.workers import GPU_WORKERS, PHOTO_BYTES, WRITING_ENDS, Worker
from colorcli.errors import ColorcliError, UsageError
from colorcli.version import __version__

if TYPE_CHECKING:
    from colorcli.engine import Colorizer
    from colorcli.models.base import ColorModel

LOCAL = "local"
RETRIES = 2  # of a photo whose actor died
SILENCE = 60.0  # seconds without an actor after which a person is told why nothing happens


def check_options(address: str, device: str, plan: Plan) -> None:
    """UsageError for what can be known wrong before anything is loaded, the package ray not being there included.

    address: auto, for the cluster of this machine, local, for a new one of this machine alone, or HOST:PORT.
    device: auto, cpu or cuda; which GPU is Ray's choice.
    """
    if importlib.util.find_spec("ray") is None:
        raise UsageError(f"--ray {address}: Ray is an extra: pip install 'colorcli[ray]'")
    if "://" in address:
        raise UsageError(f"--ray {address}: run colorcli on a node of the cluster and give --ray auto")
    if device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"--device {device}: with --ray it is auto, cpu or cuda, and Ray chooses which")
    if any(STDIO in (job.source, job.target) for job in plan.jobs):
        raise UsageError("--ray is for files, '-' for one picture: leave one of them out")


def run(
    plan: Plan,
    colorizer: Colorizer,
    *,
    address: str,
    settings: Mapping[str, Any],
    batch_size: int | None = None,
    on_outcome: Callable[[Outcome], None] = lambda outcome: None,
    on_silence: Callable[[str], None] = lambda line: None,
    **how: Any,
) -> Report:
    """Colour every photo of `plan` on the cluster; as `batch.run`, whose further options are `how`.

    colorizer: on this machine, for its network. settings: the options of the Colorizers there. A process that is in a
    cluster already stays in it and `address` is not looked at. A photo whose actor dies is tried RETRIES times
    more, then it is an outcome with an error. ColorcliError if there is no cluster, or no actor that stays alive.
    """
    start = time.perf_counter()
    report = Report(skipped=len(plan.skipped))
    batch_size = batch_size or 1
    chunks = [plan.jobs[i : i + batch_size] for i in range(0, len(plan.jobs), batch_size)]
    quiet: Any = _OwnStdout()
    with redirect_stdout(quiet), _connected(address):
        crew = _Crew(on_silence)
        try:
            crew.begin(_Task.of(plan, colorizer, settings, how), batch_size, len(chunks))
            for outcome in crew.outcomes(chunks):
                report.count(outcome, time.perf_counter() - start)
                on_outcome(outcome)
        except BaseException:
            crew.stop()
            raise
    report.seconds = time.perf_counter() - start
    return report


@dataclass(frozen=True)
class _Task:
    """What every actor needs. plan: without its jobs. folder: what relative paths are relative to."""

    plan: Plan
    model: ColorModel
    settings: Mapping[str, Any]
    how: Mapping[str, Any]
    folder: str

    @classmethod
    def of(cls, plan: Plan, colorizer: Colorizer, settings: Mapping[str, Any], how: Mapping[str, Any]) -> _Task:
        defaults: dict[str, Any] = {"quality": None, "provenance": True, "first": None, "conditions": {}}
        return cls(replace(plan, jobs=[], skipped=[]), colorizer.model, settings, defaults | {**how}, os.getcwd())  # noqa: PTH109

    def worker(self, device: str, *, restarted: bool) -> Worker:
        """ColorcliError if this node lacks the folder; else as from Colorizer."""
        from colorcli.engine import Colorizer

        try:
            os.chdir(self.folder)
        except OSError as error:
            raise ColorcliError(
                f"the node {platform.node()} has no folder '{self.folder}': run colorcli in one that all nodes share"
            ) from error
        # a photo that is tried again can have been written, and is whole then
        keep = self.plan.keep or (restarted and not self.plan.overwrite)
        colorizer = Colorizer(self.model, **{**self.settings, "device": device})
        return Worker(replace(self.plan, keep=keep), colorizer, **self.how)


class _Actor:
    """A process of the cluster, with a worker from the first call on; called in several threads at once."""

    def __init__(self, version: str, device: str) -> None:
        self.version, self.device = version, device
        self.worker: Worker | None = None
        self.beginning = threading.Lock()

    def colour(self, jobs: list[Job], task: list[Any]) -> list[Outcome]:
        """Without jobs it only makes the worker. What fails in that goes to the driver, and ends the run.

        task: the reference to it, in a list, which Ray does not look into: it is fetched once.
        """
        with self.beginning:
            if self.worker is None:
                self.worker = self._begin(task[0])
        return self.worker(jobs)

    def stop(self) -> None:
        if self.worker is not None:
            self.worker.stop()

    def _begin(self, task: Any) -> Worker:
        import ray

        if self.version != __version__:
            raise ColorcliError(
                f"the node {platform.node()} has colorcli {__version__}, this one {self.version}: install one on all"
            )
        restarted = bool(ray.get_runtime_context().was_current_actor_reconstructed)
        return ray.get(task).worker(self.device, restarted=restarted)


class _Crew:
    """The actors of a run. Those that have nothing to do are let go, so that Ray can place what it restarts."""

    def __init__(self, on_silence: Callable[[str], None]) -> None:
        self.on_silence = on_silence
        self.calls: dict[Any, tuple[Any, int, list[Job]]] = {}  # their actor, and the chunk with its number
        self.coloured: dict[int, list[Outcome]] = {}
        self.task: list[Any] = []  # held here, for Ray deletes what nobody refers to, and actors are restarted
        self.death = ""

    def begin(self, task: _Task, batch_size: int, chunks: int) -> None:
        """Ask Ray for as many actors as the cluster's cores or GPUs, its memory and the work allow."""
        import ray

        there = ray.cluster_resources()
        device, most = _placing(task.settings.get("device", "auto"), there)
        gpu = device == "cuda"
        room = there.get("memory", 0) // (PHOTO_BYTES * batch_size)
        threads = max(1, min(GPU_WORKERS, int(there.get("CPU", 1)) // most)) if gpu else 1
        remote = ray.remote(_Actor).options(
            num_cpus=1,
            num_gpus=int(gpu),
            max_concurrency=threads + 1,  # stop() comes beside
            max_restarts=-1,
            max_task_retries=RETRIES,
            scheduling_strategy="SPREAD",
        )
        self.task = [ray.put(task)]
        for _ in range(int(max(1, min(most, room, chunks)))):
            actor = remote.remote(__version__, device)
            for _ in range(threads):
                self._call(actor)

    def outcomes(self, chunks: Sequence[list[Job]]) -> Iterator[Outcome]:
        """In the order of the chunks. An actor gets one whenever it has done one, the first when it is up."""
        import ray

        waiting = enumerate(chunks)
        silent_since: float | None = time.monotonic()
        told = 0
        while told < len(chunks):
            if not self.calls:
                raise ColorcliError(f"no worker stays alive on the Ray cluster: {self.death}")
            for call in ray.wait(list(self.calls), timeout=1.0)[0]:  # with an end: Ctrl-C is heard
                self._returned(call, waiting)
                silent_since = None
            if silent_since is not None and time.monotonic() - silent_since > SILENCE:
                self.on_silence(
                    "still waiting for the Ray cluster to start a worker ('ray status' shows its resources)"
                )
                silent_since = None
            while told in self.coloured:
                yield from self.coloured.pop(told)
                told += 1

    def stop(self) -> None:
        """Let no actor begin anything more, and wait for the writes in progress."""
        import ray

        at_work = list({actor for actor, _, chunk in self.calls.values() if chunk})
        if at_work:
            ray.wait([actor.stop.remote() for actor in at_work], num_returns=len(at_work), timeout=WRITING_ENDS)

    def _call(self, actor: Any, number: int = -1, chunk: Sequence[Job] = ()) -> None:
        self.calls[actor.colour.remote(list(chunk), self.task)] = actor, number, list(chunk)

    def _returned(self, call: Any, waiting: Iterator[tuple[int, list[Job]]]) -> None:
        """Take a call's outcomes and give its actor the next chunk; one that died must first show that it lives."""
        import ray
        from ray.exceptions import RayError, RayTaskError

        actor, number, chunk = self.calls.pop(call)
        try:
            self.coloured[number] = ray.get(call)
        except RayTaskError as error:
            raise error.cause from error
        except RayError as error:
            self.death = _last_line(error)
            self.coloured[number] = [Outcome(job, error=_died(job)) for job in chunk]
            if chunk:
                self._call(actor)
            return
        following = next(waiting, None)
        if following is not None:
            self._call(actor, *following)


def _placing(device: str, there: Mapping[str, float]) -> tuple[str, int]:
    """What an actor colours with, and how many can at once; there: the cluster's resources as Ray counts them."""
    gpus = int(there.get("GPU", 0))
    if device == "cuda" and not gpus:
        raise UsageError("--device cuda: this Ray cluster has no GPU")
    return ("cpu", int(there.get("CPU", 1))) if device == "cpu" or not gpus else ("cuda", gpus)


def _died(job: Job) -> str:
    return f"{job.source}: the Ray worker that coloured it died, {RETRIES + 1} times; try a smaller --size"


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()


@contextmanager
def _connected(address: str) -> Iterator[None]:
    """In the cluster at `address`, if this process is in none yet."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else Ray reports to its makers
    import ray

    if ray.is_initialized():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    options: dict[str, Any] = {"include_dashboard": False} if address == LOCAL else {}
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **options)
    except (OSError, RuntimeError, ValueError) as error:  # ConnectionError is an OSError
        raise ColorcliError(f"--ray {address}: cannot join that cluster: {_last_line(error)}") from error
    try:
        if handler is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)  # Ray has put its own there
        yield
    finally:
        with redirect_stdout(sys.stderr):  # what Ray has not told yet it tells now, in this thread
            ray.shutdown()


class _OwnStdout:
    """sys.stdout for the thread that makes it, stderr for all others: Ray's tell there of workers that died."""

    def __init__(self) -> None:
        self.stdout, self.thread = sys.stdout, threading.get_ident()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stdout if threading.get_ident() == self.thread else sys.stderr, name)
