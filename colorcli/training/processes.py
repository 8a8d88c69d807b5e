"""Several processes that train one model, as torchrun starts them (torch's DistributedDataParallel)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from colorcli.device import choose_device, choose_precision
from colorcli.training.objectives.base import Place


@contextmanager
def training_place(device: str, precision: str) -> Iterator[Place]:
    """Where this process trains: alone, or as one of those that `torchrun --nproc-per-node N` started.

    Each takes the GPU of its own number where there are GPUs. Errors as of `device`.
    """
    world, rank, local = (int(os.environ.get(n, d)) for n, d in (("WORLD_SIZE", 1), ("RANK", 0), ("LOCAL_RANK", 0)))
    chosen = choose_device(device)
    if world > 1 and chosen.type == "cuda" and chosen.index is None:
        chosen = choose_device(f"cuda:{local}")
    place = Place(chosen, choose_precision(precision, chosen, training=True), rank, world)
    if world == 1:
        yield place
        return
    import torch.distributed as dist

    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield place
    finally:
        dist.destroy_process_group()
