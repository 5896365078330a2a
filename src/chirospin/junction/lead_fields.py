"""Leads as experiments have them: names, directions of magnetisation, interference, probes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import model_validator

from chirospin.base.errors import ModelError
from chirospin.base.parameters import Model, Shape, parameter, shown
from chirospin.junction.couplings import why_no_width

Vector = tuple[float, ...]
Directions = tuple[Vector, ...]
Matrices = tuple[tuple[tuple[complex, ...], ...], ...]
NONE = "none"
LISTS = ("lead_names", "reversed_leads", "voltage_probes")
WIDTHS = ("lead_orbitals", "lead_vectors", "lead_matrices")


class Leads(Model):
    r"""What joins the molecules to the leads, of any number and direction.

    .. math:: \Gamma_l = W_l \otimes (1 + p_l\,\mathbf n_l\cdot\boldsymbol\sigma)

    or given as vectors, :math:`\Gamma_l = \sum_v v v^+`, or whole.
    """

    yielding: ClassVar[frozenset[str]] = frozenset(
        {
            "lead_polarisation",
            "reversed_leads",
            "occupation_left",
            "occupation_right",
            "bias",
            "bias_asymmetry",
            "thermal_energy_difference",
        }
    )

    lead_names: str = parameter(
        "left, right", symbol="l", about="names of the leads, with commas between them"
    )
    lead_orbitals: Matrices | None = parameter(
        None,
        unit="eV",
        symbol="W_l",
        shape=Shape(axes=("L", "2M", "2M"), kind=complex),
        about="coupling of each lead as a matrix over orbitals, molecule by molecule; overrides coupling",
    )
    lead_polarisations: Vector | None = parameter(
        None,
        symbol="p_l",
        shape=Shape(axes=("L",)),
        about="polarisation of each lead along its direction; lead_polarisation and 0 if not given",
    )
    lead_directions: Directions | None = parameter(
        None,
        symbol=r"\mathbf n_l",
        shape=Shape(axes=("L", 3)),
        about="magnetisation of each lead, of any length; z if not given",
    )
    lead_vectors: Matrices | None = parameter(
        None,
        unit="eV^0.5",
        symbol="v",
        shape=Shape(axes=("L", "K", "4M"), kind=complex),
        about="tunnelling vectors of each lead over molecule, orbital, spin: Gamma is the sum of v v^+",
    )
    lead_matrices: Matrices | None = parameter(
        None,
        unit="eV",
        symbol=r"\Gamma_l",
        shape=Shape(axes=("L", "4M", "4M"), kind=complex),
        about="level width from each lead over molecule, orbital, spin, Hermitian and not negative",
    )
    reversed_leads: str = parameter(
        "left", symbol="m", about="leads that magnetisation down reverses, with commas; or none"
    )
    voltage_probes: str = parameter(
        NONE,
        symbol=r"\mathrm{probes}",
        about="leads that float: potential (occupation) such that no current flows, with commas; or none",
    )

    @model_validator(mode="before")
    @classmethod
    def _lists_are_text(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Names in a list or tuple, as Python has them."""
        changed = dict(values)
        for name in LISTS:
            value = changed.get(name)
            if isinstance(value, (list, tuple)):
                changed[name] = ", ".join(map(str, value)) or NONE
        return changed

    @model_validator(mode="after")
    def _names_agree(self) -> Leads:
        names = listed(self.lead_names)
        if len(names) < 2 or len(set(names)) < len(names):
            raise ModelError(
                f"Parameter `lead_names` must be at least two names, each once (dimensionless), but is "
                f"{shown(self.lead_names)}"
            )
        for field in ("reversed_leads", "voltage_probes"):
            given, own = listed(getattr(self, field)), field in self.model_fields_set
            wrong = [name for name in given if name not in names]
            if own and (wrong or len(set(given)) < len(given)):
                raise ModelError(
                    f"Parameter `{field}` must be names out of {', '.join(names)}, each once "
                    f"(dimensionless), but is {shown(getattr(self, field))}"
                )
        if len(listed(self.voltage_probes)) == len(names):
            raise ModelError(
                "Parameter `voltage_probes` must leave a lead with a potential of its own "
                f"(dimensionless), but is {shown(self.voltage_probes)}"
            )
        return self

    @model_validator(mode="after")
    def _one_form(self) -> Leads:
        given = [name for name in WIDTHS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ModelError(
                f"Parameter `{given[1]}` must be left out where `{given[0]}` is given (in eV): either is "
                "all of the coupling"
            )
        spins = ("lead_polarisations", "lead_directions", "lead_polarisation")
        magnets = [name for name in spins if name in self.model_fields_set]
        magnets = [name for name in magnets if getattr(self, name) is not None]
        if given and given[0] != "lead_orbitals" and magnets:
            raise ModelError(
                f"Parameter `{magnets[0]}` must be left out where `{given[0]}` is given (dimensionless), "
                "which holds the spin"
            )
        if "lead_polarisation" in magnets and "lead_polarisations" in magnets:
            raise ModelError(
                "Parameter `lead_polarisation` must be left out where `lead_polarisations` is given "
                "(dimensionless): it is the first of them"
            )
        count = len(listed(self.lead_names))
        if count > 2 and not given:
            raise ModelError(
                f"Parameter `lead_orbitals` must be given for {count} leads (in eV), or lead_vectors or "
                "lead_matrices, but is left out"
            )
        return self


def listed(text: str) -> tuple[str, ...]:
    """Names of a text with commas; of ``none`` no name."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    return () if names == (NONE,) else names


def check_lead_arrays(leads: Leads, orbitals: int) -> None:
    """Refuse arrays that are no leads.

    Parameters
    ----------
    orbitals : spin-orbitals of the molecules

    Raises
    ------
    ModelError : names the parameter and the lead
    """
    names = listed(leads.lead_names)
    L = len(names)
    shapes = {
        "lead_orbitals": (L, orbitals // 2, orbitals // 2),
        "lead_polarisations": (L,),
        "lead_directions": (L, 3),
        "lead_vectors": (L, None, orbitals),
        "lead_matrices": (L, orbitals, orbitals),
    }
    for name, shape in shapes.items():
        value = getattr(leads, name)
        if value is not None:
            _check_shape(leads, name, np.shape(value), shape)
    p = np.array(leads.lead_polarisations or [0.0])
    if np.abs(p).max() > 1:
        raise ModelError(
            f"Parameter `lead_polarisations` must be real in [-1, 1] (dimensionless), but is "
            f"{p[np.abs(p).argmax()]:g} for lead {names[int(np.abs(p).argmax())]}"
        )
    for name, direction in zip(names, leads.lead_directions or (), strict=False):
        if not np.any(direction):
            raise ModelError(
                f"Parameter `lead_directions` must be vectors that are not zero (dimensionless), but that of "
                f"lead {name} is"
            )
    _check_widths(leads, names)


def _check_shape(
    leads: Leads, name: str, found: tuple[int, ...], wanted: Sequence[int | None]
) -> None:
    fits = len(found) == len(wanted) and all(
        size is None or size == got for size, got in zip(wanted, found, strict=True)
    )
    if not fits:
        words = ", ".join("K" if size is None else str(size) for size in wanted)
        raise ModelError(
            f"Parameter `{name}` must have shape ({words}) for {wanted[0]} leads "
            f"({leads.parameter_info(name).unit_words}), but has shape {found}"
        )


def _check_widths(leads: Leads, names: Sequence[str]) -> None:
    for field in WIDTHS:
        for name, value in zip(names, getattr(leads, field) or (), strict=False):
            one = np.array(value, dtype=complex)
            why = why_no_width(one.T @ one.conj() if field == "lead_vectors" else one)
            if why:
                raise ModelError(
                    f"Parameter `{field}` must be Hermitian, without negative eigenvalues and not zero "
                    f"({leads.parameter_info(field).unit_words}), but that of lead {name} is {why}"
                )


def check_lead_values(leads: Leads, name: str, values: Sequence[float] | None) -> None:
    """Refuse values of the leads that are too few, too many, or missing where two ends do not tell them.

    Raises
    ------
    ModelError : says how many are wanted
    """
    names, floating = listed(leads.lead_names), listed(leads.voltage_probes)
    own = [one for one in names if one not in floating]
    if values is None and len(own) == 2:
        return
    words = leads.parameter_info(name).unit_words
    if values is None or len(values) != len(own):
        what = "is left out" if values is None else f"has {len(values)}"
        probes = f" and none for the voltage probes {', '.join(floating)}" if floating else ""
        raise ModelError(
            f"Parameter `{name}` must have {len(own)} values, for {', '.join(own)}{probes} ({words}), "
            f"but {what}"
        )
