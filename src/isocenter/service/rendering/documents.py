"""Encapsulated documents as they are, reports and CDA as pages of text (PS3.18 8.7.4, resource category Text)."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from xml.etree import ElementTree

from isocenter.dicom import report
from isocenter.dicom.part10 import Malformed
from isocenter.dicom.report import Line
from isocenter.dicom.view import View
from isocenter.domain.errors import Invalid, Unsupported
from isocenter.store.imaging import Located

from .pictures import Category, Renderer, category, fault

HTML, PLAIN, XML, PDF = "text/html", "text/plain", "text/xml", "application/pdf"
_CDA = "1.2.840.10008.5.1.4.1.1.104.2"
_DOCUMENT, _LENGTH, _TYPE = 0x00420011, 0x00420015, 0x00420012
_MIME = re.compile(r"[a-z]+/[a-z0-9.+-]{1,60}")
# Encapsulated PDF, STL, OBJ, MTL Storage, for those that do not say what they are
_OF_CLASS = {"1.2.840.10008.5.1.4.1.1.104.1": PDF, "1.2.840.10008.5.1.4.1.1.104.3": "model/stl",
             "1.2.840.10008.5.1.4.1.1.104.4": "model/obj", "1.2.840.10008.5.1.4.1.1.104.5": "model/mtl"}  # fmt: skip
_LARGEST_CDA = 4 << 20  # its elements take some thirty times as much
_STYLE = "body{font:16px/1.45 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}h1{font-size:1.4em}" \
         "h2,h3,h4,h5,h6{font-size:1.05em;margin:1em 0 .2em}p{margin:.15em 0}"  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    """A page or file; pieces: gives its bytes from the beginning on."""

    media_type: str
    size: int
    pieces: Callable[[], Iterator[bytes]]


def document_types(renderer: Renderer, instance: Located) -> Sequence[str]:
    """The media types in which a document or report can be had, its own first."""
    if category(instance) is Category.REPORT:
        return HTML, PLAIN
    if instance.sop_class_uid == _CDA:
        return HTML, PLAIN, XML, "application/xml"
    stated = renderer.view(instance).text(_TYPE).lower()
    own = _OF_CLASS.get(instance.sop_class_uid) or (stated if _MIME.fullmatch(stated) else "application/octet-stream")
    return (own,)


def document(renderer: Renderer, instance: Located, media_type: str) -> Document:
    """A document in one of its types. Raises Broken, Unsupported."""
    found = renderer.view(instance)
    try:
        if category(instance) is Category.REPORT:
            return _page(media_type, list(report.lines(found)))
        if media_type in (HTML, PLAIN):
            return _page(media_type, list(_narrative(_whole(found))))
    except Malformed as error:
        raise fault(error) from None
    size = _length(found)
    return Document(media_type, size, lambda: found.pieces(_DOCUMENT, size))


def _length(found: View) -> int:
    """Of the document without the byte that makes the value's length even (PS3.3 C.24.2)."""
    place = found.place(_DOCUMENT)
    if place is None or not place[1]:
        raise Unsupported("The object holds no document.", where="EncapsulatedDocument")
    stated = found.integer(_LENGTH)
    if place[1] - 1 <= stated <= place[1]:
        return stated
    return place[1] - (found.last(_DOCUMENT) == b"\0")


def _whole(found: View) -> bytes:
    size = _length(found)
    if size > _LARGEST_CDA:
        raise Unsupported("This document is too long to be shown as a page.", hint=f"Accept {XML}.")
    return b"".join(found.pieces(_DOCUMENT, size))


def _page(media_type: str, lines: list[Line]) -> Document:
    text = "".join(_html(lines) if media_type == HTML else _plain(lines)).encode()
    return Document(f"{media_type}; charset=utf-8", len(text), lambda: iter((text,)))


def _plain(lines: list[Line]) -> Iterator[str]:
    for line in lines:
        yield f"{'  ' * max(line.depth - 1, 0)}{': '.join(part for part in (line.name, line.value) if part)}\n"


def _html(lines: list[Line]) -> Iterator[str]:
    title = escape(lines[0].name) if lines else "Document"
    yield f'<!doctype html><html><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head><body>'
    for line in lines:
        value = escape(line.value).replace("\r\n", "<br>").replace("\n", "<br>")
        if line.heading:
            level = min(line.depth + 1, 6)
            yield f"<h{level}>{escape(line.name)}</h{level}>{value}"
        else:
            name = f"<b>{escape(line.name)}:</b> " if line.name else ""
            yield f'<p style="margin-left:{min(line.depth, 12)}em">{name}{value}</p>'
    yield "</body></html>"


def _narrative(data: bytes) -> Iterator[Line]:
    """Title and narrative blocks of an HL7 CDA document. Raises Unsupported, Invalid."""
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data or b"\0" in data:
        # Entities may grow without measure; CDA has none.
        raise Unsupported("This document is not shown as a page.", hint=f"Accept {XML}.")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, LookupError, ValueError):
        raise Invalid("The document is no well-formed XML.", hint=f"Accept {XML}.") from None
    titles = [each for each in root if _tag(each) == "title"]
    yield Line(0, " ".join("".join(titles[0].itertext()).split()) if titles else "Document", "", True)
    waiting = [(root, 0)]
    while waiting:
        element, depth = waiting.pop()
        if _tag(element) == "section":
            depth += 1
            for each in element:
                if _tag(each) == "title":
                    yield Line(depth, " ".join("".join(each.itertext()).split()), "", True)
                elif _tag(each) == "text":
                    yield from (Line(depth + 1, "", text) for text in _paragraphs(each))
        waiting += [(each, depth) for each in reversed(element) if _tag(each) not in ("title", "text")]


_BLOCKS = frozenset({"paragraph", "item", "tr", "caption", "br"})


def _paragraphs(element: ElementTree.Element) -> Iterator[str]:
    parts: list[str] = []
    waiting: list[ElementTree.Element | str] = [element]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            parts.append(each.replace("\n", " "))
            continue
        if _tag(each) in _BLOCKS:
            parts.append("\n")
        elif _tag(each) in ("td", "th"):
            parts.append("\t")
        waiting += [part for child in reversed(each) for part in (child.tail or "", child)]
        parts.append((each.text or "").replace("\n", " "))
    for line in "".join(parts).split("\n"):
        text = "  ".join(" ".join(cell.split()) for cell in line.split("\t")).strip()
        if text:
            yield text


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
