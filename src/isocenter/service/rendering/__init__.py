"""Objects as pictures (pictures.py), films (films.py) and pages (documents.py) that any program shows: PS3.18 8.7.4."""

from isocenter.codecs.state import Graphic

from .documents import Document, document, document_types
from .films import GIF, MOST_PIXELS, Film, Films, Reel, Video
from .pictures import Category, Picture, Renderer, category, decodable, fault, frame_count, is_film, representative
from .takes import Take, film, graphic

__all__ = ["GIF", "MOST_PIXELS", "Category", "Document", "Film", "Films", "Graphic", "Picture", "Reel", "Renderer", "Take",
           "Video", "category", "decodable", "document", "document_types", "fault", "film", "frame_count", "graphic", "is_film",
           "representative"]  # fmt: skip
