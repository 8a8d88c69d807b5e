"""What a run leaves behind for people: history.csv, and TensorBoard's events."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from colorcli.files import atomic_write

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
        kept = _rows(self.path, until) if until and self.path.exists() else []
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self.columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(kept)
        with atomic_write(self.path) as file:
            file.write(text.getvalue().encode())
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


def _rows(path: Path, until: int) -> list[dict[str, str]]:
    """The rows up to step `until`; what a power cut left of a row is none."""
    with path.open(newline="", errors="replace") as file:
        rows = list(csv.DictReader(line.replace("\0", "") for line in file))
    return [row for row in rows if (row.get("step") or "").isdecimal() and int(row["step"]) <= until]
