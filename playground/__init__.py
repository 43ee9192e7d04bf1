"""SSL Playground: pick a self-supervised method, press Start, watch a representation form.

    from playground import RunConfig, train
    for event in train(RunConfig(method="simclr", steps=100)):
        print(event)

To read the package, go down this list. Whatever stands in it stands on what is above it, and imports nothing from below.

    knobs schedules flat        how a thing that can be set is declared, checked, and written as text
    metric_names definitions    what a number is called, and what it means
    events randomness           what a training says; random numbers as a function of seed, purpose and step
    home locks safe_files       where things are kept, and how they are written
    results                     results for a person: in the terminal, in a file
    optimizers                  how weights are updated
    machine                     on which device and cores it computes, and in which processes
    views                       pixels before the network
    networks                    backbones and heads
    datasets                    a class in a file is a data set
    diagnostics                 tensors in, numbers out; the collapse judge
    methods                     base is the contract; one file a method
    config                      RunConfig: everything that makes a run
    projection                  PCA, UMAP and t-SNE, in a process of their own
    training                    one run as events
    evaluation                  what a representation is worth, measured as the field does it
    analysis                    what pages compute without training
    judging                     how often the judge is right
    glossary                    definitions of numbers that no diagnostic and no method defines
    runs                        many runs: the store, the workers, the pool
    bench                       how fast it is
    web                         what the server answers beside its pages
    ui                          the page; nothing else knows Streamlit
    cli                         the command line
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
        from playground.training.run import train

        return train
    if name in ("methods", "datasets"):
        import importlib

        return importlib.import_module(f"playground.{name}")
    raise AttributeError(f"module 'playground' has no attribute {name!r}")
