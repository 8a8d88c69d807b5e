"""How near colours are to the truth."""
