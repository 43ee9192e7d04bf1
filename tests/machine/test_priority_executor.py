"""The one thread that works off what it is given."""

import threading

import pytest

from playground.machine.priority_executor import PriorityExecutor


def test_turns_are_taken_by_rank_one_at_a_time():
    executor, gate, done = PriorityExecutor("test"), threading.Event(), []
    first = executor.submit(gate.wait, 5)
    late = [executor.submit(lambda rank=rank: done.append(rank) or 2 * rank, rank) for rank in (2, 1, 2, 0)]
    failing = executor.submit(lambda: 1 / 0, 9)
    gate.set()
    assert [each.result(10) for each in late] == [4, 2, 4, 0] and first.result(10)
    assert done == [0, 1, 2, 2]
    with pytest.raises(ZeroDivisionError):
        failing.result(10)
    executor.close()


@pytest.mark.slow
def test_at_its_end_what_goes_on_is_waited_for_and_what_waits_is_canceled():
    executor, begun, gate = PriorityExecutor("test"), threading.Event(), threading.Event()
    going = executor.submit(lambda: begun.set() or gate.wait(10))
    waiting = executor.submit(lambda: 1)
    assert begun.wait(10)
    threading.Timer(0.1, gate.set).start()
    executor.close()
    assert going.result(0) and waiting.cancelled() and executor.submit(lambda: 1).cancelled()


def test_a_canceled_turn_is_passed_over():
    executor, gate, done = PriorityExecutor("test"), threading.Event(), []
    executor.submit(gate.wait)
    canceled, last = executor.submit(lambda: done.append(1)), executor.submit(lambda: done.append(2))
    canceled.cancel()
    gate.set()
    last.result(10)
    assert done == [2]
    executor.close()
