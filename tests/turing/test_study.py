import struct
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import binomtest, mannwhitneyu
from turing_studies import BLUE, RED, Painter, page_data, photo_folder, small_study

from colorcli.color import rgb_to_L
from colorcli.errors import ColorcliError, UsageError
from colorcli.turing.key import TRUTH, key_path, read_key
from colorcli.turing.study import StudySettings, check_models, check_target


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def lightness(folder, file):
    with Image.open(folder / file) as image:
        return rgb_to_L(torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] / 255)


def chunks(data):
    """Types of a PNG's chunks."""
    at, found = 8, []
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        found.append(kind.decode())
        at += length + 12
    return found


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """40 pairs, enough for what holds on average."""
    place = tmp_path_factory.mktemp("large")
    return small_study(place, RED, BLUE, seed="of the large one", count=40, catch=6, practice=4)


def test_every_file_belongs_to_one_trial(large):
    folder, _ = large
    data = page_data(folder)
    used = [file for item in data["items"] + data["practice"] for file in item["pictures"]]
    assert Counter(used) == Counter(path.name for path in folder.glob("*.png"))
    assert {path.name for path in folder.iterdir()} == {*used, "index.html"}


def test_files_tell_nothing_by_size_time_or_metadata(large):
    folder, _ = large
    pictures = list(folder.glob("*.png"))
    assert len({path.stat().st_size for path in pictures}) == 1
    assert len({path.stat().st_mtime for path in folder.iterdir()}) == 1
    assert {tuple(dict.fromkeys(chunks(path.read_bytes()))) for path in pictures} == {("IHDR", "IDAT", "IEND")}
    with Image.open(pictures[0]) as image:
        assert (image.mode, image.info) == ("RGB", {})


def test_names_and_order_tell_nothing(large):
    folder, key = large
    truths = [file for item in key.items for file, source in item.sources.items() if source == TRUTH]
    others = [file for item in key.items for file, source in item.sources.items() if source != TRUTH]
    ranks = {path.name: i for i, path in enumerate(sorted(folder.glob("*.png")))}
    assert mannwhitneyu([ranks[f] for f in truths], [ranks[f] for f in others]).pvalue > 0.05
    first_named = sum(min(item.sources) in truths for item in key.items)
    assert binomtest(first_named, len(key.items)).pvalue > 0.05


def test_files_are_made_in_the_order_of_their_names(large):
    folder, _ = large
    made = [path.stat().st_ctime_ns for path in sorted(folder.glob("*.png"))]
    assert all(earlier <= later for earlier, later in pairwise(made))


def test_pictures_of_a_pair_differ_in_colour_alone(large):
    folder, key = large
    for item in key.items:
        one, other = (lightness(folder, file) for file in item.sources)
        assert (one - other).abs().max() < 0.7  # rounding to 8 bits
        assert (one - other).mean().abs() < 0.05


def test_truth_is_the_photo(large, tmp_path_factory):
    folder, key = large
    item = key.counted()[0]
    truth = next(picture.file for picture in item.pictures if picture.source == TRUTH)
    with Image.open(folder / truth) as kept, Image.open(folder.parent / "photos" / f"{item.scene}.png") as photo:
        assert np.abs(np.asarray(kept, int) - np.asarray(photo, int)).mean() < 2


def test_page_holds_no_secret(large):
    folder, key = large
    text = (folder / "index.html").read_text("utf-8")
    for secret in ("red@test", "blue@test", "photo-", RED.weights_sha256, key.seed):
        assert secret not in text
    data = page_data(folder)
    assert {tuple(item) for item in data["items"]} == {("id", "pictures")}
    assert [item["id"] for item in data["items"]] == sorted(item["id"] for item in data["items"])
    assert data["digest"] == key.digest


def test_page_asks_no_network(large):
    folder, _ = large
    text = (folder / "index.html").read_text("utf-8")
    assert "http://" not in text
    assert "https://" not in text
    assert "connect-src 'none'" in text


def test_models_and_sides_are_balanced(large):
    _, key = large
    sides = Counter(tuple(picture.source for picture in item.pictures) for item in key.counted())
    assert sides == {
        (TRUTH, "red@test"): 10,
        ("red@test", TRUTH): 10,
        (TRUTH, "blue@test"): 10,
        ("blue@test", TRUTH): 10,
    }
    assert len({item.scene for item in key.items}) == 46


def test_every_participant_has_an_own_order(large):
    _, key = large
    one, other = ([item.id for item in key.order(participant)] for participant in ("a" * 16, "b" * 16))
    assert one != other
    assert sorted(one) == sorted(other) == sorted(item.id for item in key.items)


def test_catch_trials_are_gaudy(large):
    folder, key = large
    item = next(item for item in key.items if item.kind == "catch")
    wrong = next(picture.file for picture in item.pictures if picture.source == "wrong")
    with Image.open(folder / wrong) as image:
        hue, saturation, _ = np.moveaxis(np.asarray(image.convert("HSV"), int), 2, 0)
    middles = [np.median(part) for half in np.array_split(hue, 2) for part in np.array_split(half, 2, axis=1)]
    assert len({round(middle / 20) for middle in middles}) == 4
    assert saturation.mean() > 90


def test_triples_show_all_models_and_the_truth_in_turn(tmp_path):
    _, key = small_study(tmp_path, RED, BLUE, protocol="triples", count=6)
    assert {frozenset(item.sources.values()) for item in key.counted()} == {frozenset({TRUTH, "red@test", "blue@test"})}
    places = Counter([picture.source for picture in item.pictures].index(TRUTH) for item in key.counted())
    assert places == {0: 2, 1: 2, 2: 2}


def test_single_shows_half_truths(tmp_path):
    folder, key = small_study(tmp_path, RED, BLUE, protocol="single", count=8)
    shown = Counter(item.pictures[0].source for item in key.counted())
    assert shown == {TRUTH: 4, "red@test": 2, "blue@test": 2}
    assert page_data(folder)["exposure"] == 1000


def test_practice_alone_tells_its_answer(tmp_path):
    folder, key = small_study(tmp_path, practice=2)
    practice = page_data(folder)["practice"]
    assert len(practice) == 2
    assert not {item["id"] for item in practice} & {item.id for item in key.items}
    for item in practice:
        with Image.open(folder / item["answer"]) as painted:
            red, green, _ = np.moveaxis(np.asarray(painted, int), 2, 0)
        assert (red >= green - 1).all()  # the model paints in red


def test_a_seed_gives_the_same_study_again(tmp_path):
    first, second, other = (tmp_path / name for name in ("a", "b", "c"))
    for place, seed in ((first, "one"), (second, "one"), (other, "two")):
        photo_folder(place / "photos", 8)
        small_study(place, seed=seed)
    assert contents(first / "study") == contents(second / "study")
    keys = [key_path(place / "study").read_text().replace(str(place), "") for place in (first, second, other)]
    assert keys[0] == keys[1] != keys[2]
    assert not contents(first / "study").keys() & contents(other / "study").keys() - {"index.html"}


def test_another_model_is_another_study(tmp_path):
    photo_folder(tmp_path / "photos", 8)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "photos").symlink_to(tmp_path / "photos")
    _, key = small_study(tmp_path, RED)
    _, other = small_study(tmp_path / "other", Painter("red@test", (1, 0.5, 0.5)))
    assert key.study == other.study
    assert key.digest != other.digest


def test_key_lies_beside_and_is_read_back(tmp_path):
    folder, key = small_study(tmp_path, rate=True)
    assert read_key(tmp_path / "study.key.json") == key
    assert not list(folder.glob("*key*"))


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"format": "colorcli-turing-key/1"}', '{"format": "x"}'])
def test_what_is_no_key_is_told(tmp_path, content):
    (tmp_path / "key.json").write_text(content)
    with pytest.raises(UsageError, match=r"key.json: not the key of a study"):
        read_key(tmp_path / "key.json")


def test_pictures_without_colour_and_repeated_ones_are_passed_over(tmp_path):
    photos = photo_folder(tmp_path / "photos", 7)
    Image.new("RGB", (40, 32), (90, 91, 92)).save(photos / "grey.png")
    (photos / "again.png").write_bytes((photos / "photo-00.png").read_bytes())
    _, key = small_study(tmp_path)
    scenes = [item.scene for item in key.items]
    assert "grey" not in scenes
    assert not {"again", "photo-00"} <= set(scenes)


def test_too_few_pictures_leave_nothing_behind(tmp_path):
    photo_folder(tmp_path / "photos", 5)
    with pytest.raises(ColorcliError, match=r"7 are needed .* 2 are missing"):
        small_study(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_large_photos_are_fitted(tmp_path):
    photo_folder(tmp_path / "photos", 7, side=92)
    folder, _ = small_study(tmp_path, size=50)
    with Image.open(next(folder.glob("*.png"))) as image:
        assert image.size == (50, 46)


def test_nothing_is_replaced(tmp_path):
    small_study(tmp_path)
    before = contents(tmp_path / "study")
    with pytest.raises(UsageError, match="is there already"):
        small_study(tmp_path)
    assert contents(tmp_path / "study") == before
    with pytest.raises(UsageError, match=r"key\.json is there already"):
        (tmp_path / "study").rename(tmp_path / "moved")
        check_target(tmp_path / "study")


@pytest.mark.parametrize(
    ("settings", "models", "told"),
    [
        (StudySettings(), [], "which model"),
        (StudySettings("triples"), ["a"], "2 to 8 models, not 1"),
        (StudySettings("triples"), list("abcdefghi"), "not 9"),
        (StudySettings(count=1), ["a", "b"], "fewer trials than models"),
    ],
)
def test_models_that_do_not_fit(settings, models, told):
    with pytest.raises(UsageError, match=told):
        check_models(settings, models)


def test_a_disk_that_fills_up_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(path, key):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("colorcli.turing.study.write_key", full)
    with pytest.raises(OSError, match="No space left"):
        small_study(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
