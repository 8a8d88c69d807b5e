"""Colours as classes: bins of the ab or UV plane, how common each is, and how a colour is told in them.

    bins = ab_bins()                      # the 313 of Zhang et al. 2016, every one as common as the next
    bins = load_bins(Path("bins.npz"))    # or what `colorcli quantize-bins` counted
    target = bins.encode(ab)              # (B, 2, H, W) -> (B, Q, H, W)
    ab = bins.annealed_mean(logits)       # (B, Q, H, W) -> (B, 2, H, W)

planes.py  the two planes, which grid points are bins     count.py  photos -> a histogram of chroma -> bins
bins.py    Bins: encode, decode, weights                  file.py   bins.npz        plot.py  a picture of them
"""

from colorcli.bins.bins import Bins, ab_bins, annealed_mean
from colorcli.bins.binsfile import load_bins, save_bins

__all__ = ["Bins", "ab_bins", "annealed_mean", "load_bins", "save_bins"]
