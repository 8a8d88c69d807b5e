"""What a person gives beside the photo for its colours to follow."""
