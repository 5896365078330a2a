"""Imported once before processes fork off, so that each starts at once."""

from __future__ import annotations

from chirospin.base.families import installed
from chirospin.faces.web import worker
from chirospin.studies import registry

READY = (
    installed(),
    list(registry.studies()),
    worker,
)
