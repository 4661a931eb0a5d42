"""Pixels out of and into compressed forms: whole objects in another transfer syntax, frame by frame, by imagecodecs."""
