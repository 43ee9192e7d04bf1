"""Files and JSON with the right headers: a browser keeps what never changes, and asks again for the rest."""

from __future__ import annotations

import base64
import mimetypes
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from playground import safe_files
from playground.runs.records import as_json

FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
# The system's own table may be wrong (Windows calls JavaScript text/plain), and browsers then refuse a module.
BINARY = "application/octet-stream"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json", ".png": "image/png"}


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON, numbers that are not finite as null."""
    return Response(as_json(body), status, {"Cache-Control": "no-store"} | (headers or {}), "application/json")


def failure(status: int, sentence: str) -> Response:
    """{"error": sentence}."""
    return answer({"error": sentence}, status)


def tagged(request: Request, tag: str, body: Any) -> Response:
    """JSON, or bytes as they are, that the browser may keep as long as we confirm it by its tag.

    body: or what makes it, which then is asked only for news.
    """
    headers = {"ETag": f'"{tag}"', "Cache-Control": ASK_AGAIN}
    if _known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    made = body() if callable(body) else body
    return Response(made, headers=headers, media_type=BINARY) if isinstance(made, bytes) else answer(made, headers=headers)


def file(request: Request, path: Path) -> Response:
    """A file, or 404, or 304 where the browser has it already."""
    if not path.is_file():
        return failure(404, f"there is no {path.name}")
    found = path.stat()
    headers = {"ETag": f'"{found.st_mtime_ns:x}-{found.st_size:x}"', "Cache-Control": ASK_AGAIN}
    if _known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return FileResponse(path, headers=headers, media_type=type_of(path))


def kept_file(request: Request, path: Path) -> Response:
    """A file of a run's folder, its check sum looked at, or 404, or 304. Raises Damaged."""
    return content(request, safe_files.read(path), path) if path.is_file() else failure(404, f"there is no {path.name}")


def content(request: Request, data: bytes, path: Path) -> Response:
    """What is in a file of that name, or 304 where the browser has it already."""
    headers = {"ETag": f'"{zlib.crc32(data):x}-{len(data):x}"', "Cache-Control": ASK_AGAIN}
    if _known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(data, headers=headers, media_type=type_of(path))


def packed(array: np.ndarray) -> dict[str, Any]:
    """An array as JSON: float32 in base64, a quarter of what digits would take."""
    plain = np.ascontiguousarray(array, dtype=np.float32)
    return {"dtype": "float32", "shape": list(plain.shape), "data": base64.b64encode(plain.tobytes()).decode()}


def type_of(path: Path) -> str:
    """What a browser is told that a file of this name is."""
    return TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def _known(request: Request, tag: str) -> bool:
    # A proxy that compresses marks the tag as weak; it is still ours.
    given = request.headers.get("if-none-match", "")
    return tag in [each.strip().removeprefix("W/") for each in given.split(",")]
