"""How good a model is on held-out pictures, while it trains."""

from __future__ import annotations

import torch
from torch import Tensor

from colorcli.color import merge, rgb_to_lab
from colorcli.models.base import ColorModel
from colorcli.training.pictures.batches import TrainingSet, make_batch

MEASURES = ("val_psnr", "val_psnr_gain", "val_ab_error", "val_chroma")


@torch.no_grad()
def validate(model: ColorModel, data: TrainingSet, size: int, batch_size: int = 32) -> dict[str, float]:
    """MEASURES on the middle squares: PSNR in dB, its gain over grey, mean ab error, share of the true chroma."""
    device = next(model.parameters()).device
    rows: list[Tensor] = []
    for index in torch.arange(len(data)).split(batch_size):
        batch = make_batch(data, index, size)
        L, ab = batch.L.to(device), batch.ab.to(device)
        truth, result, grey = merge(L, ab), merge(L, model.predict_ab(L).float()), merge(L, torch.zeros_like(ab))
        shown = rgb_to_lab(result)[:, 1:]
        psnr = [-10 * (truth - x).square().mean((1, 2, 3)).clamp_min(1e-10).log10() for x in (result, grey)]
        chroma = [x.norm(dim=1).mean((1, 2)) for x in (shown, ab, shown - ab)]
        rows.append(torch.stack([*psnr, *chroma], 1).cpu())
    psnr_model, psnr_grey, chroma_model, chroma_true, error = torch.cat(rows).mean(0).tolist()
    return {
        "val_psnr": psnr_model,
        "val_psnr_gain": psnr_model - psnr_grey,
        "val_ab_error": error,
        "val_chroma": chroma_model / chroma_true,
    }


@torch.no_grad()
def pictures(model: ColorModel, data: TrainingSet, size: int, count: int = 8) -> Tensor:
    """A grid of `count` held-out pictures, a row each: grey, prediction, truth. RGB (3, rows * size, 3 * size)."""
    device = next(model.parameters()).device
    batch = make_batch(data, torch.linspace(0, len(data) - 1, min(count, len(data))).long(), size)
    L = batch.L.to(device)
    grey, result = merge(L, torch.zeros_like(batch.ab).to(device)), merge(L, model.predict_ab(L).float())
    row = torch.cat([grey.cpu(), result.cpu(), batch.rgb.cpu()], dim=-1)  # (count, 3, size, 3 * size)
    return torch.cat(list(row), dim=-2)
