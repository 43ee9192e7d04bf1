"""The line above every run: nothing in it is cut, and what stands behind a word is reached by a tap."""

from playground.ui import ASSETS

SENTENCE = (
    "Projector collapse. All images look alike to the network: the projector's features spread to 3% of 1/sqrt(128). The backbone is alive."
)
DRAW = """
async ([facts, state, sentence, step]) => {
  const { default: Transport } = await import("/assets/panels/transport.js")
  const place = document.createElement("div")
  Object.assign(place, { className: "ssl-panel ssl-transport", style: "width: 740px; font-family: sans-serif" })
  document.body.replaceChildren(place)
  const panel = new Transport(place)
  clearInterval(panel.ticking)
  panel.data = { run: "a", status: "running", title: "SimCLR on Shapes, seed 0" }
  panel.notify = () => {}
  const now = (name) => (name === "views_per_second" ? 2140 : undefined)
  const pace = { longest: () => 1, left: () => 60 }
  const run = { id: "a", status: { status: "running" }, step: 40, steps: 300, online: true, heard: null, changes: [], snapshots: new Map() }
  panel.update({ ...run, facts, now, pace, verdict: { state, sentence, step } })
}
"""
CUT = "each => each.scrollWidth > each.clientWidth || each.scrollHeight > each.clientHeight"


def drawn(scripts, step=300, **facts):
    scripts.set_viewport_size({"width": 1440, "height": 900})
    scripts.add_style_tag(path=ASSETS / "page.css")
    scripts.add_style_tag(path=ASSETS / "definitions.css")
    state, _, sentence = SENTENCE.partition(". ")
    scripts.evaluate(DRAW, [facts, state.lower(), sentence, step])


def test_the_verdict_and_the_speed_are_read_whole_beside_each_other(scripts):
    drawn(scripts)
    assert scripts.text_content(".ssl-verdict") == SENTENCE and "2140 views/s" in scripts.text_content(".ssl-message").replace(",", "")
    for part in (".ssl-verdict", ".ssl-message"):
        assert not scripts.locator(part).evaluate(CUT), part


def test_a_verdict_names_its_step_while_the_run_goes_on_from_there(scripts):
    drawn(scripts, step=20)
    assert scripts.text_content(".ssl-verdict") == "At step 20: p" + SENTENCE[1:]
    assert not scripts.locator(".ssl-verdict").evaluate(CUT)
    drawn(scripts, step=300)
    assert scripts.text_content(".ssl-verdict") == SENTENCE


def test_why_it_computes_as_it_does_and_on_how_many_threads_is_told_by_a_tap(scripts):
    drawn(scripts, device="cpu, float32, channels_last, 2 threads", device_why="measured on this machine: float32 is faster")
    scripts.click(".ssl-how")
    assert "cpu, float32, channels_last, 2 threads. Measured on this machine: float32 is faster." in scripts.text_content("#ssl-definition")
    scripts.keyboard.press("Escape")
