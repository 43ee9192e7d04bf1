"""The collapse lab as a room sees it: two runs, one clock."""

import re

SMALL = {"method": "simsiam", "network": "resnet-tiny", "batch_size": 32}
SHOWN = ".ssl-where, .ssl-card .ssl-sentence, .ssl-pair-map .ssl-when"  # the clock, both verdicts, both maps


def number(text):
    found = re.match(r"step (\d+)", text)
    return int(found[1]) if found else None


def test_both_maps_and_both_verdicts_move_on_one_clock(desk):
    page = desk(path="collapse", **SMALL, steps=60)
    assert page.locator("table tbody tr").count() >= 7
    page.click(".st-key-start button:enabled")
    page.wait_for_function(
        "document.querySelectorAll('.ssl-card').length === 2 && document.querySelectorAll('.ssl-pair-map canvas').length >= 2"
    )
    page.evaluate(
        """shown => {
            window.seen = []
            const look = () => window.seen.push([...document.querySelectorAll(shown)].map((each) => each.textContent))
            new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true })
        }""",
        SHOWN,
    )
    page.wait_for_function("document.querySelector('.ssl-status').textContent === 'Finished'", timeout=400_000)
    maps = "[...document.querySelectorAll('.ssl-pair-map .ssl-when')]"
    page.wait_for_function(f"{maps}.every((each) => each.textContent.startsWith('step 60'))")
    assert page.text_content(".ssl-where") == "step 60 / 60"
    seen = [row for row in page.evaluate("window.seen") if len(row) == 5]
    for place in range(1, 5):
        assert len({row[place] for row in seen if row[place]}) > 1, "each verdict and each map has moved"
    clocked = [[number(row[place]) for place in (0, 3, 4)] for row in seen]
    ahead = [row for row in clocked if row[0] is not None and any(step is not None and step > row[0] for step in row[1:])]
    assert not ahead, "no map runs ahead of the clock"
    assert all(re.search(rf"lab\.{side}=\w+", page.url) for side in ("healthy", "broken"))
    # One look for both: what is chosen on one map is chosen on the other.
    page.locator(".ssl-pair-map .ssl-factors button", has_text="color").first.click()
    pressed = page.locator(".ssl-pair-map .ssl-factors button[aria-pressed=true]")
    assert pressed.all_text_contents() == ["color", "color"]
