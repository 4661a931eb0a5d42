"""The content of structured reports (PS3.3 A.35, C.17.3) as plain lines: what a person reads, in the order of the tree."""

from collections.abc import Iterator
from dataclasses import dataclass

from .view import View

MAX_LINES = 20_000  # of one report; dose reports of a long intervention have some thousand
MAX_DEPTH = 40

_CONTENT, _CONCEPT = 0x0040A730, 0x0040A043
_MEANING = 0x00080104
# Value Type -> where its text is
_TEXTS = {"TEXT": 0x0040A160, "DATETIME": 0x0040A120, "DATE": 0x0040A121, "TIME": 0x0040A122, "PNAME": 0x0040A123,
          "UIDREF": 0x0040A124}  # fmt: skip
_ABOUT = {"Patient": 0x00100010, "Patient ID": 0x00100020, "Birth date": 0x00100030, "Study": 0x00081030, "Date": 0x00080023,
          "Completion": 0x0040A491, "Verification": 0x0040A493}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """depth: 0 for the title. name: of the concept, "" when it has none. heading: of a container."""

    depth: int
    name: str
    value: str
    heading: bool = False


def lines(found: View) -> Iterator[Line]:
    """The title, who it is about, and the content. Raises Malformed."""
    yield Line(0, _meaning(found, _CONCEPT) or "Report", "", True)
    for name, tag in _ABOUT.items():
        text = found.text(tag)
        if text:
            yield Line(1, name, _value(text, tag))
    left = MAX_LINES
    for line in _items(found, 1):
        left -= 1
        if not left:
            yield Line(1, "", "The report goes on; retrieve the object to read it whole.")
            return
        yield line


def _items(found: View, depth: int) -> Iterator[Line]:
    for item in found.items(_CONTENT):
        kind = item.text(0x0040A040)
        name = _meaning(item, _CONCEPT)
        value = _content(item, kind)
        if name or value:
            yield Line(depth, name, value, kind == "CONTAINER")
        if depth < MAX_DEPTH:
            yield from _items(item, depth + 1)


def _content(item: View, kind: str) -> str:
    if kind in _TEXTS:
        return _value(item.text(_TEXTS[kind]), _TEXTS[kind])
    if kind == "CODE":
        return _meaning(item, 0x0040A168)
    if kind == "NUM":
        return _measured(item)
    if kind in ("IMAGE", "COMPOSITE", "WAVEFORM"):
        reference = item.item(0x00081199)
        frames = reference.text(0x00081160).replace("\\", ", ") if reference is not None else ""
        return f"see {kind.lower()}" + (f", frame {frames}" if frames else "")
    if kind in ("SCOORD", "SCOORD3D", "TCOORD"):
        return f"{item.text(0x00700023).lower()} of {len(item.numbers(0x00700022))} coordinates"
    return ""


def _measured(item: View) -> str:
    measured = item.item(0x0040A300)
    if measured is None:
        return _meaning(item, 0x0040A301) or "no value"
    unit = measured.item(0x004008EA)
    code = unit.text(0x00080100) if unit is not None else ""
    return f"{measured.text(0x0040A30A).replace(chr(92), ', ')} {code if code != '1' else ''}".strip()


def _meaning(found: View, sequence: int) -> str:
    code = found.item(sequence)
    return code.text(_MEANING) if code is not None else ""


def _value(text: str, tag: int) -> str:
    if tag in (0x00100010, 0x0040A123):
        return ", ".join(part for part in text.split("=")[0].split("^") if part)
    if len(text) >= 8 and text[:8].isdecimal() and tag in (0x00100030, 0x00080023, 0x0040A121, 0x0040A120):
        rest = f" {text[8:10]}:{text[10:12]}" if len(text) >= 12 else ""
        return f"{text[:4]}-{text[4:6]}-{text[6:8]}{rest}"
    if tag == 0x0040A122 and len(text) >= 4:
        return f"{text[:2]}:{text[2:4]}"
    return text
