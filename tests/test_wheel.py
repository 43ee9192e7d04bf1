"""What is installed elsewhere is the same app: its pages and assets travel in the wheel."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(address, patience=90):
    """The body of the first answer, however long the server takes to start."""
    deadline = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return answer.read()
        except urllib.error.HTTPError:
            raise
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel, unpacked into an empty folder far from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    pytest.importorskip("hatchling", reason="hatchling is not installed: pip install -e '.[test]'")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_holds_pages_assets_and_theme(installed):
    site = installed / "playground" / "_site"
    for part in ("app.py", ".streamlit/config.toml", "assets/live.js", "pages/train.py"):
        assert (site / part).is_file(), part
    ours = {path.relative_to(ROOT / "assets") for path in (ROOT / "assets").rglob("*") if path.is_file()}
    assert ours == {path.relative_to(site / "assets") for path in (site / "assets").rglob("*") if path.is_file()}


def test_the_wheel_serves_the_app_from_anywhere(installed, tmp_path):
    port = free_port()
    environment = os.environ | {
        "PYTHONPATH": str(installed), "SSL_PLAYGROUND_HOME": str(tmp_path / "home"), "STREAMLIT_SERVER_HEADLESS": "true",
        "STREAMLIT_SERVER_ADDRESS": "127.0.0.1",
    }  # fmt: skip
    server = subprocess.Popen(
        [sys.executable, "-m", "playground.cli.main", "serve", "--port", str(port)], cwd=tmp_path, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert b'"ok"' in fetch(f"http://127.0.0.1:{port}/healthz")
        assert b"<title>" in fetch(f"http://127.0.0.1:{port}/")
        assert b"export" in fetch(f"http://127.0.0.1:{port}/assets/live.js")
    finally:
        server.terminate()
        server.wait(30)
