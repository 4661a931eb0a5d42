"""Side-by-side measurements: Isocenter and what is installed beside it, alternating in one run, reported as ratios."""
