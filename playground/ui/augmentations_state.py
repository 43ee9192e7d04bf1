"""What the Augmentations page shows: an image, a draw, how many views, and a run."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from playground.knobs import number
from playground.ui.page_state import Count, PageState


class AugmentationsState(PageState):
    """run: an id, "" for none, None for that of the Train page. Whether there are such an image and so many views, the server says."""

    prefix = "show."
    image: Count = number(0, "Which image of the training part, counted from 0.")
    draw: Count = number(0, "Which random choices are made. The same number and seed give the same views.")
    views: Count = number(24, "How many views of the image are shown, 32 at most.")
    run: Annotated[str | None, BeforeValidator(lambda run: str(run or ""))] = None
