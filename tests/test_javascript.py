"""The scripts of assets/: set by prettier, without complaints of eslint and tsc, and what they compute is right (tests/js/unit)."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).parent / "js"
REQUIRED = os.environ.get("SSL_PLAYGROUND_REQUIRE_NODE") == "1"
TASKS = {"format:check": "npm run format", "lint": "npm run lint", "types": "npm run types", "test": "npm test"}


def absent():
    """Why the scripts cannot be checked here, or None."""
    if not (shutil.which("node") and shutil.which("npm")):
        return "Node is not installed"
    if not (TOOLS / "node_modules").is_dir():
        return "the tools are not installed: npm ci --prefix tests/js"
    return None


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_the_scripts_pass(task):
    if why := absent():
        pytest.fail(why) if REQUIRED else pytest.skip(why)
    done = subprocess.run(["npm", "run", "--silent", task], cwd=TOOLS, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"in tests/js, {TASKS[task]}:\n{(done.stdout + done.stderr)[-4000:]}"
