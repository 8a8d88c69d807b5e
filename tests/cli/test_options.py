from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from colorcli.cli import options
from colorcli.errors import UsageError


@pytest.mark.parametrize("name", ["sheet.psd", "sheet.cur", "sheet", "sheet.txt"])
def test_a_suffix_that_cannot_be_written_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match=r"--grid .* give it the suffix of a picture that can be written"):
        options.check_picture("--grid", tmp_path / name, overwrite=False)


def test_a_file_that_is_there_is_replaced_only_if_asked(tmp_path):
    path = tmp_path / "sheet.png"
    options.check_picture("--grid", path, overwrite=False)
    options.write_picture(Image.new("RGB", (4, 4)), path)
    with pytest.raises(UsageError, match="is there already; --overwrite replaces it"):
        options.check_picture("--grid", path, overwrite=False)
    options.check_picture("--grid", path, overwrite=True)


def test_a_picture_among_photos_that_are_read_is_refused(tmp_path):
    with pytest.raises(UsageError, match="would be read as a photo"):
        options.check_picture("--grid", tmp_path / "a.png", overwrite=False, outside=["cifar10", str(tmp_path)])


@pytest.mark.parametrize("value", [-0.1, 4.1, float("nan"), float("inf")])
def test_a_saturation_out_of_range_is_refused_without_torch(value):
    with pytest.raises(UsageError, match="not within 0"):
        options.check_saturation(value)


@dataclass(frozen=True)
class Few:
    pace: float = field(default=1.0, metadata={"help": "How fast.", "min": 0})
    secret: int = 3


def test_fields_with_a_text_become_options():
    given = {}

    def command(name: Annotated[str, typer.Argument()], loud: bool = False, **settings: Any) -> None:
        given.update(name=name, loud=loud, **settings)

    app = typer.Typer()
    app.command()(options.with_fields(command, Few, "Panel", after="loud"))
    assert CliRunner().invoke(app, ["x", "--pace", "2.5"]).exit_code == 0
    assert given == {"name": "x", "loud": False, "pace": 2.5}
    assert CliRunner().invoke(app, ["x"]).exit_code == 0 and given["pace"] is None
    assert CliRunner().invoke(app, ["x", "--pace", "-1"]).exit_code == 2
    assert CliRunner().invoke(app, ["x", "--secret", "1"]).exit_code == 2
