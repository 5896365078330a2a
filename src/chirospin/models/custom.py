"""A system of the user: sites, orbitals, hoppings and leads in a file, or made by a function or a program."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.functions import loaded_function
from chirospin.base.parameters import Shape, nearest, parameter
from chirospin.models.imported import ORDERS, Block, imported, is_imported
from chirospin.models.model import (
    LARGEST,
    Molecule,
    OneElectronModel,
    contact,
    flat,
    hop_matrix,
    join,
    spinor,
)

Complex = NDArray[Any]
DIMER = "dimer"
BLOCKS = (
    "cells",
    "direction",
    "left_sites",
    "right_sites",
    "channel",
    "spin_order",
    "time_reversal",
)
"""Parameters of a file that another program wrote."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A site.

    Parameters
    ----------
    levels : energy of each of its orbitals, eV
    position : nm
    spin_orbit : Hermitian matrix of its orbitals and spins, (2 orbitals, 2 orbitals), eV, or None
    """

    levels: tuple[float, ...] = (0.0,)
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    spin_orbit: Any = None


@dataclass(frozen=True, kw_only=True)
class Hop:
    r"""A hop :math:`c^+_i (t + i\mathbf v\cdot\boldsymbol\sigma) c_j` and its adjoint.

    Parameters
    ----------
    between : sites i and j, counted from 1
    value : t, eV; a number, or a matrix over the orbitals of both sites
    spin_orbit : v, (3,), eV, for every pair of orbitals that t joins by a number; (3, orbitals, orbitals) else
    """

    between: tuple[int, int]
    value: Any = 0.0
    spin_orbit: Any = (0.0, 0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Contact:
    """Sites that a lead touches with all their orbitals.

    Parameters
    ----------
    sites : counted from 1
    channel : each orbital has its own channel, or all share one
    """

    sites: tuple[int, ...]
    channel: Literal["one", "each"] = "each"


@dataclass(frozen=True, kw_only=True)
class TightBinding:
    """Sites, hops and contacts; :meth:`molecule` makes matrices of them.

    Examples
    --------
    >>> chain = TightBinding(
    ...     sites=(Site(), Site(levels=(0.1,))),
    ...     hops=(Hop(between=(1, 2), value=0.5, spin_orbit=(0, 0, 0.01)),),
    ...     left=Contact(sites=(1,)),
    ...     right=Contact(sites=(2,)),
    ... )
    >>> chain.molecule().hamiltonian.shape
    (4, 4)
    """

    sites: tuple[Site, ...]
    hops: tuple[Hop, ...]
    left: Contact
    right: Contact

    def molecule(self) -> Molecule:
        """The matrices.

        Raises
        ------
        ModelError : a site that does not exist, a matrix of the wrong shape
        """
        counts = [len(site.levels) for site in self.sites]
        first = np.cumsum([0, *counts])
        size = int(first[-1])
        h = hop_matrix(size)
        for n, site in enumerate(self.sites):
            own = slice(first[n], first[n + 1])
            h[own, :, own, :] += np.einsum("ab,st->asbt", np.diag(site.levels), np.eye(2))
            if site.spin_orbit is not None:
                block = _shaped(
                    site.spin_orbit, (2 * counts[n],) * 2, f"spin_orbit of site {n + 1}"
                )
                h[own, :, own, :] += block.reshape(counts[n], 2, counts[n], 2)
        for number, hop in enumerate(self.hops, start=1):
            i, j = (_site(k, len(counts), f"hop {number}") for k in hop.between)
            if i == j:
                raise ModelError(
                    f"Hop {number} must join two sites, but joins site {i + 1} to itself"
                )
            block = _block(hop, counts[i], counts[j], number)
            for a in range(counts[i]):
                for b in range(counts[j]):
                    join(h, first[i] + a, first[j] + b, block[a, :, b, :])
        return Molecule(
            hamiltonian=flat(h),
            positions=np.array([site.position for site in self.sites], dtype=float),
            sites=tuple(np.repeat(np.arange(len(counts)), counts).tolist()),
            left=self._contact(self.left, first, "left"),
            right=self._contact(self.right, first, "right"),
        )

    def _contact(self, touched: Contact, first: NDArray[np.int64], name: str) -> Complex:
        if not touched.sites:
            raise ModelError(f"The {name} lead must touch at least one site, but touches none")
        sites = [_site(k, len(first) - 1, f"the {name} lead") for k in touched.sites]
        orbitals = [k for i in sites for k in range(first[i], first[i + 1])]
        return contact(orbitals, int(first[-1]), touched.channel)


def _site(number: int, count: int, where: str) -> int:
    """Index of a site that is counted from 1."""
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= count:
        raise ModelError(
            f"A site of {where} must be an integer between 1 and {count}, but is {number!r}"
        )
    return number - 1


def _block(hop: Hop, rows: int, columns: int, number: int) -> Complex:
    """The hop between orbitals with spin, (orbital, spin, orbital, spin), eV."""
    t = np.eye(rows, columns) * hop.value if np.ndim(hop.value) == 0 else hop.value
    if np.ndim(hop.value) == 0 and rows != columns:
        raise ModelError(
            f"Value of hop {number} must be a matrix ({rows}, {columns}), orbitals of both sites, "
            "but is a number"
        )
    t = _shaped(t, (rows, columns), f"value of hop {number}")
    v = np.asarray(hop.spin_orbit, dtype=complex)
    if v.shape == (3,):
        v = v[:, None, None] * np.eye(rows, columns)
    v = _shaped(v, (3, rows, columns), f"spin_orbit of hop {number}")
    sigma = np.array([spinor(axis) for axis in np.eye(3)])
    return np.asarray(
        np.einsum("ab,st->asbt", t, np.eye(2)) + 1j * np.einsum("kab,kst->asbt", v, sigma)
    )


def _shaped(value: Any, shape: tuple[int, ...], name: str) -> Complex:
    try:
        matrix = np.array(value, dtype=complex)
    except (TypeError, ValueError):
        matrix = np.empty(())
    if matrix.shape != shape or not (np.abs(matrix) <= LARGEST).all():
        raise ModelError(
            f"{name[0].upper()}{name[1:]} must be numbers of shape {shape} in [-{LARGEST:g}, {LARGEST:g}] (in eV)"
        )
    return matrix


class Custom(OneElectronModel):
    """Any tight-binding system between two leads.

    A file in TOML with tables ``[[site]]``, ``[[hop]]``, ``[left]`` and ``[right]``, whose entries are the
    fields of :class:`Site`, :class:`Hop` and :class:`Contact`; a Python function of the handedness, +1 or
    -1, that returns a :class:`TightBinding` or a :class:`~chirospin.models.model.Molecule` of plain matrices;
    PREFIX_hr.dat or PREFIX_tb.dat of Wannier90; or a Hamiltonian that sisl reads (.nc, .TSHS, .HSX, .fdf).
    Of the last two a block of ``cells`` is taken, whose first and last layers the leads touch. A Wannier
    function is a site, of sisl an atom; orbitals that overlap are made orthogonal by Loewdin's way.
    """

    system: str = parameter(
        DIMER,
        symbol="h",
        about="FILE.toml, FILE.py:NAME, MODULE:NAME, PREFIX_hr.dat, PREFIX_tb.dat, or what sisl reads; "
        "dimer is two sites, to try",
    )
    handedness: int = parameter(
        1, symbol=r"\chi", choices=(1, -1), about="handed to the function; a file has one hand"
    )
    lead_coupling: float = parameter(
        0.1, unit="eV", symbol=r"\Gamma", above=0, high=1e6, about="of a channel to its lead"
    )
    cells: tuple[float, ...] | None = parameter(
        None,
        symbol="N_i",
        shape=Shape(axes=(3,)),
        about="of a periodic file along each vector of its lattice; hops out of the block are cut; 1, 1, 4 "
        "if not given",
    )
    direction: int = parameter(
        3,
        symbol="i",
        choices=(1, 2, 3),
        about="of the current in a periodic file: vector of the lattice",
    )
    left_sites: tuple[float, ...] | None = parameter(
        None,
        symbol="i_L",
        shape=Shape(axes=("L",)),
        about="of a file of Wannier90 or sisl: sites that the lead touches, from 1; the first layer if not given",
    )
    right_sites: tuple[float, ...] | None = parameter(
        None, symbol="i_R", shape=Shape(axes=("R",)), about="the same; the last layer if not given"
    )
    channel: str = parameter(
        "each",
        symbol=r"\mathrm{channel}",
        choices=("each", "one"),
        about="of a file of Wannier90 or sisl: each orbital that a lead touches has its own, or all share one",
    )
    spin_order: str = parameter(
        "auto",
        symbol=r"\mathrm{order}",
        choices=ORDERS,
        about="of Wannier functions: up and down interleaved or blocked, none: both spins in each; auto: "
        "as the .win says",
    )
    time_reversal: str = parameter(
        "kept",
        symbol=r"\mathcal T",
        choices=("kept", "restored"),
        about="of such a file: as it is, or its part that is even under time reversal, where digits lack",
    )

    def molecule(self) -> Molecule:
        """The system that the parameter names.

        Raises
        ------
        ModelError : a file or a function that does not make one
        """
        if is_imported(self.system):
            return imported(self.system, self._block())
        for name in BLOCKS:
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ModelError(
                    f"Parameter `{name}` must be left out for {self.system}, which says itself where its "
                    "leads are; it belongs to a file of Wannier90 or sisl"
                )
        if self.system == DIMER:
            return _dimer().molecule()
        if ":" in self.system:
            return _made(self.system, self.handedness)
        try:
            return read_tight_binding(Path(self.system)).molecule()
        except ModelError as error:
            named = self.system in str(error)
            raise ModelError(f"{'' if named else f'{self.system}: '}{error}") from None

    def _block(self) -> Block:
        cells = tuple(int(x) for x in self.cells or (1, 1, 4))
        if any(x < 1 or x != y for x, y in zip(cells, self.cells or cells, strict=True)):
            raise ModelError(
                f"Parameter `cells` must be three integers of at least 1 (dimensionless), but is {self.cells}"
            )
        left, right = (
            None if given is None else tuple(int(x) for x in given)
            for given in (self.left_sites, self.right_sites)
        )
        return Block(
            cells=(cells[0], cells[1], cells[2]),
            direction=self.direction,
            left=left,
            right=right,
            channel="one" if self.channel == "one" else "each",
            spin_order=self.spin_order,
            restored=self.time_reversal == "restored",
        )


def _dimer() -> TightBinding:
    hop = Hop(between=(1, 2), value=0.1, spin_orbit=(0.0, 0.0, 0.01))
    return TightBinding(
        sites=(Site(), Site(position=(0.0, 0.0, 0.3))),
        hops=(hop,),
        left=Contact(sites=(1,)),
        right=Contact(sites=(2,)),
    )


def _made(name: str, handedness: int) -> Molecule:
    """What a function of the user makes."""
    function = loaded_function("system", name).function
    try:
        found = function(handedness)
    except (ModelError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a function may raise anything, or end the program
        raise ModelError(
            f"Parameter `system` must name a function that makes a system, but {name} raises "
            f"{type(error).__name__}: {error}"
        ) from None
    if isinstance(found, TightBinding):
        return found.molecule()
    if isinstance(found, Molecule):
        return found
    raise ModelError(
        "Parameter `system` must name a function that returns a TightBinding or a Molecule, "
        f"but {name} returns {type(found).__name__}"
    )


KEYS = {
    "site": {"levels", "position", "spin_orbit"},
    "hop": {"between", "value", "spin_orbit"},
    "left": {"sites", "channel"},
    "right": {"sites", "channel"},
}


def read_tight_binding(path: Path) -> TightBinding:
    """A system from TOML.

    Raises
    ------
    ModelError : no such file, not TOML, an unknown key, a table that is missing
    """
    try:
        text = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"Parameter `system` must name a file that can be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"{path} must be TOML, but is not: {error}") from None
    _known_keys(path, text)
    try:
        return TightBinding(
            sites=tuple(_site_of(table) for table in text["site"]),
            hops=tuple(
                Hop(**{**table, "between": _pair(table.get("between"))})
                for table in text.get("hop", [])
            ),
            left=_contact_of(text["left"], "left"),
            right=_contact_of(text["right"], "right"),
        )
    except ModelError:
        raise
    except (TypeError, ValueError, KeyError) as error:
        raise ModelError(f"{path}: a table has values of the wrong kind: {error}") from None


def _known_keys(path: Path, text: Mapping[str, Any]) -> None:
    for name in ("site", "left", "right"):
        if name not in text:
            raise ModelError(f"{path} must have a table [{'[site]' if name == 'site' else name}]")
    for name, tables in text.items():
        if name not in KEYS:
            raise ModelError(f"{path} has an unknown table {name!r}; {nearest(name, list(KEYS))}")
        listed = tables if isinstance(tables, list) else [tables]
        if (name in ("site", "hop")) != isinstance(tables, list):
            raise ModelError(
                f"{path}: {name} must be {'[[...]]' if name in ('site', 'hop') else '[...]'}"
            )
        for table in listed:
            for key in table:
                if key not in KEYS[name]:
                    raise ModelError(
                        f"{path}: {name} has an unknown key {key!r}; {nearest(key, sorted(KEYS[name]))}"
                    )


def _site_of(table: Mapping[str, Any]) -> Site:
    levels = tuple(float(x) for x in table.get("levels", (0.0,)))
    x, y, z = (float(c) for c in table.get("position", (0.0, 0.0, 0.0)))
    return Site(levels=levels, position=(x, y, z), spin_orbit=table.get("spin_orbit"))


def _pair(value: Any) -> tuple[int, int]:
    if not isinstance(value, Sequence) or len(value) != 2:
        raise ModelError(f"A hop must be between two sites, but is between {value!r}")
    return value[0], value[1]


def _contact_of(table: Mapping[str, Any], name: str) -> Contact:
    channel = table.get("channel", "each")
    if channel not in ("one", "each"):
        raise ModelError(f"channel of {name} must be one or each, but is {channel!r}")
    return Contact(sites=tuple(table.get("sites", ())), channel=channel)
