"""What the Augmentations page asks for. Every answer depends on its address alone, so that browsers and people may share it.

GET /api/views             many views of one image, each with its box and its exact parameters; local views
GET /api/views/steps       one of them, operator by operator
GET /api/views/overlap     how much two crops share, over many draws
GET /api/views/presets     well-known pipelines on the same images
GET /api/views/probes      what can still be read off the views
GET /api/views/invariance  how far an encoder moves an image under each operator; of the run that `run` names, and of an untrained one

The query is a config in the flat form, and `image`, `draw`, `views` (how many) or `view` (which). Pictures are atlases: PNG as data URLs,
tiles in rows of `columns`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from hashlib import blake2b
from typing import Any
from uuid import uuid4

import torch
from starlette.requests import Request
from starlette.responses import Response

from playground.analysis import augmentation_probes
from playground.analysis import views as seen
from playground.config import RunConfig
from playground.datasets import Images, load_images
from playground.home import home
from playground.machine.priority_executor import PriorityExecutor
from playground.runs.derived import Key
from playground.runs.pool import Pool
from playground.runs.trained import Trained, trained
from playground.training.trainer import untrained
from playground.views.augment import OPERATORS
from playground.views.pictures import sheet
from playground.web.files import tagged
from playground.web.numbers import number_param

OWN = ("image", "draw", "views", "view", "run", "v")  # of a query, what is no setting of a run
MOST_DRAWS = 1_000_000
SHOWN = 6  # images in each row of presets
COLUMNS = 8  # of a sprite sheet
STARTED = uuid4().hex  # answers stay true as long as this process, which keeps the images it has read


class Views:
    """The answers, with networks from one pool's store."""

    def __init__(self, pool: Callable[[], Pool]) -> None:
        self._pool = pool
        self._executor = PriorityExecutor("measurements")  # which take seconds: one at a time

    def paths(self) -> dict[str, Callable[[Request], Any]]:
        """Address -> who answers."""
        return {
            "/api/views": self.views,
            "/api/views/steps": self.steps,
            "/api/views/overlap": self.overlap,
            "/api/views/presets": self.presets,
            "/api/views/probes": self.probes,
            "/api/views/invariance": self.invariance,
        }

    def views(self, request: Request) -> Response:
        """Many views of one image."""
        config, (train, row), number = _config(request), _image(request), number_param(request, "draw", 0, 0, MOST_DRAWS)
        count = number_param(request, "views", seen.MOST, 1, seen.MOST)
        return _tagged(request, lambda: _views(config, train, row, number, count))

    def steps(self, request: Request) -> Response:
        """One view, operator by operator."""
        config, (train, row), number = _config(request), _image(request), number_param(request, "draw", 0, 0, MOST_DRAWS)
        view = number_param(request, "view", 0, 0, seen.MOST - 1)

        def body() -> dict[str, Any]:
            pixels = train.pixels[row]
            (together, alone), found = seen.steps(config, pixels, number, view), seen.views(config, pixels, number, view + 1)
            facts = seen.facts(found, pixels)[view]
            return {"view": view, "operators": OPERATORS, "facts": facts, **sheet(torch.cat((together, alone)), len(together))}

        return _tagged(request, body)

    def overlap(self, request: Request) -> Response:
        """How much two crops share."""
        config, number = _config(request), number_param(request, "draw", 0, 0, MOST_DRAWS)
        return _tagged(request, lambda: _overlap(seen.overlap(config, number)))

    def presets(self, request: Request) -> Response:
        """Every preset on the same images: the chosen one, and those after it."""
        config, (train, row), number = _config(request), _image(request), number_param(request, "draw", 0, 0, MOST_DRAWS)
        return _tagged(request, lambda: _presets(config, train, row, number))

    def probes(self, request: Request) -> Response:
        """What can still be read off the views."""
        config = _config(request)
        return _tagged(request, lambda: self._measured(Key("", 0, 0, ("probes", config.to_json())), lambda: _probes(config)))

    def invariance(self, request: Request) -> Response:
        """How far an encoder moves images under each operator: a run's beside an untrained one of its kind."""
        run = request.query_params.get("run")
        if not run:
            config = _config(request)
            return _tagged(request, lambda: self._measured(Key("", 0, 0, ("invariance", config.to_json())), lambda: _invariance(config)))
        store = self._pool().store
        found = trained(store, run)
        key = Key(run, store.run(run).attempt, found.step, ("invariance", found.config.to_json()))
        return _tagged(request, lambda: self._measured(key, lambda: _invariance(found.config, found)), f"{found.step}")

    def _measured(self, key: Key, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What is known already is not waited for."""
        return self._pool().store.derived.get(key, lambda: self._executor.submit(measure).result())


def _config(request: Request) -> RunConfig:
    """The config of a query. Raises ConfigError."""
    return RunConfig(**{key: value for key, value in request.query_params.items() if key not in OWN})


def _image(request: Request) -> tuple[Images, int]:
    """The training images of the config, and which of them is meant."""
    train, _ = _images(_config(request))
    return train, number_param(request, "image", 0, 0, len(train) - 1)


def _images(config: RunConfig) -> tuple[Images, Images]:
    return load_images(config.data, home() / "data")


def _tagged(request: Request, body: Callable[[], dict[str, Any]], more: str = "") -> Response:
    """The answer, or word that the browser's own still holds, for which nothing is computed."""
    tag = blake2b(f"{STARTED} {request.url.path} {request.url.query} {more}".encode(), digest_size=12).hexdigest()
    return tagged(request, tag, body)


def _views(config: RunConfig, train: Images, row: int, number: int, count: int) -> dict[str, Any]:
    pixels = train.pixels[row]
    found, local = seen.views(config, pixels, number, count), seen.local_views(config, pixels, number)
    height, width = pixels.shape[1:]
    image = {"index": row, "count": len(train), "height": height, "width": width, "labels": seen.labels(train, row)}
    return {
        "image": image,
        "original": sheet(pixels[None] / 255, 1),
        "views": {**sheet(found.pictures, COLUMNS), "facts": seen.facts(found, pixels)},
        "local": {**sheet(local.pictures, COLUMNS), "facts": seen.facts(local, pixels)} if local else None,
        "possible": found.possible,
        "unequal": bool(config.augment.asymmetry) and config.method.choice.views > 1,
    }


def _overlap(found: seen.Overlap) -> dict[str, Any]:
    measured = {"union": found.union, "shared": found.shared} | ({} if found.inside is None else {"inside": found.inside})
    shares = {name: {"mean": float(each.mean()), "counts": seen.histogram(each)} for name, each in measured.items()}
    return {"draws": len(found.union), "apart": float((found.shared <= 0).float().mean()), "both": found.both.tolist(), **shares}


def _presets(config: RunConfig, train: Images, row: int, number: int) -> dict[str, Any]:
    rows = [each % len(train) for each in range(row, row + min(SHOWN, len(train)))]
    pixels = train.pixels[torch.tensor(rows)]

    def side(each: seen.Side) -> dict[str, Any]:
        words = {name: getattr(each.preset, name) for name in ("name", "title", "summary", "paper", "link")}
        local = None if each.local is None else sheet(each.local.flatten(0, 1), each.local.shape[1])
        return {**words, "pair": sheet(each.pair.flatten(0, 1), 2), "local": local}

    sides = [side(each) for each in seen.presets(config, pixels, number)]
    return {"images": rows, "original": sheet(pixels / 255, 1), "presets": sides}


def _probes(config: RunConfig) -> dict[str, Any]:
    train, probe = _images(config)
    accuracies = augmentation_probes.probe_accuracies(config, train, probe)
    return {
        "images": min(len(probe), augmentation_probes.PROBED),
        "network": config.network.choice.title,
        "factors": [asdict(each) for each in accuracies],
    }


def _invariance(config: RunConfig, found: Trained | None = None) -> dict[str, Any]:
    train, probe = _images(config)
    start = augmentation_probes.invariance(untrained(config, train), probe)
    end = augmentation_probes.invariance(found.method, probe) if found else {}
    lines = [
        {"operator": name, "title": dose.title, "strengths": dose.strengths, "untrained": start[name], "trained": end.get(name)}
        for name, dose in augmentation_probes.STRENGTH_SWEEPS.items()
    ]
    titles = {"method": config.method.choice.title, "network": config.network.choice.title, "data": config.data.choice.title}
    return {
        "run": found.run if found else "",
        "step": found.step if found else 0,
        **titles,
        "images": min(len(probe), augmentation_probes.MOVED),
        "operators": lines,
    }
