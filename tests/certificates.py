"""Certificates made by openssl: an authority, and what it signs for this machine."""

import subprocess
from pathlib import Path

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


class Authority:
    """Signs certificates; `certificate` is what others trust it by."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder, self._name = folder, name
        self.certificate = folder / f"{name}.crt"
        usage = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        _openssl("req", "-x509", *_CURVE, "-subj", f"/CN={name}", *usage, "-keyout", self._key, "-out", self.certificate)

    @property
    def _key(self) -> Path:
        return self._folder / f"{self._name}.key"

    def signed(self, name: str, alternative: str = "DNS:localhost,IP:127.0.0.1") -> tuple[Path, Path]:
        """A certificate for the alternative names, and its private key."""
        request, made, key = (self._folder / f"{name}.{kind}" for kind in ("csr", "crt", "key"))
        extension = ("-addext", f"subjectAltName={alternative}")
        _openssl("req", *_CURVE, "-subj", f"/CN={name}", *extension, "-keyout", key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial",
                 "-days", "2", "-copy_extensions", "copyall", "-out", made)
        return made, key


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
