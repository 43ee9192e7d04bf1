"""SSL Playground: choose a self-supervised method, press Start, and watch the representation develop.

    from playground import RunConfig, train
    for event in train(RunConfig(method="simclr", steps=100)):
        print(event)

To read the package, follow this list from top to bottom. Each entry imports only from entries above it.

    knobs schedules flat        how a hyperparameter is declared, checked, and written as text
    metric_names definitions    names and definitions of metrics
    events randomness           events of a training; random numbers as a function of seed, purpose and step
    home locks safe_files       where files are kept, and how they are written
    results                     output for people: in the terminal, in a file
    optimizers                  how weights are updated
    machine                     devices, cores, processes and memory
    views                       augmentations and masks
    networks                    backbones and heads
    datasets                    one class for each dataset
    diagnostics                 tensors in, numbers out; the collapse judge
    methods                     base is the contract; one file for each method
    config                      RunConfig: everything that defines a run
    projection                  PCA, UMAP and t-SNE, in a separate process
    training                    one run as a sequence of events
    evaluation                  evaluation protocols: probes, few labels, robustness, transfer
    analysis                    what pages compute without training
    judging                     accuracy of the collapse judge
    glossary                    definitions of numbers that no diagnostic and no method defines
    runs                        many runs: the store, the workers, the pool
    bench                       speed and memory
    web                         HTTP and WebSocket routes of the server, besides the pages
    ui                          the pages; only this folder imports Streamlit
    cli                         the command line
"""

from typing import Any

__version__ = "0.1.0"
__all__ = ["RunConfig", "datasets", "methods", "train"]


def __getattr__(name: str) -> Any:
    """The public names, imported at first use: importing torch takes seconds, and `playground.home` does not need it."""
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
