"""The collapse lab as a room sees it: two runs, one clock."""

import re

SMALL = {"method": "simsiam", "network": "resnet-tiny", "batch_size": 32}


def test_both_maps_and_both_verdicts_move_on_one_clock(desk):
    page = desk(path="collapse", **SMALL, steps=40)
    assert page.locator("table tbody tr").count() >= 7
    page.click(".st-key-start button:enabled")
    page.wait_for_function("document.querySelectorAll('.ssl-state').length === 2 && document.querySelectorAll('.ssl-twinmap').length === 2")
    # Where each map, each verdict and the clock stand, at every news, from the first step on.
    page.evaluate("""() => {
        window.seen = []
        const shown = '.ssl-where, .ssl-card .ssl-good, .ssl-when'
        const look = () => window.seen.push([...document.querySelectorAll(shown)].map((each) => each.textContent))
        new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true })
    }""")
    page.wait_for_function("document.querySelector('.ssl-status').textContent === 'Finished'", timeout=240_000)
    page.wait_for_function("[...document.querySelectorAll('.ssl-when')].every((each) => each.textContent.startsWith('step 40'))")
    assert "step 40 / 40" in page.text_content(".ssl-where")
    maps = [[int(found[1]) for row in page.evaluate("window.seen") if (found := re.match(r"step (\d+)", row[at]))] for at in (1, 2)]
    seen = page.evaluate("window.seen.filter((row) => row.length === 5)")
    steps = [[int(re.search(r"step (\d+)", text)[1]) if "step" in text else 0 for text in row] for row in seen]
    assert steps and len({row[-1] for row in steps}) > 1
    assert maps
    states = page.locator(".ssl-state").all_text_contents()
    assert len(states) == 2 and all(states) and "Not judged yet" not in states
    runs = [re.search(rf"lab\.{side}=(\w+)", page.url)[1] for side in ("healthy", "broken")]
    assert len(set(runs)) == 2
