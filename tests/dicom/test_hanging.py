"""The Hanging Protocol IOD: what the standard has words for survives without our private block; no bytes break the reader."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from isocenter.dicom import hanging, syntaxes
from isocenter.dicom.datasets import InvalidDataSet, decode, encode
from isocenter.domain.hanging import InvalidProtocol, checked

LITTLE = syntaxes.EXPLICIT_VR_LITTLE_ENDIAN
words = st.text("ABCäé \"'", min_size=1, max_size=12).map(str.strip).filter(bool)
rules = st.builds(
    lambda fact, values: {"fact": fact, "is": "any", "values": values, "weight": 3, "required": True},
    st.sampled_from(["modality", "bodyPart", "laterality", "view", "type"]),
    st.lists(st.sampled_from(["CT", "R", "PA", "HEAD"]), min_size=1, max_size=3, unique=True),
)
planes = st.sampled_from(["AXIAL", "CORONAL", "SAGITTAL"]).map(
    lambda plane: {"fact": "orientation", "is": "any", "values": [plane], "weight": 3, "required": True}
)
sets = st.builds(
    lambda label, prior, selected, plane: {"label": label, "prior": prior, "shared": True, "rules": [*selected, *plane]},
    words, st.sampled_from([0, 1, 2, -1]), st.lists(rules, min_size=1, max_size=3), st.lists(planes, max_size=1),
)  # fmt: skip
cells = st.fixed_dictionaries(
    {
        "window": st.sampled_from(["", "Lung", "Soft tissue", "CT angiography"]),
        "justify": st.sampled_from(["", "left", "right"]), "orientation": st.sampled_from([[], ["L", "F"], ["X", "F"]]),
    }
)  # fmt: skip


@st.composite
def protocols(draw: st.DrawFn) -> dict[str, Any]:
    found = draw(st.lists(sets, min_size=1, max_size=4))
    stages = []
    for _ in range(draw(st.integers(1, 3))):
        screens = []
        count, most = draw(st.sampled_from([(1, 5), (1, 4), (2, 3), (6, 1)]))
        for _ in range(count):
            rows, columns = draw(st.integers(1, most)), draw(st.integers(1, most + 1 if count == 6 else most))
            shown = [{**draw(cells), "set": draw(st.integers(0, len(found) - 1))} for _ in range(rows * columns)]
            screens.append({"layout": f"{rows}x{columns}", "cells": shown})
        stages.append({"name": draw(words), **screens[0], "screens": screens[1:]})
    return checked({"name": draw(words), "sets": found, "stages": stages})


def written(protocol: dict[str, Any]) -> Dataset:
    made = hanging.to_dataset(protocol, "1.2.3", "Doe", True, datetime(2026, 11, 22, tzinfo=UTC))
    return decode(encode(made, LITTLE), LITTLE)


@settings(max_examples=40, deadline=None)
@given(protocols())
def test_another_program_that_knows_no_private_block_reads_the_same(protocol: dict[str, Any]) -> None:
    found = written(protocol)
    assert hanging.from_dataset(found) == protocol
    for tag in [tag for tag in found if tag.tag.is_private]:
        del found[tag.tag]
    read = checked(hanging.from_dataset(found))
    for before, after in zip(protocol["stages"], read["stages"], strict=True):
        assert after["name"] == before["name"]
        for was, screen in zip((before, *before["screens"]), (after, *after["screens"]), strict=True):
            assert screen["layout"] == was["layout"]
            for old, new in zip(was["cells"], screen["cells"], strict=True):
                assert {**new, "set": 0} == {**old, "set": 0}
                assert read["sets"][new["set"]] == protocol["sets"][old["set"]]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_objects_are_refused_or_read_and_nothing_else(drawn: st.DataObject) -> None:
    content = bytearray(DAMAGED)
    for _ in range(drawn.draw(st.integers(1, 12))):
        content[drawn.draw(st.integers(0, len(content) - 1))] = drawn.draw(st.integers(0, 255))
    with contextlib.suppress(InvalidDataSet, hanging.NoProtocol, InvalidProtocol):
        checked(hanging.from_dataset(decode(bytes(content), LITTLE)))


def _real() -> bytes:
    whole = (Path(__file__).parents[2].parent / "shared/data/hanging-protocol/NeurosurgeryPlan.dcm").read_bytes()
    return whole[whole.index(b"\x08\x00\x16\x00UI") :]


DAMAGED = _real()
