"""Evaluation of a representation by the usual protocols of the field. `for event in evaluate(...)`.

protocol   what is measured                 subsets    the images whose labels are used
probes     logistic regression and k-NN     tuning     fine-tuning, and training from scratch
corruptions  blur, noise, jitter, shift     contest    evaluate: all of it, as events
events     the events of an evaluation      intervals  confidence intervals of an accuracy
ledger     the results on disk
"""

from playground.evaluation.contest import evaluate
from playground.evaluation.protocol import Protocol

__all__ = ["Protocol", "evaluate"]
