"""The floor plan: one topic, one folder; imports run downwards only; a fact is written once."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "colorcli"

# The floor of each room, a folder or a file: it imports only from lower ones, or from itself
ROW = {
    "__main__": 11,
    "cli": 10,
    "bench": 10,
    "batch": 8,
    "training": 8,
    "turing": 8,
    "evaluation": 7,
    "__init__": 7,
    "weights": 5,
    "engine": 6,  # above weights, for a Colorizer takes a name
    "models": 4,
    "data": 3,
    "guidance": 3,
    "photo": 2,
    "bins": 2,
    "download": 2,
    "files": 1,
    "device": 1,
    "fullsize": 1,
    "errors": 0,
    "version": 0,
    "memory": 0,
    "arrays": 0,
    "color": 0,
}
# Downloads still tell of themselves; these may only become fewer
SPEAKS = {"colorcli.data.archives": 1, "colorcli.download": 3, "colorcli.files": 1, "colorcli.weights.pull": 1}
# Modules whose tests stand in another one's file: what they are for is tested there
TESTED_IN = {
    "batch.job": "batch/test_workers",
    "batch.targets": "batch/test_plan",
    "bench.colorize": "bench/test_bench",
    "bench.models": "bench/test_bench",
    "bench.quality": "bench/test_bench",
    "cli.progress": "cli/test_colorize",
    "data.census": "bins/test_count",
    "fullsize": "test_engine",
    "models.base": "test_engine",
    "models.blocks": "models/test_unet",
    "models.encoders.base": "models/encoders/test_efficientnet",
    "models.encoders.convnext": "models/test_ddcolor",
    "models.facts": "weights/test_load",
    "models.patchgan": "models/test_gan",
    "models.regression": "models/test_classification",
    "models.zhang": "models/test_classification",
    "photo.formats": "photo/test_write",
    "photo.pixels": "photo/test_read",
    "photo.tiff": "photo/test_write",
    "training.objectives.base": "training/objectives/test_adversarial",
    "training.objectives.palette": "training/objectives/test_adversarial",
    "training.run": "cli/test_train",
    "training.settings": "training/test_recipes",
    "turing.key": "turing/test_study",
    "turing.scenes": "turing/test_study",
    "version": "cli/test_app",
    "weights.hub": "weights/test_pull",
    "weights.weightsfile": "weights/test_load",
}
LONGEST_FUNCTION, LONGEST_FILE = 60, 400  # lines; signatures of commands apart


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name] = ast.parse(path.read_text())
    return found


def room(name: str) -> str:
    """The room that a module stands in: the folder or the file below colorcli."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def resolved(name: str) -> str:
    """The module that a dotted name leads to: of `colorcli.photo.Photo` that is `colorcli.photo.__init__`."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        for candidate in (".".join(parts[:length]), ".".join([*parts[:length], "__init__"])):
            if candidate in modules():
                return candidate
    return ""


def imported(tree: ast.Module, *, at_run_time: bool = True) -> set[str]:
    """The modules that another one imports: also inside functions and as "module:Class"; not for types alone."""
    names = set()
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if at_run_time and id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "colorcli":
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name.split(".")[0] == "colorcli"}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names |= set(re.findall(r"^(colorcli[.\w]+):\w+$", node.value))
    return {resolved(name) for name in names} - {""}


@cache
def arrows() -> dict[str, set[str]]:
    return {name: imported(tree) - {name} for name, tree in modules().items()}


def test_every_room_has_its_floor():
    assert {room(name) for name in modules()} <= set(ROW)


def test_imports_run_downwards():
    up = [
        f"{name} -> {target}"
        for name, targets in arrows().items()
        for target in targets
        if room(name) != room(target) and ROW[room(name)] <= ROW[room(target)] and room(target) != "__init__"
    ]
    assert not up


def test_nobody_imports_the_face_of_the_package():
    users = [name for name, targets in arrows().items() if "colorcli.__init__" in targets]
    assert [name for name in users if name != "colorcli.__init__"] == []


def test_no_circle():
    """Each module can be put above all that it imports."""
    left = {name: set(targets) for name, targets in arrows().items()}
    while free := [name for name, targets in left.items() if not targets & left.keys()]:
        for name in free:
            del left[name]
    assert not left


def test_only_commands_print():
    speaks: Counter[str] = Counter()
    for name, tree in modules().items():
        if room(name) in ("cli", "bench", "__main__"):
            continue
        for node in ast.walk(tree):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            speaks[name] += called == "print" or called.endswith("Console")
    assert {name: count for name, count in speaks.items() if count} == SPEAKS


def test_pictures_are_opened_in_one_room():
    opened = [
        f"{name}:{node.lineno}"
        for name, tree in modules().items()
        if room(name) not in ("photo", "bench")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Image.open"
    ]
    assert not opened


def test_a_name_means_one_thing():
    classes = Counter(
        node.name
        for name, tree in modules().items()
        if room(name) != "bench"
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in classes.items() if count > 1] == []


def test_a_module_is_called_as_no_other_is():
    """But for base.py, a folder's contract, and a system's network, objective and guidance of one idea."""
    from colorcli.models.catalog import MODELS

    free = {"__init__", "base", "classification", "adversarial", *(name.replace("-", "_") for name in MODELS)}
    stems = Counter(name.split(".")[-1] for name in modules() if room(name) not in ("cli", "bench", "__main__"))
    assert [stem for stem, count in stems.items() if count > 1 and stem not in free] == []


@pytest.mark.parametrize("name", sorted(modules()))
def test_functions_and_files_stay_short(name):
    path = ROOT / Path(*name.split(".")).with_suffix(".py")
    assert len(path.read_text().splitlines()) <= LONGEST_FILE
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.body[0].lineno + 1
            assert lines <= LONGEST_FUNCTION, f"{node.name} has {lines} lines"


def test_each_module_has_its_tests():
    missing = []
    for name in modules():
        *folder, stem = name.split(".")[1:]
        own = "/".join([*folder, f"test_{stem}"])
        if (
            not stem.startswith("__")
            and not (ROOT / f"tests/{TESTED_IN.get('.'.join([*folder, stem]), own)}.py").exists()
        ):
            missing.append(name)
    assert not missing


def test_help_loads_nothing_heavy():
    command = [sys.executable, "-X", "importtime", "-m", "colorcli", "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in told.splitlines()}
    assert not loaded & {"torch", "numpy", "skimage", "scipy", "PIL"}
