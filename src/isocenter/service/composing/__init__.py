"""Instances made of what a request holds in parts: metadata and bulk data, pictures, videos and documents (PS3.18 10.5)."""

from .instances import Composed, Composition

__all__ = ["Composed", "Composition"]
