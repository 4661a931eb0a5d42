"""Archives on an S3 bucket: nodes as the product builds them, each with a data folder of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import ceph
from isocenter import app
from isocenter.service.context import Context
from isocenter.settings import Settings, check


def settings(server: ceph.S3, bucket: str, folder: Path, **given: Any) -> Settings:
    """Those of a node with this data folder."""
    return check(replace(
        Settings(data=folder, storage=server.storage(bucket), s3_access_key=ceph.ACCESS, s3_secret_key=ceph.SECRET,
                 min_free_space=0, series_quiet_seconds=0.0),
        **given,
    ))  # fmt: skip


@contextmanager
def node(server: ceph.S3, bucket: str, folder: Path, **given: Any) -> Iterator[Context]:
    """A process of a node."""
    folder.mkdir(exist_ok=True)
    with app.opened(settings(server, bucket, folder, **given)) as context:
        yield context
