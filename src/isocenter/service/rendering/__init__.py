"""Objects as pictures (pictures.py), films (films.py) and pages (documents.py) that any program shows: PS3.18 8.7.4."""

from .documents import Document, document, document_types
from .films import GIF, MOST_PIXELS, Film, Films, Video
from .pictures import Category, Picture, Renderer, category, decodable, fault, frame_count, is_film, representative

__all__ = ["GIF", "MOST_PIXELS", "Category", "Document", "Film", "Films", "Picture", "Renderer", "Video", "category",
           "decodable", "document", "document_types", "fault", "frame_count", "is_film", "representative"]  # fmt: skip
