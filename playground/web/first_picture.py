"""Something moves before Streamlit's scripts have come: the first page brings the recorded pair with it, drawn by the panel of that name.

Streamlit's index.html is an empty shell until 1.3 MB of scripts have been loaded and have run. What is added to it here is a place, our
styles and one script, `assets/first_picture.js`, which takes the place away as soon as the page has a panel of its own there.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from playground.home import site
from playground.runs.records import as_json
from playground.web import modules
from playground.web.hints import SCRIPT, opens_a_page, shows_the_recording
from playground.web.packing import Answer, takes_packed

# The theme's font is that of the system: Streamlit's own, 170 kB, would be loaded ahead of everything else and not be used.
FONT = re.compile(r'\s*<link\b[^>]*\brel="preload"[^>]*\bas="font"[^>]*>')
HEAD, BODY = re.compile(r"(?=<script\b)"), re.compile(r"(?=</body>)")
PLACE = (
    '<div id="first-picture" role="region" aria-label="A recording, while the page loads">'
    '<header>SSL Playground<span role="status">The controls are loading.</span></header></div>'
)
BASES = ("light", "dark")
# Streamlit's name of a part of a theme -> ours, in .streamlit/config.toml.
EARLY = {
    "bodyFont": "font",
    "primaryColor": "primaryColor",
    "backgroundColor": "backgroundColor",
    "secondaryBackgroundColor": "secondaryBackgroundColor",
    "textColor": "textColor",
}
CONDITIONS = (b"if-none-match", b"if-modified-since", b"range", b"accept-encoding")
# What the picture is drawn with.
COLORS = ("backgroundColor", "textColor", "primaryColor", "chartCategoricalColors")


class FirstPicture:
    """Middleware: adds the picture to the page that a browser opens, where nothing else will be shown there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if not opens_a_page(scope):
            return await self._app(scope, receive, send)
        answer = Answer()
        await self._app(_unconditional(scope), receive, answer.take)
        if _is_page(answer):
            answer = _changed(answer, shows_the_recording(scope))
            answer = answer.packed() if takes_packed(scope) else answer
        for message in answer.messages:
            await send(message)


def with_picture(page: str, *, moves: bool) -> str:
    """Streamlit's index.html with our theme from the start, and where something `moves` with the picture. Any other text stays as it is."""
    if '<div id="root">' not in page:
        return page
    page = FONT.sub("", page).replace("<title>Streamlit</title>", "<title>SSL Playground</title>")
    page = HEAD.sub(theme() + (head() if moves else ""), page, count=1)
    return BODY.sub(PLACE, page, count=1) if moves else page


@cache
def theme() -> str:
    """What Streamlit's scripts take as their themes until those of the config arrive: else they would draw in others, and load a font."""
    themes = {f"{base.upper()}_THEME": {name: _option(base, each) for name, each in EARLY.items()} for base in BASES}
    return f"<script>window.__streamlit = {as_json(themes)}</script>"


@cache
def head() -> str:
    """The tags of the picture, which stand before Streamlit's scripts."""
    light, dark = map(_colors, BASES)
    return (
        f"<style>html:root {{ font-size: {config()['baseFontSize']}px; }} {light} "
        f"@media (prefers-color-scheme: dark) {{ {dark} }}</style>"
        f'<link rel="stylesheet" href="./{modules.address()}{modules.STYLES}">'
        f'<script type="module" src="./{modules.address()}{SCRIPT}"></script>'
    )


def _colors(base: str) -> str:
    """The page's background, and the colors as the variables that Streamlit gives to components."""
    variables = " ".join(f"--st-{_dashed(each)}: {_option(base, each)};" for each in COLORS)
    return f"html:root {{ background: {_option(base, 'backgroundColor')}; }} #first-picture {{ {variables} }}"


def _dashed(name: str) -> str:
    return re.sub(r"[A-Z]", lambda letter: f"-{letter[0].lower()}", name)


def _option(base: str, name: str) -> str:
    value = config()[base].get(name) or config()[name]
    return value if isinstance(value, str) else ",".join(value)


@cache
def config() -> dict[str, Any]:
    """Our theme, as Streamlit reads it."""
    theme: dict[str, Any] = tomllib.loads((site() / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
    return theme


def _unconditional(scope: Scope) -> Scope:
    """The same request for the whole page as text: what a browser may have kept is Streamlit's, and this page is not."""
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name not in CONDITIONS]}


def _is_page(answer: Answer) -> bool:
    return answer.whole and Headers(raw=answer.messages[0]["headers"]).get("content-type", "").startswith("text/html")


def _changed(answer: Answer, moves: bool) -> Answer:
    start, *rest = answer.messages
    page = with_picture(b"".join(each.get("body", b"") for each in rest).decode(), moves=moves).encode()
    headers = MutableHeaders(raw=list(start["headers"]))
    headers["Content-Length"] = str(len(page))
    for name in ("ETag", "Last-Modified"):
        del headers[name]
    return Answer([{**start, "headers": headers.raw}, {"type": "http.response.body", "body": page}])
