"""chirospin: spin polarisation in chiral and spin-orbit-coupled matter, with audited numbers."""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import Any

MEASURED = "measured"
"""The room of measured curves: no model, a verdict on data."""

FAMILIES = (
    "junction",
    "chiral_metal",
    "vibration",
    "spinterface",
    "rashba",
    "crystal",
    "molecule",
    "models",
)
"""Families in this release, each a module with a record ``FAMILY``."""


def __getattr__(name: str) -> Any:
    """Load a family when it is first named; the version is that of the installed package, from its tag."""
    if name == "__version__":
        return version("chirospin")
    if name in (*FAMILIES, MEASURED):
        return importlib.import_module(f"chirospin.{name}")
    raise AttributeError(f"module 'chirospin' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *FAMILIES])
