"""Blobs in a real S3 server: durable here first, copied and looked at there, read by ranges; what fails loses nothing."""

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import ceph
import s3_archive
import servers
from isocenter.domain.errors import Away, Broken, Busy, Missing
from isocenter.store import keys
from isocenter.store.blobs import instance_key
from isocenter.store.blobs_local import LocalBlobs
from isocenter.store.blobs_s3 import S3Blobs
from isocenter.store.bucket import PART, Bucket
from isocenter.store.cache import DiskCache
from isocenter.store.open_files import LocalFile

KEY = "archive/2026/11/22/aa/bb/cc.dcm"


class Ledger:
    """What is on a node's disk only, without a database."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.asked: Callable[[], None] = lambda: None

    def is_waiting(self, key: str) -> bool:
        waits = key in self.keys
        self.asked()
        return waits

    def done(self, key: str) -> None:
        self.keys.discard(key)

    def flush(self) -> None:
        pass


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


Make = Callable[..., S3Blobs]


@pytest.fixture
def make(s3: ceph.S3, bucket: str, folder: Path, ledger: Ledger) -> Iterator[Make]:
    """Makes nodes, by name; all share the bucket and the ledger."""

    def made(name: str, limit: int = 1 << 30, **given: Any) -> S3Blobs:
        settings = replace(s3_archive.settings(s3, bucket, folder / name), **given)
        ahead = LocalBlobs(settings.blob_folder, keys.of(settings))
        return S3Blobs(ahead, Bucket(settings), DiskCache(settings.cache_folder, limit), ledger)

    yield made


def put(blobs: S3Blobs, content: bytes, key: str = KEY) -> str:
    """Durable on this node's disk; its digest."""
    incoming = blobs.open_incoming()
    incoming.write(content)
    blobs.put(incoming, key)
    incoming.discard()
    return sha256(content).hexdigest()


def content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize("size", [1, 600_001, PART, PART + 1, 3 * PART - 5])
def test_what_was_uploaded_is_read_by_every_node(make: Make, s3: ceph.S3, bucket: str, size: int) -> None:
    """One request or several parts; whole and in ranges; from the bucket, from the cache and from the disk."""
    one, other = make("one"), make("other")
    data = content(size)
    digest = put(one, data)
    assert one.is_ahead(KEY) and list(one.list_ahead()) == [KEY] and s3.keys(bucket) == []
    with one.open(KEY) as file:
        assert file.fd is not None and file.sha256() == digest, "read from this node's disk until it is copied"
    one.upload(KEY, size, digest)
    assert not one.is_ahead(KEY) and list(one.list_ahead()) == [] and s3.keys(bucket) == [KEY]
    assert one.open(KEY).fd is not None, "and from its cache afterwards"
    with other.open(KEY) as file, other.open_durable(KEY) as durable:
        assert (file.fd, file.size, durable.fd, durable.size) == (None, size, None, size)
        assert file.sha256() == durable.sha256() == digest
        for place in ((0, 1), (size - 1, 100), (size // 2, size), (size, 1), (-1, 1), (size + 5, 5)):
            assert file.read_at(*place) == (data[place[0] : place[0] + place[1]] if place[0] >= 0 else b"")
    assert list(one.list("archive")) == list(other.list("archive")) == [KEY] and list(one.list("quarantine")) == []


def test_what_is_damaged_is_put_back_and_only_by_what_it_was(make: Make, s3: ceph.S3, bucket: str, folder: Path) -> None:
    """In the bucket, missing there, and on the disk before it is uploaded; caches of the damaged bytes are not met again."""
    one, other = make("one"), make("other")
    data = content(3 * PART - 5)
    digest = put(one, data)
    good, bad = folder / "good", folder / "bad"
    good.write_bytes(data)
    bad.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))

    def file(path: Path) -> LocalFile:
        return LocalFile(os.open(path, os.O_RDONLY))

    def damage(blobs: S3Blobs) -> None:
        if blobs.is_ahead(KEY):
            os.chmod(blobs.ahead.path(KEY), 0o600)
            blobs.ahead.path(KEY).write_bytes(bad.read_bytes())
            return
        with file(bad) as damaged:
            blobs.bucket.put(KEY, damaged)
        with other.open(KEY, len(data)) as seen:  # ... and read, so that it is in the cache of a node
            assert seen.sha256() != digest

    for where in ("ahead", "bucket", "missing"):
        if where == "bucket":
            one.upload(KEY, len(data), digest)
        if where == "missing":
            s3.request("DELETE", f"/{bucket}/{KEY}")
        else:
            damage(one)
        with file(bad) as wrong, pytest.raises(Broken, match="damaged"):
            one.restore(KEY, wrong, digest)
        with file(good) as whole:
            one.restore(KEY, whole, digest)
        with one.open(KEY) as seen:
            assert seen.sha256() == digest, where
    with one.open_durable(KEY) as seen:
        assert seen.sha256() == digest and s3.keys(bucket) == [KEY]


def test_encrypted_the_bucket_and_every_disk_hold_no_clear_byte(make: Make, s3: ceph.S3, bucket: str, folder: Path,
                                                               monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """In ranges from the bucket, from its cache, and after a change of keys, of which no cache may know the old bytes."""
    monkeypatch.setenv("FIRST_KEY", "11" * 32)
    monkeypatch.setenv("SECOND_KEY", "22" * 32)
    first = {"encryption_key": "env:FIRST_KEY"}
    one, other = make("one", **first), make("other", **first)
    data, clear = content(300_000), content(70_001)
    plain = make("before")
    plain.upload(f"{KEY}.plain", len(clear), put(plain, clear, f"{KEY}.plain"))
    digest = put(one, data)
    with one.open(KEY) as file:
        assert file.sha256() == digest
    one.upload(KEY, len(data), digest)
    assert one.key_name(KEY) == keys.name(bytes.fromhex("11" * 32)).hex() and one.key_name(f"{KEY}.plain") == ""

    def read(blobs: S3Blobs) -> None:
        for key, expected in ((KEY, data), (f"{KEY}.plain", clear)):
            for opened in (blobs.open(key), blobs.open(key, len(expected)), blobs.open_durable(key)):
                with opened as file:
                    assert file.size == len(expected) and file.sha256() == sha256(expected).hexdigest()
                    assert file.read_at(65_530, 100) == expected[65_530:65_630]

    read(one)
    read(other)
    read(other)
    assert not any(data[500:560] in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    both = {"encryption_key": "env:SECOND_KEY", "encryption_old_keys": "env:FIRST_KEY"}
    later, reader = make("later", **both), make("other", **both)
    for key in (KEY, f"{KEY}.plain"):
        assert later.reseal(key) and not later.reseal(key)
        assert later.key_name(key) == keys.name(bytes.fromhex("22" * 32)).hex()
    read(later)
    read(reader)
    assert later.bucket.get(KEY, 0, 8)[0] == b"ISOSEAL1"
    with pytest.raises(Away, match="encrypted under the key"):
        one.open_durable(KEY)


def test_ranges_are_read_from_the_bucket_once(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """And then from the node's disk; with a cache of no size each time."""
    one, other = make("one"), make("other")
    data = content(2_000_000)
    one.upload(KEY, len(data), put(one, data))
    asked: list[tuple[int, int]] = []
    real = Bucket.get
    monkeypatch.setattr(Bucket, "get", lambda self, key, at, length: (asked.append((at, length)), real(self, key, at, length))[1])
    for _ in range(3):
        file = other.open(KEY, len(data))  # a new one: what is remembered is on the disk
        assert file.read_at(1000, 524_288) == data[1000 : 1000 + 524_288]
    assert asked == [(1000, 524_288)], "one request, for what was asked and no more"
    without = make("third", limit=0)
    assert [without.open(KEY, len(data)).read_at(5, 5) for _ in range(2)] == [data[5:10]] * 2
    assert asked[1:] == [(5, 5)] * 2
    assert other.open_durable(KEY).read_at(1000, 524_288) == data[1000 : 1000 + 524_288] and len(asked) == 4


def test_what_another_node_has_not_copied_yet_is_busy_and_not_missing(make: Make, ledger: Ledger) -> None:
    one, other = make("one"), make("other")
    digest = put(one, b"content")
    ledger.keys.add(KEY)
    for ask in (lambda: other.open(KEY), lambda: other.open(KEY, 7).read_at(0, 7), lambda: other.open_durable(KEY),
                lambda: one.open_durable(KEY), lambda: other.times(KEY)):  # fmt: skip
        with pytest.raises(Busy, match=r"another node.*safe on that node's disk") as caught:
            ask()
        assert caught.value.retry_after > 0
    ledger.asked = lambda: one.upload(KEY, 7, digest)  # in the moment between the two questions
    ledger.keys.clear()
    assert other.open(KEY).sha256() == digest
    assert ledger.keys == set()


def test_what_is_nowhere_is_missing(make: Make) -> None:
    blobs = make("one")
    for ask in (lambda: blobs.open(KEY), lambda: blobs.open_durable(KEY), lambda: blobs.times(KEY),
                lambda: blobs.upload(KEY, 7, "0")):  # fmt: skip
        with pytest.raises(Missing):
            ask()
    with pytest.raises(Broken, match="is not there"):
        blobs.open(KEY, 7).read_at(0, 7)
    blobs.delete(KEY)
    for key in ("../x", "archive/../../x", "incoming/x"):
        with pytest.raises(Broken):
            blobs.open(key)


def test_what_was_damaged_on_the_disk_is_not_copied(make: Make, s3: ceph.S3, bucket: str) -> None:
    blobs = make("one")
    digest = put(blobs, b"content")
    os.chmod(blobs.ahead.path(KEY), 0o640)
    blobs.ahead.path(KEY).write_bytes(b"c0ntent")
    with pytest.raises(Broken, match="damaged before it could be copied"):
        blobs.upload(KEY, 7, digest)
    assert s3.keys(bucket) == [] and blobs.is_ahead(KEY)


def test_another_size_in_the_bucket_is_told(make: Make) -> None:
    one, other = make("one"), make("other")
    one.upload(KEY, 7, put(one, b"content"))
    with pytest.raises(Broken, match="does not have its size"):
        other.open(KEY, 8).read_at(0, 4)
    with pytest.raises(Broken, match="something else under this key"):
        other.upload(KEY, 8, "0")


def test_an_upload_that_was_done_is_done_again_without_harm(make: Make, ledger: Ledger) -> None:
    """A killed process leaves the file, or the row, or both."""
    blobs = make("one")
    digest = put(blobs, b"content")
    ledger.keys.add(KEY)
    blobs.bucket.put(KEY, blobs.ahead.open(KEY))  # killed before the file was given to the cache
    blobs.upload(KEY, 7, digest)
    assert not blobs.is_ahead(KEY) and ledger.keys == set()
    ledger.keys.add(KEY)  # killed before its row was removed
    blobs.upload(KEY, 7, digest)
    assert ledger.keys == set() and blobs.open(KEY).sha256() == digest


def test_derived_data_goes_straight_into_the_bucket(make: Make, s3: ceph.S3, bucket: str) -> None:
    one, other = make("one"), make("other")
    key = "derived/metadata/aa/bb/1.json.gz"
    incoming = one.open_incoming()
    incoming.write(b"document")
    one.place(incoming, key)
    incoming.discard()
    assert s3.keys(bucket) == [key] and list(one.list("derived")) == [key] and os.listdir(one.ahead.folder / "incoming") == []
    assert (one.open(key).fd is None, other.open(key).fd is None) == (False, True)
    assert one.open(key).read_at(0, 8) == other.open(key).read_at(0, 8) == b"document"
    one.delete(key)
    with pytest.raises(Missing):
        one.open(key)


def test_a_store_that_is_away_is_away(make: Make, s3: ceph.S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its address and its words are not in the error; nothing here is lost."""
    blobs = make("one", storage=f"s3://bucket-of-nobody?endpoint=http://127.0.0.1:{ceph.free_port()}")
    digest = put(blobs, b"content")
    for ask in (lambda: blobs.upload(KEY, 7, digest), lambda: blobs.open(KEY.replace("cc", "dd")), blobs.bucket.check):
        with pytest.raises(Away, match="bucket-of-nobody does not answer") as caught:
            ask()
        assert "127.0.0.1" not in str(caught.value) and ceph.SECRET not in str(caught.value)
    assert blobs.open(KEY).sha256() == digest
    incoming = blobs.open_incoming()
    incoming.write(b"derived")
    blobs.place(incoming, "derived/x.json")
    assert blobs.open("derived/x.json").read_at(0, 7) == b"derived", "what can be made again is in the cache of the node"


@pytest.mark.parametrize(("given", "said"), [
    ({"storage": "s3://no-such-bucket?endpoint={endpoint}"}, "there is no bucket no-such-bucket"),
    ({"s3_secret_key": "wrong-secret"}, r"refuses what we ask of the bucket bucket-\d+ \(SignatureDoesNotMatch\)"),
    ({"s3_encryption": "kms", "s3_kms_key": "no-such-key"}, r"refuses what we ask .*"),
])
def test_a_wrong_setting_is_told(make: Make, s3: ceph.S3, given: dict[str, str], said: str) -> None:
    blobs = make("one", **{name: text.format(endpoint=s3.endpoint) for name, text in given.items()})
    digest = put(blobs, b"content")
    with pytest.raises(Broken, match=said) as caught:
        blobs.upload(KEY, 7, digest)
    assert not isinstance(caught.value, Away) and "wrong-secret" not in str(caught.value)
    assert blobs.is_ahead(KEY)


def test_over_tls_with_a_certificate_of_ones_own(make: Make, s3: ceph.S3, bucket: str, tmp_path: Path) -> None:
    storage = f"s3://{bucket}/far?endpoint={s3.tls_endpoint}"
    one = make("one", storage=storage, s3_ca=s3.authority)
    one.upload(KEY, 7, put(one, b"content"))
    assert make("other", storage=storage, s3_ca=s3.authority).open(KEY).read_at(0, 7) == b"content"
    assert s3.keys(bucket) == [f"far/{KEY}"]
    with pytest.raises(Broken, match=r"certificate .* not trusted.*s3_ca"):
        make("third", storage=storage).bucket.check()
    for file in (tmp_path / "none.crt", tmp_path):
        with pytest.raises(Broken, match=r"s3_ca: .* cannot be read"):
            make("fourth", storage=storage, s3_ca=file)


def test_serving_does_not_begin_with_a_wrong_bucket(s3: ceph.S3, folder: Path) -> None:
    keys = {"ISOCENTER_S3_ACCESS_KEY": ceph.ACCESS, "ISOCENTER_S3_SECRET_KEY": ceph.SECRET}
    done = servers.run("serve", "--data", str(folder), "--http", "127.0.0.1:0", "--dicom", "127.0.0.1:0", "--storage",
                       s3.storage("nobodys"), extra=keys)  # fmt: skip
    assert done.returncode == 1 and "there is no bucket nobodys" in done.stderr and "Nothing was started." in done.stderr
    assert "Traceback" not in done.stderr and ceph.SECRET not in done.stderr


def test_the_server_encrypts_with_our_key(make: Make, s3: ceph.S3, bucket: str) -> None:
    """Without the key nobody reads it, with another neither."""
    ours = {"s3_encryption": "customer", "s3_customer_key": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}
    one = make("one", **ours)
    data = content(100_000)
    digest = put(one, data)
    one.upload(KEY, len(data), digest)
    assert make("other", **ours).open(KEY).sha256() == digest
    answer = s3.request("GET", f"/{bucket}/{KEY}")
    assert answer.status_code == 400 and data not in answer.content
    with pytest.raises(Broken, match="refuses"):
        make("third").open(KEY, len(data)).read_at(0, 10)


def test_keys_of_both_places_are_listed_once_in_order(make: Make) -> None:
    from datetime import UTC, datetime

    one = make("one")
    keys = [instance_key("archive", datetime(2026, 11, day, tzinfo=UTC), "1.2", f"1.2.{n}", f"{n:032x}") for day in (9, 10)
            for n in range(12)]  # fmt: skip
    for number, key in enumerate(keys):
        digest = put(one, b"content", key)
        if number % 3:
            one.bucket.put(key, one.ahead.open(key))
        if number % 3 == 2:
            one.upload(key, 7, digest)
    assert list(one.list("archive")) == sorted(keys)
    assert list(one.list("archive/2026/11/09")) == sorted(keys)[:12]


def test_a_node_keeps_its_name(make: Make) -> None:
    assert make("one").node == make("one").node != make("other").node
