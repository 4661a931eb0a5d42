"""Corrections of whose a study is: what the index says after any of them, and that undoing restores it exactly."""

from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from api_harness import Api
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Conflict, Invalid, Missing
from isocenter.service import corrections, exceptions, ingest, integrity, rejections
from isocenter.service.context import Context
from isocenter.store.schema import patient, series, study, study_modality
from objects import part10, uid

_IDS = {"id", "patient_fk", "study_fk", "received_at", "updated_at", "version"}


def archived(context: Context, *who: tuple[str, str]) -> list[str]:
    """Studies of patients (ID, name), one instance each."""
    api, uids = Api(context), []
    for number, (patient_id, name) in enumerate(who):
        uids.append(uid())
        api.store(part10(PatientID=patient_id, PatientName=name, IssuerOfPatientID="H" if number % 2 else "",
                         StudyInstanceUID=uids[-1], SeriesInstanceUID=uid()))
    return uids


def state(context: Context) -> dict[str, Any]:
    """Everything that the index says of patients and studies, but for ids and times."""

    def read(connection: Any) -> dict[str, Any]:
        owners = {row.id: row.identity for row in connection.execute(select(patient))}
        patients = connection.execute(select(patient)).mappings()
        studies = connection.execute(select(study)).mappings().all()
        kinds = connection.execute(select(study_modality.c.modality, study_modality.c.patient_name_key))
        return {
            "patients": {row["identity"]: {k: v for k, v in row.items() if k not in _IDS} for row in patients},
            "studies": {row["study_instance_uid"]: {k: v for k, v in row.items() if k not in _IDS} for row in studies},
            "owners": {row["study_instance_uid"]: owners[row["patient_fk"]] for row in studies},
            "kinds": sorted(tuple(row) for row in kinds),
        }

    return context.database.read(read)


PEOPLE = st.builds(
    lambda number, name, sex: {"PatientID": number, "IssuerOfPatientID": "H" if sex == "F" else "", "PatientName": name,
                               "PatientBirthDate": "", "PatientSex": sex},
    st.sampled_from(["A", "B", "C"]), st.sampled_from(["Doe^Jane", "Roe^Richard", "Müller^Ü", ""]), st.sampled_from(["F", "M"]),
)  # fmt: skip
STEPS = st.lists(st.one_of(
    st.tuples(st.just("correct"), st.sets(st.integers(0, 3), min_size=1), PEOPLE),
    st.tuples(st.just("merge"), st.sampled_from([("A", ""), ("B", "H"), ("C", "")]), PEOPLE),
    st.tuples(st.just("undo"), st.integers(0, 9), st.none()),
), max_size=7)  # fmt: skip


@given(steps=STEPS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_undoing_all_restores_exactly_in_any_order(shared_context: Context, steps: list[Any]) -> None:
    context = shared_context
    uids = archived(context, ("A", "Doe^Jane"), ("B", "Roe^Richard"), ("A", "Doe^Jane"), ("C", "Zoe^Z"))
    before, made = state(context), list[int]()
    for kind, what, person in steps:
        if kind == "correct":
            made.append(corrections.correct(context, SYSTEM, [uids[n] for n in what], person, "test").id)
        elif kind == "merge":
            try:
                made.append(corrections.merge(context, SYSTEM, *what, person, "test").id)
            except Missing:
                continue
        elif made:
            corrections.undo(context, SYSTEM, made.pop(what % len(made)))
        now = state(context)
        for found, row in now["patients"].items():
            assert row["number_of_patient_related_studies"] == list(now["owners"].values()).count(found)
        if kind == "correct":
            assert {now["studies"][uids[n]]["patient_name"] for n in what} == {person["PatientName"]}
    while made:
        corrections.undo(context, SYSTEM, made.pop(len(made) // 2))
    assert state(context) == before


def test_a_late_image_joins_the_study_where_it_was_moved(context: Context) -> None:
    (held,) = archived(context, ("WRONG", "Wrong^Willy"))
    made = corrections.correct(context, SYSTEM, [held], {"PatientID": "RIGHT", "PatientName": "Right^Rita"}, "wrong choice")
    Api(context).store(part10(PatientID="WRONG", PatientName="Wrong^Willy", StudyInstanceUID=held, SeriesInstanceUID=uid()))
    now = state(context)
    assert list(now["owners"].values()) == ["id:0::RIGHT"] and len(now["patients"]) == 1
    assert now["studies"][held]["number_of_study_related_instances"] == 2
    assert now["patients"]["id:0::RIGHT"]["number_of_patient_related_instances"] == 2
    corrections.undo(context, SYSTEM, made.id)
    now = state(context)
    assert list(now["patients"]) == ["id:0::WRONG"] and now["studies"][held]["patient_name"] == "Wrong^Willy"
    with pytest.raises(Conflict):
        corrections.undo(context, SYSTEM, made.id)


def test_a_merge_stands_for_what_comes_later_until_it_is_undone(context: Context) -> None:
    archived(context, ("OLD", "Doe^Jane"))
    made = corrections.merge(context, SYSTEM, "OLD", "", {"PatientID": "NEW", "PatientName": "Doe^Jane"}, "registered twice")
    while exceptions.follow(context, partial(corrections.link, context)):
        pass
    (late,) = archived(context, ("OLD", "Doe^Jane"))
    while exceptions.follow(context, partial(corrections.link, context)):
        pass
    assert list(state(context)["patients"]) == ["id:0::NEW"] and state(context)["owners"][late] == "id:0::NEW"
    corrections.undo(context, SYSTEM, made.id)
    assert list(state(context)["patients"]) == ["id:0::OLD"]
    corrections.merge(context, SYSTEM, "OLD", "", {"PatientID": "NEW", "PatientName": "Doe^Jane"}, "so it is")
    corrections.merge(context, SYSTEM, "NEW", "", {"PatientID": "OLD", "PatientName": "Doe^Jane"}, "no, the other way round")
    (last,) = archived(context, ("OLD", "Doe^Jane"))
    exceptions.follow(context, partial(corrections.link, context))
    assert state(context)["owners"][last] == "id:0::OLD"


def test_an_index_made_anew_says_what_was_corrected(context: Context) -> None:
    uids = archived(context, ("A", "Doe^Jane"), ("B", "Roe^Richard"))
    corrections.correct(context, SYSTEM, uids[:1], {"PatientID": "B", "IssuerOfPatientID": "H", "PatientName": "Roe^R"}, "same")
    before = state(context)
    assert all(result.status == "stored" for result in integrity.reindex(context, lambda number: None))
    assert corrections.replay(context) == 1
    assert state(context) == before
    versions = context.database.read(lambda connection: connection.execute(select(series.c.version)).scalars().all())
    assert max(versions) > 1  # so that its metadata is made anew


@pytest.mark.parametrize("said", [{"PatientID": ""}, {"PatientID": "1", "PatientSex": "X"}, {"PatientID": "a\\b"},
                                  {"PatientID": "1", "PatientBirthDate": "1.2.1970"}, {"PatientID": "x" * 65}])  # fmt: skip
def test_what_no_patient_can_be_is_refused(sqlite_context: Context, said: dict[str, str]) -> None:
    uids = archived(sqlite_context, ("A", "Doe^Jane"))
    before = state(sqlite_context)
    with pytest.raises(Invalid):
        corrections.correct(sqlite_context, SYSTEM, uids, said, "test")
    with pytest.raises(Invalid):
        corrections.correct(sqlite_context, SYSTEM, uids, {"PatientID": "1"}, " ")
    with pytest.raises(Missing):
        corrections.correct(sqlite_context, SYSTEM, ["1.2.3.4.5.6"], {"PatientID": "1"}, "test")
    assert state(sqlite_context) == before


def test_a_corrected_study_is_rejected_as_any_other(context: Context) -> None:
    """What was remembered of the study when it came is not what a note of its patient of now is judged by."""
    (held,) = archived(context, ("P1", "Doe^Jane"))
    corrections.correct(context, SYSTEM, [held], {"PatientID": "P2", "PatientName": "Roe^Richard"}, "another patient")
    door = partial(ingest.begin, context, SYSTEM, source="upload")
    made = rejections.reject(context, SYSTEM, held, door, kind="quality", reason="blurred")
    assert made.hidden == 1
