"""Searches over a small archive that came in by the door: what is found, and in which order, with every plan."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.dicom.attributes import BY_KEYWORD, Level
from isocenter.dicom.match import Empty, Match, Range, Single, UidList, Wildcard
from isocenter.dicom.query import Query, Sort, parse_match
from isocenter.domain.access import SYSTEM, Everything, Nothing, ReferredBy, Scope
from isocenter.service import ingest
from isocenter.service.context import Context
from isocenter.store import finding
from objects import part10

ALL = Everything()
STUDIES = [
    # uid, name, id, date, modalities, accession, referrer, description
    ("1.1", "Smith^John", "P1", "20260101", ("CT",), "A1", "House^Gregory", "Thorax"),
    ("1.2", "Smith^John", "P1", "20260301", ("MR", "SR"), "A2", "Wilson^James", "Brain 50%"),
    ("1.3", "Smithers^Waylon", "P2", "20260201", ("CT", "MR"), "A3", "House^Gregory", "Abdomen_1"),
    ("1.4", "Müller^Änne", "P3", "20250101", ("US",), "", "", ""),
    ("1.5", "Yamada^Tarou=山田^太郎=やまだ^たろう", "P_4", "20260101", ("CT",), "A5", "Suzuki=鈴木", "胸部"),
    ("1.6", "", "PX4", "", ("OT",), "A6", "house^gregory", "thorax"),
]


def fill(context: Context) -> None:
    for uid, name, patient_id, date, modalities, accession, referrer, description in STUDIES:
        for number, modality in enumerate(modalities, 1):
            for image in range(1, 4 if modality == "CT" else 2):
                store(context, part10(
                    StudyInstanceUID=uid, SeriesInstanceUID=f"{uid}.{number}", SOPInstanceUID=f"{uid}.{number}.{image}",
                    PatientName=name, PatientID=patient_id, StudyDate=date, Modality=modality, AccessionNumber=accession,
                    ReferringPhysicianName=referrer, StudyDescription=description, SeriesNumber=str(number),
                    InstanceNumber=str(image * 5), SOPClassUID="1.2.840.10008.5.1.4.1.1.2" if modality == "CT" else "1.2.3.4"))


def store(context: Context, data: bytes) -> ingest.Outcome:
    with ingest.begin(context, SYSTEM, source="import") as reception:
        reception.write(data)
        return reception.finish()


@pytest.fixture(scope="module")
def filled(shared_context: Context) -> Context:
    fill(shared_context)
    return shared_context


def asked(
    level: Level = Level.STUDY, *, limit: int | None = None, offset: int = 0, sort: tuple[Sort, ...] = (), **keys: str
) -> Query:
    matches = tuple((BY_KEYWORD[keyword], parse_match(BY_KEYWORD[keyword], text)) for keyword, text in keys.items())
    return Query(level, matches, limit=limit, offset=offset, sort=sort)


def uids(context: Context, query: Query, scope: Scope = ALL) -> list[str]:
    keyword = {Level.STUDY: "StudyInstanceUID", Level.SERIES: "SeriesInstanceUID", Level.INSTANCE: "SOPInstanceUID"}[query.level]
    found = context.database.read(lambda connection: finding.find(connection, query, scope))
    assert context.database.read(lambda connection: finding.estimate(connection, query, scope))[0] >= len(found)
    return [row[keyword] for row in found]


@pytest.fixture(params=[2000, 1], ids=["few studies by key", "in the order of dates"])
def plan(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a limit of one study no key is selective: the plans for large archives are run."""
    monkeypatch.setattr(finding, "_FEW", request.param)


@pytest.mark.parametrize(("keys", "expected"), [
    ({}, ["1.2", "1.3", "1.5", "1.1", "1.4", "1.6"]),
    ({"PatientName": "SMITH^john"}, ["1.2", "1.1"]),
    ({"PatientName": "smi*"}, ["1.2", "1.3", "1.1"]),
    ({"PatientName": "*th^J?hn"}, ["1.2", "1.1"]),
    ({"PatientName": "muller*"}, ["1.4"]),
    ({"PatientName": "Mueller*"}, ["1.4"]),
    ({"PatientName": "MÜLLER*"}, ["1.4"]),
    ({"PatientName": "山*"}, ["1.5"]),
    ({"PatientName": "山田^太郎"}, ["1.5"]),
    ({"PatientName": "やまだ*"}, ["1.5"]),
    ({"PatientName": "yamada*=山田*"}, ["1.5"]),
    ({"PatientName": '""'}, ["1.6"]),
    ({"PatientID": "P_4"}, ["1.5"]),
    ({"PatientID": "P_4*"}, ["1.5"]),
    ({"PatientID": "P?4"}, ["1.5", "1.6"]),
    ({"PatientID": "p1"}, []),
    ({"AccessionNumber": "A*", "StudyDate": "20260101-20260228"}, ["1.3", "1.5", "1.1"]),
    ({"StudyDate": "-20260101"}, ["1.5", "1.1", "1.4"]),
    ({"StudyDate": "20260101"}, ["1.5", "1.1"]),
    ({"ModalitiesInStudy": "CT"}, ["1.3", "1.5", "1.1"]),
    ({"ModalitiesInStudy": "CT", "StudyDate": "20260115-"}, ["1.3"]),
    ({"ModalitiesInStudy": "CT", "PatientName": "Smi*", "StudyDate": "20260101-20261231"}, ["1.3", "1.1"]),
    ({"ModalitiesInStudy": "CT", "PatientName": "山*"}, ["1.5"]),
    ({"ModalitiesInStudy": "MR\\US"}, ["1.2", "1.3", "1.4"]),
    ({"ModalitiesInStudy": "C?"}, ["1.3", "1.5", "1.1"]),
    ({"SOPClassesInStudy": "1.2.3.4"}, ["1.2", "1.3", "1.4", "1.6"]),
    ({"StudyDescription": "*50%*"}, ["1.2"]),
    ({"StudyDescription": "Abdomen?1"}, ["1.3"]),
    ({"StudyDescription": "thorax"}, ["1.6"]),
    ({"ReferringPhysicianName": "House^Gregory"}, ["1.3", "1.1", "1.6"]),
    ({"ReferringPhysicianName": "鈴木"}, ["1.5"]),
    ({"StudyInstanceUID": "1.1\\1.4\\9.9"}, ["1.1", "1.4"]),
    ({"SeriesInstanceUID": "1.2.2"}, ["1.2"]),
    ({"SOPInstanceUID": "1.3.2.1"}, ["1.3"]),
    ({"Modality": "MR"}, ["1.2", "1.3"]),
    ({"InstanceNumber": "015"}, ["1.3", "1.5", "1.1"]),
    ({"PatientName": "nobody*", "ModalitiesInStudy": "CT"}, []),
])
@pytest.mark.usefixtures("plan")
def test_studies_are_found(filled: Context, keys: dict[str, str], expected: list[str]) -> None:
    assert uids(filled, asked(**keys)) == expected


@pytest.mark.usefixtures("plan")
def test_pages_and_orders(filled: Context) -> None:
    whole = uids(filled, asked(ModalitiesInStudy="CT"))
    assert [uids(filled, asked(ModalitiesInStudy="CT", limit=1, offset=i)) for i in range(4)] == [[u] for u in whole] + [[]]
    by_name = (Sort(BY_KEYWORD["PatientName"]),)
    assert uids(filled, asked(sort=by_name)) == ["1.6", "1.4", "1.2", "1.1", "1.3", "1.5"]
    assert uids(filled, asked(sort=(Sort(BY_KEYWORD["StudyInstanceUID"], descending=True),), limit=2)) == ["1.6", "1.5"]


def test_rows_carry_the_levels_above_and_counts(filled: Context) -> None:
    wanted = (BY_KEYWORD["NumberOfPatientRelatedInstances"],)
    query = Query(Level.STUDY, ((BY_KEYWORD["StudyInstanceUID"], Single("1.3")),), wanted)
    (row,) = filled.database.read(lambda connection: finding.find(connection, query))
    expected = {
        "PatientName": "Smithers^Waylon", "PatientID": "P2", "ModalitiesInStudy": "CT\\MR", "NumberOfStudyRelatedSeries": "2",
        "NumberOfStudyRelatedInstances": "4", "NumberOfPatientRelatedInstances": "4",
        "SOPClassesInStudy": "1.2.3.4\\1.2.840.10008.5.1.4.1.1.2", "AccessionNumber": "A3", "StudyTime": "101500",
    }
    assert {keyword: row[keyword] for keyword in expected} == expected
    series = filled.database.read(lambda c: finding.find(c, asked(Level.SERIES, StudyInstanceUID="1.3")))
    assert [(r["SeriesInstanceUID"], r["Modality"], r["NumberOfSeriesRelatedInstances"], r["PatientID"]) for r in series] == [
        ("1.3.1", "CT", "3", "P2"), ("1.3.2", "MR", "1", "P2")]
    instances = filled.database.read(lambda c: finding.find(c, asked(Level.INSTANCE, SeriesInstanceUID="1.3.1")))
    assert [(r["SOPInstanceUID"], r["InstanceNumber"], r["Rows"], r["InstanceAvailability"], r["AvailableTransferSyntaxUID"])
            for r in instances] == [(f"1.3.1.{i}", str(i * 5), "16", "ONLINE", "1.2.840.10008.1.2.1") for i in (1, 2, 3)]


def test_patients(filled: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def patients(**keys: str) -> list[str]:
        query = asked(Level.PATIENT, **keys)
        return [row["PatientID"] for row in filled.database.read(lambda c: finding.find(c, query))]

    assert patients() == ["PX4", "P3", "P1", "P2", "P_4"]
    for few in (2000, 1):  # by their ids, and in the order of names
        monkeypatch.setattr(finding, "_FEW", few)
        assert patients(PatientName="smith*") == ["P1", "P2"]
        assert patients(PatientName="Smith^John") == ["P1"]
        assert patients(PatientName="Mueller*") == ["P3"]
        assert patients(PatientName="山*") == ["P_4"]
        assert patients(PatientName="*a*") == ["P3", "P2", "P_4"]
        assert patients(StudyInstanceUID="1.2\\1.4") == ["P3", "P1"]
    assert patients(ModalitiesInStudy="MR") == ["P1", "P2"]
    assert patients(StudyDate="20260301") == ["P1"]
    assert patients(Modality="SR") == ["P1"]
    assert patients(InstanceNumber="15") == ["P1", "P2", "P_4"]
    row = filled.database.read(lambda c: finding.find(c, asked(Level.PATIENT, PatientID="P1")))[0]
    assert [row[f"NumberOfPatientRelated{what}"] for what in ("Studies", "Series", "Instances")] == ["2", "3", "5"]


@pytest.mark.usefixtures("plan")
def test_the_scope_limits_every_level(filled: Context) -> None:
    scope = ReferredBy("HOUSE^gregory")
    assert uids(filled, asked(), scope) == ["1.3", "1.1", "1.6"]
    assert uids(filled, asked(Level.SERIES), scope) == ["1.3.1", "1.3.2", "1.1.1", "1.6.1"]
    assert uids(filled, asked(Level.INSTANCE, SOPInstanceUID="1.2.1.1"), scope) == []
    assert uids(filled, asked(), Nothing()) == []
    patients = filled.database.read(lambda c: finding.find(c, asked(Level.PATIENT), scope))
    assert [row["PatientID"] for row in patients] == ["PX4", "P1", "P2"]


@pytest.mark.usefixtures("plan")
def test_a_study_out_of_scope_tells_nothing_of_its_patient(filled: Context) -> None:
    """John Smith has a study by House, and one by Wilson: nobody finds him by the one they may not see, nor is it counted."""
    scope = ReferredBy("House^Gregory")
    hidden = {"StudyDate": "20260301", "AccessionNumber": "A2", "ModalitiesInStudy": "MR", "Modality": "SR",
              "StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.2", "SOPInstanceUID": "1.2.2.1"}  # fmt: skip
    counts = tuple(BY_KEYWORD[f"NumberOfPatientRelated{what}"] for what in ("Studies", "Series", "Instances"))
    for keyword, text in hidden.items():
        for level in Level:
            query = replace(asked(level, PatientID="P1", **{keyword: text}), returns=counts)
            assert filled.database.read(lambda c, query=query: finding.find(c, query, scope)) == [], (keyword, level)
            assert filled.database.read(lambda c, query=query: finding.estimate(c, query, scope)) == (0, False)
    for level in Level:
        query = replace(asked(level, PatientID="P1"), returns=counts)
        rows = filled.database.read(lambda c, query=query: finding.find(c, query, scope))
        assert {tuple(row[count.keyword] for count in counts) for row in rows} == {("1", "1", "3")}, level


def test_two_keys_of_one_kind_are_both_asked(filled: Context) -> None:
    attribute = BY_KEYWORD["ModalitiesInStudy"]
    query = Query(Level.STUDY, ((attribute, Single("CT")), (attribute, Single("MR"))))
    assert uids(filled, query) == ["1.3"]


def test_every_plan_agrees_with_the_predicates(filled: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = filled.database.read(lambda c: finding.find(c, Query(Level.STUDY)))
    names = st.sampled_from(["smi*", "Smith^John", "*a*", "山*", "YAMADA^TAROU", "m?ller*", "x*", "S*^W*"])
    keys = st.fixed_dictionaries({}, optional={
        "PatientName": names.map(lambda t: Wildcard(t) if "*" in t else Single(t)),
        "StudyDate": st.sampled_from([Range("20260101", "20260201"), Range("", "20260101"), Single("20260301"), Empty()]),
        "ModalitiesInStudy": st.sampled_from([Single("CT"), Single("XX"), UidList(("MR", "US")), Wildcard("*R"), Empty()]),
        "AccessionNumber": st.sampled_from([Single("A3"), Wildcard("A*"), Empty()]),
        "ReferringPhysicianName": st.sampled_from([Single("House^Gregory"), Wildcard("h*"), Single("鈴木")]),
        "SOPClassesInStudy": st.sampled_from([UidList(("1.2.3.4",)), Single("1.2.840.10008.5.1.4.1.1.2")]),
    })

    @given(keys, st.sampled_from([1, 3, 2000]), st.sampled_from([None, 2]))
    def agree(chosen: dict[str, Match], few: int, limit: int | None) -> None:
        monkeypatch.setattr(finding, "_FEW", few)
        query = Query(Level.STUDY, tuple((BY_KEYWORD[k], m) for k, m in chosen.items()), limit=limit)
        expected = [
            row["StudyInstanceUID"] for row in everything
            if all(m.matches(row[k], BY_KEYWORD[k].vr) for k, m in chosen.items())
        ]
        assert uids(filled, query) == expected[:limit]

    agree()
