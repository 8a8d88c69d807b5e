import pytest
import torch


@pytest.fixture
def inference():
    """No gradients during a test."""
    with torch.inference_mode():
        yield
