"""HL7 messages as information systems send them, and a sender."""

import socket
from datetime import datetime

from isocenter.hl7.mllp import Reader, framed


def message(kind: str, *segments: str, control: str = "1", version: str = "2.5.1", charset: str = "UNICODE UTF-8",
            sender: str = "RIS|HOSPITAL") -> bytes:
    """A message with its MSH; segments as written."""
    codec = {"8859/1": "latin-1", "": "cp1252"}.get(charset, "utf-8")
    head = f"MSH|^~\\&|{sender}|ISOCENTER|HERE|{datetime.now():%Y%m%d%H%M%S}||{kind}|{control}|P|{version}||||||{charset}"
    return "\r".join([head, *segments, ""]).encode(codec)


PID = "PID|1||P1^^^HOSP^MR~99^^^CITY^SS||Müller^Jürgen^Maria^Jr^Dr~山田^太郎^^^^^^I||19700131|M"


def orm(control_code: str = "NW", *, placer: str = "PL1", control: str = "1", start: str = "20261123093000", modality: str = "CT",
        status: str = "", uid: str = "1.2.826.1", pid: str = PID, accession: str = "A1", kind: str = "ORM^O01") -> bytes:
    """IHE RAD-4 in HL7 2.3.1: procedure scheduled."""
    fields = [""] * 45
    fields[:5] = ["OBR", "1", placer, "FI1", "CTABD^CT abdomen^L^CTP^CT abdomen protocol^L"]
    fields[13], fields[16] = "Latex", "77^House^Gregory"
    fields[18], fields[19], fields[20], fields[21], fields[24] = accession, "RP1", "SPS1", "CT1", modality
    fields[27], fields[31] = f"1^once^^{start}^^S", "pain"
    return message(kind, pid, "PV1|1|I|WARD 3|||||5^Referrer^Rita", f"ORC|{control_code}|{placer}|FI1||{status}",
                   "|".join(fields), f"ZDS|{uid}^100^Application^DICOM", control=control, version="2.3.1")


class Sender:
    """A connection that sends messages and waits for each answer."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(120)
        self._connection, self._reader = connection, Reader()

    @classmethod
    def to(cls, port: int) -> "Sender":
        return cls(socket.create_connection(("127.0.0.1", port), timeout=60))

    def send(self, content: bytes) -> list[list[str]]:
        """The answer: its segments, each a list of fields."""
        self._connection.sendall(framed(content))
        while True:
            data = self._connection.recv(65536)
            assert data, "the connection was closed without an answer"
            if found := self._reader.feed(data):
                return [line.split("|") for line in found[0].decode().split("\r") if line]

    def code(self, content: bytes) -> str:
        """MSA-1 of the answer."""
        return self.send(content)[1][1]

    def close(self) -> None:
        self._connection.close()
