"""What the tests of rendered answers share: objects stored by URL, pictures read from answers."""

import io
from pathlib import Path

import httpx
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicomweb.in_process import Client

BASE = "http://pacs.test/dicom-web"


def store(client: Client, content: Path | bytes) -> str:
    """Store one object; its URL below BASE."""
    answer = client.store(content)
    assert answer.status_code == 200, answer.text
    url: str = answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0]
    return url.removeprefix(BASE)


def image(answer: httpx.Response | bytes) -> Image.Image:
    """The picture of an answer or a part of one; an answer's Content-Type must be true."""
    if isinstance(answer, bytes):
        return Image.open(io.BytesIO(answer))
    assert answer.status_code == 200, answer.text
    opened = Image.open(io.BytesIO(answer.content))
    assert Image.MIME[opened.format or ""] == answer.headers["content-type"]
    return opened


def pixels(answer: httpx.Response | bytes) -> NDArray[np.uint8]:
    """Its pixels."""
    return np.asarray(image(answer))
