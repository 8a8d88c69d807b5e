"""How much memory a run may plan with."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

UNKNOWN = 8 << 30


def available_memory() -> int:
    """Bytes that can be used without swapping, at least 0; UNKNOWN where the system does not say.

    The least of what Linux calls available and what the control group (a container) may still take.
    """
    known = [amount for amount in (_linux() or _half_of_all(), _control_group()) if amount is not None]
    return max(0, min(known, default=UNKNOWN))


def _linux() -> int | None:
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    return None


def _control_group() -> int | None:
    with suppress(OSError, ValueError):  # "max": no limit
        root = Path("/sys/fs/cgroup")
        limit = int((root / "memory.max").read_text())
        return limit - int((root / "memory.current").read_text())
    return None


def _half_of_all() -> int | None:
    """macOS and others say only how much there is; half of it may be in use."""
    with suppress(OSError, ValueError, AttributeError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return None
