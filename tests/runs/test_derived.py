"""The one memory of results that were computed from runs."""

import threading
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from playground.runs.derived import LEAST, Derived, Key, size_of


def key(step=0, run="a", attempt=1, what="x"):
    return Key(run, attempt, step, (what,))


def test_each_is_made_once_and_anew_for_another_run_attempt_step_or_thing():
    derived, made = Derived(), []
    keys = [key(), key(step=1), key(run="b"), key(attempt=2), key(what="y")]
    for _ in range(2):
        assert [derived.get(each, lambda each=each: made.append(each) or each) for each in keys] == keys
    assert made == keys


def test_what_was_used_longest_ago_goes_when_there_is_no_room():
    derived = Derived(room=3 * (1000 + LEAST))
    made = []

    def get(step):
        return derived.get(key(step), lambda: made.append(step) or np.zeros(1000, np.uint8))

    for step in (1, 2, 3, 1, 4, 1, 3, 2):
        get(step)
    assert made == [1, 2, 3, 4, 2] and derived.size <= 3 * (1000 + LEAST)
    assert len(derived.get(key(9), lambda: np.zeros(10_000, np.uint8))) == 10_000 and derived.size == 0, "too large to be kept"


def test_a_failure_is_raised_and_not_kept():
    derived = Derived()
    with pytest.raises(ZeroDivisionError):
        derived.get(key(), lambda: 1 // 0)
    assert derived.get(key(), lambda: 1) == 1


def test_who_asks_for_what_is_being_made_waits_for_it():
    derived, begun, gate, made, found = Derived(), threading.Event(), threading.Event(), [], []

    def make():
        begun.set()
        made.append(gate.wait(10))
        return 5

    threads = [threading.Thread(target=lambda: found.append(derived.get(key(), make))) for _ in range(3)]
    for each in threads:
        each.start()
    assert begun.wait(10)
    assert derived.get(key(step=1), lambda: 6) == 6, "others do not wait for it"
    gate.set()
    for each in threads:
        each.join(10)
    assert found == [5, 5, 5] and made == [True]


def test_sizes_are_those_of_what_is_inside():
    @dataclass
    class Held:
        weights: torch.nn.Module
        numbers: dict

    held = Held(torch.nn.Linear(100, 10), {"a": np.zeros(50), "b": [torch.zeros(3, 4), b"12345"]})
    assert 4 * 1010 + 400 + 48 + 5 <= size_of(held) <= 4 * 1010 + 400 + 48 + 5 + 9 * LEAST
