"""The images of a run's dataset, in memory."""

import functools
from pathlib import Path
from typing import Any

from playground.datasets.base import Images


@functools.lru_cache(maxsize=2)
def load_images(data: Any, folder: Path) -> tuple[Images, Images]:
    """Training and probe images of `config.data`, kept for the next run of this process. Raises DataError."""
    images: tuple[Images, Images] = data.choice.load(data, folder)
    return images
