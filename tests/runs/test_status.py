"""What each status of a run means."""

import json

import pytest

from playground.config import RunConfig
from playground.runs.records import Run
from playground.runs.status import ACTIVE, OVER, Status
from playground.runs.store import Store


def test_every_status_is_either_over_or_active():
    assert sorted((*ACTIVE, *OVER)) == sorted(Status)


@pytest.mark.parametrize("status", Status)
def test_a_run_says_what_its_status_means_and_keeps_it_as_a_word(status, tmp_path):
    store = Store(tmp_path)
    run = store.create(RunConfig())
    store.mark(run, status)
    found = store.run(run)
    assert isinstance(found, Run) and (found.status, json.dumps(found.status)) == (status.value, f'"{status.value}"')
    assert found.active != found.over and found.over == (found.resumable or found.complete)
    assert [each.id for each in store.runs(statuses=[status])] == [run]
    assert (found.finished is not None) == found.over
    store.close()
