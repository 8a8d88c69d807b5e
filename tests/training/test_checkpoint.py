import pytest
import torch

from colorcli.errors import VerificationError
from colorcli.training.checkpoint import checkpoints, load_checkpoint, remove_leftovers, save_checkpoint, step_of


def damage(path):
    path.write_bytes(path.read_bytes()[:-7])


def test_newest_is_loaded_and_two_are_kept(tmp_path):
    for step in (1, 2, 30):
        save_checkpoint(tmp_path, step, {"step": step, "x": torch.ones(2)})
    assert load_checkpoint(tmp_path)["step"] == 30
    assert [step_of(path) for path in checkpoints(tmp_path)] == [30, 2]


def test_a_damaged_one_is_passed_over_and_named(tmp_path):
    save_checkpoint(tmp_path, 1, {"step": 1})
    newest = save_checkpoint(tmp_path, 2, {"step": 2})
    damage(newest)
    said = []
    assert load_checkpoint(tmp_path, said.append)["step"] == 1
    assert len(said) == 1 and newest.name in said[0]


def test_the_damaged_one_goes_with_the_next_that_is_saved(tmp_path):
    save_checkpoint(tmp_path, 1, {"step": 1})
    damage(save_checkpoint(tmp_path, 20, {"step": 20}))
    save_checkpoint(tmp_path, 5, {"step": 5})
    assert [step_of(path) for path in checkpoints(tmp_path)] == [5, 1]


def test_all_damaged_is_an_error(tmp_path):
    for step in (1, 2):
        damage(save_checkpoint(tmp_path, step, {"step": step}))
    with pytest.raises(VerificationError, match="another --out"):
        load_checkpoint(tmp_path)


def test_no_checkpoint_is_none(tmp_path):
    assert load_checkpoint(tmp_path) is None


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, 1, {"step": 1})
    monkeypatch.setattr("os.fsync", lambda descriptor: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(tmp_path, 2, {"step": 2})
    assert [step_of(path) for path in checkpoints(tmp_path)] == [1]
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_killed_run_was_writing_is_removed(tmp_path):
    (tmp_path / ".colorcli-0123456789abcdef.tmp").touch()
    kept = save_checkpoint(tmp_path, 1, {"step": 1})
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == [kept]
