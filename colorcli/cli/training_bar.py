"""What a training run says while it goes: a bar on a terminal, else a line now and then, on stderr."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

from colorcli.cli.progress import make_bar, on_terminal, say_above

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from colorcli.training.loop import Progress

LINE_SECONDS = 10.0  # between lines, where nothing was validated


class TrainingTeller:
    """Tells how a run goes; a context manager. quiet: of several processes, those that do not speak."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.bar: Bar | None = None
        self.task: TaskID | None = None
        self.told = 0.0

    def __enter__(self) -> TrainingTeller:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.bar:
            self.bar.stop()

    def say(self, line: str) -> None:
        """One line for a person, above the bar."""
        if not self.quiet:
            say_above(self.bar, line)

    def __call__(self, progress: Progress) -> None:
        """Move the bar, or tell where there is none. Every validation is told in a line of its own."""
        if self.quiet:
            return
        if on_terminal():
            self._move(progress)
        validated = any(name.startswith("val_") for name in progress.values)
        if validated or (not self.bar and time.monotonic() - self.told > LINE_SECONDS):
            self.say(_line(progress))
            self.told = time.monotonic()

    def _move(self, progress: Progress) -> None:
        if not self.bar:
            self.bar = _bar()
            self.bar.start()
            self.task = self.bar.add_task("", total=progress.steps, epoch="", speed="", left="", losses="")
        assert self.task is not None
        self.bar.update(
            self.task,
            completed=progress.step,
            epoch=f"epoch {progress.epoch:.2f}",
            speed=f"{progress.images_per_second:.0f} images/s",
            left=_clock(progress.seconds_left),
            losses=_values({name: value for name, value in progress.values.items() if not name.startswith("val_")}),
        )


def _bar() -> Bar:
    from rich.progress import BarColumn, TextColumn
    from rich.table import Column

    def fact(name: str) -> TextColumn:
        return TextColumn("{task.fields[" + name + "]}", markup=False, table_column=Column(no_wrap=True))

    return make_bar(fact("epoch"), BarColumn(bar_width=20), fact("speed"), fact("left"), fact("losses"))


def _line(progress: Progress) -> str:
    return (
        f"epoch {progress.epoch:.2f}  step {progress.step}/{progress.steps}  {progress.images_per_second:.0f} images/s"
        f"  {_clock(progress.seconds_left)}  {_values(progress.values)}"
    )


def _values(values: dict[str, float]) -> str:
    return " ".join(f"{name} {value:.3g}" for name, value in values.items())


def _clock(seconds: float) -> str:
    """3725 -> "1:02:05 left"."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02} left" if hours else f"{minute}:{second:02} left"
