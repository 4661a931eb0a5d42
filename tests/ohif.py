"""OHIF's built files on one address with an archive's /dicom-web, as a reverse proxy serves them side by side."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from servers import Server

FILES = Path(__file__).parents[1] / ".build" / "ohif"  # scripts/ohif.sh
_HOP = {"connection", "keep-alive", "transfer-encoding", "host"}  # RFC 9110 7.6.1: not for the next one


def configuration() -> str:
    """OHIF's own default configuration with the address of DICOMweb changed, and the defaults of its documentation."""
    source = {
        "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
        "sourceName": "isocenter",
        "configuration": {
            "friendlyName": "Isocenter", "name": "isocenter",
            "wadoUriRoot": "/wado", "qidoRoot": "/dicom-web", "wadoRoot": "/dicom-web",
            "qidoSupportsIncludeField": True, "supportsFuzzyMatching": True, "supportsWildcard": True,
            "imageRendering": "wadors", "thumbnailRendering": "wadors", "enableStudyLazyLoad": True,
            "bulkDataURI": {"enabled": True, "relativeResolution": "studies"},
        },
    }  # fmt: skip
    facts = {
        "routerBasename": None, "extensions": [], "modes": [], "customizationService": {}, "showStudyList": True,
        "maxNumberOfWebWorkers": 2, "showLoadingIndicator": True, "showWarningMessageForCrossOrigin": False,
        "showCPUFallbackMessage": False, "defaultDataSourceName": "isocenter", "dataSources": [source],
        "investigationalUseDialog": {"option": "never"},
    }  # fmt: skip
    return f"window.config = {json.dumps(facts)};"


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    archive: Server

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith(("/dicom-web", "/wado", "/api/")):
            self._forward()
        elif path == "/app-config.js":
            self._text(configuration(), "text/javascript")
        else:
            if not (FILES / path.lstrip("/")).is_file():
                self.path = "/index.html"  # a route of the client
            super().do_GET()

    do_POST = do_GET
    do_HEAD = do_GET

    def _forward(self) -> None:
        """To the archive, with whatever the browser sends along: its session cookie says who asks."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        connection = http.client.HTTPConnection("127.0.0.1", self.archive.http_port, timeout=120)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        connection.request(self.command, self.path, body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        connection.close()

    def _text(self, text: str, media_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def serving(archive: Server) -> Iterator[str]:
    """The address of OHIF in front of an archive."""
    handler = type("Handler", (_Handler,), {"archive": archive})
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: handler(*args, directory=str(FILES)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
