"""Evaluation that counts: what a representation is worth, measured as the field does it. `for event in evaluate(...)`.

protocol   what is measured, checked        subsets    which images lend their labels
probes     logistic regression and k-NN     tuning     fine-tuning, and training from scratch
corruptions  blur, noise, jitter, shift     contest    evaluate: all of it, as events
events     what it says while it goes       intervals  how sure an accuracy is
ledger     the results on disk
"""

from playground.evaluation.contest import evaluate
from playground.evaluation.protocol import Protocol

__all__ = ["Protocol", "evaluate"]
