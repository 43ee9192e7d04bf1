"""Every control shows, on every page and however one came there, what the link and the settings say."""

import re

import pytest

from playground.config import CHOICES
from support.serving import WITHOUT_MAPS, serving

PAGES = ("Masking", "Data", "Train", "Augmentations", "Collapse", "Data", "Embeddings", "Evaluation", "Train")
SET = {"seed": 7, "steps": 301, "batch_size": 32, "network": "resnet-tiny", "method.temperature": 0.3, "data.image_size": 24}
ASIDE = {"mask.ratio": 0.35, "mask.seed": 5, "eval.seed": 4}
READ = """
() => Object.fromEntries([...document.querySelectorAll("[class*=st-key-]")].flatMap((place) => {
  const control = place.querySelector("input, [role=slider]")
  if (!place.matches(".stElementContainer") || !control) return []
  const key = [...place.classList].find((name) => name.startsWith("st-key-")).slice(7)
  const said = control.getAttribute("aria-valuetext") ?? place.querySelector("[data-testid=stSliderThumbValue]")?.textContent
  return [[key, control.type === "checkbox" ? String(control.checked) : said || control.value]]
}))
"""


def visit(page, name):
    page.click(f"[data-testid=stTopNavLink]:has-text('{name}')")
    path = "/" if name == "Train" else f"/{name.lower()}"
    page.wait_for_function("path => location.pathname === path", arg=path)
    settled(page)


def settled(page):
    for _ in range(2):  # a page may begin anew once its panels have spoken
        page.wait_for_timeout(400)
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def differing(page):
    """The controls that show something else than the address says, by key; and how many were compared."""
    link = dict(re.findall(r"([^?&=]+)=([^&]*)", page.url))
    shown, wrong, compared = page.evaluate(READ), {}, 0
    for key, value in link.items():
        seen = shown.get(key.replace(".", "-"))
        if seen is None:
            continue
        compared += 1
        if key in CHOICES:
            wanted = CHOICES[key][value].title
            same = seen == wanted or seen.startswith(f"{wanted} · ")
        elif seen.startswith("Recording: "):  # which is called by its settings, not by its id
            config = page.evaluate("async (run) => (await (await fetch(`api/runs/${run}`)).json()).config", value)
            titles = [CHOICES[kind][config[kind]].title for kind in ("method", "data")]
            same = all(title in seen for title in titles) and f"{config['steps']} steps" in seen
        else:
            same = value in seen.split() or (_number(seen) is not None and _number(seen) == _number(value))
        if not same:
            wrong[key] = (seen, value)
    return wrong, compared


def _number(text):
    try:
        return float(text)
    except ValueError:
        return None


@pytest.mark.parametrize("query", [{}, SET | ASIDE], ids=["defaults", "chosen"])
def test_every_control_shows_what_the_link_says_on_a_walk_through_all_pages(desk, query):
    page = desk(**query)
    for name in PAGES:
        visit(page, name)
        wrong, compared = differing(page)
        assert wrong == {}, name
        assert compared or name not in ("Train", "Data"), name


def test_after_a_start_the_data_page_is_about_the_data_of_the_run(desk):
    page = desk(steps=300, network="resnet-tiny")
    page.click(".st-key-start button:enabled")
    page.wait_for_function("new URL(location).searchParams.get('run')")
    for name in ("Masking", "Data"):
        visit(page, name)
        assert differing(page)[0] == {}, name
    visit(page, "Train")
    page.click(".st-key-stop button:enabled")


SLOW = WITHOUT_MAPS.replace(
    "runpy.run_module", "import streamlit.runtime.runtime as slow; slow.MESSAGE_FLUSH_INTERVAL_SECS = 0.6\nrunpy.run_module"
)


def test_controls_keep_their_values_where_the_server_is_slow_to_send_what_it_drew(chromium, tmp_path):
    """A page that is drawn anew drops what was not sent yet of the drawing before, as on a busy machine."""
    with serving(tmp_path, ("-c", SLOW)) as address:
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{address}?" + "&".join(f"{key}={value}" for key, value in SET.items()))
        page.wait_for_selector(".ssl-status:not(:empty)")
        settled(page)
        link = page.url
        for name in ("Data", "Train", "Masking", "Train", "Data", "Train"):
            for pause in (150, 300, 0):  # a click while the drawing after the one before is on its way
                page.click(f"[data-testid=stTopNavLink]:has-text('{name}')")
                page.wait_for_timeout(pause)
            settled(page)
            assert differing(page)[0] == {}, name
        page.locator(".st-key-seed input").fill("8")
        page.keyboard.press("Enter")
        settled(page)
        assert page.url == link.replace("seed=7", "seed=8")
        page.close()
