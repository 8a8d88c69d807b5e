"""Published image classifiers as encoders: features of a picture, coarse and fine."""
