"""QIDO-RS on both databases: keys, levels, pages, warnings, and names in every script."""

from pathlib import Path
from typing import Any

import pydicom
import pytest

import objects
from dicomweb.in_process import Client, parts
from isocenter.dicom import xml_reading
from isocenter.dicom.attributes import Level
from isocenter.dicomweb import qido
from isocenter.store import finding

NAME, PATIENT_ID, STUDY, SERIES, INSTANCE = "00100010", "00100020", "0020000D", "0020000E", "00080018"


@pytest.fixture
def filled(both_clients: Client, data: Path) -> Client:
    """Two patients with two studies each, an MR study of several series."""
    for folder in ("ct/priors", "mr/study-brain-multiseries-with-ko", "cr-dx/priors-IIG-DEPT1011"):
        answer = both_clients.store(*sorted((data / folder).rglob("*.dcm")))
        assert answer.status_code in (200, 202)
    return both_clients


def values(found: list[dict[str, Any]], tag: str) -> list[Any]:
    return [item[tag]["Value"][0] if "Value" in item[tag] else None for item in found]


def test_every_path_and_what_it_answers(filled: Client) -> None:
    studies = filled.json("/studies")
    assert len(studies) == len(set(values(studies, STUDY))) > 4
    expected = "00080005 00080020 00080030 00080050 00080061 00080090 00080201 00081190 00100010 00100020 00100030 00100040"
    assert list(studies[0]) == [*expected.split(), STUDY, "00200010", "00201206", "00201208"]
    mr = next(item for item in studies if "MR" in item["00080061"]["Value"])
    uid = mr[STUDY]["Value"][0]
    assert mr["00081190"]["Value"] == [f"http://pacs.test/dicom-web/studies/{uid}"]
    series = filled.json(f"/studies/{uid}/series")
    assert len(series) == mr["00201206"]["Value"][0]
    assert sum(values(series, "00201209")) == mr["00201208"]["Value"][0]
    assert NAME not in series[0]
    assert len(filled.json(f"/studies/{uid}/instances")) == mr["00201208"]["Value"][0]
    x = values(series, SERIES)[0]
    instances = filled.json(f"/studies/{uid}/series/{x}/instances")
    assert len(instances) == values(series, "00201209")[0]
    assert instances[0]["00081190"]["Value"][0].endswith(f"/series/{x}/instances/{instances[0][INSTANCE]['Value'][0]}")
    everywhere = filled.json(f"/series?SeriesInstanceUID={x}")
    assert values(everywhere, STUDY) == [uid] and NAME in everywhere[0]
    anywhere = filled.json(f"/instances?SeriesInstanceUID={x}&limit=2")
    assert len(anywhere) == 2 and NAME in anywhere[0] and "00080060" in anywhere[0]


def test_keys(filled: Client) -> None:
    studies = filled.json("/studies?includefield=StudyDescription")
    one = next(item for item in studies if item["00080020"].get("Value") and item[PATIENT_ID].get("Value"))
    uid, date, patient = one[STUDY]["Value"][0], one["00080020"]["Value"][0], one[PATIENT_ID]["Value"][0]
    other = next(value for value in values(studies, STUDY) if value != uid)
    same_day = {item[STUDY]["Value"][0] for item in studies if item["00080020"].get("Value") == [date]}

    def found(query: str) -> set[str]:
        return set(values(filled.json(f"/studies?{query}"), STUDY))

    assert found(f"StudyInstanceUID={uid}") == found(f"0020000D={uid}") == found(f"0020000d={uid}") == {uid}
    assert found(f"StudyInstanceUID={uid},{other}") == {uid, other}
    assert found(f"StudyInstanceUID={uid}%5C{other}") == found(f"StudyInstanceUID={uid}&StudyInstanceUID={other}") == {uid, other}
    assert found(f"StudyDate={date}") == found(f"StudyDate={date}-{date}") == same_day
    assert found(f"StudyDate={int(date[:4]) + 1}0101-") | found(f"StudyDate=-{date[:4]}1231") == set(values(studies, STUDY)) - {
        item[STUDY]["Value"][0] for item in studies if "Value" not in item["00080020"]
    }
    assert (
        uid in found(f"PatientID={patient}")
        and uid in found(f"PatientID={patient[:-1]}*")
        and uid in found(f"PatientID={patient[:-1]}%3F")
    )
    assert found("PatientID=no%25such_*") == set() and found("PatientID=") == set(values(studies, STUDY))
    assert found("ModalitiesInStudy=MR") and found("ModalitiesInStudy=MR") < set(values(studies, STUDY))


def test_a_key_in_a_sequence(filled: Client) -> None:
    every = filled.json("/series?includefield=all")
    tag = "00400275"
    path = "RequestAttributesSequence.ScheduledProcedureStepID"
    wanted = [
        item for item in every if any("00400009" in part and "Value" in part["00400009"] for part in item[tag].get("Value", []))
    ]
    for item in wanted[:1]:
        step = item[tag]["Value"][0]["00400009"]["Value"][0]
        assert item[SERIES] in [hit[SERIES] for hit in filled.json(f"/series?{path}={step}")]
        assert filled.json(f"/series?00400275.00400009={step}") == filled.json(f"/series?{path}={step}")
    assert filled.json(f"/series?{path}=no-such-step") == []


def test_names_in_every_script(both_clients: Client, data: Path) -> None:
    client = both_clients
    compared = 0
    for path in sorted((data / "charsets").rglob("*.dcm")):
        dataset = pydicom.dcmread(path, force=True, stop_before_pixels=True)
        if client.store(path).status_code != 200:
            continue  # the same UID as another file's, or no usable one
        (found,) = client.json(f"/studies?StudyInstanceUID={dataset.StudyInstanceUID}")
        name = dataset.get("PatientName")
        if name is None or not str(name):
            continue
        expected = {"Alphabetic": name.alphabetic, "Ideographic": name.ideographic, "Phonetic": name.phonetic}
        answered = found[NAME].get("Value", [{}])[0]
        # pydicom leaves the escape sequence of GB 2312 in the text
        plain = {k: v.replace("\x1b$)A", "").rstrip("^ ") for k, v in expected.items() if v}
        assert {k: v.rstrip("^ ") for k, v in answered.items()} == plain, path.name
        group = next(iter(answered.values()))
        assert found in client.json("/studies", params={"PatientName": group}), path.name
        compared += 1
    assert compared >= 8


def test_pages(filled: Client) -> None:
    every = values(filled.json("/studies"), STUDY)
    assert values(filled.json("/studies?limit=2"), STUDY) == every[:2]
    assert values(filled.json("/studies?limit=2&offset=1"), STUDY) == every[1:3]
    assert filled.json(f"/studies?offset={len(every)}") == [] and filled.json("/studies?limit=0") == []


def test_more_than_one_answer_holds(filled: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    every = len(filled.json("/instances"))
    monkeypatch.setattr(qido, "MAX_RESULTS", 3)
    answer = filled.get("/instances?offset=1")
    assert len(answer.json()) == 3
    assert answer.headers["warning"] == f'299 isocenter "There are {every - 4} additional results that can be requested"'
    assert "warning" not in filled.get("/instances?limit=3").headers
    assert len(filled.get("/instances?limit=100").json()) == 3


def test_fuzzy_matching(both_clients: Client) -> None:
    """PS3.18 8.3.4.2: names as they sound, accents aside, their parts in any order, and not everything else with them."""
    names = ("Müller^Jürgen", "Miller^Jurgen", "MEYER^HANS", "Maier^Hans Peter", "Moore^Hans", "Schmidt^Catherine",
             "Smith^Kathryn", "Sneed^Katherine", "Иванов^Пётр", "Thompson^Geoffrey", "山田^太郎", "")  # fmt: skip
    for number, name in enumerate(names):
        files = objects.part10(64, StudyInstanceUID=f"1.7.{number}", SeriesInstanceUID=f"1.7.{number}.1", PatientID=f"{number}",
                               PatientName=name, SpecificCharacterSet="ISO_IR 192")  # fmt: skip
        assert both_clients.store(files).status_code == 200

    def found(name: str, fuzzy: str = "true", key: str = "PatientName") -> set[str]:
        answer = both_clients.get("/studies", params={key: name, "fuzzymatching": fuzzy})
        assert answer.status_code == 200 and "warning" not in answer.headers
        return {names[int(value)] for value in values(answer.json(), PATIENT_ID)}

    assert found("Mueller^Yurgen") == found("jurgen muller") == {"Müller^Jürgen", "Miller^Jurgen"}
    assert found("Mayer") == found("Meier^H") == {"MEYER^HANS", "Maier^Hans Peter"} and found("Mayer", "false") == set()
    assert found("Peter Meyer^Hans") == {"Maier^Hans Peter"}
    assert found("Katharine^Smitt") == {"Schmidt^Catherine", "Smith^Kathryn"} and found("Smi*^Kathrin") == {"Smith^Kathryn"}
    assert found("Ivanov^Pyotr") == {"Иванов^Пётр"} and found("Tomson Jeffrey") == {"Thompson^Geoffrey"}
    assert found("山田") == {"山田^太郎"} and found("*ller*") == {"Müller^Jürgen", "Miller^Jurgen"}
    assert found("Hans*") == {"MEYER^HANS", "Maier^Hans Peter", "Moore^Hans"}  # literally no name begins so
    assert found('""') == {""} and len(found("*")) == len(names) and found("Xyzzy") == set()
    assert found("1", key="PatientID") == {"Miller^Jurgen"}


def test_matching_that_can_be_switched_off(filled: Client) -> None:
    """PS3.18 8.3.4.5, 8.3.4.6."""
    everything = filled.json("/studies")
    empty = filled.json('/studies?ReferringPhysicianName=%22%22&emptyvaluematching=true')
    assert empty and all("Value" not in item["00080090"] for item in empty)
    assert filled.json('/studies?ReferringPhysicianName=%22%22') == empty
    assert filled.json('/studies?ReferringPhysicianName=%22%22&emptyvaluematching=false') == []
    ids = sorted(set(values(everything, PATIENT_ID)))[:2]
    both = filled.json("/studies", params={"PatientID": "\\".join(ids), "multiplevaluematching": "true"})
    assert set(values(both, PATIENT_ID)) == set(ids)
    assert filled.json("/studies", params={"PatientID": "\\".join(ids), "multiplevaluematching": "false"}) == []


def test_include_fields(filled: Client) -> None:
    assert "00081030" not in filled.json("/studies")[0]
    for field in ("StudyDescription", "00081030", "00081030,PatientAge", "all"):
        assert "00081030" in filled.json(f"/studies?includefield={field}")[0]
    both = filled.json("/studies?includefield=StudyDescription&includefield=PatientAge")[0]
    assert {"00081030", "00101010"} <= set(both)
    answer = filled.get("/studies?includefield=SeriesDescription")  # PS3.18 10.6.3.3: not in studies
    assert "0008103E" not in answer.json()[0] and "SeriesDescription" in answer.headers["warning"]
    assert {"00081030", "0008103E", "00080008"} <= set(filled.json("/instances?includefield=all&limit=1")[0])


def test_fields_that_only_the_objects_hold(filled: Client) -> None:
    """PS3.18 8.3.4.3: any attribute may be asked for; of a study or series the object that came first speaks."""
    (series, *_) = [item for item in filled.json("/series?includefield=all") if item["00080060"]["Value"] == ["MR"]]
    path = f"/studies/{series[STUDY]['Value'][0]}/series/{series[SERIES]['Value'][0]}"
    stored = {item[INSTANCE]["Value"][0]: item for item in filled.json(f"{path}/metadata")}
    answer = filled.get(f"{path}/instances?includefield=EchoTime,00180080")
    assert answer.status_code == 200 and "warning" not in answer.headers
    for item in answer.json():
        of = stored[item[INSTANCE]["Value"][0]]
        assert item["00180081"] == of["00180081"] and item["00180080"] == of["00180080"] and list(item) == sorted(item)
    (one,) = filled.json(f"/studies?StudyInstanceUID={series[STUDY]['Value'][0]}&includefield=MagneticFieldStrength")
    assert one["00180087"]["Value"][0] == next(iter(stored.values()))["00180087"]["Value"][0]
    assert "00180081" not in filled.json(f"{path}/instances")[0]


def test_keys_of_the_levels_below(filled: Client) -> None:
    """As in C-FIND: a study, or series, that has such a child; and what was asked for is answered where a row can have it."""
    with_mr = filled.json("/studies?ModalitiesInStudy=MR")
    assert filled.json("/studies?Modality=MR") == with_mr != []
    sop = filled.json("/instances?Modality=MR&limit=1")[0]
    (found,) = filled.json(f"/series?SOPInstanceUID={sop[INSTANCE]['Value'][0]}")
    assert found[SERIES] == sop[SERIES] and INSTANCE not in found
    described = filled.json("/studies?StudyDescription=*")[0]
    assert "00081030" in described


def test_how_many_there_are(filled: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exact where it is cheap; else from the share of the newest studies, and said to be an estimate."""

    def total(query: str) -> tuple[int, str]:
        answer = filled.get(query)
        return int(answer.headers["x-total-count"]), answer.headers["x-total-count-is-estimate"]

    every = len(filled.json("/studies"))
    uid = filled.json("/studies")[0][STUDY]["Value"][0]
    instances = len(filled.json(f"/studies/{uid}/instances"))
    for query in ("/studies", "/studies?limit=2", "/studies?limit=1&offset=2", f"/studies?offset={every + 5}&limit=2"):
        assert total(query) == (every, "false"), query
    assert total(f"/studies/{uid}/instances?limit=1") == (instances, "false")
    assert total("/studies?PatientID=nobody&limit=1") == (0, "false")
    monkeypatch.setattr(finding, "_SAMPLE", every - 1)
    assert total("/studies?limit=1")[1] == total("/studies?limit=1&StudyDate=19000101-")[1] == "true"
    assert total(f"/studies?limit={every}") == (every, "true") and total(f"/studies?limit={every + 1}") == (every, "false")
    assert abs(total("/studies?limit=1&StudyDate=19000101-")[0] - every) <= 2
    for level in ("series", "instances"):  # no key narrows these down
        number, estimated = total(f"/{level}?limit=1&StudyDate=19000101-")
        assert estimated == "true" and number >= every - 1, level
    assert total(f"/studies/{uid}/instances?limit=1") == (instances, "false")


def texts(values: list[Any]) -> list[Any]:
    """Values without the difference between numbers and their texts, inside sequences and names, too."""
    return [
        {key: texts(inside.get("Value", [])) if isinstance(inside, dict) else inside for key, inside in value.items()}
        if isinstance(value, dict) else value and str(value).removesuffix(".0") for value in values
    ]  # fmt: skip


def test_answers_as_xml(filled: Client) -> None:
    """PS3.18 8.7.4: a part with a Native DICOM Model for each answer, which says what the JSON says."""
    query = "/series?Modality=MR&includefield=all&limit=2"
    answer = filled.get(query, 'multipart/related; type="application/dicom+xml"')
    assert answer.status_code == 200 and answer.headers["x-total-count"] == filled.get(query).headers["x-total-count"]
    read = [model for kind, body in parts(answer) for model in xml_reading.read(body) if kind == "application/dicom+xml"]
    assert len(read) == 2
    for model, item in zip(read, filled.json(query), strict=True):
        said, told = ({tag: texts(each.get("Value", [])) for tag, each in form.items()} for form in (model, item))
        assert said == told
    assert filled.get(query.replace("MR", "XX"), 'multipart/related; type="application/dicom+xml"').status_code == 204
    assert filled.get(query, "image/png").status_code == 406


def test_no_match_is_an_empty_list_and_gzip_is_offered(filled: Client) -> None:
    answer = filled.get("/studies?PatientID=nobody", headers={"accept-encoding": "identity"})
    assert answer.status_code == 200 and answer.content == b"[]" and answer.headers["content-type"] == "application/dicom+json"
    assert filled.get("/studies").headers["content-encoding"] == "gzip"
    assert filled.get("/studies", "application/json").headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("NoSuchAttribute=1", "NoSuchAttribute"),
        ("0011101G=1", "0011101G"),
        ("PixelAspectRatio=1", "PixelAspectRatio"),
        ("NumberOfStudyRelatedSeries=1", "NumberOfStudyRelatedSeries"),
        ("ScheduledProcedureStepID=1", "ScheduledProcedureStepID"),
        ("0019100C=1", "0019100C"),
        ("StudyDate=yesterday", "StudyDate"),
        ("PatientID=1&PatientID=2", "PatientID"),
        ("limit=-1", "limit"),
        ("offset=x", "offset"),
        ("fuzzymatching=maybe", "fuzzymatching"),
        ("emptyvaluematching=1", "emptyvaluematching"),
        ("multiplevaluematching=", "multiplevaluematching"),
        ("includefield=NoSuchAttribute", "NoSuchAttribute"),
    ],
)
def test_questions_that_make_no_sense_name_the_place(client: Client, query: str, where: str) -> None:
    answer = client.get(f"/studies?{query}")
    assert answer.status_code == 400 and answer.json()["error"]["where"] == where, answer.text


def test_a_value_that_is_wrong_is_not_repeated(client: Client) -> None:
    """It may name a patient, and errors are logged."""
    answer = client.get("/studies?StudyDate=Smith^John")
    assert answer.status_code == 400 and "Smith" not in answer.text


@pytest.mark.parametrize(
    ("vr", "text", "value"),
    [
        ("IS", "12", [12]),
        ("IS", "12a", ["12a"]),
        ("DS", "1.5\\2", [1.5, 2]),
        ("LO", "a\\\\b", ["a", None, "b"]),
        ("ST", "a\\b", ["a\\b"]),
        ("PN", "A^B=漢=か\\C", [{"Alphabetic": "A^B", "Ideographic": "漢", "Phonetic": "か"}, {"Alphabetic": "C"}]),
        ("PN", "=漢", [{"Ideographic": "漢"}]),
        ("LO", "", None),
    ],
)
def test_values_as_json(vr: str, text: str, value: Any) -> None:
    assert qido.element(vr, text) == ({"vr": vr} if value is None else {"vr": vr, "Value": value})


def test_a_search_of_instances_knows_its_path() -> None:
    asked = qido.parse(Level.INSTANCE, [("SOPInstanceUID", "1.2")], {"study": "1", "series": "2"})
    assert {attribute.keyword for attribute, _ in asked.query.matches} == {
        "SOPInstanceUID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
    }


def test_a_span_of_time_and_the_zone_of_who_asks(both_clients: Client) -> None:
    """PS3.18 8.3.4: combined date-time matching, and all dates and times in the zone that is asked in."""
    for uid, date, time, zone in (("1.6.1", "20260105", "0030", "+0900"), ("1.6.2", "20260104", "1615", "+0100"),
                                  ("1.6.3", "20260104", "1200", "")):  # fmt: skip
        stored = both_clients.store(objects.part10(
            64, StudyInstanceUID=uid, SeriesInstanceUID=f"{uid}.1", PatientID=uid, StudyDate=date, StudyTime=time,
            TimezoneOffsetFromUTC=zone,
        ))  # fmt: skip
        assert stored.status_code == 200

    def found(**keys: str) -> dict[str, str]:
        rows = both_clients.json("/studies", params=keys)
        return {row[STUDY]["Value"][0]: " ".join(row[tag].get("Value", [""])[0] for tag in ("00080020", "00080030", "00080201"))
                for row in rows}  # fmt: skip

    assert set(found(StudyDate="20260104-20260105", StudyTime="1500-0100")) == {"1.6.1", "1.6.2"}
    assert set(found(StudyDate="20260104", StudyTime="1100-1700")) == {"1.6.2", "1.6.3"}
    tokyo = {"1.6.1": "20260105 0030 +0900", "1.6.2": "20260105 0015 +0900"}
    assert found(StudyDate="20260105", TimezoneOffsetFromUTC="+0900") == tokyo
    assert both_clients.json("/studies?StudyDate=20260105&00080201=+0900") == both_clients.json(
        "/studies?StudyDate=20260105&TimezoneOffsetFromUTC=%2B0900"
    )
    assert both_clients.get("/studies?TimezoneOffsetFromUTC=CET").json()["error"]["where"] == "TimezoneOffsetFromUTC"
