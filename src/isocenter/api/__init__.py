"""The web client's own API under /api/v1."""
