"""PDUs off a byte stream into one reused buffer.

This is the hot loop of the archive. P-DATA-TF is never assembled: whatever part of its fragments has arrived is handed on as
memoryviews of the buffer, valid until the next `read()`. A PDV cut by the edge of the buffer looks like two smaller fragments,
which is the same message (PS3.8 Annex E lets a sender cut anywhere), so a PDU of any size costs one buffer and no copy.
"""

import struct
import time
from collections.abc import Callable

from isocenter.dimse.upper_layer.items import AbortReason, InvalidPDU
from isocenter.dimse.upper_layer.pdu import LAST, PDU, PDU_HEADER_SIZE, PDV_HEADER_SIZE, PDUType, decode
from isocenter.dimse.upper_layer.transport import TimedOut, TransportClosed

# Stays within a core's second-level cache, so that hashing and writing find what recv just wrote there. Allocated
# with calloc: an association that only ever says C-ECHO touches one page of it.
BUFFER_SIZE = 256 * 1024

# 128 presentation contexts with fourteen transfer syntaxes of 64 characters each fit; what real senders propose is below 32 KiB.
MAX_ASSOCIATE_LENGTH = 128 * 1024

# A sender that ignores our maximum length is tolerated, since fragments are streamed and a large PDU costs no memory. Above
# this it is not a large PDU but a stream out of step, and refusing it early beats waiting for bytes that never come.
MAX_P_DATA_LENGTH = 64 * 1024 * 1024

# A-ASSOCIATE-RJ, A-RELEASE-* and A-ABORT have four bytes (PS3.8 9.3.4, 9.3.6 to 9.3.8).
MAX_FIXED_LENGTH = 4

# Slower than this is no network but a sender that holds a thread on purpose (or has died half way).
MIN_BYTES_PER_SECOND = 1024

_HEADER = struct.Struct(">BxI")
_PDV_HEADER = struct.Struct(">IBB")
_LIMITS = {
    PDUType.A_ASSOCIATE_RQ: MAX_ASSOCIATE_LENGTH,
    PDUType.A_ASSOCIATE_AC: MAX_ASSOCIATE_LENGTH,
    PDUType.P_DATA_TF: MAX_P_DATA_LENGTH,
}

Fragment = tuple[int, int, memoryview]  # presentation context ID, message control header, bytes


class Reader:
    """Reads PDUs with `recv_into`, which returns the number of bytes, 0 at the end, or raises TimedOut/TransportClosed.

    pdu_timeout: seconds a PDU that has begun may take, on top of its length at MIN_BYTES_PER_SECOND.
    """

    def __init__(self, recv_into: Callable[[memoryview], int], *, pdu_timeout: float = 60.0) -> None:
        self._recv_into = recv_into
        self._pdu_timeout = pdu_timeout
        self._view = memoryview(bytearray(BUFFER_SIZE))
        self._start = self._end = 0  # unread bytes in the buffer
        self._pdu_left = 0  # bytes of the P-DATA-TF under way still to come, after what has been handed on
        self._pdv_left = 0  # bytes of the PDV under way still to come
        self._context_id = self._control = 0  # of the PDV under way
        self._deadline: float | None = None  # when the PDU under way must be whole

    @property
    def has_unread(self) -> bool:
        """Whether bytes have been received that `read` has not handed on."""
        return self._start < self._end

    def read(self) -> PDU | list[Fragment]:
        """The next PDU, or the fragments of P-DATA-TF that have arrived (at least one).

        Raises InvalidPDU, TransportClosed, TimedOut.
        """
        while True:
            if fragments := self._fragments():
                return fragments
            if not self._pdu_left and (whole := self._whole_pdu()) is not None:
                self._deadline = None
                return decode(whole)
            self._fill()

    def _fragments(self) -> list[Fragment]:
        view, start, end = self._view, self._start, self._end
        pdu_left, pdv_left = self._pdu_left, self._pdv_left
        fragments: list[Fragment] = []
        # Up to the end of a command or data set: behind a request a C-CANCEL may come, for whoever performs it to receive.
        while start < end and not (fragments and fragments[-1][1] & LAST):
            if pdv_left:
                taken = min(pdv_left, end - start)
                pdv_left -= taken
                pdu_left -= taken
                control = self._control if not pdv_left else self._control & ~LAST
                fragments.append((self._context_id, control, view[start : start + taken]))
                start += taken
            elif pdu_left:
                if end - start < PDV_HEADER_SIZE:
                    if pdu_left < PDV_HEADER_SIZE:
                        raise InvalidPDU("P-DATA-TF: stray bytes where a PDV should begin")
                    break
                length, self._context_id, self._control = _PDV_HEADER.unpack_from(view, start)
                if length < 2 or length + 4 > pdu_left:
                    raise InvalidPDU(f"P-DATA-TF: PDV length {length}, {pdu_left} bytes of the PDU are left")
                start += PDV_HEADER_SIZE
                pdu_left -= PDV_HEADER_SIZE
                pdv_left = length - 2
                if not pdv_left:  # an empty fragment may still be the last one
                    fragments.append((self._context_id, self._control, view[start:start]))
            else:
                if end - start < PDU_HEADER_SIZE or view[start] != PDUType.P_DATA_TF:
                    break
                pdu_left = self._check_header(start)
                start += PDU_HEADER_SIZE
                if pdu_left > end - start:
                    self._deadline = time.monotonic() + self._pdu_timeout + pdu_left / MIN_BYTES_PER_SECOND
        self._start, self._pdu_left, self._pdv_left = start, pdu_left, pdv_left
        if not pdu_left and start == end:
            self._deadline = None
        return fragments

    def _whole_pdu(self) -> memoryview | None:
        start, end = self._start, self._end
        if end - start < PDU_HEADER_SIZE:
            return None
        length = PDU_HEADER_SIZE + self._check_header(start)
        if end - start < length:
            return None
        self._start = start + length
        return self._view[start : start + length]

    def _check_header(self, start: int) -> int:
        """The length in the PDU header at `start`, within the limit of its type."""
        pdu_type, length = _HEADER.unpack_from(self._view, start)
        if not 1 <= pdu_type <= 7:
            raise InvalidPDU(f"PDU type {pdu_type:02X}H", AbortReason.UNRECOGNIZED_PDU)
        limit = _LIMITS.get(pdu_type, MAX_FIXED_LENGTH)
        if not 4 <= length <= limit:
            raise InvalidPDU(f"PDU type {pdu_type:02X}H with length {length}; the limit is {limit}")
        return int(length)

    def _fill(self) -> None:
        start, end = self._start, self._end
        if start == end:
            start = end = 0
        elif start:  # a few bytes of a header, or the beginning of an A-ASSOCIATE: to the front
            self._view[: end - start] = self._view[start:end]
            start, end = 0, end - start
        self._start, self._end = start, end
        if end or self._pdu_left:
            now = time.monotonic()
            if self._deadline is None:
                self._deadline = now + self._pdu_timeout
            elif now > self._deadline:
                raise TimedOut("a PDU that had begun did not arrive whole in time")
        received = self._recv_into(self._view[end:])
        if not received:
            raise TransportClosed("in the middle of a PDU" if end or self._pdu_left else "between PDUs")
        self._end = end + received
