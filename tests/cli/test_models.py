import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner
from weights_kit import item, register_toy, save_toy, serve, use_manifest

from colorcli.cli.models import app
from colorcli.errors import ColorcliError, UsageError, VerificationError
from colorcli.weights.manifest import entries


@pytest.fixture
def content(monkeypatch, tmp_path):
    register_toy(monkeypatch)
    save_toy(tmp_path / "toy.safetensors")
    return (tmp_path / "toy.safetensors").read_bytes()


@pytest.fixture
def known(monkeypatch, tmp_path, content):
    """A bundled toy@photo that is there, and toy@web that a server offers."""
    with serve(content) as server:
        source = {"type": "url", "url": f"{server.url}/toy.bin", "file": "web.safetensors"}
        web = item(content, name="toy@web", default=None, source=source, licence="BSD [2]")
        use_manifest(monkeypatch, tmp_path, item(content), web)
        entries()[0].path.write_bytes(content)
        yield entries()


def run(*arguments):
    """stdout; raises what the command raises, which cli/__init__ turns into message and exit code."""
    return CliRunner().invoke(app, arguments, catch_exceptions=False).stdout


def lines(*arguments):
    return [json.loads(line) for line in run(*arguments).splitlines()]


def failing(error, *arguments):
    """stdout and message of a command that raises `error`."""
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, error)
    return result.stdout, str(result.exception)


@pytest.mark.parametrize("arguments", [[], ["list"]])
def test_list_is_an_aligned_table_when_piped(known, arguments):
    head, photo, web = run(*arguments).splitlines()
    assert head.split() == ["NAME", "TASK", "SIZE", "LICENCE", "SOURCE", "PRESENT"]
    assert photo.split() == ["toy@photo", "*", "photo", "0.0", "MB", "MIT", "bundled", "yes"]
    assert web.endswith("  no")
    assert [line.index(word) for line, word in ((head, "SOURCE"), (photo, "bundled"), (web, "http"))] == [
        head.index("SOURCE")
    ] * 3


def test_list_is_a_drawn_table_on_a_terminal(known, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    app([], standalone_mode=False)
    out = capsys.readouterr().out
    assert "toy@photo *" in out
    assert "BSD [2]" in out
    assert "│" in out


@pytest.mark.parametrize("arguments", [["--json"], ["list", "--json"]])
def test_list_as_json(known, arguments):
    photo, web = lines(*arguments)
    assert (photo["name"], photo["default"], photo["present"]) == ("toy@photo", True, True)
    assert (web["name"], web["default"], web["present"]) == ("toy@web", False, False)
    assert (web["bytes"], web["sha256"], web["path"]) == (known[1].size, known[1].sha256, str(known[1].path))


def test_an_option_in_the_wrong_place_is_not_swallowed(known):
    result = CliRunner().invoke(app, ["--json", "verify"])
    assert result.exit_code == 2
    assert "goes after 'verify'" in result.stderr


def test_an_empty_list(monkeypatch, tmp_path):
    use_manifest(monkeypatch, tmp_path)
    result = CliRunner().invoke(app, [])
    assert (result.exit_code, result.stdout) == (0, "")
    assert "without any weights" in result.stderr


def test_listing_imports_nothing_heavy():
    code = "import sys, colorcli.cli.models as m\ntry: m.app([])\nexcept SystemExit: print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "numpy", "httpx", "huggingface_hub", "safetensors"} & set(modules)
    assert "colorcli.weights.manifest" in modules


def test_pull_fetches_once(known):
    path = known[1].path
    assert run("pull", "toy@web") == f"toy@web: fetched and verified: {path}\n"
    assert run("pull", "toy@web") == f"toy@web: already here, verified: {path}\n"
    assert known[1].present


def test_pull_as_json(known):
    assert lines("pull", "toy@web", "toy", "--json") == [
        {"name": "toy@web", "fetched": True, "path": str(known[1].path)},
        {"name": "toy@photo", "fetched": False, "path": str(known[0].path)},
    ]


def test_pull_looks_at_all_names_before_it_fetches(known):
    _, message = failing(UsageError, "pull", "toy@web", "toy@wbe")
    assert "did you mean 'toy@web'?" in message
    assert not known[1].path.exists()


def test_pull_needs_a_name(known):
    assert CliRunner().invoke(app, ["pull"]).exit_code == 2


def test_verify_tells_missing_from_ok(known):
    assert run("verify") == "ok      toy@photo\nmissing toy@web\n"
    run("pull", "toy@web")
    assert run("verify", "toy@web") == "ok      toy@web\n"


def test_verify_names_what_is_bad_and_looks_at_the_rest(known):
    path = known[0].path
    path.write_bytes(path.read_bytes()[:-2])
    out, message = failing(VerificationError, "verify")
    assert out.startswith(f"BAD     toy@photo: {path}: ")
    assert out.endswith("missing toy@web\n")
    assert message == "1 of 2 weights are bad"


def test_verify_loads_what_has_the_right_hash(known, monkeypatch, tmp_path):
    use_manifest(monkeypatch, tmp_path, item(b"not weights at all"))
    known[0].path.write_bytes(b"not weights at all")
    out, _ = failing(VerificationError, "verify")
    assert "not a safetensors file" in out


def test_bundled_weights_that_are_missing_are_bad(known):
    known[0].path.unlink()
    out, _ = failing(ColorcliError, "verify", "toy", "--json")
    assert json.loads(out)["status"] == "bad"
    assert "install colorcli again" in json.loads(out)["problem"]
