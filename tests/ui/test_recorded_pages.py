"""No page is empty: recordings until there is a run of one's own, said to be such, with the way to train them."""

import pytest

from playground import RunConfig
from playground.evaluation import ledger
from playground.evaluation.protocol import Protocol
from playground.runs import recordings
from playground.runs.packed_run import usual_device
from playground.runs.recordings import NO_COLOR, PAIR, RECORDINGS
from support.opening import address, by_key, opened, rendered
from support.pools import pool_of_pages
from support.trainings import smallest, trained

SIMCLR, PLAIN, MAE, BROKEN = (each.run for each in RECORDINGS)
OPENS = {"embeddings.py": ("map.run", SIMCLR), "evaluation.py": ("eval.run", SIMCLR), "masking.py": ("mask.run", MAE)}

TRAINED = [(file, OPENS[file][0], run) for file in OPENS for run in (SIMCLR, PLAIN, MAE) if file != "masking.py" or run == MAE]


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    with pool_of_pages(tmp_path_factory.mktemp("recorded-pages")) as pool:
        recordings.install(pool.store)
        yield pool


@pytest.fixture
def own(pool):
    """A run of one's own, for as long as a test takes."""
    run = trained(pool.store, smallest("mae", steps=2))
    yield run
    pool.store.forget(run)


def notes(page):
    return [each.value for each in page.markdown if "This is a recording" in each.value]


@pytest.mark.slow
@pytest.mark.parametrize("file", OPENS)
def test_before_anybody_has_trained_a_page_opens_with_a_recording_and_says_so(pool, file):
    key, run = OPENS[file]
    page = opened(file)
    assert address(page)[key] == run
    found = pool.store.run(run)
    name = recordings.title(run)
    assert notes(page) == [f":material/movie: **This is a recording.** {name}, trained on Shapes for {found.steps} steps."]
    shown = by_key(page, "selectbox", key)
    assert all(each.startswith(("Recording: ", "None", "No run")) for each in shown.options)
    assert any(each.startswith(f"Recording: {name} · Shapes") for each in shown.options)
    assert not page.error and not page.warning


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "key", "run"),
    TRAINED,
)
def test_train_it_yourself_has_exactly_its_settings_in_place(pool, file, key, run):
    page = opened(file, **{key: run, "device": "cpu"})
    by_key(page, "button", "train-it").click()
    rendered(page)
    assert by_key(page, "button", "start") and not by_key(page, "button", "start").disabled
    changes = {SIMCLR: {}, PLAIN: NO_COLOR, MAE: {"method": "mae"}}[run]
    assert page.session_state["settings"].flat == RunConfig(**{"device": "cpu", **changes}).flat()
    assert not notes(page)


@pytest.mark.slow
@pytest.mark.parametrize("file", OPENS)
def test_a_run_of_ones_own_comes_first_and_recordings_can_still_be_chosen(own, file):
    key, recorded = OPENS[file]
    page = opened(file)
    assert address(page)[key] == own and not notes(page)
    options = [each for each in by_key(page, "selectbox", key).options if not each.startswith("No")]
    assert own in options[0] and all(each.startswith("Recording: ") for each in options[1:]) and len(options) > 1
    by_key(page, "selectbox", key).select(recorded)
    rendered(page)
    assert address(page)[key] == recorded and notes(page)
    assert address(rendered(page))[key] == recorded, "what was chosen stays"


@pytest.mark.slow
@pytest.mark.parametrize("file", OPENS)
def test_a_recording_that_nobody_chose_makes_room_for_the_first_run(pool, file):
    key, recorded = OPENS[file]
    page = opened(file)
    assert address(page)[key] == recorded
    run = trained(pool.store, smallest("mae", steps=2))
    try:
        assert address(rendered(page))[key] == run and not notes(page)
    finally:
        pool.store.forget(run)


@pytest.mark.slow
def test_a_link_to_a_recording_shows_it_on_every_page(own):
    for file, (key, _) in OPENS.items():
        page = opened(file, **{key: MAE})
        assert address(page)[key] == MAE and notes(page)
    page = opened(run=PLAIN)
    assert address(page)["run"] == PLAIN and notes(page)
    assert all(by_key(page, "button", each).disabled for each in ("pause", "step", "stop"))
    by_key(page, "button", "train-it").click()
    assert "run" not in address(rendered(page)) and not notes(page) and address(page)["augment.jitter_probability"] == "0.0"


@pytest.mark.slow
def test_the_collapse_page_opens_with_a_recorded_pair_and_trains_it(pool):
    page = opened("collapse.py")
    assert (address(page)["lab.healthy"], address(page)["lab.broken"]) == PAIR
    assert len(notes(page)) == 1 and len(page.table) == 1
    assert any("negatives** on → off" in each.value for each in page.caption)
    assert address(page)["method"] == "simclr" and not by_key(page, "toggle", "lab.keep.negatives").value
    assert all(by_key(page, "button", each).disabled for each in ("pause", "stop", "restore"))
    assert "A recording cannot be changed" in by_key(page, "button", "restore").help
    by_key(page, "button", "train-it").click()
    rendered(page)
    healthy, broken = (pool.store.run(address(page)[f"lab.{side}"]) for side in ("healthy", "broken"))
    try:
        assert not notes(page) and address(page)["lab.breaks"] == "negatives"
        assert [usual_device(each.flat) for each in (healthy, broken)] == [pool.store.run(each).flat for each in PAIR]
        assert (healthy.status, broken.status, broken.beside) == ("queued", "queued", healthy.id)
        assert by_key(page, "button", "start").label == "Start over"
    finally:
        for each in (healthy, broken):
            pool.stop(each.id)
            pool.store.forget(each.id)


@pytest.mark.slow
def test_a_link_with_settings_of_its_own_shows_no_recorded_pair(pool):
    page = opened("collapse.py", method="vicreg")
    assert "lab.healthy" not in address(page) and not notes(page) and address(page)["method"] == "vicreg"
    assert (address(opened("collapse.py", fbclid="x"))["lab.healthy"]) == PAIR[0]


@pytest.mark.slow
def test_who_comes_from_the_train_page_sees_the_recorded_pair_and_keeps_the_settings(pool):
    page = opened(method="vicreg", seed="7")
    page.switch_page(str(recordings.site() / "pages" / "collapse.py"))
    rendered(page)
    assert address(page)["lab.healthy"] == PAIR[0] and (address(page)["method"], address(page)["seed"]) == ("vicreg", "7")


@pytest.mark.slow
def test_a_result_of_ones_own_can_be_put_away_for_the_recorded_one(pool):
    folder = pool.store.folder(SIMCLR).path
    assert not [each for each in opened("evaluation.py").button if each.key == "recorded-result"]
    ledger.write(folder, ledger.new(SIMCLR, 300, Protocol()) | {"status": "finished"})
    page = opened("evaluation.py")
    by_key(page, "button", "recorded-result").click()
    rendered(page)
    assert not [each for each in page.button if each.key == "recorded-result"] and ledger.read(folder)["scores"]
