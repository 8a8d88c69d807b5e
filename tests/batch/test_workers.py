import io
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from colorcli.batch.job import Report
from colorcli.batch.plan import plan
from colorcli.batch.workers import run, side_by_side
from colorcli.errors import ColorcliError, is_out_of_memory
from colorcli.photo import Photo, read_photo


@pytest.fixture
def folder(tmp_path, make_photo):
    for i in range(6):
        make_photo(tmp_path / "in" / f"{i}.png")
    return tmp_path / "in"


def outcomes(planned, colorizer, **options):
    told = []
    report = run(planned, colorizer, on_outcome=told.append, **options)
    return report, told


def test_every_photo_is_coloured_and_told_in_order(folder, tint, tmp_path):
    report, told = outcomes(plan([folder], tmp_path / "out"), tint)
    assert [Path(outcome.job.source).name for outcome in told] == [f"{i}.png" for i in range(6)]
    assert (report.done, report.failed, report.exit_code) == (6, 0, 0)
    for outcome in told:
        pixels = read_photo(Path(outcome.job.target)).pixels
        assert outcome.error is None and outcome.size == (16, 16)
        assert (pixels[-1, -1] == [255, 153, 51]).all()


def test_one_bad_photo_does_not_stop_the_others(folder, tint, tmp_path):
    (folder / "2.png").write_text("no picture")
    report, told = outcomes(plan([folder], tmp_path / "out"), tint)
    assert (report.done, report.failed, report.exit_code) == (5, 1, 3)
    assert "2.png" in told[2].error
    assert len(list((tmp_path / "out").iterdir())) == 5


def test_exit_code_says_whether_anything_is_there():
    assert [Report(failed=2).exit_code, Report(failed=1, skipped=1).exit_code, Report().exit_code] == [1, 3, 0]


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("CUDA out of memory. Tried"), torch.OutOfMemoryError("CUDA out of memory")]
)
def test_too_little_memory_is_a_failure_with_a_hint(folder, tint, tmp_path, monkeypatch, error):
    def colour(photo):
        raise error

    monkeypatch.setattr(tint, "colour", colour)
    report, told = outcomes(plan([folder], tmp_path / "out"), tint)
    assert report.exit_code == 1
    assert f"{folder / '0.png'}: not enough memory" in told[0].error and "--size" in told[0].error
    assert not (tmp_path / "out").exists()


def test_other_runtime_errors_are_not_taken_for_memory():
    assert not is_out_of_memory(RuntimeError("shape mismatch"))


def test_an_internal_error_is_told_with_its_photo(folder, tint, tmp_path, monkeypatch):
    monkeypatch.setattr(tint, "colour", lambda photo: photo.nothing)
    _, told = outcomes(plan([folder], tmp_path / "out"), tint)
    assert "0.png: internal error, please report it: AttributeError" in told[0].error


def test_a_failing_batch_is_done_one_by_one(folder, tint, tmp_path, monkeypatch):
    colour = tint.colour

    def picky(photo):
        if photo.pixels.shape != (16, 16):
            raise MemoryError
        return colour(photo)

    Image.new("L", (40, 40)).save(folder / "1.png")
    monkeypatch.setattr(tint, "colour", picky)
    report, told = outcomes(plan([folder], tmp_path / "out"), tint, batch_size=3)
    assert (report.done, report.failed) == (5, 1)
    assert told[1].error and sorted(tint.passes) == [1, 1, 1, 3, 3]


def test_a_full_disk_is_a_failure(folder, tint, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    report, told = outcomes(plan([folder], tmp_path / "out"), tint)
    assert report.exit_code == 1 and "No space left on device" in told[0].error
    assert list((tmp_path / "out").iterdir()) == []


def test_a_crash_leaves_complete_files_and_skip_existing_finishes(folder, tint, tmp_path):
    out = tmp_path / "out"

    def crash(outcome):
        if outcome.job.source.endswith("2.png"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(plan([folder], out), tint, on_outcome=crash)
    assert all(read_photo(path).pixels.shape == (16, 16, 3) for path in out.iterdir())
    there = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    report = run(plan([folder], out, skip_existing=True), tint)
    assert (report.done + report.skipped, report.skipped) == (6, len(there))
    assert len(list(out.iterdir())) == 6
    assert all(path.stat().st_mtime_ns == when for path, when in there.items())


def test_stopping_waits_for_writes_and_begins_nothing_more(folder, tint, tmp_path, monkeypatch):
    colour, started = tint.colour, threading.Event()

    def slow(photo):
        started.set()
        time.sleep(0.3)
        return colour(photo)

    def stop(outcome):
        raise BrokenPipeError

    monkeypatch.setattr(tint, "colour", slow)
    with pytest.raises(BrokenPipeError):
        run(plan([folder], tmp_path / "out"), tint, on_outcome=stop)
    written = set((tmp_path / "out").iterdir())
    time.sleep(0.7)
    assert started.is_set() and set((tmp_path / "out").iterdir()) == written
    assert len(written) < 6 and not any(path.suffix == ".tmp" for path in written)


def test_torch_has_its_threads_back(folder, tint, tmp_path):
    before = torch.get_num_threads()
    with suppress(ColorcliError):
        run(plan([folder], tmp_path / "out"), tint)
    assert torch.get_num_threads() == before


def test_a_gpu_colours_one_photo_at_a_time(folder, tint, tmp_path, monkeypatch):
    colour, inside, most = tint.colour, [], []

    def watched(photo):
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.02)
        inside.pop()
        return colour(photo)

    monkeypatch.setattr(tint, "colour", watched)
    monkeypatch.setattr(tint, "device", SimpleNamespace(type="cuda"))
    assert run(plan([folder], tmp_path / "out"), tint).done == 6
    assert max(most) == 1


def test_a_file_that_appears_meanwhile_is_left_alone(folder, tint, tmp_path):
    planned = plan([folder], tmp_path / "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "3.png").write_text("mine")
    _, told = outcomes(planned, tint)
    assert "something else wrote it" in told[3].error
    assert (tmp_path / "out" / "3.png").read_text() == "mine"


def test_skip_existing_adds_the_missing_comparison_only(folder, tint, tmp_path):
    run(plan([folder], tmp_path / "out"), tint)
    before = (tmp_path / "out" / "0.png").stat().st_mtime_ns
    run(plan([folder], tmp_path / "out", skip_existing=True, compare=True), tint)
    assert (tmp_path / "out" / "0.png").stat().st_mtime_ns == before
    assert read_photo(tmp_path / "out" / "0-compare.png").pixels.shape == (16, 32, 3)


def test_results_do_not_depend_on_how_they_are_batched(folder, tint, tmp_path):
    run(plan([folder], tmp_path / "one"), tint)
    run(plan([folder], tmp_path / "four"), tint, batch_size=4)
    for i in range(6):
        assert (tmp_path / "one" / f"{i}.png").read_bytes() == (tmp_path / "four" / f"{i}.png").read_bytes()


def test_provenance_and_quality_reach_the_file(tmp_path, tint, make_photo):
    make_photo(tmp_path / "a.jpg", side=64)
    run(plan([tmp_path / "a.jpg"], tmp_path / "high.jpg"), tint, quality=95)
    run(plan([tmp_path / "a.jpg"], tmp_path / "low.jpg"), tint, quality=10, provenance=False)
    high, low = (tmp_path / "high.jpg").read_bytes(), (tmp_path / "low.jpg").read_bytes()
    assert b"tint@test abababababab" in high and b"tint" not in low and len(low) < len(high)


def test_notes_of_reading_and_writing_are_told(tmp_path, tint):
    Image.new("LA", (8, 8), (90, 100)).save(tmp_path / "a.png")
    _, (outcome,) = outcomes(plan([tmp_path / "a.png"], tmp_path / "a.jpg"), tint)
    assert "JPEG holds no transparency" in " ".join(outcome.notes)


def test_stdin_to_stdout(tmp_path, tint, make_photo, monkeypatch):
    data, out = make_photo(tmp_path / "a.png").read_bytes(), io.BytesIO()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    monkeypatch.setattr("sys.stdout", SimpleNamespace(buffer=out))
    assert run(plan(["-"]), tint).done == 1
    with Image.open(io.BytesIO(out.getvalue())) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (16, 16))


@pytest.mark.parametrize(
    ("pixels", "grey"),
    [
        (np.full((4, 5), 77, np.uint8), 77),
        (np.full((4, 5), 77 * 257, np.uint16), 77),
        (np.full((300, 5, 3), 77, np.uint8), 77),
        (np.full((4, 5, 3), (255, 0, 0), np.uint8), 127),  # red has L 53.2, as has this grey
    ],
)
def test_side_by_side_shows_the_source_in_grey(pixels, grey):
    result = Photo(np.zeros((*pixels.shape[:2], 3), np.uint8), alpha=np.ones(pixels.shape[:2], np.uint8))
    both = side_by_side(Photo(pixels), result)
    assert both.pixels.shape == (pixels.shape[0], 10, 3) and both.alpha.shape == (pixels.shape[0], 10)
    assert (both.pixels[:, :5] == grey).all() and not both.pixels[:, 5:].any()
