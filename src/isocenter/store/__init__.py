"""Blobs and index: the only floor that talks to disks and databases."""
