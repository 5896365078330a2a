"""What must be in the wheel, and what must not: ``python .ci/wheel_contents.py FILE.whl``."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

NEEDED = (
    "chirospin/py.typed",
    "chirospin/__main__.py",
    "chirospin/base/references.bib",
    "chirospin/base/journal.mplstyle",
    "chirospin/faces/report.css",
    "chirospin/faces/web/assets/page.css",
    "chirospin/faces/web/assets/page.js",
)


def faults(path: Path) -> list[str]:
    """Every fault of a wheel in words."""
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
    sources = Path(__file__).parents[1] / "src"
    modules = {p.relative_to(sources).as_posix() for p in sources.rglob("*.py")}
    found = [f"{name} is missing" for name in sorted({*NEEDED, *modules} - set(names))]
    found += [
        f"{n} must not be in it" for n in names if not n.startswith(("chirospin/", "chirospin-"))
    ]
    if not path.name.endswith("-py3-none-any.whl"):
        found.append(f"{path.name} must be pure Python")
    return found


if __name__ == "__main__":
    wheel = Path(sys.argv[1])
    said = faults(wheel)
    sys.stdout.write(f"{wheel.name}: {wheel.stat().st_size / 1024:.0f} KiB\n")
    sys.exit("\n".join(said) or 0)
