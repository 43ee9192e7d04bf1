"""How a process reuses and returns freed memory. glibc on Linux only; on other systems nothing is done."""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress

KEPT = {-3: 32 << 20, -1: 256 << 20}  # mallopt's M_MMAP_THRESHOLD and M_TRIM_THRESHOLD in bytes; some versions refuse more than 32 MiB


def keep_memory() -> None:
    """Keeps freed memory for the next step of a training, until `return_memory`. To be called before the first step.

    Otherwise glibc returns large blocks at once, and the kernel must clear their pages before it gives them out again: about
    5,000 pages in each step of the default run, a tenth of its time.
    """
    if sys.platform.startswith("linux"):
        with suppress(AttributeError):  # another C library
            for parameter, size in KEPT.items():
                ctypes.CDLL(None).mallopt(parameter, size)


def return_memory() -> None:
    """Returns freed memory to the system. Otherwise glibc keeps it, hundreds of MB in an idle process."""
    gc.collect()
    if sys.platform.startswith("linux"):
        with suppress(AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)
