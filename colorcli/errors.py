"""Everything colorcli raises on purpose, and the exit code that each becomes on the command line.

ColorcliError           1   something that a user can understand and mend
├── UsageError          2   options or inputs that do not fit together; nothing was touched
├── PhotoError          1   one input could not be read or one output not written
└── VerificationError   4   weights or data are not what they claim to be
    └── WeightsMissing  4   weights that are known but not on this machine
Other exit codes: 0 done, 3 some inputs failed and the rest are done, 129 HUP, 130 Ctrl-C, 141 closed pipe, 143 TERM.
"""

import errno

PARTIAL_FAILURE = 3


class ColorcliError(Exception):
    """Base class; its text is the whole message: what went wrong, with which file or option, what to do."""

    exit_code = 1


class UsageError(ColorcliError):
    """Options or inputs that do not fit together, found before any work."""

    exit_code = 2


class PhotoError(ColorcliError):
    """A picture that cannot be read or written. The text names the file and the reason."""


class VerificationError(ColorcliError):
    """Weights or data that are not what they claim to be: wrong hash, truncated, wrong shapes, NaN."""

    exit_code = 4


class WeightsMissing(VerificationError):
    """Known weights that are not on this machine. The text says which file to put where."""


def is_out_of_memory(error: BaseException) -> bool:
    """MemoryError, and torch's ways to say so: OutOfMemoryError on a GPU, a plain RuntimeError on a CPU."""
    texts = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(text in str(error).lower() for text in texts)
    )


def told(error: BaseException) -> str | None:
    """What to tell a person of an error that is no fault of the program, in one line; None for one that is."""
    if isinstance(error, ColorcliError):
        return str(error)
    if is_out_of_memory(error):
        return "not enough memory; try a smaller --size, --batch-size 1 or --device cpu"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"no space left on the disk{f' for {error.filename}' if error.filename else ''}"
    return None
