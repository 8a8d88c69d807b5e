"""Several processes that train one model, as torchrun starts them (torch's DistributedDataParallel)."""

from __future__ import annotations

import contextlib
import inspect
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from colorcli.device import choose_device, choose_precision
from colorcli.errors import ColorcliError, UsageError

FAILED = "colorcli/failed"  # counts the processes that failed


class FailedElsewhere(ColorcliError):
    """This process failed as or because another one did, which tells of it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"another process of this run failed first ({error})")
        self.exit_code = error.exit_code if isinstance(error, ColorcliError) else ColorcliError.exit_code


def is_first() -> bool:
    """Whether this process is alone, or the first of those that torchrun started: the one that speaks."""
    return _number("WORLD_SIZE", 1) == 1 or _number("RANK", 0) == 0


@contextmanager
def training_place(device: str, precision: str) -> Iterator[Place]:
    """Where this process trains: alone, or as one of those that `torchrun --nproc-per-node N` started.

    Each takes the GPU of its own number where there are GPUs. UsageError for a device or a precision that cannot be
    had. Of processes that fail, the first one's error leaves the context; that of the others is FailedElsewhere.
    """
    if _number("WORLD_SIZE", 1) == 1:
        yield Place(*_choose(device, precision))
        return
    import torch.distributed as dist

    if not dist.is_available():
        raise UsageError("this build of torch cannot train in several processes; start colorcli without torchrun")
    store, rank, world = next(iter(dist.rendezvous("env://")))
    try:
        chosen, dtype = _choose(device, precision, local=_number("LOCAL_RANK", 0))
        if chosen.type == "cuda":
            torch.cuda.set_device(chosen)
        dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo", store=store, rank=rank, world_size=world)
        yield Place(chosen, dtype, rank, world)
    except BaseException as error:
        if store.add(FAILED, 1) > 1 and isinstance(error, Exception):
            raise FailedElsewhere(error) from error
        if isinstance(error, RuntimeError) and "Connection" in str(error):  # gloo has no class of its own for this
            raise ColorcliError("another process of this run was lost; start it again with --resume") from error
        raise
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def mean_over_processes(losses: Mapping[str, Tensor], world: int) -> dict[str, Tensor]:
    """The mean of each loss, a scalar, over `world` processes, which all must call this."""
    if world == 1:
        return dict(losses)
    import torch.distributed as dist

    together = torch.stack([loss.float() for loss in losses.values()])
    dist.all_reduce(together)
    return dict(zip(losses, together / world, strict=True))


def _choose(device: str, precision: str, local: int = 0) -> tuple[torch.device, torch.dtype]:
    chosen = choose_device(device)
    if chosen.type == "cuda" and chosen.index is None:
        chosen = choose_device(f"cuda:{local}")
    dtype = choose_precision(precision, chosen, training=True)
    if dtype == torch.float16:
        raise UsageError("--precision fp16: too coarse for gradients; train in bf16 or fp32")
    return chosen, dtype


def _number(variable: str, default: int) -> int:
    return int(os.environ.get(variable, default))


@dataclass(frozen=True)
class Place:
    """Where a run takes place. world: its processes (torchrun), of which this one is number `rank`."""

    device: torch.device
    precision: torch.dtype = torch.float32
    rank: int = 0
    world: int = 1

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """Networks run in `precision` within this context, losses outside of it."""
        if self.precision == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, self.precision)

    def shared(self, module: nn.Module) -> nn.Module:
        """What to call so that the gradients are the mean over all processes: `module` itself where it is alone."""
        if self.world == 1:
            return module
        from torch.nn.parallel import DistributedDataParallel

        ids = [self.device.index] if self.device.type == "cuda" else None
        # each process keeps its own running statistics: sent at every call they would spoil a second call's gradients
        known = inspect.signature(DistributedDataParallel).parameters
        option = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"  # its old name
        kept: dict[str, Any] = {option: False}
        return DistributedDataParallel(module, device_ids=ids, **kept)
