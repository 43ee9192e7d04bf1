"""What the Masking page shows: an image, a mask, one or two runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, ConfigDict

from playground.config import CHOICES
from playground.knobs import knob, number
from playground.runs.pool import shared_pool
from playground.runs.records import Run
from playground.runs.status import OVER, STARTED
from playground.ui import run_names
from playground.ui.controls import settings
from playground.ui.page_state import Count, PageState, Word
from playground.views.masking import Masking
from playground.web.masks import checked_masking, masked_run, not_the_same

LISTED = 300  # the newest runs; of these, those that fill in can be chosen
FROM_RUN = {"strategy": "masking.strategy", "ratio": "masking.ratio", "patch_size": "network.patch_size"}


def _fitting(run: Any) -> str | None:
    """A run that fills in. Raises UnknownRun and ValueError."""
    return masked_run(shared_pool().store, str(run))[0].run if run else None


MaskedRun = Annotated[str | None, BeforeValidator(_fitting)]


class MaskingState(Masking, PageState):
    """run, other: ids of runs, or None. drawn: a mask drawn by hand as hexadecimal bits, "" for that of strategy, ratio and seed."""

    model_config = ConfigDict(frozen=False)
    prefix = "mask."
    always = True  # what a link leaves out is as its run was trained
    labeled: ClassVar[tuple[str, ...]] = ("run", "other", "strategy", "ratio", "patch_size", "seed")  # those that have a control
    run: MaskedRun = None
    other: MaskedRun = None
    image: Count = 0
    patch_size: Count = number(4, "The side of a patch in pixels.")
    seed: int = knob(0, 0, 2**31 - 1, "The same seed draws the same masks.")
    drawn: Word = ""

    @classmethod
    def here(cls) -> Self:
        """A recording is shown until there is a run of one's own."""
        now = super().here()
        if now.gives_way and (found := _first()) != now.run:
            now.offer(found)
            now.moved("run", found)
        return now

    def complete(self, given: Collection[str]) -> None:
        """Masks as the run was trained; a link without a word about masks shows the newest run of the dataset of the settings."""
        if not given:
            self.offer(_first())
        self.as_trained(keep=given)

    @property
    def masking(self) -> Masking:
        """Ratio and strategy, as methods take them."""
        return checked_masking({"strategy": self.strategy, "ratio": self.ratio})

    @property
    def origin(self) -> str:
        """What the mask of strategy and seed depends on: where it changes, a mask drawn before is void."""
        guided = [self.run, self.image] if self.strategy == "attention" else []
        return "/".join(map(str, [self.patch_size, self.strategy, self.ratio, self.seed, *guided]))

    def another(self) -> None:
        """The mask of the next seed."""
        self.leave("seed", self.seed + 1)
        self.set("drawn", "")

    def moved(self, name: str, value: Any) -> None:
        """Another run brings its own masking; another mask replaces what was drawn."""
        before = self.origin
        self.set(name, value)
        if name == "run":
            self.as_trained()
        if self.origin != before:
            self.set("drawn", "")

    def report(self, found: Mapping[str, Any]) -> None:
        """Which image was picked in the panel, and what was drawn there."""
        self.accept("drawn")
        if found["origin"] == self.origin:  # else another mask has been chosen since
            drawn = str(found["drawn"])
            self.set("drawn", drawn if set(drawn) - {"0"} and set(drawn) - {"f"} else "")  # the panel itself refuses all or nothing
        self.set("image", found["image"])

    def as_trained(self, keep: Collection[str] = ()) -> None:
        """Masks as the run had them, but for what is to be kept; its patches are what they are."""
        if self.run:
            flat = flat_now(self.run)
            for name, key in FROM_RUN.items():
                if name == "patch_size" or name not in keep:
                    self.set(name, flat[key])


def _first() -> str | None:
    """The newest run that fills in images of the dataset of the settings; a recording where there is no other."""
    return next((each.id for each in masked_runs() if _same_data(each)), None)


def _same_data(run: Run) -> bool:
    """Whether a run has learned from the dataset of the settings."""
    now = settings()
    wanted = {key: value for key, value in now.flat.items() if key.partition(".")[0] == "data"}
    return "data" not in now.problems and all(run.flat.get(key) == value for key, value in wanted.items())


def masked_runs() -> list[Run]:
    """The runs that can fill in, newest first, recordings last."""
    runs = shared_pool().store.runs(LISTED, (*STARTED, *OVER))
    methods = CHOICES["method"]
    able = [each for each in runs if each.flat["method"] in methods and not methods[each.flat["method"]].cannot_reconstruct]
    return [each for each in able if shared_pool().store.folder(each.id).has_checkpoint()]


def flat_now(run: str) -> dict[str, Any]:
    """A run's settings with every knob that was moved while it trained."""
    store = shared_pool().store
    return store.run(run).flat_after(store.changes(run))


def called(run: Run) -> str:
    """MAE abcd2345 · Shapes · 75% random at first · 400 steps."""
    return run_names.called(run, f"{run.flat['masking.ratio']:.0%} {run.flat['masking.strategy']} at first")


def mismatch(run: str | None, other: str | None) -> str:
    """Why these two cannot be shown side by side, as a sentence; nothing where they can."""
    if not run or not other:
        return ""
    first, second = (masked_run(shared_pool().store, each)[0].config for each in (run, other))
    return not_the_same(first, second)
