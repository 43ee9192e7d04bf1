"""A frame in few bytes says where every point lies."""

import json
import struct

import numpy as np
import pytest

from playground.web.frame_bytes import STEPS, frame_bytes


def read(data):
    (length,) = struct.unpack_from("<I", data)
    facts = json.loads(data[4 : 4 + length])
    assert length % 2 == 0  # so that a browser can lay 16-bit numbers over what follows
    steps = np.frombuffer(data, "<u2", offset=4 + length).reshape(facts["shape"])
    low, high = (np.asarray(facts[name]) for name in ("low", "high"))
    return facts, low + steps / STEPS * (high - low)


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("facts", [{}, {"kept": 0.25}])
def test_places_come_back_to_half_a_step_of_their_axis(dimensions, facts):
    places = np.random.RandomState(0).normal(size=(500, dimensions)).astype(np.float32) * [1, 100, 0.01][:dimensions]
    found, back = read(frame_bytes(facts, places))
    assert found.items() >= facts.items()
    assert (np.abs(back - places) <= 0.5001 / STEPS * np.ptp(places, 0)).all()


def test_a_collapsed_map_stays_one_spot_and_what_is_no_number_lies_in_the_middle():
    assert (read(frame_bytes({}, np.full((4, 2), 7.0)))[1] == 7).all()
    places = np.array([[0, 0], [np.nan, np.inf], [2, 4]], np.float32)
    np.testing.assert_allclose(read(frame_bytes({}, places))[1][1], [1, 2], atol=1e-4)
    assert read(frame_bytes({}, np.zeros((0, 2))))[0]["shape"] == [0, 2]
    assert (read(frame_bytes({}, np.full((3, 2), np.nan)))[1] == 0).all()


def test_fifty_thousand_points_take_two_hundred_kilobytes():
    assert len(frame_bytes({"step": 1}, np.random.RandomState(0).normal(size=(50_000, 2)))) < 200_500
