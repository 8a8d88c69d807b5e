import pytest
import torch
import torch.distributed as dist

from colorcli.errors import ColorcliError, UsageError
from colorcli.training.processes import FailedElsewhere, is_first, mean_over_processes, training_place


@pytest.fixture
def second_of_two(monkeypatch):
    """What torchrun sets, with a store of this process alone in place of its own; no group is joined."""
    store = dist.HashStore()
    for name, value in (("WORLD_SIZE", "2"), ("RANK", "1"), ("LOCAL_RANK", "1")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(dist, "rendezvous", lambda url: iter([(store, 1, 2)]))
    monkeypatch.setattr(dist, "init_process_group", lambda *_, **__: None)


def test_alone_by_default():
    with training_place("cpu", "fp32") as place:
        assert (place.device.type, place.precision, place.rank, place.world) == ("cpu", torch.float32, 0, 1)
    assert is_first()


def test_torchrun_says_which_process_this_is(second_of_two):
    with training_place("cpu", "auto") as place:
        assert (place.rank, place.world, place.precision) == (1, 2, torch.bfloat16)
    assert not is_first()


def fail(error):
    with training_place("cpu", "fp32"):
        raise error


def test_the_first_to_fail_tells_and_the_others_end_with_its_code(second_of_two):
    with pytest.raises(UsageError, match="--size"):
        fail(UsageError("--size"))
    with pytest.raises(FailedElsewhere) as raised:
        fail(UsageError("--size"))
    assert raised.value.exit_code == UsageError.exit_code
    with pytest.raises(FailedElsewhere) as raised:
        fail(RuntimeError("Connection reset by peer"))
    assert raised.value.exit_code == 1


def test_a_lost_process_is_told_in_plain_words(second_of_two):
    with pytest.raises(ColorcliError, match="--resume"):
        fail(RuntimeError("Connection reset by peer"))


def test_other_errors_stay_what_they_are(second_of_two):
    with pytest.raises(RuntimeError, match="a fault"):
        fail(RuntimeError("a fault"))


def test_the_mean_of_one_process_is_its_own():
    assert mean_over_processes({"l1": torch.tensor(0.5)}, 1) == {"l1": torch.tensor(0.5)}
