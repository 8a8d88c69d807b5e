"""Many photos: planned, coloured side by side, reported."""
