"""Pixels before the network: what is drawn for a view, how it is applied to a whole batch at once, and what a mask hides."""
