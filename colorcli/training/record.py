"""What a run leaves behind for people: history.csv, and TensorBoard's events."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

HISTORY = "history.csv"
ALWAYS = ("step", "epoch", "lr", "images_per_second")


class Record:
    """history.csv, a line every `log_every` steps and at the end of every epoch (empty where nothing was measured),
    and the same values as TensorBoard scalars in the folder tensorboard/."""

    def __init__(self, out: Path, columns: Sequence[str], until: int) -> None:
        """Rows of an earlier run are kept up to step `until`, where this one goes on; 0 for a new run."""
        from torch.utils.tensorboard import SummaryWriter

        self.path = out / HISTORY
        self.columns = [*ALWAYS, *columns]
        kept: list[dict[str, str]] = []
        if until and self.path.exists():
            with self.path.open(newline="") as file:
                kept = [row for row in csv.DictReader(file) if int(row["step"]) <= until]
        with self.path.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(kept)
        self.board = SummaryWriter(out / "tensorboard", purge_step=until + 1)

    def add(self, row: Mapping[str, float]) -> None:
        """One line; its "step" places it."""
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, self.columns).writerow({k: f"{v:.6g}" for k, v in row.items()})
        for name, value in row.items():
            if name not in ("step", "epoch"):
                self.board.add_scalar(name, value, int(row["step"]))

    def picture(self, step: int, grid: Tensor) -> None:
        """RGB (3, H, W) in 0..1: rows of grey, prediction, truth."""
        self.board.add_image("grey | prediction | truth", grid, step)

    def close(self) -> None:
        """Bring what is still held back to the files."""
        self.board.close()
