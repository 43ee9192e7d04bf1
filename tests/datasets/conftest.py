"""A real web server on 127.0.0.1, and the datasets in miniature on it, in their official formats."""

import http.server
import threading

import miniatures
import pytest

from playground.datasets import CATALOG
from playground.datasets.download import checksum


class Server(http.server.ThreadingHTTPServer):
    """Serves a folder. ranges: whether it can go on in the middle; cut: bytes after which it hangs up; gate: waited for halfway."""

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Answer)
        self.folder, self.address = folder, f"http://127.0.0.1:{self.server_port}/"
        self.ranges, self.cut, self.asked = True, None, []
        self.gate = threading.Event()
        self.gate.set()

    def handle_error(self, *values):
        """Whoever asked may hang up at any time."""

    def put(self, name, content):
        (self.folder / name).write_bytes(content)
        return self.address + name, checksum(self.folder / name)


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        wanted, name = self.headers.get("Range"), self.path.strip("/")
        self.server.asked.append((name, wanted))
        if not (self.server.folder / name).is_file():
            return self.send_error(404)
        content = (self.server.folder / name).read_bytes()
        begin = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.ranges else 0
        if begin >= len(content):
            return self.send_error(416)
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        half = begin + (len(content) - begin) // 2
        end = len(content) if self.server.cut is None else begin + self.server.cut
        self.wfile.write(content[begin : min(half, end)])
        self.wfile.flush()
        self.server.gate.wait(30)
        self.wfile.write(content[half:end])

    def log_message(self, *values):
        pass


@pytest.fixture
def server(tmp_path):
    """It runs."""
    folder = tmp_path / "served"
    folder.mkdir()
    with Server(folder) as running:
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        yield running
        running.gate.set()
        running.shutdown()


@pytest.fixture
def miniature(server, tmp_path, monkeypatch):
    """name -> that dataset, whose links lead to a miniature of it on the server."""

    def make(name):
        kind, made = CATALOG[name], tmp_path / f"made-{name}"
        made.mkdir()
        getattr(miniatures, name.replace("-", "_"))(kind, server, made, monkeypatch)
        return kind

    return make
