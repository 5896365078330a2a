"""How much memory there is, in bytes and in words."""

from __future__ import annotations

import os
from pathlib import Path


def available_bytes() -> float:
    """Memory that this process could get now; infinite where nothing says."""
    return min(_of_machine(), _of_group(), _of_process())


def _of_group() -> float:
    """What the limit of a container leaves."""
    group = Path("/sys/fs/cgroup")
    try:
        most = (group / "memory.max").read_text(encoding="ascii").strip()
        used = float((group / "memory.current").read_text(encoding="ascii"))
        words = (group / "memory.stat").read_text(encoding="ascii").split()
        cached = float(words[words.index("inactive_file") + 1])
        return float("inf") if most == "max" else max(float(most) - used + cached, 0.0)
    except (OSError, ValueError):
        return float("inf")


def _of_process() -> float:
    """What the limit of this process (``ulimit -v``) leaves."""
    try:
        import resource

        most, _ = resource.getrlimit(resource.RLIMIT_AS)
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    except (ImportError, OSError, ValueError):
        return float("inf")
    if most == resource.RLIM_INFINITY:
        return float("inf")
    return max(most - float(pages) * resource.getpagesize(), 0.0)


def _of_machine() -> float:
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return float(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return float("inf")


def in_words(size: float) -> str:
    """A number of bytes with a binary unit."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if size < 1024:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size * 1024.0**6:.3g} B"
