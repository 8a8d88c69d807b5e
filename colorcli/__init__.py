"""colorcli: colour black-and-white photos, train and measure colorizers."""

__version__ = "0.1.0"
