"""What a run paints under a mask, for the Masking page. Numbers of patches are in reading order.

GET /api/runs/{run}/fill?image=3&hidden=f0c3...        one mask, its bits in hexadecimal, the first patch the highest bit
GET /api/runs/{run}/ratios?image=3&strategy=random&seed=0
GET /api/runs/{run}/average?image=3&strategy=random&ratio=0.75&seed=0
GET /api/runs/{run}/attention?image=3&patch=12

Each takes `of=RUN`, whose probe image is meant, and whose attention guides masks, where that is another run than the one that paints:
two runs then see the same image under the same masks. Pictures are data addresses. One network works at a time: visitors queue.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any, cast

import torch
from starlette.requests import Request
from starlette.responses import Response
from torch import Tensor

from playground.analysis.reconstruction import at_ratios, attention_of, average, fill, many_masks, mask_of
from playground.config import CHOICES, RunConfig
from playground.flat import build
from playground.machine.priority_executor import PriorityExecutor
from playground.methods.shared.masked import Masked, masked_mean
from playground.runs.points import probe_pixels
from playground.runs.pool import Pool
from playground.runs.store import Store
from playground.runs.trained import Trained, trained
from playground.views.masking import Mask, Masking
from playground.views.pictures import as_pixels, png_address
from playground.web.files import answer
from playground.web.numbers import number_param


class Masks:
    """The answers, one after the other; whoever draws comes before those who wait for larger pictures."""

    def __init__(self, pool: Callable[[], Pool], executor: PriorityExecutor) -> None:
        self._pool, self._executor = pool, executor

    def paths(self) -> dict[str, Callable[[Request], Any]]:
        """Address -> answer."""
        answers = enumerate((filled, attended, ratios, averaged))
        names = ("fill", "attention", "ratios", "average")
        return {f"/api/runs/{{run}}/{name}": functools.partial(self._answer, *each) for name, each in zip(names, answers, strict=True)}

    async def _answer(self, rank: int, found: Callable[[Store, Request], dict[str, Any]], request: Request) -> Response:
        work = functools.partial(found, self._pool().store, request)
        return answer(await asyncio.wrap_future(self._executor.submit(work, rank)))


def filled(store: Store, request: Request) -> dict[str, Any]:
    """The rows of pictures under the drawn mask, and the error of each patch."""
    run, method, image = _params(store, request)
    mask = Mask.of(hidden_of(request.query_params.get("hidden", ""), method.vit.grid**2)[None])
    result = fill(method, image, mask)
    rows = method.rows(image, mask.hidden, result)
    found = {"pictures": {name: picture(row[0]) for name, row in rows.items()}, "errors": result.error[0].tolist()}
    flat = method.trivial(image, torch.Generator()).get("reconstruction")
    means = {"error": float(masked_mean(result.error, mask.hidden)), "flat": None if flat is None else float(flat)}
    found["hidden"] = bits_of(mask.hidden[0])
    return found | means | {"step": run.step, "unit": method.unit, "borrows": method.borrows}


def ratios(store: Store, request: Request) -> dict[str, Any]:
    """The image at rising ratios, each mask inside of the next."""
    run, method, image = _params(store, request)
    mask = mask_of(_masking(request), _guide(store, request).vit, image, number_param(request, "seed", 0))
    found = at_ratios(method, image, mask.order)
    rows = [method.rows(image, each.hidden, each.filled) for each in found]
    pictures = [{"masked": picture(row["masked"][0]), "pasted": picture(row["pasted"][0])} for row in rows]
    steps = [{"ratio": each.ratio, "error": each.error} | pictures[i] for i, each in enumerate(found)]
    return {"ratios": steps, "step": run.step, "unit": method.unit}


def averaged(store: Store, request: Request) -> dict[str, Any]:
    """Each patch as it is painted when hidden, on average over many masks."""
    run, method, image = _params(store, request)
    masks = many_masks(_masking(request), _guide(store, request).vit, image, number_param(request, "seed", 0))
    found = average(method, image, masks)
    body = {"picture": picture(found.painted), "errors": found.error.tolist(), "times": found.times.tolist()}
    return body | {"masks": len(masks.order), "step": run.step, "unit": method.unit}


def attended(store: Store, request: Request) -> dict[str, Any]:
    """Where one patch looks, by each head of the last block."""
    run, method, image = _params(store, request)
    patch = number_param(request, "patch", 0)
    if patch >= method.vit.grid**2:
        raise ValueError(f"patch must be below {method.vit.grid**2}, the number of patches, got {patch}")
    return {"heads": attention_of(method.vit, image, patch).tolist(), "patch": patch, "step": run.step}


def masked_run(store: Store, run: str) -> tuple[Trained, Masked]:
    """A run that can fill in. Raises UnknownRun, and ValueError with the reason why it cannot."""
    found = store.run(run)
    kind = CHOICES["method"].get(found.flat["method"])
    if kind is None or kind.cannot_reconstruct or not issubclass(kind, Masked):
        why = kind.cannot_reconstruct if kind else "there is no such method any more"
        raise ValueError(f"run {run} must be of a method that fills in, got {found.flat['method']}: {why}")
    result = trained(store, run)
    return result, cast(Masked, result.method)


def probe_image(store: Store, run: str, number: int) -> Tensor:
    """One image that a run was measured on, (1, 3, H, W) float32 in [0, 1]. Raises UnknownRun, ValueError."""
    pixels = probe_pixels(store, store.run(run))
    if not 0 <= number < len(pixels):
        raise ValueError(f"image must be below {len(pixels)}, the number of probe images, got {number}")
    return pixels[number : number + 1].float() / 255


def hidden_of(text: str, patches: int) -> Tensor:
    """Bits in hexadecimal -> (L,) bool. Raises ValueError unless they are exactly as many as there are patches."""
    digits = -(-patches // 4)
    if len(text) != digits or any(each not in "0123456789abcdef" for each in text):
        raise ValueError(f"hidden must be {digits} hexadecimal digits, the bits of {patches} patches, got {text[:20] or 'nothing'}")
    bits = torch.tensor([int(each) for digit in text for each in f"{int(digit, 16):04b}"], dtype=torch.bool)
    if bits[patches:].any():
        raise ValueError(f"hidden must have no bits after those of {patches} patches, got {text[-20:]}")
    return bits[:patches]


def bits_of(hidden: Tensor) -> str:
    """The inverse: (L,) bool -> hexadecimal digits."""
    bits = "".join(str(int(each)) for each in hidden.tolist())
    bits += "0" * (-len(bits) % 4)
    return "".join(f"{int(bits[i : i + 4], 2):x}" for i in range(0, len(bits), 4))


def picture(image: Tensor) -> str:
    """(3, H, W) in [0, 1] -> a PNG as a data address."""
    return png_address(as_pixels(image))


def not_the_same(first: RunConfig, second: RunConfig) -> str:
    """Why two runs cannot be shown the same masks, as a sentence; nothing where they can."""
    sizes = [(each.data.image_size, each.network.patch_size) for each in (first, second)]
    if sizes[0] == sizes[1]:
        return ""
    (image, patch), (other_image, other_patch) = sizes
    return (
        f"Two runs side by side must have images and patches of one size, got {image} px in patches of {patch} "
        f"and {other_image} px in patches of {other_patch}."
    )


def _params(store: Store, request: Request) -> tuple[Trained, Masked, Tensor]:
    """The run, its method, and the image that is meant."""
    run, method = masked_run(store, request.path_params["run"])
    of = request.query_params.get("of")
    if of and of != run.run and (refusal := not_the_same(masked_run(store, of)[0].config, run.config)):
        raise ValueError(refusal)
    return run, method, probe_image(store, of or run.run, number_param(request, "image", 0))


def _guide(store: Store, request: Request) -> Masked:
    return masked_run(store, request.query_params.get("of") or request.path_params["run"])[1]


def _masking(request: Request) -> Masking:
    """What the address says of the mask, checked as any config is."""
    given = {name: request.query_params[name] for name in ("strategy", "ratio") if name in request.query_params}
    return checked_masking(given)


def checked_masking(given: dict[str, Any]) -> Masking:
    """Raises ConfigError, a ValueError, for the first value that cannot be."""
    return cast(Masking, build(Masking, "masking", "masking", given))
