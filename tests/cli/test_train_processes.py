"""`colorcli train` as processes that are killed, interrupted, and several."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from training_kit import history, same, write_cifar10
from typer.testing import CliRunner

from colorcli.cli import app
from colorcli.training.checkpoint import checkpoints, load_checkpoint, step_of
from colorcli.weights.load import load_model

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}
TORCHRUN = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0", "--rdzv-backend", "c10d"]
TORCHRUN += ["--rdzv-endpoint", "localhost:0"]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def heed():
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def words(tmp_path, out, *more):
    data = ["train", "gan", "--data", "cifar10", "--data-root", tmp_path / "cifar", "--width", 8, "--device", "cpu"]
    return [str(word) for word in (*data, "--out", out, *more)]


def in_process(arguments):
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output


def stopped(arguments, out, after, number):
    """Send signal `number` once a checkpoint is past step `after`; the process and its stderr."""
    command = [sys.executable, "-m", "colorcli", *arguments, "--checkpoint-minutes", "0"]
    options = {"stderr": subprocess.PIPE, "env": ENVIRONMENT, "preexec_fn": heed}
    with subprocess.Popen(command, **options) as process:
        deadline = time.monotonic() + 120
        while not any(step_of(path) > after for path in checkpoints(out)):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(number)
        stderr = process.communicate(timeout=60)[1].decode()
    return process.returncode, stderr


def test_killed_resumed_interrupted_and_resumed_it_is_the_same_run(tmp_path):
    write_cifar10(tmp_path / "cifar")
    options = ["--limit", 20, "--batch-size", 4, "--epochs", 40, "--pretrain-epochs", 5, "--seed", 3]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert stopped(words(tmp_path, cut, *options), cut, 12, signal.SIGKILL)[0] == -signal.SIGKILL
    killed_at = load_checkpoint(cut)["step"]
    assert killed_at > 12

    code, stderr = stopped(words(tmp_path, cut, *options, "--resume"), cut, killed_at + 12, signal.SIGINT)
    reached = load_checkpoint(cut)["step"]
    assert code == 130 and f"goes on from step {killed_at}\n" in stderr
    assert f"the same command with --resume goes on from step {reached}\n" in stderr and "Traceback" not in stderr

    in_process(words(tmp_path, cut, *options, "--resume"))
    in_process(words(tmp_path, whole, *options))
    weights = [load_model(weights=out / "model.safetensors").state_dict() for out in (whole, cut)]
    assert same(*weights)
    assert [row["step"] for row in history(cut)] == [row["step"] for row in history(whole)]


def torchrun(arguments):
    return subprocess.run(
        [sys.executable, *TORCHRUN, "-m", "colorcli", *arguments],
        capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=200,
    )  # fmt: skip


needs_several = pytest.mark.skipif(
    not torch.distributed.is_available(), reason="this build of torch has no torch.distributed"
)


@needs_several
def test_two_processes_learn_as_one_with_twice_the_batch(tmp_path):
    write_cifar10(tmp_path / "cifar", 64)
    options = ["--limit", 160, "--epochs", 8, "--pretrain-epochs", 5, "--lr", 0.02, "--precision", "fp32"]
    two, one = tmp_path / "two", tmp_path / "one"
    done = torchrun(words(tmp_path, two, *options, "--batch-size", 16))
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{two / 'model.safetensors'}\n"
    assert done.stderr.count("held out") == done.stderr.count("measure it: ") == 1
    in_process(words(tmp_path, one, *options, "--batch-size", 32))
    curves = [[float(row["l1"]) for row in history(out)] for out in (two, one)]
    assert len(curves[0]) == 8 and curves[0][-1] < 0.9 * curves[0][0]
    assert curves[0] == pytest.approx(curves[1], rel=0.15)  # of single batches, whose flips and shifts differ
    assert sum(curves[0]) == pytest.approx(sum(curves[1]), rel=0.05)
    judged = [[float(row["discriminator"] or 0) for row in history(out)] for out in (two, one)]
    assert judged[0] == pytest.approx(judged[1], rel=0.15)


@needs_several
def test_two_processes_fail_with_one_voice(tmp_path):
    write_cifar10(tmp_path / "cifar")
    done = torchrun(words(tmp_path, tmp_path / "run", "--preset", "slow"))
    assert done.returncode != 0 and done.stdout == ""
    assert done.stderr.count("colorcli: --preset slow: gan has") == 1 and "internal error" not in done.stderr
