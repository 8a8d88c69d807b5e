"""Stand-in weights made from names and shapes alone, and the outputs that the published networks give with them."""

import json
from pathlib import Path
from zlib import crc32

import numpy as np
import torch

FOLDER = Path(__file__).parents[1] / "data" / "parity"
TOLERANCE = 1e-4  # of the largest output


def shapes(name):
    return {key: tuple(shape) for key, shape in json.loads((FOLDER / f"{name}.json").read_text()).items()}


def stand_in(name):
    """The state dict of a published network with reproducible weights; ImageNet's mean and std are left out."""
    wanted = {key: shape for key, shape in shapes(name).items() if key not in ("mean", "std")}
    state = {key: values(key, shape) for key, shape in wanted.items()}
    for key in wanted:
        if key.endswith("weight_orig"):
            base = key.removesuffix("weight_orig")
            state[base + "weight_u"], state[base + "weight_v"] = _singular_vectors(state[key])
    return {key: torch.from_numpy(np.asarray(value)) for key, value in state.items()}


def fill(model, name):
    """The model in eval mode with the stand-in weights of `name`."""
    kept = {key: value for key, value in model.state_dict().items() if key in ("mean", "std")}
    model.load_state_dict(stand_in(name) | kept, strict=True)
    return model.eval()


def case(name):
    """Inputs and outputs of the published network, as tensors by name."""
    with np.load(FOLDER / f"{name}.npz") as arrays:
        return {key: torch.from_numpy(arrays[key]) for key in arrays.files}


def difference(found, expected):
    """The largest difference as a fraction of the largest output."""
    assert found.shape == expected.shape
    return float((found.float() - expected).abs().max() / expected.abs().max())


def values(key, shape):
    rng = np.random.default_rng(crc32(key.encode()))
    leaf = key.rpartition(".")[2]
    if leaf == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    if leaf == "running_var":
        values = rng.uniform(0.5, 1.5, shape)
    elif leaf == "weight" and len(shape) == 1:  # the scale of a norm layer
        values = rng.uniform(0.8, 1.2, shape)
    elif len(shape) <= 1:
        values = 0.1 * rng.standard_normal(shape)
    else:
        values = rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
    return values.astype(np.float32)


def _singular_vectors(weight):
    """Three steps of power iteration from a vector of ones, in float64 -> u, v in float32."""
    matrix = weight.reshape(len(weight), -1).astype(np.float64)
    u = _unit(np.ones(len(matrix)))
    for _ in range(3):
        u = _unit(matrix @ _unit(matrix.T @ u))
    return u.astype(np.float32), _unit(matrix.T @ u).astype(np.float32)


def _unit(vector):
    return vector / np.linalg.norm(vector)
