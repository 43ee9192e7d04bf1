"""Maps of snapshots: each is laid out once it has been written, beside the training."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from playground.home import HomeError
from playground.projection import LayoutWorker
from playground.runs.store import Store
from playground.safe_files import Damaged


class Layouts:
    """Asks the projector for a map of every snapshot, and keeps it; asks nobody where there is none."""

    def __init__(self, store: Store, projector: Callable[[], LayoutWorker] | None) -> None:
        self._store = store
        self.projector = projector() if projector is not None else None

    def add(self, run: str, step: int) -> None:
        """A snapshot can be read."""
        if self.projector is None:
            return
        try:
            arrays = self._store.folder(run).snapshot(step) or {}
        except Damaged:
            return  # no map of it; whoever looks at it is told
        if "embedding" not in arrays:
            return

        def keep(points: Any) -> None:
            # The run may have gone back to a checkpoint meanwhile, and another snapshot of this step may come.
            if step in self._store.folder(run).steps():
                with suppress(HomeError):  # it is laid out again when somebody asks for it
                    self._store.folder(run).save_layout(step, points)
                    self._store.note(run, "layout", step, {"kind": "umap"})

        self.projector.submit(run, arrays["embedding"], keep)

    def close(self) -> None:
        """Ends the projector."""
        if self.projector is not None:
            self.projector.close()
