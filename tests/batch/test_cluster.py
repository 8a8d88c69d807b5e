"""colorize --ray on a local cluster of two CPUs, which all tests here share."""

import gc
import json
import os
import signal
import sys
import threading
import time
import warnings
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import colorcli.cli
from colorcli.batch import cluster
from colorcli.batch.job import Job, Plan
from colorcli.batch.plan import plan
from colorcli.engine import Colorizer
from colorcli.errors import ColorcliError, UsageError
from colorcli.models.base import ColorModel
from colorcli.models.catalog import build
from colorcli.photo import read_photo
from colorcli.weights.load import load_model
from colorcli.weights.weightsfile import save_weights


@pytest.fixture(scope="module")
def ray():
    module = pytest.importorskip("ray", reason="needs the extra ray")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    handler = signal.getsignal(signal.SIGTERM)
    small = {"num_cpus": 2, "object_store_memory": 80 << 20, "include_dashboard": False}
    module.init("local", log_to_driver=False, logging_level="error", **small)
    signal.signal(signal.SIGTERM, handler)
    module.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # the nodes do not have the tests
    yield module
    module.shutdown()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Ray does not wait for the processes that it ends
        gc.collect()


@pytest.fixture
def one_actor(ray, monkeypatch):
    """A single actor: each takes its time to start."""
    monkeypatch.setattr(cluster, "_placing", lambda device, there: ("cpu", 1))


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    model = build("gan", widths=[4, 4, 4], encoder_blocks=[1, 1, 1], decoder_blocks=[1, 1])
    model.default_size = 32
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_weights(path, model, {"model": "gan"})
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch, make_photo):
    """d/ with four photos, one of them in a subfolder, and bad.jpg, which is text; it is in the current folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b.png", "c.png", "sub/d.tif"):
        make_photo(tmp_path / "d" / name, side=40)
    (tmp_path / "d" / "bad.jpg").write_text("not a photo")


def colorize(weights, *options):
    arguments = ["colorize", "d", "-r", "--weights", weights, "--device", "cpu", "--json", *options]
    return CliRunner().invoke(colorcli.cli.app, list(map(str, arguments)))


def told(result):
    """The JSON lines, without what differs from run to run."""
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return [{key: value for key, value in line.items() if key not in ("seconds", "summary")} for line in lines]


def test_a_folder_with_a_damaged_file_is_as_without_ray(ray, folder, weights):
    here = colorize(weights, "--compare")
    Path("d-color").rename("here")
    there = colorize(weights, "--compare", "--ray", "auto")
    assert there.exit_code == here.exit_code == 3
    assert told(there) == told(here) and len(told(there)) == 6
    assert here.stderr.splitlines()[0] in there.stderr.splitlines()
    written = sorted(path.relative_to("here") for path in Path("here").rglob("*.*"))
    assert written == sorted(path.relative_to("d-color") for path in Path("d-color").rglob("*.*"))
    for path in written:
        one, other = read_photo("here" / path), read_photo("d-color" / path)
        assert abs(one.pixels.astype(int) - other.pixels).max() <= 1
    again = colorize(weights, "--compare", "--ray", "auto", "--skip-existing")
    assert again.exit_code == 3 and "0 done, 4 skipped" in again.stderr


class Deadly(ColorModel):
    """Ends its process at a black photo, and once, which `marker` tells, at a white one."""

    evens_tone = False

    def __init__(self, marker):
        super().__init__()
        self.marker = marker
        self.default_size = 32

    def predict_ab(self, L):
        if L.max() < 1 or (L.min() > 99 and not self.marker.exists()):
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return torch.zeros_like(L).expand(-1, 2, -1, -1)


def test_photos_of_a_dead_actor_are_tried_again(one_actor, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "RETRIES", 1)  # a restart takes its time
    for name, level in {"0-white": 255, "1-black": 0, "2-grey": 99, "3-grey": 120}.items():
        path = tmp_path / "in" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((16, 16), level, np.uint8)).save(path)
    planned, outcomes = plan([tmp_path / "in"]), []
    colorizer = Colorizer(Deadly(tmp_path / "marker"), device="cpu")
    report = cluster.run(planned, colorizer, address="auto", settings={}, on_outcome=outcomes.append)
    assert (report.done, report.failed, report.exit_code) == (3, 1, 3)
    assert [outcome.job for outcome in outcomes] == planned.jobs
    assert "1-black.png: the Ray worker that coloured it died" in outcomes[1].error
    assert sorted(path.name[0] for path in (tmp_path / "in-color").iterdir()) == ["0", "2", "3"]


def test_stopping_ends_what_is_begun_and_begins_nothing_more(one_actor, folder, weights):
    def stop(outcome):
        raise KeyboardInterrupt

    todo = plan(["d"], "out", recursive=True)
    with pytest.raises(KeyboardInterrupt):
        cluster.run(
            todo, Colorizer(load_model(weights=weights), device="cpu"), address="", settings={}, on_outcome=stop
        )
    written = set(Path("out").rglob("*.*"))
    time.sleep(0.5)
    assert set(Path("out").rglob("*.*")) == written and not any(path.suffix == ".tmp" for path in written)
    assert all(read_photo(path).pixels.ndim == 3 for path in written)


def test_without_the_package_the_extra_is_named(folder, weights, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = colorize(weights, "--ray", "auto")
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
    assert "pip install 'colorcli[ray]'" in result.stderr and not Path("d-color").exists()


@pytest.mark.parametrize(
    ("address", "device", "source"),
    [("ray://h:1", "auto", "a"), ("auto", "cuda:1", "a"), ("auto", "mps", "a"), ("auto", "cpu", "-")],
)
def test_what_does_not_go_together(address, device, source):
    pytest.importorskip("ray", reason="needs the extra ray")
    with pytest.raises(UsageError):
        cluster.check_options(address, device, Plan(jobs=[Job(source, "b")]))


def test_one_gpu_an_actor_where_there_are_gpus():
    there = {"CPU": 8.0, "GPU": 2.0}
    assert [cluster._placing(device, there) for device in ("auto", "cuda", "cpu")] == [
        ("cuda", 2),
        ("cuda", 2),
        ("cpu", 8),
    ]
    assert cluster._placing("auto", {"CPU": 8.0}) == ("cpu", 8)
    with pytest.raises(UsageError, match="no GPU"):
        cluster._placing("cuda", {"CPU": 8.0})


def test_stdout_is_kept_for_the_data(capsys):
    with redirect_stdout(cluster._OwnStdout()):
        print("data")
        other = threading.Thread(target=print, args=["a worker died"])
        other.start()
        other.join()
    assert capsys.readouterr() == ("data\n", "a worker died\n")


def test_a_cluster_that_is_not_there_is_exit_1(folder, weights, monkeypatch):
    ray = pytest.importorskip("ray", reason="needs the extra ray")

    def refuse(*arguments, **options):
        raise ConnectionError("Could not find any running Ray instance.")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", refuse)
    result = colorize(weights, "--ray", "auto")
    assert result.exit_code == 1 and not Path("d-color").exists()
    assert result.stderr == "colorcli: --ray auto: cannot join that cluster: Could not find any running Ray instance.\n"


def test_a_node_without_the_folder_is_named(weights, tmp_path, monkeypatch):
    colorizer = Colorizer(load_model(weights=weights), device="cpu")
    task = cluster._Task.of(Plan(jobs=[]), colorizer, {}, {})
    with pytest.raises(ColorcliError, match="has no folder '/nowhere'"):
        replace(task, folder="/nowhere").worker("cpu", restarted=False)


def test_what_a_dead_worker_wrote_is_kept(weights, tmp_path, make_photo, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_photo(tmp_path / "a.png", side=40)
    todo = plan(["a.png"])
    Path("a-color.png").write_text("whole")
    task = cluster._Task.of(todo, Colorizer(load_model(weights=weights), device="cpu"), {}, {})
    for restarted in (False, True):
        (outcome,) = task.worker("cpu", restarted=restarted)(todo.jobs)
        assert (outcome.error is None) == restarted and Path("a-color.png").read_text() == "whole"
