"""MLLP (HL7 v2 Transport Specification, MLLP Release 1): a message between <VT> and <FS><CR> on a stream of bytes. No I/O.

Tolerant: whatever stands between two messages is skipped, and the <CR> may be missing.
"""

from isocenter.domain.hl7.message import LONGEST

START, END, RETURN = b"\x0b", b"\x1c", b"\r"


class TooLong(Exception):
    """A message does not end; the connection cannot be used any more."""


class Reader:
    """Takes bytes as they come and gives whole messages. longest: bytes of one."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._buffer = bytearray()
        self._longest = longest
        self._looked = 0  # of the buffer: no end before this

    @property
    def is_within(self) -> bool:
        """Whether a message has begun."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are whole now. Raises TooLong."""
        self._buffer += data
        found: list[bytes] = []
        while True:
            if not self._buffer.startswith(START):
                start = self._buffer.find(START)
                del self._buffer[: start if start >= 0 else len(self._buffer)]
                self._looked = 0
                if start < 0:
                    return found
            end = self._buffer.find(END, self._looked)
            if end < 0:
                self._looked = len(self._buffer)
                if len(self._buffer) > self._longest:
                    raise TooLong
                return found
            found.append(bytes(self._buffer[1:end]))
            del self._buffer[: end + 1]
            self._looked = 0


def framed(message: bytes) -> bytes:
    """A message as it is sent."""
    return START + message + END + RETURN
