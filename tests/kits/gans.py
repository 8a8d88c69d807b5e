"""Narrow generators trained against a discriminator, with weights made from the names of their tensors."""

import numpy as np
import torch
from parity import values

from colorcli.models.catalog import build

NARROW = {
    "gan": {"network": "strided", "widths": [8, 16, 16]},
    "patchgan": {"widths": [8, 16, 16]},
    "pix2pix": {"widths": [8, 16, 16], "dropout": 1},
    "palette": {"widths": [8, 16, 16]},
}


def filled(name):
    """The narrow network called `name`, in eval mode."""
    model = build(name, **NARROW[name])
    state = {key: torch.from_numpy(np.asarray(values(key, tuple(t.shape)))) for key, t in model.state_dict().items()}
    if "class_shares" in state:
        state["class_shares"] = torch.softmax(4 * state["class_shares"], 1)
    model.load_state_dict(state)
    return model.eval()


def luminance(height=16, width=24):
    """L (2, 1, height, width): a ramp from black to white."""
    return torch.linspace(0, 100, 2 * height * width).reshape(2, 1, height, width)
