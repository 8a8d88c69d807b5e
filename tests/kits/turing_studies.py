"""Small studies, and participants who answer them without a browser."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from colorcli.evaluation.protocols import PhotoFolder
from colorcli.turing.answers import FORMAT, checksum
from colorcli.turing.key import COLOURED, REAL, TRUTH, Key
from colorcli.turing.study import StudySettings, make


class Painter:
    """Stands in for engine.Colorizer: paints everything in one hue."""

    device = torch.device("cpu")

    def __init__(self, name: str, hue: tuple[float, float, float]) -> None:
        self.name, self.weights_sha256, self.hue = name, name[0] * 64, np.array(hue)

    def many(self, photos):
        return [replace(photo, pixels=(photo.pixels[..., None] * self.hue).astype(np.uint8)) for photo in photos]


RED, BLUE = Painter("red@test", (1.0, 0.5, 0.4)), Painter("blue@test", (0.4, 0.6, 1.0))


def photo_folder(folder: Path, count: int, side: int = 32) -> Path:
    """Colourful pictures, no two alike, all of one size."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(count):
        corners = Image.fromarray(rng.integers(256, size=(3, 3, 3), dtype=np.uint8))
        corners.resize((side + 8, side), Image.Resampling.BICUBIC).save(folder / f"photo-{i:02d}.png")
    return folder


def small_study(tmp_path: Path, *painters: Painter, seed: str = "one", **settings) -> tuple[Path, Key]:
    """A study of four questions (unless said otherwise) in tmp_path/study, and its key."""
    chosen = StudySettings(**{"count": 4, "catch": 2, "practice": 1} | settings)
    photos = tmp_path / "photos"
    if not photos.exists():
        photo_folder(photos, chosen.count + chosen.catch + chosen.practice + 1)
    colorizers = {painter.name: painter for painter in painters or (RED,)}
    return tmp_path / "study", make(tmp_path / "study", PhotoFolder(photos), colorizers, chosen, seed=seed)


def page_data(folder: Path) -> dict:
    """What the page of a study knows."""
    text = (folder / "index.html").read_text("utf-8")
    return json.loads(text.split('id="study">')[1].split("</script>")[0])


def right_choice(key: Key, item) -> str:
    """The true answer to a question, as the page records it."""
    truth = next((picture.file for picture in item.pictures if picture.source == TRUTH), None)
    if key.protocol == "single":
        return REAL if truth else COLOURED
    if key.protocol == "triples":
        return truth
    return next(picture.file for picture in item.pictures if picture.file != truth)


def wrong_choice(key: Key, item) -> str:
    """A false answer."""
    options = (REAL, COLOURED) if key.protocol == "single" else tuple(item.sources)
    return next(option for option in options if option != right_choice(key, item))


def answered(key: Key, choose=right_choice, participant: str = "0123456789abcdef", mark=lambda source: 3) -> dict:
    """Answers as the page saves them. choose(key, item) -> choice; mark(source) -> 1 to 5."""
    answers = []
    for item in key.order(participant):
        record = {"item": item.id, "choice": choose(key, item), "ms": 900}
        if key.rate:
            record["marks"] = {file: mark(source) for file, source in item.sources.items()}
        answers.append(record)
    return signed(
        {
            "format": FORMAT,
            "study": key.study,
            "digest": key.digest,
            "participant": participant,
            "started": 1,
            "finished": 2,
            "answers": answers,
        }
    )


def signed(data: dict) -> dict:
    """With the checksum that belongs to it."""
    return data | {"checksum": checksum(data)}


def save(path: Path, data: dict) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(data))
    return path
