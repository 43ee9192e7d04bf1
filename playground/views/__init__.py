"""Pixels before the network: random augmentations, applied to a whole batch at once, and masks."""
