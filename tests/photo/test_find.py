import pytest

from colorcli.errors import UsageError
from colorcli.photo.find import image_files


def test_photos_are_found_by_suffix_in_all_folders_but_hidden_ones(tmp_path):
    for name in ("b.JPG", "a/c.png", ".d.png", ".e/f.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert [str(file.relative_to(tmp_path)) for file in image_files(tmp_path)] == ["a/c.png", "b.JPG"]


def test_a_folder_without_any_or_none_at_all_is_named(tmp_path):
    with pytest.raises(UsageError, match=f"no image files in {tmp_path}"):
        image_files(tmp_path)
    with pytest.raises(UsageError, match="no such folder"):
        image_files(tmp_path / "nowhere")
