"""The pages. settings, controls: what a run is set to; page_state: what else a page shows; run_control: Start to Stop; live: panels.

`frame.py` is the script that Streamlit runs: the frame around every page.
"""

from playground.home import site

PAGES, ASSETS = site() / "pages", site() / "assets"
RECORDED = ASSETS / "recorded"
