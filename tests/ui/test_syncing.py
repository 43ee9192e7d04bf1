"""On every page, however one came there, the browser is told of each control what it stands for."""

import pytest

from playground.home import site
from support.opening import by_key, opened, rendered

WALK = ("masking", "data", "train", "data", "augmentations", "train", "collapse", "data", "train")


def unsent(page):
    """The controls of which the browser shows what it has, or else their default."""
    kinds = ("selectbox", "number_input", "slider", "select_slider", "toggle")
    return [each.key for kind in kinds for each in getattr(page, kind) if not each.proto.set_value]


def visited(page, file):
    page.switch_page(str(site() / "pages" / f"{file}.py"))
    return rendered(page)


@pytest.mark.slow
def test_a_control_that_comes_into_view_is_told_its_value():
    page = opened(seed="7", **{"network": "resnet-tiny", "method.temperature": "0.3"})
    for file in WALK:
        visited(page, file)
        assert [key for key in unsent(page) if key in page.query_params] == [], file
        if file in ("train", "data"):
            assert by_key(page, "selectbox", "data").value == "shapes", file
