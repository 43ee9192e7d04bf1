"""Random numbers as a function of (seed, purpose, step): there is no state to save, and the purposes are independent of each other."""

from __future__ import annotations

import hashlib

import torch


def seeded_generator(seed: int, purpose: str, step: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A new generator; the same arguments always give the same numbers, also after a resume."""
    return torch.Generator(device).manual_seed(derived_seed(seed, purpose, step))


def derived_seed(seed: int, purpose: str, step: int) -> int:
    """The 63-bit seed that `seeded_generator` uses."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{purpose}/{step}".encode(), digest_size=8).digest(), "big") >> 1
