"""Small data sets as `pydicom.Dataset`: what services outside the hot path read and write.

Everything is converted while it is decoded, so that a value that is none is found here and not where it is used first. pydicom
says in warnings what it makes of odd values; they may quote patient data and are dropped.
"""

import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from pydicom import config
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

from . import syntaxes
from .elements import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, UNDEFINED, Encoding, Malformed, Window, elements, items
from .source import BytesSource

MAX_DATA_SET = 16 << 20  # bytes; what is longer is an object, and objects are not read whole
_CHARACTER_SET = 0x00080005
MAX_DEPTH = 32  # of sequences: pydicom recurses

_ENCODINGS = {
    syntaxes.IMPLICIT_VR_LITTLE_ENDIAN: IMPLICIT_LITTLE,
    syntaxes.EXPLICIT_VR_LITTLE_ENDIAN: EXPLICIT_LITTLE,
    syntaxes.EXPLICIT_VR_BIG_ENDIAN: EXPLICIT_BIG,
}
# What pydicom raises when a value is none of its VR.
FAULTS = (ValueError, KeyError, TypeError, AttributeError, IndexError, EOFError, OSError, ArithmeticError, NotImplementedError,
           RecursionError, struct.error, BytesLengthException, InvalidDicomError, Malformed)

# The list of warning filters belongs to the whole process: one thread at a time may change it.
_quiet_lock = threading.Lock()


class InvalidDataSet(ValueError):
    """The bytes are no data set, or the data set cannot be written; the message holds no values."""


def decode(data: bytes, transfer_syntax: str, most: int = MAX_DATA_SET, *, assumed: str = "") -> Dataset:
    """The data set in `data`, whole and converted. transfer_syntax: UID of an uncompressed one. Raises InvalidDataSet.

    most: bytes that are read, for whom a data set with pixels is no object. assumed: the Specific Character Set in which its text
    is read when it names none; the data set names it then.
    """
    encoding = _ENCODINGS.get(transfer_syntax)
    if encoding is None:
        raise InvalidDataSet(f"data sets of transfer syntax {transfer_syntax[:64]} are not read here")
    if len(data) > most:
        raise InvalidDataSet(f"the data set has {len(data)} bytes, {most} at most are read")
    try:
        _check(data, transfer_syntax)
        if assumed:
            data = _named(data, encoding, assumed)
        with quiet():
            dataset = read_dataset(BytesIO(data), not encoding.explicit, encoding.little, bytelength=len(data))
            for _ in dataset.iterall():
                pass
    except FAULTS as error:
        raise InvalidDataSet(f"not a data set ({type(error).__name__})") from None
    return dataset


def encode(dataset: Dataset, transfer_syntax: str) -> bytes:
    """The bytes of a data set, text in its Specific Character Set. Raises InvalidDataSet when a value has no encoding."""
    encoding = _ENCODINGS.get(transfer_syntax)
    if encoding is None:
        raise InvalidDataSet(f"data sets of transfer syntax {transfer_syntax[:64]} are not written here")
    buffer = DicomBytesIO()
    buffer.is_implicit_VR = not encoding.explicit
    buffer.is_little_endian = encoding.little
    try:
        with quiet():
            write_dataset(buffer, dataset, dataset.get("SpecificCharacterSet", "ISO_IR 6") or "ISO_IR 6")
    except FAULTS as error:
        raise InvalidDataSet(f"the data set cannot be written ({type(error).__name__})") from None
    return buffer.getvalue()


def element(tag: int, vr: str, value: object) -> DataElement:
    """A data element with a value that is taken as it is: pydicom's doubts about it would be warnings, which quote it."""
    return DataElement(tag, vr, value, validation_mode=config.IGNORE)


def _named(data: bytes, encoding: Encoding, charsets: str) -> bytes:
    """The data set with a Specific Character Set in front, unless it has one already."""
    if any(tag == _CHARACTER_SET for tag, *_ in elements(Window(BytesSource(data)), 0, len(data), encoding)):
        return data
    named = Dataset()
    named.SpecificCharacterSet = charsets.split("\\")
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = not encoding.explicit, encoding.little
    write_dataset(buffer, named)
    return bytes(buffer.getvalue()) + data


def _check(data: bytes, transfer_syntax: str) -> None:
    """Walk over every header first: no length beyond the end, no nesting without end. Raises Malformed."""
    encoding = _ENCODINGS[transfer_syntax]
    window = Window(BytesSource(data))
    left = [(0, len(data), 0)]
    while left:
        start, end, depth = left.pop()
        if depth > MAX_DEPTH:
            raise Malformed("sequences are nested too deep")
        for _, vr, position, length in elements(window, start, end, encoding):
            if length != UNDEFINED and length > end - position:
                raise Malformed("an element claims more bytes than there are")
            if vr == b"SQ" or (not encoding.explicit and length == UNDEFINED):
                stop = end if length == UNDEFINED else position + length
                left += [(*item, depth + 1) for item in items(window, position, stop, encoding)]


@contextmanager
def quiet() -> Iterator[None]:
    """For a block that makes or copies values: what pydicom doubts of them is not told. Not to be nested."""
    with _quiet_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
