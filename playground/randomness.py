"""Random numbers as a function of (seed, purpose, step): nothing to save, nothing to restore, and one purpose never disturbs another."""

from __future__ import annotations

import hashlib

import torch


def seeded_generator(seed: int, purpose: str, step: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator; the same arguments give the same numbers, on any day and after any resume."""
    return torch.Generator(device).manual_seed(derived_seed(seed, purpose, step))


def derived_seed(seed: int, purpose: str, step: int) -> int:
    """The 63-bit seed that `seeded_generator` uses."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{purpose}/{step}".encode(), digest_size=8).digest(), "big") >> 1
