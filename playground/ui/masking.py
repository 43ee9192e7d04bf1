"""The controls of the Masking page: whose image, whose painting, which mask. And the panel's data."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st
from torch import Tensor

from playground.analysis.reconstruction import fresh_vit, mask_of
from playground.config import CHOICES, RunConfig
from playground.datasets import Images
from playground.methods import introducing
from playground.networks import ViT, patch_sizes
from playground.runs.pool import shared_pool
from playground.runs.records import Run
from playground.ui import PAGES, fetching, live
from playground.ui.callbacks import uninterrupted
from playground.ui.controls import settings, widgets_for
from playground.ui.knob_widgets import plain
from playground.ui.masking_state import MaskingState, called, flat_now, masked_runs, mismatch
from playground.ui.settings import switched
from playground.views.masking import Mask
from playground.views.pictures import png_address, sprite_sheet
from playground.web.masks import bits_of, hidden_of, masked_run, probe_image

SHOWN = 96  # images of a dataset to pick from
HELP = "Runs of this server that fill in hidden patches, newest first. Each paints with its last checkpoint."


def runs(now: MaskingState) -> None:
    """Whose painting is shown: a run, and a second one on the same masks."""
    listed = {each.id: called(each) for each in masked_runs()}
    for chosen in (now.run, now.other):
        if chosen and chosen not in listed:
            listed[chosen] = called(shared_pool().store.run(chosen))
    now.select("run", "Run", ["", *listed], lambda run: listed.get(run, "None: only what is hidden"), help=HELP)
    if now.run:
        others = ["", *(each for each in listed if each != now.run)]
        now.select("other", "Compare with", others, lambda run: listed.get(run, "No second run"), help=HELP)
        if refusal := mismatch(now.run, now.other):
            st.error(plain(refusal), icon=":material/error:")


def unfit(run: Run | None) -> None:
    """Why the run of the Train page is not among those to choose from."""
    kind = CHOICES["method"].get(run.flat["method"]) if run else None
    if kind and kind.cannot_reconstruct:
        st.caption(f":material/info: The run of the Train page is not listed. It is of {plain(kind.title)}: {kind.cannot_reconstruct}.")


def data() -> RunConfig | None:
    """Which dataset, for a look without a run: that of the settings. None where its settings cannot be."""
    now = settings()
    widgets = widgets_for(now)
    widgets.choice("data", "Data")
    widgets.section("data")
    flat = {key: value for key, value in now.flat.items() if key.partition(".")[0] == "data"}
    try:
        return RunConfig(**flat)
    except ValueError:
        return None


def mask(now: MaskingState, image_size: int) -> None:
    """Strategy, ratio, patch size, seed. The patches of a run are what they are."""
    now.widget("strategy")
    now.widget("ratio")
    if now.strategy == "attention" and not now.run:
        st.caption(":material/info: Guided by the attention of a fresh network, which has learned nothing yet; with a run, by its own.")
    fitting = tuple(size for size in patch_sizes() if image_size % size == 0 and image_size >= 2 * size)
    if now.run:
        st.caption(f"Patches of {now.patch_size} px, as the run was trained: {(image_size // now.patch_size) ** 2} of them.")
    else:
        if now.patch_size not in fitting:
            sizes = ", ".join(map(str, fitting))
            now.refuse("patch_size", f"patch_size must be one of {sizes} for images of {image_size} px, got {now.patch_size}")
            now.patch_size = max((size for size in fitting if size <= 4), default=fitting[0])
        now.widget("patch_size", options=fitting)
    now.widget("seed")


@dataclass(frozen=True)
class Source:
    """Where images come from: the probe set of a run, or a dataset. image(i): (1, 3, H, W); vit: whose attention guides masks."""

    sprites: dict[str, Any]
    image_size: int
    image: Callable[[int], Tensor]
    vit: Callable[[int], ViT]


def source(now: MaskingState) -> Source | None:
    """None where there is nothing to look at yet: a sentence stands on the page."""
    store, run = shared_pool().store, now.run
    if run and not store.folder(run).has_checkpoint():
        st.error(f"run {run} must have a checkpoint and its probe images to be looked at, got a run without", icon=":material/error:")
        return None
    if run:
        probe, method = store.folder(run).probe() or {}, masked_run(store, run)[1]
        sprites = {"src": f"runs/{run}/sprites.png", **{name: probe[name] for name in ("tile", "columns", "count")}}
        return Source(sprites, probe["tile"], lambda image: probe_image(store, run, image), lambda patch: method.vit)
    config = data()
    if config is None or (here := fetching.images(config.data)) is None:
        return None
    images, size = here[1][:SHOWN], config.data.image_size
    return Source(
        _sprites(images), size, lambda image: images.pixels[image : image + 1].float() / 255, lambda patch: _untrained(size, patch)
    )


_untrained = functools.lru_cache(maxsize=8)(fresh_vit)


def _sprites(images: Images) -> dict[str, Any]:
    columns = 12
    source = png_address(sprite_sheet(images.pixels.permute(0, 2, 3, 1).numpy(), columns))
    return {"src": source, "tile": images.pixels.shape[-1], "columns": columns, "count": len(images)}


def panel(now: MaskingState, found: Source) -> None:
    """The page's one panel: pick, draw, and see."""
    _within(now, found)
    grid = found.image_size // now.patch_size
    base = mask_of(now.masking, found.vit(now.patch_size), found.image(now.image), now.seed).hidden[0]
    other = None if mismatch(now.run, now.other) else now.other
    live.static_panel(
        "mask",
        state=now,
        sprites=found.sprites,
        grid=grid,
        base=bits_of(base),
        origin=now.origin,
        runs=[_described(run) for run in (now.run, other) if run],
        **{name: getattr(now, name) for name in ("image", "drawn", "strategy", "ratio", "seed")},
    )
    now.show_problems(*sorted(now.problems.keys() - set(now.labeled)))


def _within(now: MaskingState, found: Source) -> None:
    """An image that is not there and a mask that cannot be give way, with a sentence."""
    if now.image >= found.sprites["count"]:
        now.refuse("image", f"image must be below {found.sprites['count']}, the number of images, got {now.image}")
    try:
        if now.drawn:
            Mask.of(hidden_of(now.drawn, (found.image_size // now.patch_size) ** 2)[None])
    except ValueError as error:
        now.refuse("drawn", str(error))


def _described(run: str) -> dict[str, Any]:
    found = shared_pool().store.run(run)
    short, ratio = CHOICES["method"][found.flat["method"]].title, flat_now(run)["masking.ratio"]
    return {"id": run, "title": called(found), "short": short, "ratio": ratio}


@uninterrupted
def another() -> None:
    """The next seed."""
    MaskingState.here().another()


def no_run(now: MaskingState) -> None:
    """What to do where no run can reconstruct hidden patches."""
    title = CHOICES["method"][introducing("masking")].title
    st.caption(f"No run here can reconstruct hidden patches yet. Train an {title} for half a minute, then come back and hide any patches.")
    if st.button(f"Train an {title}", key="first", type="primary"):
        to_training(now)


def to_training(now: MaskingState) -> None:
    """The settings of the Train page get this masking, and a method that masks if theirs does not."""
    kept = settings()
    if not CHOICES["method"][kept.flat["method"]].masked:
        after = switched(kept.flat, "method", shared_pool().store.run(now.run).flat["method"] if now.run else introducing("masking"))
        kept.flat, kept.notes = after.flat, after.notes
    moved = {"masking.strategy": now.strategy, "masking.ratio": now.ratio, "network.patch_size": now.patch_size}
    for key, value in moved.items():
        try:
            kept.flat = RunConfig(**kept.flat | {key: value}).flat()
        except ValueError:  # patches that do not tile the images of the Train page: these stay as they are
            continue
    kept.problems.clear()
    st.switch_page(PAGES / "train.py")
