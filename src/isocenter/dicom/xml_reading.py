"""The Native DICOM Model (PS3.19 Annex A.1) read into DICOM JSON objects (PS3.18 Annex F), which are what the rest works on.

Read as a stream, without document types and entities: a document that declares any is refused.
"""

from typing import Any
from xml.parsers import expat

from .composing import TooMany
from .elements import MAX_DEPTH, Malformed

Json = dict[str, Any]

MAX_VALUES = 500_000  # elements of XML in one document
_NAMES = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")  # PS3.5 6.2.1.1, in the order of a name
_GROUPS = frozenset({"Alphabetic", "Ideographic", "Phonetic"})
_MOST_IN_A_VALUE = 100_000  # the highest number that a Value may have


def read(document: bytes) -> list[Json]:
    """The data sets of a document: one NativeDicomModel, or several within another element. Raises Malformed."""
    return _Reader().read(document)


class _Reader:
    """What is open: data sets from the outside in, and below each the attribute whose values come."""

    def __init__(self) -> None:
        self._done: list[Json] = []
        self._sets: list[Json] = []
        self._attributes: list[Json] = []
        self._number = 0
        self._name: dict[str, str] | None = None  # a PersonName's groups
        self._group = ""
        self._components: dict[str, str] = {}
        self._text: list[str] | None = None
        self._values = 0
        self._depth = 0

    def read(self, document: bytes) -> list[Json]:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._begin, self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._refuse
        try:
            parser.Parse(document, True)
        except expat.ExpatError as error:
            raise Malformed("the metadata are no XML", f"line {error.lineno}") from None
        if not self._done:
            raise Malformed("the metadata hold no NativeDicomModel")
        return self._done

    def _refuse(self, *unused: object) -> None:
        raise Malformed("metadata have no document type")

    def _characters(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._values += 1
        self._depth += 1
        if self._values > MAX_VALUES or self._depth > 3 * MAX_DEPTH:
            raise TooMany("the metadata have too many values, or are nested too deep")
        name = name.rpartition(" ")[2]
        if name == "NativeDicomModel":
            if self._sets:
                raise Malformed("a data set stands where none belongs")
            self._sets.append({})
        elif name == "DicomAttribute":
            self._attribute(attributes)
        elif not self._attributes:
            if name == "DicomAttributes" or not self._sets:
                return
            raise Malformed("a value stands outside of an attribute")
        elif name == "Item":
            self._sets.append({})
        elif name == "PersonName":
            self._number, self._name = self._numbered(attributes), {}
        elif name in _GROUPS:
            self._group, self._components = name, {}
        elif name in _NAMES or name in ("Value", "InlineBinary"):
            self._number = self._number if name in _NAMES else self._numbered(attributes)
            self._text = []
        elif name == "BulkData":
            self._attributes[-1]["BulkDataURI"] = attributes.get("uri") or attributes.get("uuid", "")

    def _attribute(self, attributes: dict[str, str]) -> None:
        if not self._sets:
            raise Malformed("an attribute stands outside of a data set")
        tag = attributes.get("tag", "").upper()
        made: Json = {"vr": attributes["vr"]} if attributes.get("vr") else {}
        if creator := attributes.get("privateCreator", ""):
            tag = _in_block(self._sets[-1], tag, creator)
        self._sets[-1][tag] = made
        self._attributes.append(made)

    def _numbered(self, attributes: dict[str, str]) -> int:
        number = attributes.get("number", "1")
        if not (number.isascii() and number.isdecimal()) or not 1 <= int(number[:9]) <= _MOST_IN_A_VALUE:
            raise Malformed("a value has a number that is none")
        return int(number[:9])

    def _end(self, name: str) -> None:
        self._depth -= 1
        name = name.rpartition(" ")[2]
        if name == "NativeDicomModel":
            self._done.append(self._sets.pop())
        elif name == "DicomAttribute":
            self._attributes.pop()
        elif not self._attributes:
            return
        elif name == "Item":
            self._attributes[-1].setdefault("Value", []).append(self._sets.pop())
        elif name == "Value":
            self._put("".join(self._text or ()) or None)
        elif name == "InlineBinary":
            self._attributes[-1]["InlineBinary"] = "".join("".join(self._text or ()).split())
        elif name in _NAMES:
            self._components[name] = "".join(self._text or ())
        elif name in _GROUPS and self._name is not None:
            self._name[name] = "^".join(self._components.get(part, "") for part in _NAMES).rstrip("^")
        elif name == "PersonName":
            self._put(self._name or None)
            self._name = None
        self._text = None

    def _put(self, value: Any) -> None:
        """A value at its number; those left out before it are empty."""
        values = self._attributes[-1].setdefault("Value", [])
        self._values += max(0, self._number - len(values) - 1)
        values.extend([None] * (self._number - len(values)))
        values[self._number - 1] = value


def _in_block(dataset: Json, tag: str, creator: str) -> str:
    """A private attribute's tag: where the document leaves its block open (gggg00ee), that of its creator, which is reserved."""
    if len(tag) != 8 or tag[4:6] != "00":
        return tag
    group = tag[:4]
    for block in range(0x10, 0x100):
        name = f"{group}00{block:02X}"
        owner = dataset.get(name)
        if owner is None:
            dataset[name] = {"vr": "LO", "Value": [creator]}
        if owner is None or owner.get("Value") == [creator]:
            return f"{group}{block:02X}{tag[6:]}"
    raise Malformed("there are more private creators than blocks", tag)
