"""The pool that pages ask, and what happens to a run in one with real workers."""

from contextlib import contextmanager

import pytest

from playground.runs.pool import close_shared_pools, shared_pool
from playground.runs.workers import Workers
from support.waiting import until


@contextmanager
def pool_of_pages(home, *, workers=False):
    """The pool that pages ask, in this home. Nothing there lays out maps; without workers the test says what happens in a run."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_PLAYGROUND_HOME", str(home))
        environment.setattr("playground.runs.pool.LayoutWorker", None)
        if not workers:
            environment.setattr(Workers, "fill", lambda self: None)
        try:
            yield shared_pool()
        finally:
            close_shared_pools()


def reaches(pool, run, *statuses):
    return until(lambda: (found := pool.store.run(run)).status in statuses and found, f"{run} to be {' or '.join(statuses)}")


def trains(pool, run, step=2):
    until(lambda: pool.store.run(run).step >= step and pool.store.run(run).status == "running", f"step {step} of {run}")


def stop_all(pool):
    """Nothing of one test is left over for the next."""
    for run in pool.store.runs(statuses=("queued", "running", "paused")):
        pool.stop(run.id)
        reaches(pool, run.id, "stopped", "finished", "failed")


def losses(store, run):
    return {entry.step: entry.body["loss"] for entry in store.events(run) if entry.kind == "metrics" and "loss" in entry.body}
