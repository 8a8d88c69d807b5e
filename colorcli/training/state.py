"""All that a run needs to go on as if it had never stopped."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from colorcli.errors import UsageError
from colorcli.training.checkpoint import load_checkpoint
from colorcli.training.objectives.base import Objective
from colorcli.training.settings import Settings

GIVEN = ("lr", "betas", "weight_decay")  # of an optimizer, as options have them


def capture(step: int, best: float, objective: Objective, averaged: nn.Module) -> dict[str, Any]:
    """The state after `step` steps, of which the best validation gave `best`, as `save_checkpoint` takes it.

    It holds no random state: every step draws from its own seed.
    """
    return {
        "step": step,
        "best": best,
        "settings": asdict(objective.settings),
        "averaged": averaged.state_dict(),
        "modules": {name: module.state_dict() for name, module in objective.modules.items()},
        "optimizers": {name: optimizer.state_dict() for name, optimizer in objective.optimizers.items()},
    }


def restore(out: Path, objective: Objective, averaged: nn.Module, say: Callable[[str], None]) -> tuple[int, float]:
    """The step and the best validation of the newest whole checkpoint in `out`, which is loaded; 0 if there is none.

    Learning rates, betas and weight decay stay as the objective has them. UsageError for the checkpoint of another
    network; VerificationError if all are damaged.
    """
    state = load_checkpoint(out, say)
    if state is None:
        say(f"no checkpoint in {out} yet: from the beginning")
        return 0, -math.inf
    try:
        averaged.load_state_dict(state["averaged"])
        for name, module in objective.modules.items():
            module.load_state_dict(state["modules"][name])
        for name, optimizer in objective.optimizers.items():
            _restore_optimizer(optimizer, state["optimizers"][name])
    except (KeyError, RuntimeError, ValueError) as error:
        raise UsageError(f"--resume: {out} holds the run of another network; give the options that it had") from error
    say(f"goes on from step {state['step']}")
    for difference in _differences(state.get("settings", {}), objective.settings):
        say(f"note: {difference}")
    return int(state["step"]), float(state["best"])


def _restore_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """The optimizer's moments; its learning rates, betas and weight decay stay those that this run was given."""
    given = [{name: group[name] for name in GIVEN if name in group} for group in optimizer.param_groups]
    optimizer.load_state_dict(state)
    for group, options in zip(optimizer.param_groups, given, strict=True):
        group.update(options, full_lr=options["lr"])


def _differences(before: dict[str, Any], settings: Settings) -> list[str]:
    now = asdict(settings)
    return [
        f"{name} was {before[name]} before, now {now[name]}"
        for name in now
        if name in before and before[name] != now[name]
    ]
