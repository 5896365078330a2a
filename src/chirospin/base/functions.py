"""Functions of the user, named as FILE.py:NAME or MODULE:NAME."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from chirospin.base.errors import ModelError
from chirospin.base.parameters import Model, ParameterInfo


def loaded_function(parameter: str, name: str) -> Callable[..., Any]:
    """The function NAME of FILE.py or MODULE that a parameter names; loaded again if the file changes.

    Raises
    ------
    ModelError : it cannot be loaded
    """
    where, _, attribute = name.rpartition(":")
    try:
        stamp = Path(where).stat().st_mtime_ns if where.endswith(".py") else 0
        return _loaded(where, attribute, stamp)
    except (Exception, SystemExit) as error:  # a file of the user may raise anything, or exit
        words = str(error).splitlines()[:1] or [type(error).__name__]
        raise ModelError(
            f"Parameter `{parameter}` must be a function that can be loaded, but is {name!r}: {words[0]}"
        ) from None


@lru_cache(maxsize=32)
def _loaded(where: str, attribute: str, stamp: int) -> Callable[..., Any]:
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
    return function


def names_code(info: ParameterInfo, value: Any) -> bool:
    """Whether a value of a parameter is FILE.py:NAME or MODULE:NAME: every free text with a colon."""
    return isinstance(info.default, str) and not info.choices and ":" in str(value)


def named_files(model: Model) -> dict[str, Path]:
    """The file behind each parameter that names one: code of the user, or a table.

    Raises
    ------
    ModelError : a module that is not found
    """
    found: dict[str, Path] = {}
    for info in model.parameters():
        value = getattr(model, info.name)
        if not isinstance(info.default, str) or info.choices or value == info.default:
            continue
        where = value.rpartition(":")[0] if ":" in value else value
        path = Path(where)
        if ":" in value and not where.endswith(".py"):
            path = _module_file(info.name, where)
        if path.is_file():
            found[info.name] = path
    return found


def _module_file(parameter: str, module: str) -> Path:
    try:
        spec = importlib.util.find_spec(module)
    except (Exception, SystemExit):  # its parents are imported
        spec = None
    if spec is None:
        raise ModelError(f"Parameter `{parameter}` names a module that is not found: {module!r}")
    return Path(spec.origin or "")


def placed(info: ParameterInfo, value: Any, folder: Path) -> Any:
    """A text parameter whose relative FILE is taken from a folder, where it is there."""
    if not isinstance(value, str) or not isinstance(info.default, str) or info.choices:
        return value
    where, colon, name = value.rpartition(":") if ":" in value else (value, "", "")
    path = folder / where
    is_file = where.endswith(".py") or (not colon and path.is_file())
    return f"{path.resolve()}{colon}{name}" if is_file else value


def contents(model: Model) -> dict[str, str]:
    """SHA-256 of the file behind each parameter that names one, with the cell that stands beside a table.

    Raises
    ------
    ModelError : a file that cannot be read
    """
    found = {}
    for name, path in named_files(model).items():
        beside = path.with_name(path.name.removesuffix("_hr.dat") + ".win")
        digest = hashlib.sha256()
        try:
            for one in (path, beside):
                if one == path or (path.name.endswith("_hr.dat") and one.is_file()):
                    digest.update(one.read_bytes())
        except OSError as error:
            raise ModelError(
                f"Parameter `{name}` names a file that cannot be read: {path}: {error.strerror}"
            ) from None
        found[name] = digest.hexdigest()
    return found
