"""DICOM JSON objects (PS3.18 Annex F) as Native DICOM Model documents (PS3.19 Annex A.1); the other way is `xml_reading`."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from .attributes import keyword_of

NAMESPACE = "http://dicom.nema.org/PS3.19/models/NativeDICOM"
_HEAD = f'<?xml version="1.0" encoding="UTF-8"?>\n<NativeDicomModel xmlns="{NAMESPACE}" xml:space="preserve">\n'
_TAIL = "</NativeDicomModel>\n"
_COMPONENTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")  # PS3.5 6.2.1.1
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_NO_CHARACTERS = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


def native_model(dataset: Mapping[str, Any]) -> bytes:
    """The document of one data set: tag -> {"vr", and "Value", "InlineBinary" or "BulkDataURI"}."""
    return (_HEAD + "".join(_attributes(dataset)) + _TAIL).encode()


def _attributes(dataset: Mapping[str, Any]) -> Iterator[str]:
    for tag, element in dataset.items():
        vr = str(element.get("vr", "UN"))
        known = keyword_of(int(tag, 16))
        keyword = f' keyword="{known}"' if known else ""
        creator = _creator(dataset, tag)
        yield f'<DicomAttribute tag="{tag}" vr="{vr}"{keyword}{creator}>'
        if "BulkDataURI" in element:
            yield f"<BulkData uri={_quoted(element['BulkDataURI'])}/>"
        elif "InlineBinary" in element:
            yield f"<InlineBinary>{element['InlineBinary']}</InlineBinary>"
        else:
            yield from _values(vr, element.get("Value", ()))
        yield "</DicomAttribute>\n"


def _creator(dataset: Mapping[str, Any], tag: str) -> str:
    """The Private Creator of a private attribute's block (PS3.5 7.8.1)."""
    if int(tag[3], 16) % 2 == 0 or tag[4:6] == "00":
        return ""
    values = dataset.get(f"{tag[:4]}00{tag[4:6]}", {}).get("Value") or [None]
    return f" privateCreator={_quoted(values[0])}" if isinstance(values[0], str) else ""


def _values(vr: str, values: Any) -> Iterator[str]:
    for number, value in enumerate(values, 1):
        if vr == "SQ":
            yield f'<Item number="{number}">\n'
            yield from _attributes(value)
            yield "</Item>\n"
        elif value is None:  # a number that is left out is an empty value; the last one says how many there are
            if number == len(values):
                yield f'<{"PersonName" if vr == "PN" else "Value"} number="{number}"/>'
        elif vr == "PN" and isinstance(value, Mapping):
            yield f'<PersonName number="{number}">{"".join(_name(value))}</PersonName>'
        else:
            yield f'<Value number="{number}">{_text(value)}</Value>'


def _name(groups: Mapping[str, str]) -> Iterator[str]:
    for group in _GROUPS:
        if group in groups:
            parts = zip(_COMPONENTS, groups[group].split("^", len(_COMPONENTS) - 1), strict=False)
            yield f"<{group}>{''.join(f'<{part}>{_text(text)}</{part}>' for part, text in parts if text)}</{group}>"


def _text(value: Any) -> str:
    """Text without the characters that XML cannot hold."""
    # XML reads a carriage return that is not written as a reference as a line feed (XML 1.0 2.11).
    return escape(_NO_CHARACTERS.sub("", str(value)), {"\r": "&#13;"})


def _quoted(value: str) -> str:
    return quoteattr(_NO_CHARACTERS.sub("", value))
