"""Where things lie: `home()` holds all that is recorded, `site()` the app's own pages and assets."""

from __future__ import annotations

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent


def home() -> Path:
    """The one folder that everything is kept in: SSL_PLAYGROUND_HOME, or the user's data folder. Made if it is not there.

    It holds `playground.db`, `runs/<id>/`, `data/` (downloaded data sets) and `logs/`.
    """
    chosen = os.environ.get("SSL_PLAYGROUND_HOME", "").strip()
    folder = Path(chosen).expanduser() if chosen else _usual()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"SSL_PLAYGROUND_HOME must be a folder that can be written, got {folder}: {error.strerror}") from None
    return folder.resolve()


def _usual() -> Path:
    import platformdirs

    return platformdirs.user_data_path("ssl-playground", appauthor=False)


def site() -> Path:
    """The folder with app.py, pages/ and assets/: inside an installed package, or the root of a checkout."""
    packed = HERE / "_site"
    return packed if packed.is_dir() else HERE.parent
