"""Packages that only some of the work needs: what to type where one is missing."""

from __future__ import annotations

from importlib.metadata import requires


def installing(extra: str) -> str:
    """The command that installs the packages of an extra, by their own names.

    The names come from the metadata of this package, so that the command works whether or not an index has
    chirospin itself.
    """
    listed = (line.partition(";") for line in requires("chirospin") or ())
    names = [name.strip() for name, _, when in listed if f"'{extra}'" in when.replace('"', "'")]
    return " ".join(["pip install", *(f"'{name}'" for name in names or [f"chirospin[{extra}]"])])
