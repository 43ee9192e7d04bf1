"""The page: settings (what the controls stand for), controls (knobs -> widgets), transport (Start and its neighbors), live (panels), frame."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES, ASSETS = ROOT / "pages", ROOT / "assets"
