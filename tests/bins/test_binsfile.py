import json

import numpy as np
import pytest

from colorcli.bins import Bins, ab_bins, load_bins, save_bins
from colorcli.errors import ColorcliError, VerificationError


@pytest.fixture
def saved(tmp_path):
    prior = np.linspace(1, 2, 313)
    bins = Bins(ab_bins().centres.copy(), prior / prior.sum(), lambda_=0.25, source="photos", pixels=10**12)
    save_bins(tmp_path / "bins.npz", bins)
    return tmp_path / "bins.npz", bins


def changed(path, **arrays):
    """The file with some arrays replaced, or left out if None."""
    with np.load(path) as content:
        merged = {**content, **arrays}
    np.savez(path, **{name: array for name, array in merged.items() if array is not None})
    return path


def about(path, **fields):
    with np.load(path) as content:
        known = json.loads(str(content["metadata"]))
    return changed(path, metadata=np.array(json.dumps({**known, **fields})))


def test_what_is_saved_is_loaded(saved):
    path, bins = saved
    loaded = load_bins(path)
    assert np.array_equal(loaded.centres, bins.centres) and np.array_equal(loaded.prior, bins.prior)
    for name in ("space", "grid", "sigma", "lambda_", "source", "pixels"):
        assert getattr(loaded, name) == getattr(bins, name)


def test_the_file_has_the_weights(saved):
    with np.load(saved[0], allow_pickle=False) as content:
        assert np.array_equal(content["weights"], saved[1].class_weights().numpy())
        assert (content["prior"] * content["weights"]).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "arrays",
    [
        {"prior": None},
        {"prior": np.full(313, 1 / 312)},
        {"prior": np.full(313, np.nan)},
        {"prior": np.full(312, 1 / 312)},
        {"prior": np.full(313, 1 / 313)},  # not the prior of the weights
        {"centres": np.zeros((313, 2), np.float32)},
        {"centres": np.full((313, 2), np.inf, np.float32)},
        {"centres": np.zeros(313)},
        {"centres": np.array([None])},  # a pickle
        {"weights": np.ones(2, np.float32)},
        {"metadata": np.array("no JSON")},
        {"metadata": np.array("[1]")},
    ],
)
def test_damaged_arrays_are_told(saved, arrays):
    with pytest.raises(VerificationError, match=r"bins\.npz: damaged"):
        load_bins(changed(saved[0], **arrays))


@pytest.mark.parametrize(
    "fields",
    [
        {"format": "colorcli-bins-2"},
        {"space": "hsv"},
        {"grid": "10"},
        {"grid": -1},
        {"sigma": float("nan")},
        {"sigma": True},
        {"lambda": 0},
        {"lambda": 2},
        {"pixels": None},
        {"pixels": -1},
    ],
)
def test_damaged_metadata_is_told(saved, fields):
    with pytest.raises(VerificationError, match=r"bins\.npz: damaged"):
        load_bins(about(saved[0], **fields))


@pytest.mark.parametrize("keep", [0, 10, 300, -30])
def test_a_truncated_file_is_told(saved, keep):
    path = saved[0]
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(VerificationError, match="damaged"):
        load_bins(path)


def test_flipped_bits_are_told(saved):
    path = saved[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 64
    path.write_bytes(content)
    with pytest.raises(VerificationError, match="damaged"):
        load_bins(path)


def test_a_missing_file_is_no_damage(tmp_path):
    with pytest.raises(ColorcliError, match="cannot be read: No such file") as caught:
        load_bins(tmp_path / "nowhere.npz")
    assert not isinstance(caught.value, VerificationError)
