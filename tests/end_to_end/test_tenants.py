"""Two institutions on one server, with the same patients and the same UIDs, never see each other: every door, asked for real."""

import json
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from pydicom import Dataset, dcmread
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind,  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelGet,  # type: ignore[attr-defined]
)

import objects
import openid
from certificates import Authority
from dimse.conftest import RawPeer
from isocenter.dimse.upper_layer import pdu
from servers import PASSWORD, QUICK, Server, run, running, wait_for

HOSTS = {"north": "north.example.org", "south": "south.example.org"}
TITLES = {"north": "NORTH", "south": "SOUTH"}
STUDY, SERIES, SHARED, ALONE = (objects.uid() for _ in range(4))
SERIES_OF = f"/dicom-web/studies/{STUDY}/series/{SERIES}"
SINGLE = {"Accept": "application/dicom; transfer-syntax=*"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Both have a study of the same UID, patient ID and first image; north alone has a second one."""
    folder = tmp_path_factory.mktemp("tenants")
    config = folder / "site.toml"
    config.write_text(tables())
    with running(folder, "--config", str(config)) as running_now:
        for name in HOSTS:
            send(running_now, name, SHARED)
        send(running_now, "north", ALONE)
        for name in HOSTS:
            wait_for(lambda name=name: web(running_now, name).get(f"{SERIES_OF}/metadata").status_code == 200)
        yield running_now


def tables() -> str:
    """The institutions, as a TOML file has them."""
    own = {"north": "".join(f'{name} = "{text}"\n' for name, text in openid.settings("https://login.north.example.org").items())}
    return "".join(f'[tenants.{name}]\naet = "{TITLES[name]}"\npublic_url = "https://{HOSTS[name]}"\n{own.get(name, "")}'
                   for name in HOSTS)


def image(name: str, instance: str) -> bytes:
    """One image; each institution's own name for the patient of the ID that both use."""
    return objects.part10(SOPInstanceUID=instance, StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES, PatientID="4711",
                          PatientName=f"OF^{name.upper()}", AccessionNumber=name)


def associated(server: Server, name: str, entity: AE, **options: object) -> object:
    association = entity.associate("127.0.0.1", server.dicom_port, ae_title=TITLES[name], **options)
    assert association.is_established
    return association


def send(server: Server, name: str, instance: str) -> None:
    data_set = dcmread(BytesIO(image(name, instance)))
    entity = AE(ae_title="CT1")
    entity.add_requested_context(data_set.SOPClassUID, data_set.file_meta.TransferSyntaxUID)
    association = associated(server, name, entity)
    assert association.send_c_store(data_set).Status == 0
    association.release()


def web(server: Server, name: str, **options: object) -> httpx.Client:
    """The web of an institution, for its own administrator unless said otherwise; closed with the server."""
    given = {"auth": ("admin", PASSWORD), **options}
    client = httpx.Client(base_url=server.url, headers={"Host": HOSTS.get(name, name)}, timeout=60, **given)
    server.clients.append(client)
    return client


def names(found: list[dict[str, dict[str, list[dict[str, str]]]]]) -> list[str]:
    return [each["00100010"]["Value"][0]["Alphabetic"] for each in found]


@pytest.mark.parametrize("name", HOSTS)
def test_each_finds_its_own_by_http(server: Server, name: str) -> None:
    client = web(server, name)
    assert names(client.get("/dicom-web/studies").json()) == [f"OF^{name.upper()}"]
    images = client.get("/dicom-web/instances?PatientID=4711&includefield=PatientName").json()
    assert names(images) == [f"OF^{name.upper()}"] * (2 if name == "north" else 1)
    listed = client.get("/api/v1/studies").json()
    assert [study["AccessionNumber"] for study in listed["studies"]] == [name]
    assert HOSTS["south" if name == "north" else "north"] not in str(listed)
    metadata = client.get(f"{SERIES_OF}/metadata").json()
    assert set(names(metadata)) == {f"OF^{name.upper()}"}
    one = client.get(f"{SERIES_OF}/instances/{SHARED}", headers=SINGLE)
    assert dcmread(BytesIO(one.content)).PatientName == f"OF^{name.upper()}"


def test_what_one_has_the_other_has_not(server: Server) -> None:
    alone = f"{SERIES_OF}/instances/{ALONE}"
    assert web(server, "north").get(alone, headers=SINGLE).status_code == 200
    for path in (alone, f"{alone}/metadata", f"{alone}/frames/1", f"{alone}/rendered", f"{alone}/thumbnail"):
        assert web(server, "south").get(path, headers={"Accept": "*/*"}).status_code == 404, path


def found(server: Server, name: str) -> list[Dataset]:
    entity = AE(ae_title="WS1")
    entity.add_requested_context(PatientRootQueryRetrieveInformationModelFind)
    keys = Dataset()
    keys.QueryRetrieveLevel, keys.PatientID, keys.PatientName = "PATIENT", "4711", ""
    association = associated(server, name, entity)
    answers = [answer for _, answer in association.send_c_find(keys, PatientRootQueryRetrieveInformationModelFind) if answer]
    association.release()
    return answers


def fetched(server: Server, name: str) -> list[Dataset]:
    kept: list[Dataset] = []
    entity = AE(ae_title="WS1")
    entity.add_requested_context(StudyRootQueryRetrieveInformationModelGet)
    entity.add_requested_context(objects.CT, objects.EXPLICIT_LITTLE)

    def keep(event: evt.Event) -> int:
        kept.append(event.dataset)
        return 0

    keys = Dataset()
    keys.QueryRetrieveLevel, keys.StudyInstanceUID = "STUDY", STUDY
    association = associated(server, name, entity, ext_neg=[build_role(objects.CT, scp_role=True)],
                             evt_handlers=[(evt.EVT_C_STORE, keep)])
    assert list(association.send_c_get(keys, StudyRootQueryRetrieveInformationModelGet))[-1][0].Status == 0
    association.release()
    return kept


@pytest.mark.parametrize("name", HOSTS)
def test_each_finds_and_fetches_its_own_by_dicom(server: Server, name: str) -> None:
    assert [str(each.PatientName) for each in found(server, name)] == [f"OF^{name.upper()}"]
    expected = {SHARED, ALONE} if name == "north" else {SHARED}
    got = fetched(server, name)
    assert {each.SOPInstanceUID for each in got} == expected
    assert {str(each.PatientName) for each in got} == {f"OF^{name.upper()}"}


def test_who_calls_nobody_by_name_is_rejected(server: Server) -> None:
    peer = RawPeer(server.dicom_port)
    assert peer.associate(called="ISOCENTER") == pdu.CALLED_AE_TITLE_NOT_RECOGNIZED  # PS3.8 9.3.4
    peer.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "other.example.org", "north.example.org.evil.example", ""])
def test_a_host_that_is_nobodys_gets_nothing(server: Server, host: str) -> None:
    client = web(server, host)
    for path in ("/", "/login", "/dicom-web/studies", "/api/v1/session", "/api/v1/openapi.json", "/metrics"):
        answer = client.get(path)
        assert answer.status_code in {400, 421}, path
        assert "NORTH" not in answer.text and "4711" not in answer.text
    assert client.get("/readyz").status_code in {200, 400}


def test_accounts_and_tokens_are_of_one_institution(server: Server) -> None:
    made = run("user", "add", "dora", "--role", "radiologist", "--password-stdin", "--tenant", "north", *shared(server),
               stdin="a long enough password\n")
    assert made.returncode == 0, made.stderr
    assert studies_for(server, auth=("dora", "a long enough password")) == {"north": 200, "south": 401}
    token = run("token", "create", "--user", "admin", "--json", "--tenant", "north", *shared(server))
    assert token.returncode == 0, token.stderr
    bearer = {"Authorization": f"Bearer {json.loads(token.stdout)['token']}"}
    assert studies_for(server, auth=None, headers=bearer) == {"north": 200, "south": 401}


def studies_for(server: Server, auth: tuple[str, str] | None, headers: dict[str, str] | None = None) -> dict[str, int]:
    """What each institution answers to who asks so for its studies."""
    return {name: web(server, name, auth=auth).get("/dicom-web/studies", headers=headers).status_code for name in HOSTS}


def test_the_provider_of_accounts_is_that_of_one_institution(server: Server) -> None:
    ways = {name: web(server, name).get("/api/v1/session/ways").json()["provider"] for name in HOSTS}
    assert ways == {"north": {"label": "Sign in with the hospital account"}, "south": None}
    assert web(server, "south").get("/api/v1/session/provider").status_code == 404


def test_the_log_of_one_knows_nothing_of_the_other(server: Server) -> None:
    for name, other in (("north", "south"), ("south", "north")):
        changes = web(server, name).get("/api/v1/changes?since=0&limit=1000").text
        assert STUDY in changes and other not in changes.lower()


def test_each_is_told_its_own_figures_and_none_of_the_whole_process(server: Server) -> None:
    for name, instances in (("north", 2), ("south", 1)):
        told = web(server, name).get("/metrics")
        assert told.status_code == 200 and f"\nisocenter_instances {instances}.0\n" in told.text
        assert "isocenter_backup_failing 1.0" in told.text
        assert "_total" not in told.text and "peer=" not in told.text and "CT1" not in told.text
    assert web(server, "north", auth=None).get("/metrics").status_code == 401


def test_a_command_must_say_which_one_is_meant(server: Server) -> None:
    said = run("user", "list", *shared(server))
    assert said.returncode == 2 and "--tenant north|south" in said.stderr
    said = run("user", "list", "--tenant", "west", *shared(server))
    assert said.returncode == 2 and "there are north, south" in said.stderr
    said = run("verify", "--tenant", "south", *shared(server), seconds=60)
    assert said.returncode == 0, said.stderr


def shared(server: Server) -> tuple[str, ...]:
    return ("--data", str(server.data), "--config", str(server.data.parent / "site.toml"), *QUICK)


def test_over_tls_and_http_2_the_host_is_told_by_the_request(tmp_path: Path) -> None:
    config = tmp_path / "site.toml"
    config.write_text(tables())
    authority = Authority(tmp_path)
    crt, key = authority.signed("tls")
    chain = tmp_path / "chain.pem"  # also what this test trusts
    chain.write_text(crt.read_text() + authority.certificate.read_text())
    with running(tmp_path, "--config", str(config), "--tls-cert", str(chain), "--tls-key", str(key)) as server:
        asked = {}
        for host in (*HOSTS.values(), "other.example.org"):
            url = f"https://{host}:{server.http_port}/dicom-web/studies"
            command = ["curl", "--silent", "--insecure", "--http2", "--resolve", f"{host}:{server.http_port}:127.0.0.1",
                       "--user", f"admin:{PASSWORD}", "--output", str(tmp_path / "body"),
                       "--write-out", "%{http_version} %{http_code}", url]
            asked[host] = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    assert asked == {HOSTS["north"]: "2 200", HOSTS["south"]: "2 200", "other.example.org": "2 421"}
