"""From answers to rates: how often each model's pictures were taken for real photos.

Identified ratio (paper 000, section 4.3): of all answers that a source was shown in, those that took it for the
real photo. Fooling rate of a model (Zhang et al. 2016; paper 001, section 4): of the answers that took either it
or the truth for real, those that took it, so that pairs and triples compare; in `single`, of its pictures, those
that were called real. A perfect model is at 50% where truth and model are seen side by side.

Intervals are Wilson's, tests exact and binomial. Both take answers as independent, though one person's answers
resemble each other: the rates of single participants show how much.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from scipy import stats

from colorcli.turing.answers import Answer, Refusal, Sheet
from colorcli.turing.key import CATCH, COUNTED, REAL, TRUTH, Item, Key

CONFIDENCE = 0.95
EVEN = 0.5


@dataclass(frozen=True)
class Rate:
    """k of n, and what guessing gives. Without answers (n = 0) there is no value, interval or p."""

    k: int
    n: int
    chance: float

    @property
    def value(self) -> float:
        return self.k / self.n if self.n else math.nan

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Wilson's, at 95%."""
        if not self.n:
            return math.nan, math.nan
        found = stats.binomtest(self.k, self.n).proportion_ci(CONFIDENCE, method="wilson")
        return float(found.low), float(found.high)

    @cached_property
    def p(self) -> float:
        """Of the exact binomial test against chance, two-sided."""
        return float(stats.binomtest(self.k, self.n, self.chance).pvalue) if self.n else math.nan


@dataclass(frozen=True)
class Mark:
    """The mean of n marks, and its 95% interval by Student's t; none below two marks."""

    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class SourceScores:
    """How a source fared. fooling: of models only. mark: where marks were asked for."""

    source: str
    identified: Rate
    fooling: Rate | None
    mark: Mark | None


@dataclass(frozen=True)
class Tally:
    """StudyScores of some participants together. found: how often they were right. rows: the truth, then the models."""

    found: Rate
    rows: list[SourceScores]


@dataclass(frozen=True)
class Convincing:
    """A coloured picture, and how often it was taken for real."""

    item: Item
    file: str
    source: str
    fooling: Rate


@dataclass(frozen=True)
class Excluded:
    """A participant who missed too many catch trials."""

    source: str
    participant: str
    caught: int
    catches: int


@dataclass(frozen=True)
class StudyScores:
    """pooled: None if nobody is left. participants: file of answers -> its scores. pictures: most convincing first."""

    key: Key
    pooled: Tally | None
    participants: dict[str, Tally]
    pictures: list[Convincing]
    excluded: list[Excluded]
    refused: list[Refusal]


def score(key: Key, sheets: Sequence[Sheet], refused: Sequence[Refusal] = (), min_caught: float = 0.8) -> StudyScores:
    """All scores of a study. min_caught: who gets a smaller share of the catch trials right is left out."""
    kept, excluded = [], []
    for sheet in sheets:
        catches = [answer for answer in sheet.answers if answer.item.kind == CATCH]
        caught = sum(_is_right(key, answer) for answer in catches)
        if caught < min_caught * len(catches):
            excluded.append(Excluded(sheet.source, sheet.participant, caught, len(catches)))
        else:
            kept.append(sheet)
    counted = [answer for sheet in kept for answer in _counted(sheet)]
    return StudyScores(
        key,
        tally(key, counted) if counted else None,
        {sheet.source: tally(key, _counted(sheet)) for sheet in kept},
        _convincing(key, counted),
        excluded,
        list(refused),
    )


def _counted(sheet: Sheet) -> list[Answer]:
    return [answer for answer in sheet.answers if answer.item.kind == COUNTED]


def tally(key: Key, answers: Sequence[Answer]) -> Tally:
    """StudyScores of answers to trials that count."""
    right = sum(_is_right(key, answer) for answer in answers)
    rows = [_row(key, source, answers) for source in (TRUTH, *key.models)]
    return Tally(Rate(right, len(answers), _chance(key)), rows)


def _chance(key: Key) -> float:
    """Of taking a picture for real by guessing."""
    return 1 / len(key.counted()[0].pictures) if key.protocol == "triples" else EVEN


def _taken(key: Key, answer: Answer) -> str | None:
    """The file that was taken for the real photo, if any was."""
    if key.protocol == "single":
        return answer.item.pictures[0].file if answer.choice == REAL else None
    if key.protocol == "triples":
        return answer.choice
    return next(picture.file for picture in answer.item.pictures if picture.file != answer.choice)


def _is_right(key: Key, answer: Answer) -> bool:
    truth = next((picture.file for picture in answer.item.pictures if picture.source == TRUTH), None)
    return _taken(key, answer) == truth


def _row(key: Key, source: str, answers: Iterable[Answer]) -> SourceScores:
    shown = [answer for answer in answers if source in answer.item.sources.values()]
    taken = [_source_taken(key, answer) for answer in shown]
    identified = Rate(taken.count(source), len(taken), _chance(key))
    marks = [mark for answer in shown for file, mark in answer.marks.items() if answer.item.sources[file] == source]
    return SourceScores(
        source,
        identified,
        None if source == TRUTH else _fooling(key, source, taken),
        mean_mark(marks) if key.rate else None,
    )


def _source_taken(key: Key, answer: Answer) -> str | None:
    file = _taken(key, answer)
    return None if file is None else answer.item.sources[file]


def _fooling(key: Key, source: str, taken: Sequence[str | None]) -> Rate:
    """taken: the source that each answer took for real, None for none."""
    against = taken if key.protocol == "single" else [other for other in taken if other in (source, TRUTH)]
    return Rate(sum(other == source for other in taken), len(against), EVEN)


def mean_mark(marks: Sequence[int]) -> Mark:
    """Mean of marks with its interval."""
    n = len(marks)
    mean = sum(marks) / n if n else math.nan
    if n < 2:
        return Mark(mean, math.nan, math.nan, n)
    deviation = math.sqrt(sum((mark - mean) ** 2 for mark in marks) / (n - 1))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * deviation / math.sqrt(n)
    return Mark(mean, mean - half, mean + half, n)


def _convincing(key: Key, answers: Sequence[Answer]) -> list[Convincing]:
    """Every coloured picture that was answered for, most convincing first."""
    by_item: dict[str, list[Answer]] = {}
    for answer in answers:
        by_item.setdefault(answer.item.id, []).append(answer)
    found = []
    for same in by_item.values():
        taken = [_source_taken(key, answer) for answer in same]
        for picture in same[0].item.pictures:
            if picture.source != TRUTH:
                rate = _fooling(key, picture.source, taken)
                found.append(Convincing(same[0].item, picture.file, picture.source, rate))
    answered = [picture for picture in found if picture.fooling.n]
    return sorted(answered, key=lambda picture: (-picture.fooling.value, -picture.fooling.k, picture.item.scene))
