"""Which frames of a series somebody has seen: a bit each, in the order in which instances arrived, which only grows."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, insert, select

from isocenter.store.imaging import number
from isocenter.store.schema import instance, series, study
from isocenter.store.schema_seen import seen_series as table

MOST_FRAMES = 100_000  # of one series: 12 KB of bits; what claims more is not counted
# What is not looked at image by image: segmentations and whole slides.
_NOT_COUNTED = ("1.2.840.10008.5.1.4.1.1.66.", "1.2.840.10008.5.1.4.1.1.77.1.6", "1.2.840.10008.5.1.4.1.1.77.1.8")


@dataclass(frozen=True, slots=True)
class Images:
    """The images of a series in the order of their arrival, also those that a rejection hides: their bits keep their places."""

    series_uid: str
    number: str
    frames: dict[str, int]  # SOP Instance UID -> how many
    served: set[str]  # of these, what is shown

    @property
    def total(self) -> int:
        """Frames of all."""
        return sum(self.frames.values())

    @property
    def shown(self) -> int:
        """A bit for each frame that can be looked at."""
        bits = at = 0
        for uid, count in self.frames.items():
            if uid in self.served:
                bits |= ((1 << count) - 1) << at
            at += count
        return bits

    def fingerprint(self, count: int) -> str:
        """Of the first `count` instances."""
        told = "\n".join(f"{uid} {frames}" for uid, frames in list(self.frames.items())[:count])
        return hashlib.sha256(told.encode()).hexdigest()[:32]


def images(connection: Connection, study_uid: str) -> list[Images]:
    """The series of a study that hold pictures, by their numbers."""
    c = instance.c
    own = series.c
    told = (own.series_instance_uid, own.series_number, c.sop_instance_uid, c.sop_class_uid, c.number_of_frames, c.rows,
            c.current)  # fmt: skip
    query = select(*told).join_from(instance, series).join(study).where(study.c.study_instance_uid == study_uid).order_by(c.id)
    found: dict[str, Images] = {}
    for row in connection.execute(query):
        if number(row.rows)[1] <= 0 or row.sop_class_uid.startswith(_NOT_COUNTED):
            continue
        held = found.setdefault(row.series_instance_uid, Images(row.series_instance_uid, row.series_number, {}, set()))
        held.frames.setdefault(row.sop_instance_uid, max(1, number(row.number_of_frames)[1]))
        if row.current:
            held.served.add(row.sop_instance_uid)
    counted = (each for each in found.values() if each.served and each.total <= MOST_FRAMES)
    return sorted(counted, key=lambda each: (number(each.number), each.series_uid))


def kept(connection: Connection, account_id: int, held: Sequence[Images], study_uid: str) -> dict[str, int]:
    """Series -> bits of what was seen; those of a series that is not what it was when they were set are gone."""
    query = select(table).where(table.c.account_id == account_id, table.c.study_uid == study_uid)
    rows: dict[str, RowMapping] = {row["series_uid"]: row for row in connection.execute(query).mappings()}
    found: dict[str, int] = {}
    for each in held:
        row = rows.get(each.series_uid)
        valid = row is not None and each.fingerprint(row["instances"]) == row["fingerprint"]
        found[each.series_uid] = int.from_bytes(row["bits"], "little") if row is not None and valid else 0
    return found


def put(connection: Connection, account_id: int, study_uid: str, each: Images, bits: int, at: datetime) -> None:
    """Replace what an account has seen of a series."""
    connection.execute(delete(table).where(table.c.account_id == account_id, table.c.series_uid == each.series_uid))
    connection.execute(insert(table).values(
        account_id=account_id, series_uid=each.series_uid, study_uid=study_uid, instances=len(each.frames),
        fingerprint=each.fingerprint(len(each.frames)), bits=bits.to_bytes((each.total + 7) // 8, "little"), at=at,
    ))  # fmt: skip
