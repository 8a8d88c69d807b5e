"""What commands say while they go: data on stdout; a bar, or plain lines, on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID

    from colorcli.batch.job import Job, Outcome, Report


def say(line: str) -> None:
    """One line for a person, on stderr."""
    print(line, file=sys.stderr, flush=True)


def put(line: str) -> None:
    """One line of data, on stdout. File names that are no text come out as the bytes that they are."""
    if os.name == "posix" and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="surrogateescape")
    print(line, flush=True)


def say_above(bar: Progress | None, line: str) -> None:
    """One line for a person, on stderr, above the bar if there is one."""
    if bar:
        bar.console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)
    else:
        say(line)


def on_terminal() -> bool:
    """Whether a bar on stderr would be seen."""
    return sys.stderr is not None and sys.stderr.isatty()


def make_bar(*columns: ProgressColumn) -> Progress:
    """A bar of these columns on stderr."""
    from rich.console import Console
    from rich.progress import Progress

    return Progress(*columns, console=Console(stderr=True))


@contextmanager
def counting_bar() -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, if a terminal. Yields the way to advance it, called with what is done and the total."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class Teller:
    """Tells of each outcome as it comes. A context manager: it shows the bar, and how far an interrupted run got."""

    def __init__(self, total: int, *, as_json: bool, quiet: bool, model: str = "") -> None:
        self.total, self.as_json, self.quiet, self.model = total, as_json, quiet, model
        self.count = 0
        self.notes: Counter[str] = Counter()
        self.bar = _bar() if on_terminal() and not quiet and total > 1 else None
        self.task: TaskID | None = None

    def __enter__(self) -> Teller:
        if self.bar:
            self.bar.start()
            self.task = self.bar.add_task("", total=self.total)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.bar:
            self.bar.stop()
        if kind is KeyboardInterrupt and self.total > 1:
            say(f"colorcli: stopped after {self.count} of {self.total} photos; --skip-existing does the rest")

    def __call__(self, outcome: Outcome) -> None:
        """Tell of one photo that is done or has failed."""
        self.count += 1
        if self.as_json:
            put(json.dumps(_as_data(outcome, self.model)))
        if outcome.error is not None:
            self._say(f"colorcli: {outcome.error}")
        elif not self.quiet:
            if not self.bar and not self.as_json:
                place = f"[{self.count}/{self.total}] " if self.total > 1 else ""
                self._say(f"{place}{_arrow(outcome.job)}  {outcome.seconds:.1f} s")
            self._note(outcome)
        if self.bar and self.task is not None:
            self.bar.advance(self.task)

    def planned(self, job: Job) -> None:
        """Tell, as data, of a photo that would be coloured."""
        put(json.dumps(_paths(job) | {"compare": job.compare}))

    def skipped(self, job: Job) -> None:
        """Tell of a photo whose result is there already; only data lists them one by one."""
        if self.as_json:
            put(json.dumps(_paths(job) | {"skipped": True}))

    def finish(self, report: Report) -> None:
        """The summary; a single photo that went well needs none."""
        if self.as_json:
            counts = {"done": report.done, "skipped": report.skipped, "failed": report.failed}
            speed = {"seconds": round(report.seconds, 3), "photos_per_second": round(report.photos_per_second, 3)}
            put(json.dumps({"summary": counts | speed | {"model": self.model or None}}))
        if self.quiet:
            return
        for note, count in self.notes.items():
            if count > 1:
                say(f"note: {note} (in {count} photos)")
        if self.total > 1 or report.skipped:
            say(_summary(report))

    def _note(self, outcome: Outcome) -> None:
        """Each note once, with the first photo that it is about; how many more is said at the end."""
        for note in outcome.notes:
            self.notes[note] += 1
            if self.notes[note] == 1:
                self._say(f"note: {outcome.job.source}: {note}")

    def _say(self, line: str) -> None:
        say_above(self.bar, line)


def _arrow(job: Job) -> str:
    """SOURCE -> TARGET, with the streams by their names."""
    source = "stdin" if job.source == "-" else job.source
    return f"{source} -> {'stdout' if job.target == '-' else ', '.join(job.targets)}"


def _paths(job: Job) -> dict[str, Any]:
    """source, target and, where there are several colourings, the targets of all."""
    data: dict[str, Any] = {"source": job.source, "target": job.target}
    return data | {"samples": list(job.targets)} if job.others else data


def _as_data(outcome: Outcome, model: str) -> dict[str, Any]:
    data = _paths(outcome.job)
    if outcome.error is not None:
        return data | {"error": outcome.error, "seconds": round(outcome.seconds, 3)}
    if outcome.job.compare is not None:
        data["compare"] = outcome.job.compare
    size = list(outcome.size or ())
    return data | {"seconds": round(outcome.seconds, 3), "size": size, "model": model, "notes": outcome.notes}


def _summary(report: Report) -> str:
    parts = [f"{report.done} done"]
    parts += [f"{report.skipped} skipped, already there"] if report.skipped else []
    parts += [f"{report.failed} failed"] if report.failed else []
    speed = f" in {report.seconds:.1f} s ({report.photos_per_second:.2f} photos/s)" if report.done else ""
    return ", ".join(parts) + speed


def _bar() -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TimeRemainingColumn
    from rich.text import Text

    class Speed(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.2f} photos/s" if task.speed else "")

    return make_bar(BarColumn(), MofNCompleteColumn(), Speed(), TimeRemainingColumn())
