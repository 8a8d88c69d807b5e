"""What a run is made of: its photos, the plan of them, what became of each, and the counts."""

from __future__ import annotations

from dataclasses import dataclass, field

from colorcli.errors import PARTIAL_FAILURE, ColorcliError

STDIO = "-"


@dataclass(frozen=True, slots=True)
class Job:
    """One photo. Paths are text, "-" is stdin or stdout: a million jobs must fit in memory.

    others: the files of its second and further colourings.
    """

    source: str
    target: str
    compare: str | None = None
    others: tuple[str, ...] = ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """The files that this job writes."""
        return self.targets if self.compare is None else (*self.targets, self.compare)

    @property
    def targets(self) -> tuple[str, ...]:
        """The files of all its colourings."""
        return (self.target, *self.others)


@dataclass
class Plan:
    """jobs: what to colour, in order. skipped: what is there already. ignored: earlier outputs, not inputs.

    format: Pillow's name of the format that was asked for, None for each photo's own. overwrite: what exists may be
    replaced. keep: an output that exists is not written again (--skip-existing). samples: colourings of each photo.
    """

    jobs: list[Job]
    skipped: list[Job] = field(default_factory=list)
    ignored: int = 0
    format: str | None = None
    overwrite: bool = False
    keep: bool = False
    samples: int = 1


@dataclass
class Outcome:
    """What became of a job. size: (width, height) in px. error: why there is no result, None if there is one."""

    job: Job
    seconds: float = 0.0
    size: tuple[int, int] | None = None
    notes: list[str] = field(default_factory=list)
    error: str | None = None


@dataclass
class Report:
    """Counts of a run, and the exit code that they amount to."""

    done: int = 0
    skipped: int = 0
    failed: int = 0
    seconds: float = 0.0

    def count(self, outcome: Outcome, seconds: float) -> None:
        """Take in an outcome that was there after so many seconds of the run."""
        self.failed += outcome.error is not None
        self.done += outcome.error is None
        self.seconds = seconds

    @property
    def photos_per_second(self) -> float:
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def exit_code(self) -> int:
        if not self.failed:
            return 0
        return PARTIAL_FAILURE if self.done or self.skipped else ColorcliError.exit_code
