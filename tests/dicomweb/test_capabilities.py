"""The Capabilities Description: it says what is answered, no more and no less."""

from xml.etree import ElementTree

import pytest

from dicomweb.in_process import Client
from isocenter.dicomweb.capabilities import TRANSACTIONS, WADL, Transaction
from isocenter.dicomweb.routes import RESOURCES
from isocenter.domain.errors import Unauthenticated

NS = {"w": "http://wadl.dev.java.net/2009/02"}
EXAMPLES = {"StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.3", "SOPInstanceUID": "1.2.3.4", "FrameList": "1,2",
            "BulkdataPath": "7FE00010", "AETitle": "VIEWER"}  # fmt: skip


def path(transaction: Transaction) -> str:
    return "/" + transaction.template.format(**EXAMPLES) if transaction.template else ""


def test_it_has_every_resource_that_is_answered_and_no_other() -> None:
    found: set[int] = set()
    for transaction in TRANSACTIONS:
        places = [number for number, (method, pattern, *_) in enumerate(RESOURCES)
                  if method == transaction.method and pattern.fullmatch(path(transaction))]  # fmt: skip
        assert places, transaction
        found.update(places)
    missing = [RESOURCES[number][:2] for number in set(range(len(RESOURCES))) - found]
    assert not missing, f"capabilities.TRANSACTIONS lacks {missing}"
    assert len({transaction.name for transaction in TRANSACTIONS}) == len(TRANSACTIONS)


@pytest.mark.parametrize(("accept", "label"), [(None, WADL), (WADL, WADL), ("application/json", "application/json"),
                                               ("application/dicom+json, */*;q=0.1", "application/dicom+json")])
@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
def test_of_the_whole_service(client: Client, method: str, accept: str | None, label: str) -> None:
    answer = client.request(method, "/", headers={"accept": accept} if accept else {})
    assert answer.status_code == 200 and answer.headers["content-type"] == label
    if label == WADL:
        root = ElementTree.fromstring(answer.content)
        (resources,) = root.findall("w:resources", NS)
        assert resources.get("base") == "http://pacs.test/dicom-web/"
        names = {each.get("id") for each in root.iter(f"{{{NS['w']}}}method")}
        assert names == {transaction.name for transaction in TRANSACTIONS}
        frames = next(each for each in root.iter(f"{{{NS['w']}}}method") if each.get("id") == "RetrieveFrames")
        assert [each.get("mediaType") for each in frames.findall("w:response/w:representation", NS)]
    else:
        (base,) = answer.json()["application"]["resources"]["resource"]
        assert base["path"] == "/"
        assert {"studies", "series", "instances", "workitems"} <= {each["path"] for each in base["resource"]}


def test_of_one_resource(client: Client) -> None:
    answer = client.request("OPTIONS", "/studies/1.2.3/series", headers={"accept": "application/json"})
    (resource,) = answer.json()["application"]["resources"]["resource"]
    assert resource["path"] == "studies/{StudyInstanceUID}/series"
    assert [method["id"] for method in resource["method"]] == ["SearchForStudySeries"]
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert client.request("OPTIONS", "/nothing").status_code == 404
    assert client.request("OPTIONS", "/", headers={"accept": "text/html"}).status_code == 406


def test_it_is_for_those_who_have_logged_in(client: Client) -> None:
    client.authenticator.who = Unauthenticated("log in")
    assert client.request("OPTIONS", "/").status_code == 401
