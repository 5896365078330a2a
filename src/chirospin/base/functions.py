"""Functions of the user, named as FILE.py:NAME or MODULE:NAME."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chirospin.base.errors import ModelError


def loaded_function(parameter: str, name: str) -> Callable[..., Any]:
    """The function NAME of FILE.py or MODULE that a parameter names.

    Raises
    ------
    ModelError : it cannot be loaded
    """
    where, _, attribute = name.rpartition(":")
    try:
        if where.endswith(".py"):
            spec = importlib.util.spec_from_file_location(Path(where).stem, where)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules.setdefault(spec.name, module)
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(where)
        function: Callable[..., Any] = getattr(module, attribute)
    except (ImportError, AttributeError, OSError, SyntaxError) as error:
        raise ModelError(
            f"Parameter `{parameter}` must be a function that can be loaded, but is {name!r}: {error}"
        ) from None
    return function
