import math
from dataclasses import replace

import pytest
import torch
from training_kit import CPU, QUICK, small_model

from colorcli.training.checkpoint import save_checkpoint
from colorcli.training.objectives.adversarial import Adversarial
from colorcli.training.state import capture, restore


def objective(**changes):
    return Adversarial(small_model(), replace(QUICK, **changes), CPU, 1)


@pytest.fixture
def folder(tmp_path):
    first = objective()
    save_checkpoint(tmp_path, 7, capture(7, 1.5, first, first.model))
    return tmp_path


def test_step_and_best_come_back(folder):
    again = objective()
    assert restore(folder, again, small_model(), lambda line: None) == (7, 1.5)


def test_options_given_anew_count_and_are_told(folder):
    said = []
    again = objective(weight_decay=0.5, betas=(0.5, 0.6), lr=0.123)
    restore(folder, again, small_model(), said.append)
    for group in again.optimizers["model"].param_groups:
        assert (group["weight_decay"], tuple(group["betas"]), group["full_lr"]) == (0.5, (0.5, 0.6), 0.123)
    assert "note: weight_decay was 0.01 before, now 0.5" in said


def test_without_a_checkpoint_it_begins(tmp_path):
    assert restore(tmp_path, objective(), small_model(), lambda line: None) == (0, -math.inf)
    assert torch.get_default_dtype() == torch.float32
