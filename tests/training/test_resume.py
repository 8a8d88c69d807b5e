"""A run that was cut and goes on, against one that never stopped."""

import signal
from dataclasses import replace

import pytest
import torch
from training_kit import ADVERSARIAL, QUICK, REGRESSION, history, images, run, same, small_model

from colorcli.errors import UsageError
from colorcli.models.gan import GanGenerator
from colorcli.training.checkpoint import checkpoints, step_of
from colorcli.training.loop import Hooks
from colorcli.training.objectives.base import Objective

LONG = replace(QUICK, epochs=100, pretrain_epochs=60, log_every=50)  # 200 steps


class Cut(Exception):
    pass


def cut_run(out, step, settings=QUICK, **options):
    """A run that saves every step and breaks off after `step`."""

    def report(progress):
        if progress.step == step + 1:
            raise Cut

    with pytest.raises(Cut):
        run(out, replace(settings, checkpoint_minutes=0, log_every=1), hooks=Hooks(report=report), **options)


@pytest.fixture
def heeded():
    """Ctrl-C as Python has it, also where the caller ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("objective", [ADVERSARIAL, REGRESSION])
def test_200_steps_are_100_ctrl_c_and_100_more_to_the_bit(tmp_path, objective, heeded):
    def press_ctrl_c(progress):
        if progress.step == 100:
            signal.raise_signal(signal.SIGINT)

    whole = run(tmp_path / "whole", LONG, objective)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", LONG, objective, hooks=Hooks(report=press_ctrl_c))
    assert [step_of(path) for path in checkpoints(tmp_path / "cut")] == [100]
    assert same(whole, run(tmp_path / "cut", LONG, objective, resume=True))


def test_cut_while_the_adversary_learns(tmp_path):
    whole = run(tmp_path / "whole")
    cut_run(tmp_path / "cut", 9)
    assert same(whole, run(tmp_path / "cut", resume=True))
    assert [int(row["step"]) for row in history(tmp_path / "cut")] == list(range(1, 13))


class Dropping(GanGenerator):
    """A network that draws from torch's own generator."""

    def forward(self, L):
        return torch.nn.functional.dropout(super().forward(L), 0.5, self.training)


def test_dropout_and_aged_photos_resume_alike(tmp_path):
    def dropping():
        torch.manual_seed(0)
        return Dropping(widths=(8, 8), encoder_blocks=(1, 1), decoder_blocks=(1,))

    settings = replace(QUICK, aged=0.5)
    whole = run(tmp_path / "whole", settings, model=dropping())
    cut_run(tmp_path / "cut", 5, settings, model=dropping())
    torch.manual_seed(77)
    assert same(whole, run(tmp_path / "cut", settings, model=dropping(), resume=True))


def test_from_the_older_checkpoint_the_result_is_the_same(tmp_path):
    whole = run(tmp_path / "whole")
    cut_run(tmp_path / "cut", 9)
    newest = checkpoints(tmp_path / "cut")[0]
    newest.write_bytes(newest.read_bytes()[:100])
    said = []
    assert same(whole, run(tmp_path / "cut", resume=True, hooks=Hooks(say=said.append)))
    assert "is damaged" in said[0] and said[1] == "goes on from step 8"


def test_the_best_of_before_stays_if_nothing_better_comes(tmp_path, monkeypatch):
    psnr = iter(range(20, 0, -1))
    monkeypatch.setattr(Objective, "validate", lambda *_: {"val_psnr": next(psnr)})
    best = []
    cut_run(tmp_path, 5, validation=images(4))
    run(tmp_path, resume=True, validation=images(4), hooks=Hooks(best=best.append))
    assert not best and next(psnr) < 18


def test_a_resume_without_a_checkpoint_says_that_it_begins(tmp_path):
    said = []
    run(tmp_path, resume=True, hooks=Hooks(say=said.append))
    assert "from the beginning" in said[0]


def test_a_finished_run_resumes_to_its_own_end(tmp_path):
    assert same(run(tmp_path), run(tmp_path, resume=True))


def test_another_network_is_a_usage_error(tmp_path):
    run(tmp_path)
    with pytest.raises(UsageError, match="--resume"):
        run(tmp_path, resume=True, model=GanGenerator((16, 8), (1, 1), (1,)))


def test_other_settings_are_told_and_take_effect(tmp_path):
    cut_run(tmp_path, 9)
    said = []
    run(tmp_path, replace(QUICK, lr=1e-4), resume=True, hooks=Hooks(say=said.append))
    assert any("lr was 0.003 before, now 0.0001" in line for line in said)
    assert float(history(tmp_path)[-1]["lr"]) < 1e-5
    group = torch.load(checkpoints(tmp_path)[0], weights_only=True)["optimizers"]["model"]["param_groups"][0]
    assert group["lr"] < 1e-5 and group["full_lr"] == 1e-4


def test_weights_differ_by_seed(tmp_path):
    assert not same(run(tmp_path / "a"), run(tmp_path / "b", replace(QUICK, seed=1), model=small_model()))
