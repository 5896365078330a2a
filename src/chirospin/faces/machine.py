"""The machine in words: processor, cores, memory, BLAS and its threads."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any


def machine() -> dict[str, str]:
    """What times depend on."""
    return {
        "processor": _processor(),
        "cores": str(_cores()),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "blas": _blas(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or "unknown"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"
    except (AttributeError, OSError, ValueError):
        return "unknown"


def _blas() -> str:
    import numpy  # noqa: F401 -- loads the library that is looked at
    from threadpoolctl import threadpool_info

    found: list[dict[str, Any]] = [x for x in threadpool_info() if x["user_api"] == "blas"]
    words = {
        f"{x['internal_api']} {x['version']} ({x.get('architecture', '?')}), {x['num_threads']} thread"
        + ("s" if x["num_threads"] > 1 else "")
        for x in found
    }
    return "; ".join(sorted(words)) or "none found"
