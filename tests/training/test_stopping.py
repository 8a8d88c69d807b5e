import signal

import pytest

from colorcli.training.stopping import Stopping


@pytest.fixture(autouse=True)
def heeded():
    """SIGINT raises, TERM is ignored, whatever the caller does with them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler), signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before[0])
    signal.signal(signal.SIGTERM, before[1])


def test_a_signal_waits_until_it_is_obeyed():
    with pytest.raises(KeyboardInterrupt), Stopping() as stopping:
        signal.raise_signal(signal.SIGINT)
        assert stopping.asked == signal.SIGINT
        stopping.obey()


def test_a_second_signal_does_not_wait():
    with pytest.raises(KeyboardInterrupt), Stopping():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("went on")


def test_what_is_ignored_stays_so():
    with Stopping() as stopping:
        signal.raise_signal(signal.SIGTERM)
    assert stopping.asked is None


def test_handlers_are_put_back():
    with Stopping():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_after_a_signal_gives_way_to_it():
    with pytest.raises(KeyboardInterrupt), Stopping():
        signal.raise_signal(signal.SIGINT)
        raise RuntimeError("another process went away")


def test_an_error_without_one_does_not():
    with pytest.raises(RuntimeError, match="on its own"), Stopping():
        raise RuntimeError("on its own")
