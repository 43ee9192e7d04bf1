"""What becomes of memory that a process has freed. glibc on Linux only; elsewhere nothing is done."""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress

KEPT = {-3: 32 << 20, -1: 256 << 20}  # mallopt's M_MMAP_THRESHOLD and M_TRIM_THRESHOLD in bytes; more than 32 MiB is refused by some


def keep_memory() -> None:
    """Keeps what is freed for the next step of a training, until `return_memory`. To be called before the first step.

    glibc gives large blocks back at once otherwise, and the kernel has to clear their pages before it hands them out again: about
    5,000 pages in each step of the default run, which costs a tenth of its time.
    """
    if sys.platform.startswith("linux"):
        with suppress(AttributeError):  # another C library
            for parameter, size in KEPT.items():
                ctypes.CDLL(None).mallopt(parameter, size)


def return_memory() -> None:
    """Gives back to the system what was freed. glibc keeps it otherwise, hundreds of MB in a process that rests."""
    gc.collect()
    if sys.platform.startswith("linux"):
        with suppress(AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)
