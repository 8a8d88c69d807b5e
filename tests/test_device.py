import pytest
import torch

from colorcli.device import choose_device, choose_precision
from colorcli.errors import UsageError


def test_the_processor_is_always_there():
    assert choose_device("cpu").type == "cpu" and choose_device("auto").type in ("cpu", "cuda", "mps")


@pytest.mark.parametrize("name", ["toaster", "cuda:x", "cpu:3:4", ""])
def test_no_device_is_a_usage_error(name):
    with pytest.raises(UsageError, match="--device"):
        choose_device(name)


def test_precisions_by_name():
    cpu = torch.device("cpu")
    assert choose_precision("fp32", cpu) == torch.float32 and choose_precision("bf16", cpu) == torch.bfloat16
    with pytest.raises(UsageError, match="--precision"):
        choose_precision("fp64", cpu)
