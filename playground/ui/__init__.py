"""The page. settings: what the controls stand for; controls: knobs -> widgets; transport: Start and its neighbors; live: panels.

`frame.py` is the script that Streamlit runs: the frame around every page.
"""

from playground.home import site

PAGES, ASSETS = site() / "pages", site() / "assets"
RECORDED = ASSETS / "recorded"
