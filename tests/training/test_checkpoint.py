import torch

from colorcli.training.checkpoint import load_checkpoint, save_checkpoint


def test_newest_is_loaded_and_two_are_kept(tmp_path):
    for step in (1, 2, 30):
        save_checkpoint(tmp_path, step, {"step": step, "x": torch.ones(2)})
    assert load_checkpoint(tmp_path)["step"] == 30
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_one_is_passed_over(tmp_path):
    save_checkpoint(tmp_path, 1, {"step": 1})
    newest = save_checkpoint(tmp_path, 2, {"step": 2})
    newest.write_bytes(newest.read_bytes()[:-7])
    assert load_checkpoint(tmp_path)["step"] == 1


def test_no_checkpoint_is_none(tmp_path):
    assert load_checkpoint(tmp_path) is None
