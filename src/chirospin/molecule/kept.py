"""Arrays kept on the disk by the content of what they were computed from."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import UNREADABLE, ModelError
from chirospin.base.sealed import seal_of, sealed, written_whole

Arrays = dict[str, NDArray[Any]]
_REMEMBERED: dict[str, Arrays] = {}
MOST_REMEMBERED, SMALL = 100, 4_000_000
"""Sets of arrays, and bytes of each, that stay in memory for the next points."""
FOLDER = "CHIROSPIN_CACHE"
"""Environment variable that names the folder; empty keeps nothing."""
RECIPE = 1
"""Raised when what is computed changes, so that nothing old is taken for it."""


def folder() -> Path | None:
    """Where arrays are kept: $CHIROSPIN_CACHE, else chirospin/molecule in the user's cache; None for nowhere."""
    given = os.environ.get(FOLDER)
    if given is not None:
        return Path(given) if given else None
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "chirospin" / "molecule"


def key_of(facts: Mapping[str, Any]) -> str:
    """SHA-256 of all that a result depends on; arrays by their bytes."""

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            settled = np.round(value, 9) + 0.0 if value.dtype.kind == "f" else value
            return [list(value.shape), settled.tobytes().hex()]
        return value

    body = {"recipe": RECIPE, **{name: plain(value) for name, value in facts.items()}}
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def read_kept(key: str) -> Arrays | None:
    """What is kept under a key; None where there is nothing, or nothing whole."""
    place = folder()
    if place is None or not (path := place / f"{key}.npz").is_file():
        return None
    try:
        if seal_of(path) is None:
            return None
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (ModelError, *UNREADABLE):
        return None


def write(key: str, arrays: Mapping[str, Any]) -> None:
    """Keep arrays under a key, whole or not at all; a disk that cannot be written keeps nothing."""
    place = folder()
    if place is None:
        return
    content = io.BytesIO()
    np.savez(content, **arrays)
    try:
        place.mkdir(parents=True, exist_ok=True)
        written_whole(place / f"{key}.npz", sealed(content.getvalue()))
    except (OSError, ModelError):
        return


def forget(key: str) -> None:
    """Remove what is kept under a key."""
    place = folder()
    if place is not None:
        (place / f"{key}.npz").unlink(missing_ok=True)


def kept(facts: Mapping[str, Any], compute: Callable[[], Mapping[str, Any]]) -> Arrays:
    """The arrays that follow from some facts: read if they are kept, else computed and kept."""
    key = key_of(facts)
    found = _REMEMBERED.get(key) or read_kept(key)
    if found is None:
        found = {name: np.array(value, order="C") for name, value in compute().items()}
        write(key, found)
    if sum(value.nbytes for value in found.values()) < SMALL:
        while len(_REMEMBERED) >= MOST_REMEMBERED:
            _REMEMBERED.pop(next(iter(_REMEMBERED)), None)
        _REMEMBERED[key] = found
    return found
