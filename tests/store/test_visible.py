"""One rule, two readings: what a scope permits of a study in memory is what the database finds for it, with every plan."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.dicom.attributes import Level
from isocenter.dicom.query import Query
from isocenter.domain.access import (
    LISTS,
    SYSTEM,
    Department,
    Everything,
    Institution,
    Listed,
    Nothing,
    OfPatient,
    Only,
    ReferredBy,
    Scope,
    all_of,
    any_of,
)
from isocenter.service import ingest, patient_lists
from isocenter.service.context import Context
from isocenter.store import finding, imaging, visible, worklist
from objects import part10

REFERRERS = ["", "House^Gregory", "HOUSE^GREGORY^^^", "house^gregory=山田^太郎", "House", "Hou?e^Gregory", "*", "%", "a=b"]
INSTITUTIONS = ["", "North", "north", "North Wing", "N*", "No_th", "Süd\u00a0"]
DEPARTMENTS = ["", "Cardiology", "Radiology", "%"]
ISSUERS = ["", "NORTH"]
ON_LISTS = {"trial": [("P1", ""), ("P1", "NORTH"), ("P5", "NORTH"), ("P8", "SOUTH")], "board": [("P5", ""), ("elsewhere", "")]}
STUDIES = [
    {
        "StudyInstanceUID": f"1.{number}", "ReferringPhysicianName": REFERRERS[number % len(REFERRERS)],
        "InstitutionName": INSTITUTIONS[number % len(INSTITUTIONS)],
        "InstitutionalDepartmentName": "\\".join({DEPARTMENTS[number % 4], DEPARTMENTS[number // 3 % 4]}),
        "PatientID": f"P{number % 9}", "IssuerOfPatientID": ISSUERS[number % 2],
        LISTS: "\\".join(name for name, patients in ON_LISTS.items() if (f"P{number % 9}", ISSUERS[number % 2]) in patients),
    }
    for number in range(40)
]  # fmt: skip


@pytest.fixture(scope="module")
def filled(shared_context: Context) -> Context:
    for study in STUDIES:
        uid = study["StudyInstanceUID"]
        for number, department in enumerate(study["InstitutionalDepartmentName"].split("\\")):
            values = {**study, "InstitutionalDepartmentName": department, "SeriesInstanceUID": f"{uid}.{number}"}
            del values[LISTS]
            data = part10(**values, SOPInstanceUID=f"{uid}.{number}.1")
            with ingest.begin(shared_context, SYSTEM, source="import") as reception:
                reception.write(data)
                reception.finish()
    for name, patients in ON_LISTS.items():
        patient_lists.put(shared_context, SYSTEM, name, patients)
    return shared_context


one = st.one_of(
    st.just(Everything()), st.just(Nothing()),
    st.lists(st.sampled_from(["1.0", "1.7", "1.8", "9"]), max_size=3).map(lambda uids: Only(tuple(uids))),
    st.sampled_from([*REFERRERS[1:], "山田^太郎", "b"]).map(ReferredBy),
    st.sampled_from([*INSTITUTIONS[1:], "_"]).map(Institution), st.sampled_from([*DEPARTMENTS[1:], "C*"]).map(Department),
    st.sampled_from([*ON_LISTS, "another"]).map(Listed), st.sampled_from([OfPatient("P1", ""), OfPatient("P5", "NORTH")]),
)  # fmt: skip
scopes = st.recursive(one, lambda some: st.tuples(st.sampled_from([any_of, all_of]), st.lists(some, max_size=3)).map(
    lambda each: each[0](each[1])), max_leaves=5)  # fmt: skip


@given(scope=scopes, few=st.sampled_from([1, 5, 2000]))
def test_what_is_permitted_is_what_is_found(filled: Context, monkeypatch: pytest.MonkeyPatch, scope: Scope, few: int) -> None:
    monkeypatch.setattr(finding, "_FEW", few)
    uids = {study["StudyInstanceUID"] for study in STUDIES if scope.permits(study)}
    patients = {f"P{int(uid[2:]) % 9}" for uid in uids}
    order = worklist.Order("StudyDate", True)

    def ask(connection: finding.Connection) -> None:
        assert visible.permitted(connection, scope, [study["StudyInstanceUID"] for study in STUDIES]) == uids
        assert {uid["StudyInstanceUID"] for uid in finding.find(connection, Query(Level.STUDY), scope)} == uids
        assert {row["StudyInstanceUID"] for row in finding.find(connection, Query(Level.INSTANCE), scope)} == uids
        assert {row["PatientID"] for row in finding.find(connection, Query(Level.PATIENT), scope)} == patients
        assert finding.estimate(connection, Query(Level.STUDY), scope) == (len(uids), False)
        page = worklist.page(connection, [], scope, order, limit=100, offset=0, after=None)
        assert {row["StudyInstanceUID"] for row in page.rows} == uids and page.total == len(uids)
        for study in STUDIES[:3]:
            uid = study["StudyInstanceUID"]
            assert (imaging.study_values(connection, uid, scope) is not None) is (uid in uids)
            detail = worklist.detail(connection, scope, uid)
            assert (detail is not None) is (uid in uids)
            assert detail is None or {prior["StudyInstanceUID"] for prior in detail.priors} <= uids

    filled.database.read(ask)
