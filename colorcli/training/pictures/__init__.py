"""What a training step sees: uint8 copies of pictures, cropped and aged."""
