"""SSL Playground: pick a self-supervised method, press Start, watch a representation form.

    from playground import RunConfig, train
    for event in train(RunConfig(method="simclr", steps=100)):
        print(event)

To read the package, in this order: knobs (how a hyperparameter is declared), config, methods/base and one method, augment, networks,
trainer (one step), training (one run), diagnostics, runs/ (many runs, in processes of their own), web/ and ui/ (what a browser sees).
"""

from typing import Any

__version__ = "0.1.0"
__all__ = ["RunConfig", "datasets", "methods", "train"]


def __getattr__(name: str) -> Any:
    """The public names, imported when first asked for: torch takes seconds, and `playground.home` does not need it."""
    if name == "RunConfig":
        from playground.config import RunConfig

        return RunConfig
    if name == "train":
        from playground.training import train

        return train
    if name in ("methods", "datasets"):
        import importlib

        return importlib.import_module(f"playground.{name}")
    raise AttributeError(f"module 'playground' has no attribute {name!r}")
