"""The study list: searching, sorting, paging, scope; on both databases."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api_harness import Api
from isocenter.domain.access import Everything, ReferredBy, Role, by_role
from isocenter.service.worklist import SORT_KEYS, find
from isocenter.store import visible, worklist
from isocenter.store.worklist import SORTS
from objects import part10

pytestmark = pytest.mark.anyio

ROWS = [
    # name, id, accession, date, time, modality, description, referrer, institution
    ("De Boer^Jan", "P-1", "ACC001", "20260105", "080000", "CT", "CT Thorax", "House^Gregory", "North"),
    ("Müller^Jürgen", "P-2", "ACC002", "20260105", "093000", "MR", "MR Head", "House^Gregory", "North"),
    ("Muller^Anna", "P-3", "ACC003", "20251224", "120000", "CT", "CT Abdomen", "WILSON^JAMES^^DR", "South"),
    ("Yamada^Tarou=山田^太郎=やまだ^たろう", "p-4", "BCC004", "20260110", "", "MG", "Screening", "Wilson^James", "South"),
    ("Smith^John", "Q_1", "", "", "", "US", "", "", ""),
    ("Smithers^Waylon", "Q%1", "acc005", "20260111", "235959.5", "CT", "ct thorax", "house^gregory", "North"),
]


def fill(api: Api, rows: list[tuple[str, ...]] = ROWS) -> None:
    for number, (name, patient, accession, date, time, modality, description, referrer, institution) in enumerate(rows, 1):
        for instance in range(2 if modality == "CT" else 1):
            api.store(
                part10(
                    PatientName=name, PatientID=patient, AccessionNumber=accession, StudyDate=date, StudyTime=time,
                    Modality=modality, StudyDescription=description, ReferringPhysicianName=referrer,
                    InstitutionName=institution, StudyInstanceUID=f"1.2.{number}", SeriesInstanceUID=f"1.2.{number}.1",
                    InstanceNumber=str(instance + 1),
                )
            )  # fmt: skip


async def found(api: Api, query: str, token: str) -> list[str]:
    """The last components of the Study UIDs, in the order of the answer."""
    async with api.client(token) as client:
        response = await client.get(f"/studies?{query}")
        assert response.status_code == 200, response.text
        return [study["StudyInstanceUID"].rsplit(".", 1)[1] for study in response.json()["studies"]]


SEARCHES = [
    ("", "641253", ""),
    ("q=mull", "", "23"),
    ("q=muell", "", "23"),
    ("q=Müller, Juergen", "", "2"),
    ("q=MÜLLER", "", "23"),
    ("q=de boer jan", "", "1"),
    ("q=deboer", "", ""),
    ("q=boer", "", ""),
    ("q=de boer, j", "", "1"),
    ("q=smith", "", "56"),
    ("q=smith john", "", "5"),
    ("q=Smith^J", "", "5"),
    ("q=山田", "", "4"),
    ("q=やまだ", "", "4"),
    ("q=p-1", "", "1"),
    ("q=P-4", "", "4"),
    ("q=acc00", "", "1236"),
    ("q=Q_", "", "5"),
    ("q=Q%25", "", "6"),
    ("q=*", "641253", ""),
    ("PatientName=Mu*J", "", "2"),
    ("PatientName=Yamada", "", "4"),
    ("PatientID=Q_1", "", "5"),
    ("AccessionNumber=BCC", "", "4"),
    ("StudyDescription=CT T", "", "16"),
    ("ReferringPhysicianName=house", "", "126"),
    ("InstitutionName=north&ModalitiesInStudy=CT", "", "16"),
    ("StudyDate=20260105", "", "12"),
    ("StudyDate=20260105-", "", "1246"),
    ("StudyDate=-20260105", "", "123"),
    ("StudyDate=20260106-20260110", "", "4"),
    ("ModalitiesInStudy=CT", "", "136"),
    ("ModalitiesInStudy=ct,mr", "", "1236"),
    ("ModalitiesInStudy=XA", "", ""),
    ("ModalitiesInStudy=CT&q=smith&StudyDate=2026-", "", "invalid"),
    ("ModalitiesInStudy=CT&q=smith&StudyDate=20260101-", "", "6"),
]


async def test_searches(api: Api) -> None:
    token = api.token(Role.RADIOLOGIST)
    fill(api)
    async with api.client(token) as client:
        for query, in_order, members in SEARCHES:
            response = await client.get(f"/studies?{query}")
            if members == "invalid":
                assert response.status_code == 400
                continue
            ids = "".join(study["StudyInstanceUID"][-1] for study in response.json()["studies"])
            if in_order:
                # Newest first; without a date last.
                assert ids == "642135"[: len(ids)] and len(ids) == 6, query
            else:
                assert "".join(sorted(ids)) == members, query
            assert response.json()["total"] == len(ids)
            assert response.json()["total_is_estimate"] is False


async def test_a_row_says_what_the_list_shows(api: Api) -> None:
    token = api.token(Role.RADIOLOGIST)
    fill(api, ROWS[:1])
    async with api.client(token) as client:
        answer = (await client.get("/studies")).json()
    (study,) = answer["studies"]
    received = study.pop("received_at")
    assert received.startswith("20") and received.endswith("+00:00")
    assert study == {
        "StudyInstanceUID": "1.2.1", "PatientName": "De Boer^Jan", "PatientID": "P-1", "IssuerOfPatientID": "",
        "PatientBirthDate": "19700101", "PatientSex": "F", "StudyDate": "20260105", "StudyTime": "080000",
        "AccessionNumber": "ACC001", "StudyDescription": "CT Thorax", "ModalitiesInStudy": ["CT"],
        "ReferringPhysicianName": "House^Gregory", "InstitutionName": "North", "NumberOfStudyRelatedSeries": 1,
        "NumberOfStudyRelatedInstances": 2, "procedure": "", "sensitive": False,
    }  # fmt: skip
    assert answer["latest_change"] > 0 and answer["next"] is None


async def test_every_column_sorts_both_ways_and_pages_do_not_overlap(api: Api) -> None:
    token = api.token(Role.RADIOLOGIST)
    fill(api)
    for key in SORT_KEYS:
        up = await found(api, f"sort={key}", token)
        down = await found(api, f"sort=-{key}", token)
        assert sorted(up) == list("123456") and down == up[::-1], key
        for sort in (key, f"-{key}"):
            paged: list[str] = []
            cursor = ""
            async with api.client(token) as client:
                while True:
                    page = (await client.get(f"/studies?sort={sort}&limit=2&cursor={cursor}")).json()
                    paged += [study["StudyInstanceUID"][-1] for study in page["studies"]]
                    assert page["total"] == 6
                    if page["next"] is None:
                        break
                    cursor = page["next"]
            assert paged == (up if sort == key else down)
        assert await found(api, f"sort={key}&offset=2&limit=3", token) == up[2:5]


async def test_names_sort_by_family_name_first(api: Api) -> None:
    token = api.token(Role.RADIOLOGIST)
    fill(api)
    assert await found(api, "sort=PatientName", token) == ["1", "3", "2", "5", "6", "4"]


async def test_a_study_that_arrives_shifts_no_page(api: Api) -> None:
    token = api.token(Role.RADIOLOGIST)
    fill(api)
    async with api.client(token) as client:
        first = (await client.get("/studies?limit=3")).json()
        api.store(part10(StudyInstanceUID="1.2.9", SeriesInstanceUID="1.2.9.1", StudyDate="20260112", PatientID="P9"))
        second = (await client.get(f"/studies?limit=3&cursor={first['next']}")).json()
    ids = [study["StudyInstanceUID"][-1] for page in (first, second) for study in page["studies"]]
    assert ids == list("642135")
    assert second["latest_change"] > first["latest_change"]


async def test_a_cursor_of_another_order_or_a_forged_one_is_refused(api: Api) -> None:
    token = api.token(Role.RADIOLOGIST)
    fill(api)
    async with api.client(token) as client:
        cursor = (await client.get("/studies?limit=1")).json()["next"]
        for query in (f"sort=PatientName&cursor={cursor}", f"sort=StudyDate&cursor={cursor}", "cursor=W10", "cursor=ä"):
            response = await client.get(f"/studies?{query}")
            assert response.status_code == 400 and response.json()["error"]["where"] == "cursor", query


@given(st.text(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_cursor_is_a_crash(cursor: str) -> None:
    from isocenter.domain.errors import Invalid
    from isocenter.service.worklist import _continue
    from isocenter.store.worklist import Order

    with pytest.raises(Invalid):
        _continue(cursor, Order("StudyDate", True))


async def test_a_referrer_sees_own_studies_only_everywhere(api: Api) -> None:
    fill(api)
    house = api.token(Role.REFERRER, "house", "HOUSE^GREGORY")
    nobody = api.token(Role.REFERRER, "nobody")
    assert sorted(await found(api, "", house)) == ["1", "2", "6"]
    assert await found(api, "q=mull", house) == ["2"]
    assert await found(api, "q=yamada", house) == []
    assert await found(api, "", nobody) == []
    async with api.client(house) as client, api.client(nobody) as stranger:
        assert (await client.get("/studies")).json()["total"] == 3
        assert (await client.get("/studies/1.2.1")).status_code == 200
        for uid in ("1.2.3", "1.2.4", "1.2.99"):
            assert (await client.get(f"/studies/{uid}")).status_code == 404, "what is not mine is not there"
        assert (await stranger.get("/studies/1.2.1")).status_code == 404


async def test_a_study_with_its_series_and_priors(api: Api) -> None:
    token = api.token(Role.RADIOLOGIST)
    for number in range(1, 6):
        api.store(part10(SeriesNumber="10", SeriesInstanceUID="1.2.3.1.10", InstanceNumber=str(number * 3),
                         SOPInstanceUID=f"1.2.3.1.10.{number}"))  # fmt: skip
    api.store(part10(SeriesNumber="9", SeriesInstanceUID="1.2.3.1.9", SeriesDescription="Scout", BodyPartExamined="CHEST"))
    api.store(part10(SeriesNumber="", SeriesInstanceUID="1.2.3.1.0"))
    api.store(part10(StudyInstanceUID="1.2.3.2", SeriesInstanceUID="1.2.3.2.1", StudyDate="20200101"))
    api.store(part10(StudyInstanceUID="1.2.3.3", SeriesInstanceUID="1.2.3.3.1", StudyDate="20210101"))
    api.store(part10(StudyInstanceUID="1.2.3.4", SeriesInstanceUID="1.2.3.4.1", PatientID="P2"))
    async with api.client(token) as client:
        answer = (await client.get("/studies/1.2.3.1")).json()
    assert answer["study"]["NumberOfStudyRelatedInstances"] == 7
    assert [series["SeriesNumber"] for series in answer["series"]] == [9, 10, None]
    scout, lung, _ = answer["series"]
    assert (scout["SeriesDescription"], scout["BodyPartExamined"]) == ("Scout", "CHEST")
    assert lung["NumberOfSeriesRelatedInstances"] == 5
    assert lung["SOPClassUIDs"] == ["1.2.840.10008.5.1.4.1.1.2"]
    assert lung["first"]["SOPInstanceUID"] == "1.2.3.1.10.1"
    assert lung["middle"] == {
        "SOPInstanceUID": "1.2.3.1.10.3", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "NumberOfFrames": 1, "Rows": 16,
        "Columns": 16, "TransferSyntaxUID": "1.2.840.10008.1.2.1",
    }  # fmt: skip
    assert [prior["StudyInstanceUID"] for prior in answer["priors"]] == ["1.2.3.3", "1.2.3.2"]


async def test_the_other_studies_say_how_much_they_help_and_why(api: Api) -> None:
    """Also one that came under another patient ID and was corrected: identity is what the index says."""
    token = api.token(Role.RADIOLOGIST)
    chest = {"StudyDescription": "CT Thorax", "BodyPartExamined": "CHEST", "Modality": "CT"}
    knee = {"StudyDescription": "Knie rechts", "BodyPartExamined": "KNEE", "Modality": "MR"}
    for number, (date, more) in enumerate((("20220101", chest), ("20211201", knee), ("20190101", chest)), 1):
        wrong = {"PatientID": "WRONG"} if number == 3 else {}
        study = f"1.2.3.{number}"
        uids = {"StudyInstanceUID": study, "SeriesInstanceUID": f"{study}.1", "SOPInstanceUID": f"{study}.2"}
        api.store(part10(StudyDate=date, **uids, **more, **wrong))
    async with api.client(api.token(Role.ADMIN)) as admin:
        body = {"studies": ["1.2.3.3"], "patient": {"PatientID": "P1"}, "reason": "wrong wristband"}
        assert (await admin.post("/corrections", json=body)).status_code == 201
    async with api.client(token) as client:
        priors = (await client.get("/studies/1.2.3.1")).json()["priors"]
    told = {prior["StudyInstanceUID"]: prior["relevance"] for prior in priors}
    assert told["1.2.3.3"]["reason"] == "same region (chest), also CT, described alike (lung, thorax), 3 years earlier"
    assert told["1.2.3.2"]["reason"].startswith("other region (knee)")
    assert told["1.2.3.3"]["score"] > 60 > 20 > told["1.2.3.2"]["score"]


async def test_many_studies_take_the_other_plan_and_give_the_same(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the thresholds lowered, every filter counts as leaving many and totals are estimates."""
    token = api.token(Role.RADIOLOGIST)
    house = api.token(Role.REFERRER, "house", "House^Gregory")
    fill(api)
    expected = {query: sorted(await found(api, query, token)) for query, _, members in SEARCHES if members != "invalid"}
    ordered = await found(api, "sort=-PatientName", token)
    monkeypatch.setattr(worklist, "FEW", 0)
    for query, ids in expected.items():
        assert sorted(await found(api, query, token)) == ids, f"by subquery: {query}"
    monkeypatch.setattr(worklist, "SOME", -1)
    monkeypatch.setattr(worklist, "COUNTED", 3)
    monkeypatch.setattr(worklist, "SAMPLE", 3)
    for query, ids in expected.items():
        assert sorted(await found(api, query, token)) == ids, query
    assert await found(api, "sort=-PatientName", token) == ordered
    assert sorted(await found(api, "", house)) == ["1", "2", "6"]
    async with api.client(token) as client:
        answer = (await client.get("/studies?limit=2")).json()
        assert answer["total_is_estimate"] and answer["total"] >= 3


def test_every_sort_key_has_a_column_of_its_own() -> None:
    assert set(SORT_KEYS) == set(SORTS)
    assert {"PatientName", "StudyDate", "received_at", "ModalitiesInStudy", "NumberOfStudyRelatedInstances"} <= set(SORT_KEYS)


NAMES = st.text(alphabet="aBéßK^ =*?.山_%", max_size=8)


async def test_the_scope_in_sql_is_the_scope_in_memory(api: Api) -> None:
    """One rule, two readings: what `permits` says of a study is what the database finds for it."""
    values = ["House^Gregory", "HOUSE^GREGORY^^^", "house^gregory=山田^太郎", "山田=House^Gregory", "House", "Hou?e^Gregory", "*",
              "", "Höuse^Gregory", "House^Gregory^X", " House^Gregory ", "a=b", "%", "_", "House_Gregory"]  # fmt: skip
    for number, value in enumerate(values):
        api.store(part10(StudyInstanceUID=f"1.3.{number}", SeriesInstanceUID=f"1.3.{number}.1", ReferringPhysicianName=value))
    uids = {f"1.3.{number}" for number in range(len(values))}
    for name in ("House^Gregory", "house", "山田^太郎", "山田", "*", "%", "_", "a", "b", "House^*"):
        scope = ReferredBy(name)
        by_database = api.context.database.read(lambda connection, scope=scope: visible.permitted(connection, scope, uids))
        by_rule = {f"1.3.{number}" for number, value in enumerate(values) if scope.permits({"ReferringPhysicianName": value})}
        assert by_database == by_rule, name
        caller = by_role("r", Role.REFERRER, "user", "session", referrer_name=name)
        page = find(api.context, caller, {}, sort="StudyDate", limit=100, offset=0, cursor="")
        assert {study["StudyInstanceUID"] for study in page.studies} == by_rule, name
    held = api.context.database.read(lambda connection: visible.permitted(connection, Everything(), ["1.3.1", "9.9"]))
    assert held == {"1.3.1"}
