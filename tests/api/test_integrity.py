"""How well what is kept is, over the API: who may ask, what it says, and that a round is begun by hand."""

import pytest

from api_harness import Api
from isocenter.domain.access import Role
from isocenter.service import scrubbing
from isocenter.store import imaging
from objects import part10

pytestmark = pytest.mark.anyio


async def test_damage_is_told_to_who_may_know(sqlite_api: Api) -> None:
    api, context = sqlite_api, sqlite_api.context
    api.store(part10(StudyInstanceUID="1.2.9", SOPInstanceUID="1.2.9.1.1"))
    (kept,) = context.database.read(imaging.files)
    context.blobs.delete(kept.blob_key)
    async with api.client(api.token(Role.ADMIN, "boss")) as client:
        before = (await client.get("/system/integrity")).json()
        assert (before["round"], before["replica"], before["damaged"], before["expected"]) == (None, None, 0, 1)
        assert (await client.post("/system/integrity")).status_code == 404, "no worker makes rounds"
        scrubbing.announce(context, "")
        assert (await client.post("/system/integrity")).status_code == 204
        assert scrubbing.step(context, None)
        after = (await client.get("/system/integrity")).json()
    assert (after["round"]["files"], after["damaged"], after["mended"]) == (1, 1, 0)
    assert [(each["file"], each["kind"], each["sop_instance_uid"]) for each in after["files"]] == [
        (kept.blob_key, "missing", "1.2.9.1.1")]
    async with api.client(api.token(Role.REFERRER, "house", "House^Gregory")) as client:
        assert (await client.get("/system/integrity")).status_code == 403
    async with api.client(api.token(Role.SERVICE, "robot")) as client:
        assert (await client.post("/system/integrity")).status_code == 403
