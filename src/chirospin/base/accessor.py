"""``ds.chirospin``, registered by whoever makes or reads a result: this module alone needs xarray to be imported."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import xarray as xr

from chirospin.base.figures import converted, sketch
from chirospin.base.results import settled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class AuditTable(xr.Dataset):  # type: ignore[no-untyped-call]
    """The audit of a result; a notebook shows it as a table."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from chirospin.base.html import audit_html

        return audit_html(self)


@xr.register_dataset_accessor("chirospin")  # type: ignore[no-untyped-call]
class ResultAccessor:
    """``ds.chirospin``: figure, audit and citations of a result."""

    def __init__(self, ds: xr.Dataset) -> None:
        self._ds = ds

    def to(self, unit: str, *names: str) -> xr.Dataset:
        """This result with quantities in another unit: ``to("nA")``, ``to("mV", "bias")``, ``to("K", "thermal_energy")``.

        Parameters
        ----------
        unit : names and powers, as on the command line
        names : variables or coordinates; all that are of this kind if none is named. V stands for e times volt and
            K for k_B times kelvin where an energy is named.

        Raises
        ------
        ModelError : no unit, no such variable, or none of this kind
        """
        return converted(self._ds, unit, names)

    def plot(self, quantity: str | None = None, x: str | None = None) -> Figure:
        """The plain figure of this result; see :func:`sketch`."""
        return sketch(self._ds, quantity, x)

    @property
    def audit(self) -> xr.Dataset:
        """The audit alone: value, tolerance and verdict of every check."""
        audit = self._ds[["audit_value", "audit_tolerance", "audit_passed"]]
        return AuditTable(audit.data_vars, audit.coords, audit.attrs)

    def _repr_html_(self) -> str:
        """For a notebook: verdict, figure or values, checks."""
        from chirospin.base.html import result_html

        return result_html(self._ds)

    @property
    def settled(self) -> xr.Dataset:
        """This result with 0 for what lies below its own numerical error; see :func:`settled`."""
        return settled(self._ds)

    @property
    def conventions(self) -> dict[str, str]:
        """Signs, units and orders that hold in this result, as its file carries them."""
        stamped: dict[str, str] = json.loads(self._ds.attrs["conventions"])
        return stamped

    @property
    def citations(self) -> str:
        """BibTeX entries for the methods that made this result."""
        from chirospin.base.citations import bibtex

        return bibtex(str(self._ds.attrs["references"]).split(", "))
