import io

import pytest

from colorcli.cli import progress, training_bar
from colorcli.cli.training_bar import TrainingTeller, _clock
from colorcli.training.loop import Progress


def at(step, **values):
    return Progress(step, 100, step / 10, 512.0, 75.0, values)


@pytest.fixture
def clock(monkeypatch):
    """The seconds that the teller sees."""
    seconds = [1000.0]
    monkeypatch.setattr(training_bar.time, "monotonic", lambda: seconds[0])
    return seconds


def test_lines_come_every_ten_seconds_and_with_each_validation(clock, capsys):
    with TrainingTeller() as teller:
        for step in range(1, 25):
            clock[0] += 1
            teller(at(step, pixel=0.25, **({"val_psnr": 24.5} if step == 15 else {})))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("step ")[1][:3] for line in lines] == ["1/1", "12/", "15/"]
    assert lines[2] == "epoch 1.50  step 15/100  512 images/s  1:15 left  pixel 0.25 val_psnr 24.5"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_a_bar_with_losses_speed_and_time(monkeypatch):
    shown = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", shown)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with TrainingTeller() as teller:
        teller(at(30, pixel=0.25))
        teller(at(60, pixel=0.125, val_psnr=24.5))
        teller.say("[best] so far")
    text = shown.getvalue()
    assert all(word in text for word in ("epoch 6.00", "━", "512 images/s", "1:15 left", "pixel 0.125"))
    assert text.count("val_psnr 24.5") == 1 and "[best] so far" in text


def test_the_other_processes_are_quiet(capsys):
    with TrainingTeller(quiet=True) as teller:
        teller(at(1, val_psnr=20.0))
        teller.say("a word")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("seconds", "text"), [(4.6, "0:05"), (75, "1:15"), (3725, "1:02:05")])
def test_time_left(seconds, text):
    assert _clock(seconds) == f"{text} left"
