"""Which device and which number format to compute in: chosen here and nowhere else."""

from __future__ import annotations

import torch

from colorcli.errors import UsageError

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str = "auto") -> torch.device:
    """auto | cpu | cuda | cuda:N | mps -> a device that is there; UsageError if it is not."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda", "mps"):
        raise UsageError(f"--device {name}: not one of auto, cpu, cuda, cuda:N, mps")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"--device {name}: this machine has {torch.cuda.device_count()} CUDA devices")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UsageError("--device mps: not available on this machine")
    return device


def choose_precision(name: str, device: torch.device, *, training: bool = False) -> torch.dtype:
    """auto | fp32 | bf16 | fp16 -> a dtype for the network's pass; UsageError for another name.

    auto is bf16 on CUDA, and for training on CPUs (autocast); else fp32, which small networks on a CPU are
    quickest and exact in.
    """
    if name == "auto":
        fast = device.type == "cuda" or (training and device.type == "cpu")
        return torch.bfloat16 if fast else torch.float32
    if name not in PRECISIONS:
        raise UsageError(f"--precision {name}: not one of auto, {', '.join(PRECISIONS)}")
    return PRECISIONS[name]
