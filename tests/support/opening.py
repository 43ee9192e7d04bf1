"""Opening a page without a browser, and finding things on it."""

from streamlit.testing.v1 import AppTest

from playground.home import site

FRAME = site() / "playground" / "ui" / "frame.py"


def opened(file="train.py", **query):
    """The page of this file of pages/, as an address with this query opens it."""
    page = AppTest.from_file(FRAME, default_timeout=120)
    for key, value in query.items():
        page.query_params[key] = value
    if file != "train.py":  # the default page is there already
        page.switch_page(str(site() / "pages" / file))
    return rendered(page)


def rendered(page):
    page.run()
    assert not page.exception, page.exception
    return page


def by_key(page, kind, key):
    return next(each for each in getattr(page, kind) if each.key == key)


def sentences(page):
    return [each.value.replace("\\", "") for each in page.error]


def address(page):
    return {key: value if isinstance(value, str) else value[0] for key, value in page.query_params.items()}
