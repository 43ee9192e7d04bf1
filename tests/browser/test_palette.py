"""Charts take their colors from the theme of the page, where the palette is declared once."""

import tomllib

import pytest

from playground.ui import ASSETS

THEME = tomllib.loads((ASSETS.parent / ".streamlit" / "config.toml").read_text())["theme"]
PALETTES = {"light": THEME["chartCategoricalColors"], "dark": THEME["dark"]["chartCategoricalColors"]}


@pytest.mark.parametrize("scheme", PALETTES)
def test_the_page_s_palette_reaches_its_scripts(chromium, desk, server, scheme):
    context = chromium.new_context(color_scheme=scheme)
    page = desk(context=context)
    colors = page.evaluate(f"async () => (await import('{server}assets/theme.js')).themeOf(document.querySelector('.ssl-status')).colors")
    assert [each.upper() for each in colors] == PALETTES[scheme]
    context.close()
