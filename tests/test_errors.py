import errno

import pytest

from colorcli.errors import PhotoError, told


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PhotoError("a.jpg: damaged"), "a.jpg: damaged"),
        (MemoryError(), "not enough memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "not enough memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "not enough memory"),
        (OSError(errno.ENOSPC, "No space left on device", "out.png"), "no space left on the disk for out.png"),
    ],
)
def test_what_is_no_fault_of_the_program_is_one_line(error, line):
    assert line in told(error) and "\n" not in told(error)


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), KeyError("a"), OSError(errno.EIO, "input/output")])
def test_what_may_be_one_is_not(error):
    assert told(error) is None
