"""What may go wrong with a run that is not the program's fault, each in one sentence."""

from __future__ import annotations

import torch

from playground.config import RunConfig


class NotFiniteError(ArithmeticError):
    """Something measured is nan or infinite; the message says what, as a clause."""


def not_finite(what: str, step: int, last: int, config: RunConfig) -> str:
    """What was found at `step`, as a clause, and what to do; last: the step of the last snapshot without such numbers."""
    rate = config.optimizer.learning_rate
    advice = f"lower the learning rate ({rate:g}); what was measured up to step {last} is good"
    return f"{what} at step {step}: {advice}"


def not_evaluable(what: str, run: str, step: int, config: RunConfig) -> str:
    """The same of a run that is over: what was found in its network of `step`, and what to do."""
    rate = config.optimizer.learning_rate
    return f"run {run} cannot be evaluated, for at step {step} {what}: train it again with a lower optimizer.learning_rate ({rate:g})"


def out_of_memory(error: Exception) -> bool:
    """Whether it is the memory that was too small, on whatever device."""
    words = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in words or "not enough memory" in words


def memory_advice(config: RunConfig) -> str:
    """What to make smaller."""
    advice = f"lower the batch size ({config.batch_size}) or take a smaller network than {config.network.name}"
    return f"the run needs more memory than there is: {advice}"
