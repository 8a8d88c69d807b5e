import errno
import hashlib
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections import OrderedDict
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from weights_kit import COMMIT, NULL, Hub, Toy, item, register_toy, serve, use_manifest

from colorcli import download
from colorcli.errors import ColorcliError, VerificationError, WeightsMissing
from colorcli.models.catalog import build
from colorcli.weights.load import load_model
from colorcli.weights.manifest import entries
from colorcli.weights.pins import FILE, Content, Pin, read_pin, write_pin
from colorcli.weights.pull import pull, read_state_dict

WIDTH = 2000  # for a file of more than one write
PARITY = Path(__file__).parents[1] / "data" / "parity"
ASKED = f"/owner/toy/resolve/{COMMIT}/pytorch_model.bin"


def toy_state():
    torch.manual_seed(0)
    return Toy(WIDTH).state_dict()


def saved(state, **options):
    """Bytes of a torch.save file."""
    file = io.BytesIO()
    torch.save(state, file, **options)
    return file.getvalue()


CONTENT = saved(toy_state())
SIZE, SHA = len(CONTENT), hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def quick_and_direct(monkeypatch):
    register_toy(monkeypatch)
    monkeypatch.setattr(download, "PAUSES", ())
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def listed(monkeypatch, tmp_path):
    """listed(server, **changes) -> an entry of the hub of which only the file's name is known."""

    def make(server, **changes):
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        source = {"type": "hub", "repo": "owner/toy", "revision": None, "file": "pytorch_model.bin"}
        fields = {"source": source, "bytes": NULL, "sha256": NULL, "config": {"width": WIDTH}}
        use_manifest(monkeypatch, tmp_path, item(**fields | changes))
        return entries()[0]

    return make


@pytest.fixture
def hub():
    with serve(CONTENT, kind=Hub) as server:
        yield server


def names(entry):
    """What lies in the entry's folder, but for locks, which have no content."""
    return sorted(path.name for path in entry.path.parent.iterdir() if not path.name.endswith("lock"))


def put(entry, content, pin):
    """A published file and a pin in the entry's folder, as an interrupted pull leaves them."""
    entry.path.parent.mkdir(parents=True)
    entry.path.with_suffix(".bin").write_bytes(content)
    write_pin(entry.path.parent, pin)


@pytest.fixture
def full_disk(capsys):
    """full_disk(room): no file can grow beyond `room` bytes. Output is captured in memory meanwhile."""
    resource = pytest.importorskip("resource")

    @contextmanager
    def limit(room):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))  # Python ignores the signal: writing fails
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limit


def assert_loads():
    loaded, published = load_model("toy").state_dict(), toy_state()
    assert all(torch.equal(loaded[name], published[name]) for name in loaded | published)


def refuse(entry, error, problem):
    """The pull fails, and nothing is there to load."""
    with pytest.raises(error, match=problem):
        pull(entry)
    assert not entry.present
    with pytest.raises(WeightsMissing, match="run 'colorcli models pull toy@photo', or copy the folder"):
        load_model("toy")


def test_the_first_pull_pins_what_the_hub_states_and_converts(listed, hub, capsys):
    entry = listed(hub)
    assert pull(entry)
    assert hub.asked == ["/owner/toy/resolve/main/pytorch_model.bin"]
    assert hub.requests == [(ASKED, 0)]
    pin = read_pin(entry.path.parent)
    assert (pin.revision, pin.published.size, pin.published.sha256) == (COMMIT, SIZE, SHA)
    assert f"toy@photo: pinned in {entry.path.parent / FILE}" in capsys.readouterr().err
    assert names(entry) == [FILE, "pytorch_model.safetensors"]
    assert entry.present
    assert_loads()


def test_a_second_pull_asks_nothing(listed, hub):
    entry = listed(hub)
    pull(entry)
    assert not pull(entry)
    assert (len(hub.asked), len(hub.requests)) == (1, 1)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:-1] + b"!", lambda data: b""])
def test_a_damaged_cache_is_refused_and_mended_from_the_pinned_commit(listed, hub, damage):
    entry = listed(hub)
    pull(entry)
    entry.path.write_bytes(damage(entry.path.read_bytes()))
    with pytest.raises(VerificationError, match=r"pytorch_model\.safetensors"):
        load_model("toy")
    assert pull(entry)
    assert len(hub.asked) == 1
    assert hub.requests == [(ASKED, 0), (ASKED, 0)]
    assert_loads()


def test_wrong_bytes_of_the_right_size_are_not_used(listed, hub):
    hub.faults = ["wrong"]
    entry = listed(hub)
    refuse(entry, VerificationError, "sent other bytes than expected")
    assert names(entry) == [FILE]


def test_what_the_hub_states_later_does_not_replace_the_pin(listed, hub):
    entry = listed(hub)
    pull(entry)
    entry.path.unlink()
    hub.content = saved(Toy(WIDTH).state_dict())
    hub.stated["X-Linked-Etag"] = hashlib.sha256(hub.content).hexdigest()
    with pytest.raises(VerificationError, match=r"offers .* bytes|sent other bytes"):
        pull(entry)


def test_a_manifest_that_states_a_hash_replaces_another_pin(listed, hub):
    entry = listed(hub)
    stale = Content(SIZE, "ef" * 32)
    put(entry, CONTENT, Pin(COMMIT, stale, stale))
    entry = listed(hub, sha256=SHA)
    assert not entry.present
    assert pull(entry)
    assert_loads()


@pytest.mark.parametrize(("status", "phrase"), [(404, "404 Not Found"), (500, "500 Internal Server Error")])
def test_a_hub_that_answers_with_an_error_is_named(listed, hub, status, phrase):
    hub.status = status
    refuse(listed(hub), ColorcliError, f"main/pytorch_model.bin: the server answered {phrase}")


@pytest.mark.parametrize(("status", "phrase"), [(404, "404 Not Found"), (500, "500 Internal Server Error")])
def test_an_error_in_place_of_the_file_is_named(listed, hub, status, phrase):
    hub.faults = [status]
    refuse(listed(hub), ColorcliError, f"{COMMIT}/pytorch_model.bin: the server answered {phrase}")


@pytest.mark.parametrize(
    ("stated", "problem"),
    [
        ({"X-Linked-Etag": '"0123456789abcdef0123456789abcdef01234567"'}, "states no SHA-256 and commit"),
        ({"X-Linked-Etag": ""}, "states no SHA-256 and commit"),
        ({"X-Repo-Commit": "main"}, "states no SHA-256 and commit"),
        ({"X-Linked-Size": ""}, "does not say how large"),
        ({"X-Linked-Size": "0"}, "does not say how large"),
    ],
)
def test_a_server_that_states_too_little_is_not_trusted(listed, hub, stated, problem):
    hub.stated |= stated
    refuse(listed(hub), ColorcliError, problem)
    assert hub.requests == []


def test_a_renamed_repository_is_followed(listed, hub):
    hub.moves = ["/new/name"]
    assert pull(listed(hub))
    assert hub.asked == ["/owner/toy/resolve/main/pytorch_model.bin", "/new/name"]


def test_no_network_fails_at_once(listed, hub):
    entry = listed(hub)
    hub.shutdown()
    hub.server_close()
    start = time.monotonic()
    refuse(entry, ColorcliError, "cannot download http.*is there a network")
    assert time.monotonic() - start < 2


def test_nothing_is_asked_where_the_hub_is_switched_off(listed, hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    refuse(listed(hub), ColorcliError, "HF_HUB_OFFLINE is set.* copy the folder .*toy@photo")
    assert hub.asked == []


@pytest.mark.parametrize("room", [100, 5000], ids=["pin", "download"])
def test_a_full_disk_is_named(listed, hub, full_disk, room):
    entry = listed(hub)
    with full_disk(room):
        refuse(entry, ColorcliError, f"cannot write .*{os.strerror(errno.EFBIG)}.*COLORCLI_CACHE")
    assert pull(entry)
    assert_loads()


def test_a_disk_that_fills_up_while_converting_is_named(listed, hub, full_disk):
    entry = listed(hub)
    put(entry, CONTENT, Pin(COMMIT, Content(SIZE, SHA)))
    with full_disk(500):
        refuse(entry, ColorcliError, f"cannot write .*{os.strerror(errno.EFBIG)}.*COLORCLI_CACHE")
    assert pull(entry)
    assert hub.requests == []
    assert_loads()


def test_a_pull_that_was_cut_off_while_converting_fetches_nothing_again(listed, hub):
    entry = listed(hub)
    put(entry, CONTENT, Pin(COMMIT, Content(SIZE, SHA)))
    entry.path.write_bytes(b"converted, but not pinned")
    assert pull(entry)
    assert (hub.asked, hub.requests) == ([], [])
    assert names(entry) == [FILE, "pytorch_model.safetensors"]
    assert_loads()


PULL_IN_CHILDREN = """
import os, sys
from pathlib import Path
from dataclasses import replace
import colorcli.weights.manifest, colorcli.weights.pull
from colorcli.models.catalog import MODELS
MODELS["toy"] = replace(MODELS["gan"], factory="weights_kit:Toy")
colorcli.weights.manifest.manifest_path = lambda: Path(sys.argv[1])
for _ in range(int(sys.argv[2])):
    if os.fork() == 0:
        fetched = colorcli.weights.pull.pull(colorcli.weights.manifest.entries()[0])
        os.write(1, f"{fetched}\\n".encode())
        os._exit(0)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


@contextmanager
def pulling(tmp_path, processes):
    """Processes that pull the listed entry, in a session of their own; one line of stdout from each."""
    command = [sys.executable, "-c", PULL_IN_CHILDREN, str(tmp_path / "weights_manifest.json"), str(processes)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1] / "kits")}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, text=True, env=environment, start_new_session=True) as running:
        yield running


@pytest.mark.skipif(os.name != "posix", reason="needs fork")
def test_four_processes_at_once_fetch_and_convert_once(listed, hub, tmp_path):
    entry = listed(hub)
    with pulling(tmp_path, 4) as running:
        out, _ = running.communicate(timeout=60)
    assert sorted(out.split()) == ["False", "False", "False", "True"]
    assert (len(hub.asked), len(hub.requests)) == (1, 1)
    assert names(entry) == [FILE, "pytorch_model.safetensors"]
    assert_loads()


@pytest.mark.skipif(os.name != "posix", reason="needs kill -9")
def test_a_killed_download_is_continued(listed, hub, tmp_path):
    hub.faults = ["silent"]
    entry = listed(hub)
    part = entry.path.with_name(f"pytorch_model.bin.{SHA[:12]}.part")
    with pulling(tmp_path, 1) as running:
        end = time.monotonic() + 30
        while not (part.exists() and part.stat().st_size):
            assert time.monotonic() < end
            time.sleep(0.02)
        os.killpg(running.pid, signal.SIGKILL)
    assert not entry.present
    assert pull(entry)
    assert (len(hub.asked), hub.requests) == (1, [(ASKED, 0), (ASKED, SIZE // 2)])
    assert_loads()


def test_an_address_states_only_its_size(listed, hub):
    source = {"type": "url", "url": f"{hub.url}/toy.pth", "file": "toy.pth"}
    hub.status, hub.stated = 200, {"Content-Length": str(SIZE)}
    entry = listed(hub, source=source, sha256=SHA)
    assert pull(entry)
    assert read_pin(entry.path.parent).revision == ""
    assert_loads()


def test_nothing_is_asked_where_the_manifest_states_all(listed, hub):
    source = {"type": "hub", "repo": "owner/toy", "revision": COMMIT, "file": "pytorch_model.bin"}
    assert pull(listed(hub, source=source, bytes=SIZE, sha256=SHA))
    assert hub.asked == []
    assert_loads()


def misfit(name, value):
    return saved(toy_state() | {name: value})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (misfit("conv.bias", torch.zeros(3)), r"1 of another shape \(conv.bias 3 instead of 2000\)"),
        (misfit("extra", torch.zeros(3)), r"1 unexpected \(extra\)"),
        (misfit("conv.bias", torch.full((WIDTH,), float("nan"))), "'conv.bias' has values that are NaN or infinite"),
        (saved(OrderedDict(a=torch.zeros(1))), "missing .* 1 unexpected"),
        (b"no pickle at all", "not a state dict as torch.save writes it"),
    ],
)
def test_content_that_does_not_fit_the_network_is_refused(listed, content, problem):
    with serve(content, kind=Hub) as server:
        refuse(listed(server), VerificationError, rf"pytorch_model\.bin: .*{problem}")


@pytest.fixture
def read(tmp_path):
    """read(content) -> what read_state_dict makes of a file of it."""

    def through_a_file(content):
        path = tmp_path / "some.pth"
        path.write_bytes(content)
        return read_state_dict(path)

    return through_a_file


@pytest.mark.parametrize(
    "content",
    [
        CONTENT,
        saved(toy_state(), _use_new_zipfile_serialization=False),
        saved({"params": toy_state()}),
        saved({f"module.{name}": tensor for name, tensor in toy_state().items()}),
    ],
    ids=["zip", "legacy", "params", "module"],
)
def test_ways_in_which_state_dicts_are_published(read, content):
    found = read(content)
    assert list(found) == list(toy_state())
    assert all(torch.equal(found[name], tensor) for name, tensor in toy_state().items())


class Hostile:
    def __reduce__(self):
        return Path.touch, (Path("harm"),)


@pytest.mark.parametrize(
    "content",
    [saved({"a": Hostile()}), pickle.dumps(Hostile()), pickle.dumps({"a": 1}), CONTENT[:-100], b""],
    ids=["code", "bare code", "bare pickle", "truncated", "empty"],
)
def test_nothing_in_a_file_is_run_and_damage_is_named(read, content, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(VerificationError, match=r"some\.pth: not a state dict") as error:
        read(content)
    assert "\n" not in str(error.value)
    assert not Path("harm").exists()


ODD = [torch.zeros(3).to_sparse(), torch.zeros(3, device="meta")]


@pytest.mark.parametrize(
    "state", [{}, [], torch.zeros(3), {"epoch": 3}, {3: torch.zeros(3)}, *({"a": tensor} for tensor in ODD)]
)
def test_what_is_no_state_dict_is_refused(read, state):
    with pytest.raises(VerificationError, match="state dict"):
        read(saved(state))


SHAPES = {
    "eccv16@imagenet": "eccv16",
    "siggraph17@imagenet": "siggraph17",
    "ddcolor@modelscope": "ddcolor_large",
    "ddcolor@tiny": "ddcolor_tiny",
    "ddcolor@artistic": "ddcolor_large",
    "ddcolor@paper": "ddcolor_large",
}


def test_every_published_entry_builds_the_network_of_its_file():
    published = {entry.name: entry for entry in entries() if entry.config is not None}
    assert published.keys() == SHAPES.keys()
    for name, entry in published.items():
        with torch.device("meta"):
            found = {key: list(tensor.shape) for key, tensor in build(entry.model, **entry.config).state_dict().items()}
        assert found == json.loads((PARITY / f"{SHAPES[name]}.json").read_text())
