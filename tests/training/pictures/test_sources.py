from pathlib import Path

import pytest
from PIL import Image
from training_kit import write_cifar10

from colorcli.errors import UsageError
from colorcli.training.pictures.sources import _hold_out, is_cifar10, open_data


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos").mkdir()
    for i in range(120):
        Image.new("RGB", (40, 40), (200, 30, i)).save(tmp_path / "photos" / f"{i}.png")
    return tmp_path / "photos"


def test_cifar10_holds_out_the_last_images(tmp_path):
    data = open_data(["cifar10"], 32, data_root=write_cifar10(tmp_path), limit=30)
    assert (len(data.train), len(data.validation)) == (24, 6)
    assert data.train.labels.tolist() == [3] * 24
    assert data.trained_on == "24 training images of CIFAR-10"


def test_download_is_passed_on(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "colorcli.data.cifar10.download_cifar10", lambda parent: asked.append(parent) or write_cifar10(parent)
    )
    assert len(open_data(["cifar10"], 32, data_root=tmp_path / "new", download=True).train) == 32
    assert asked == [tmp_path / "new"]


def test_photos_hold_out_a_share(folder):
    data = open_data([str(folder)], 32)
    assert (len(data.train), len(data.validation)) == (118, 2)
    assert data.trained_on == "118 photos of photos"


def test_corrupt_and_grey_photos_are_counted(folder):
    (folder / "broken.jpg").write_bytes(b"no picture")
    Image.new("L", (40, 40), 90).save(folder / "grey.png")
    about = open_data([str(folder)], 32).about
    assert "119 photos, 1 to validate on; 1 unreadable skipped, 1 without colour" in about


def test_a_folder_to_validate_on_leaves_all_photos_to_train(folder):
    data = open_data([str(folder)], 32, validation=folder)
    assert (len(data.train), len(data.validation)) == (120, 120)


def test_a_photo_counts_once_though_its_folder_is_given_twice(folder):
    data = open_data([str(folder), f"{folder}/../photos", str(folder.parent)], 32)
    assert (len(data.train), len(data.validation)) == (118, 2)


def test_no_photo_is_both_learned_from_and_held_out():
    files = [Path(str(i)) for i in range(120)]
    learned, held = _hold_out(files)
    assert sorted([*learned, *held], key=files.index) == files and len(held) == 2


def test_a_folder_without_photos_is_named(tmp_path):
    with pytest.raises(UsageError, match=tmp_path.name):
        open_data([str(tmp_path)], 32)


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["cifar10", "nowhere"], {}, "--data nowhere"),
        (["cifar10"], {"validation": "photos"}, "--val"),
        (["nowhere"], {}, "--data nowhere"),
        (["photos"], {"limit": 5}, "--limit is for"),
        (["photos"], {"download": True}, "--download is for"),
    ],
)
def test_what_does_not_fit_together_is_a_usage_error(names, options, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        open_data(names, 32, data_root=write_cifar10(tmp_path), **options)


def test_crops_smaller_than_cifar10s_images_are_a_usage_error(folder, tmp_path):
    with pytest.raises(UsageError, match="32 px"):
        open_data([str(folder), "cifar10"], 8, data_root=write_cifar10(tmp_path))


def test_cifar10_is_told_by_its_name():
    assert is_cifar10(["cifar10"]) and not is_cifar10(["photos"]) and not is_cifar10(["cifar10", "photos"])


@pytest.mark.parametrize(("size", "held", "photos"), [(32, 8, 120), (48, 2, 118)])
def test_photos_and_cifar10_together(folder, tmp_path, size, held, photos):
    """Crops of its size validate on what CIFAR-10 holds out, others on photos."""
    data = open_data([str(folder), "cifar10"], size, data_root=write_cifar10(tmp_path))
    assert (len(data.train), len(data.validation)) == (photos + 32, held)
    assert data.trained_on == f"{photos} photos of photos, 32 training images of CIFAR-10"
