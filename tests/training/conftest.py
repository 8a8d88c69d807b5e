import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """Networks of a few thousand parameters are quickest on one thread, many times so on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
