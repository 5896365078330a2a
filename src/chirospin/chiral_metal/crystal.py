r"""The bulk of any crystal: current-induced spin, and the spin current quadratic in the field.

.. math:: s_i = q\tau_0 \chi_{ij} E_j, \qquad j_{s,ij} = (q\tau_0)^2 K_{ijkl} E_k E_l

.. math:: \chi_{ij} = \sum_n \int\frac{d^3k}{(2\pi)^3} s_i v_j\, (-f_0'), \qquad
          K_{ijkl} = \sum_n \int\frac{d^3k}{(2\pi)^3} \partial_k(J_{ij})\, v_l\, (-f_0')
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.audit import Audit, Check
from chirospin.base.errors import ModelError
from chirospin.base.functions import loaded_function
from chirospin.base.method import Method
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.base.parameters import Model, parameter
from chirospin.chiral_metal.bloch import (
    AnalyticBloch,
    BandFlow,
    Bloch,
    band_flow,
    cubic,
    isotropic,
    spin_matrices,
    tellurium,
)
from chirospin.chiral_metal.model import require_band
from chirospin.chiral_metal.wannier import read_tight_binding

Array = NDArray[np.float64]
AXES = ("x", "y", "z")
BUILT_IN = ("isotropic", "cubic", "tellurium")
BLOCK = 4096  # points of k at a time
TAIL = 38.0  # of the thermal window, in k_B T: -f_0' is below 1e-16 beyond
BISECTIONS = 60
SHIFTS = (0.1, 0.6)  # half a step apart, and no mirror images of each other


class Crystal(Model):
    """A crystal in a uniform field: two bands with momentum-dependent spin, or a tight-binding file.

    References
    ----------
    yoshimi_2026, Sec. III
    """

    hamiltonian: str = parameter(
        "isotropic",
        symbol="H(k)",
        about="isotropic, cubic, tellurium; a file _tb.dat or _hr.dat; or FILE.py:NAME, MODULE:NAME",
    )
    mass: float = parameter(
        1.0, unit="1/eV/nm^2", symbol="m", above=0, about="isotropic and cubic; m_e is 13.12"
    )
    spin_orbit: float = parameter(
        0.2, unit="eV*nm", symbol=r"\alpha", about="of the built-in models; beta of tellurium"
    )
    lattice_constant: float = parameter(
        1.0, unit="nm", symbol="b", above=0, about="cubic; for a function, the period if periodic"
    )
    longitudinal: float = parameter(
        -0.3644, unit="eV*nm^2", symbol="A", about="curvature along z of tellurium"
    )
    transverse: float = parameter(
        -0.3260, unit="eV*nm^2", symbol="B", about="curvature across z of tellurium"
    )
    gap: float = parameter(0.063, unit="eV", symbol=r"\Delta", about="half splitting of tellurium")
    chemical_potential: float = parameter(0.48, unit="eV", symbol=r"\mu", about="Fermi energy")
    thermal_energy: float = parameter(
        0.0, unit="eV", symbol="k_BT", low=0, about="0 for sheets of the Fermi surface"
    )
    spin_order: str = parameter(
        "interleaved",
        symbol="o",
        choices=("interleaved", "blocked"),
        about="order of the states: up, down, up, ...; or all up, then all down",
    )
    reach: float = parameter(
        1.0, unit="1/nm", symbol="k_max", above=0, about="largest momentum, for a function"
    )
    periodic: int = parameter(
        0, symbol="P", choices=(0, 1), about="1 if a function has the cubic period 2 pi/b"
    )


def bloch_hamiltonian(model: Crystal) -> Bloch:
    """The Hamiltonian that the model names.

    Raises
    ------
    ModelError : no such built-in, file or function; empty band of tellurium
    """
    name = model.hamiltonian
    if name == "isotropic":
        require_band(model.mass, model.spin_orbit, model.chemical_potential)
        return isotropic(model.mass, model.spin_orbit, model.chemical_potential)
    if name == "cubic":
        return cubic(model.mass, model.spin_orbit, model.lattice_constant)
    if name == "tellurium":
        if model.longitudinal * model.transverse <= 0:
            raise ModelError(
                "Parameter `transverse` must have the sign of `longitudinal` (in eV nm^2), so that the "
                f"Fermi surface is closed, but is {model.transverse:g}"
            )
        return tellurium(
            model.longitudinal,
            model.transverse,
            model.gap,
            model.spin_orbit,
            model.chemical_potential,
        )
    if name.endswith((".dat",)):
        return _file(Path(name), model.spin_order)
    if ":" in name:
        function = loaded_function("hamiltonian", name)
        spin = getattr(function, "spin", None)
        if spin is None:
            shape = function(np.zeros((1, 3), dtype=complex)).shape
            if len(shape) != 3 or shape[1] != shape[2] or shape[2] % 2:
                raise ModelError(
                    "Parameter `hamiltonian` must be a function of k of shape (N, 3) with values of "
                    f"shape (N, n, n), n even, but gives {shape} for (1, 3)"
                )
            spin = spin_matrices(shape[2], model.spin_order)
        cell = 2 * np.pi / model.lattice_constant * np.eye(3) if model.periodic else None
        return AnalyticBloch(function, np.asarray(spin, dtype=complex), model.reach, cell)
    raise ModelError(
        f"Parameter `hamiltonian` must be {', '.join(BUILT_IN)}, a file _tb.dat or _hr.dat, or "
        f"FILE.py:NAME, but is {name!r}"
    )


@lru_cache(maxsize=4)
def _file(path: Path, order: str) -> Bloch:
    return read_tight_binding(path, order)


def crystal_labels(model: Crystal) -> dict[str, tuple[Any, ...]]:
    """Labels along every dimension of the tensors."""
    return dict.fromkeys(("spin", "flow", "field", "second_field"), AXES)


@dataclass(frozen=True, kw_only=True)
class CrystalState:
    """Tensors and the errors of their integration, largest element over largest element.

    Parameters
    ----------
    charge : sum of v_i v_j, shape (3, 3), 1/(eV nm^3) (eV nm)^2
    edelstein : chi, shape (3, 3), 1/nm^2
    spin_current, operator_current : K, shape (3, 3, 3, 3), eV
    weight : number of sheets or of points of k that count
    error : largest relative error of the four
    """

    charge: Array
    edelstein: Array
    spin_current: Array
    operator_current: Array
    weight: int
    error: float
    outcome: Outcome


Tensors = tuple[Array, Array, Array, Array]


def _tensors(flow: BandFlow, weight: Array) -> Tensors:
    """The four tensors; weight has the shape (points, n)."""
    v = flow.velocity
    return (
        np.einsum("pn,pin,pjn->ij", weight, v, v),
        np.einsum("pn,pin,pjn->ij", weight, flow.spin, v),
        np.einsum("pn,pijkn,pln->ijkl", weight, flow.current_slope, v),
        np.einsum("pn,pijkn,pln->ijkl", weight, flow.operator_slope, v),
    )


def _in_blocks(bloch: Bloch, k: Array, weight: Array) -> Tensors:
    parts = [
        _tensors(band_flow(bloch, k[i : i + BLOCK]), weight[i : i + BLOCK])
        for i in range(0, len(k), BLOCK)
    ]
    if not parts:
        return np.zeros((3, 3)), np.zeros((3, 3)), np.zeros((3,) * 4), np.zeros((3,) * 4)
    a, b, c, d = (np.sum(tensors, axis=0) for tensors in zip(*parts, strict=True))
    return a, b, c, d


def _judged(fine: Tensors, coarse: Tensors, weight: int, tolerance: float) -> CrystalState:
    errors = [
        np.abs(f - c).max() / np.abs(f).max()
        for f, c in zip(fine, coarse, strict=True)
        if np.abs(f).max() > 0
    ]
    error = float(max(errors, default=0.0))
    good = bool(error <= tolerance) and weight > 0
    reason = (
        ""
        if good
        else "no Fermi surface within reach"
        if not weight
        else f"the tensors change by {error:.1e} with the grid: raise its points"
    )
    return CrystalState(
        charge=fine[0],
        edelstein=fine[1],
        spin_current=fine[2],
        operator_current=fine[3],
        weight=weight,
        error=error,
        outcome=Outcome(converged=good, residual=error, iterations=weight, reason=reason),
    )


class FermiSurface(Method):
    """Sheets of the Fermi surface around k = 0, found along rays; zero temperature.

    Gauss nodes in the polar angle, a trapezoid rule in the azimuth: exponentially accurate for closed
    sheets that every ray from k = 0 crosses at a finite angle. The error is the change from half of them.
    """

    name: ClassVar[str] = "fermi-surface"
    summary: ClassVar[str] = "sheets of the Fermi surface around k = 0, zero temperature"
    references: ClassVar[tuple[str, ...]] = ("yoshimi_2026",)

    polar: int = Field(default=48, ge=4, le=2000, description="Gauss nodes in cos(theta)")
    azimuth: int = Field(default=96, ge=4, le=4000, description="directions around z")
    radial: int = Field(
        default=64, ge=8, le=4096, description="steps along a ray before refinement"
    )
    tolerance: float = Field(
        default=1e-3, gt=0, description="largest relative error that is accepted"
    )

    def solve_many(self, models: Sequence[Crystal]) -> Iterator[CrystalState]:
        """One state per model."""
        return map(self._state, models)

    def _state(self, model: Crystal) -> CrystalState:
        if model.thermal_energy:
            raise ModelError(
                "Parameter `thermal_energy` must be 0 (in eV) for the method fermi-surface, but is "
                f"{model.thermal_energy:g}; use k-grid"
            )
        bloch = bloch_hamiltonian(model)
        mu = model.chemical_potential
        fine, count = self._integrated(bloch, mu, self.polar, self.azimuth)
        coarse, _ = self._integrated(bloch, mu, max(2, self.polar // 2), max(2, self.azimuth // 2))
        return _judged(fine, coarse, count, self.tolerance)

    def _integrated(self, bloch: Bloch, mu: float, polar: int, azimuth: int) -> tuple[Tensors, int]:
        cosine, wc = np.polynomial.legendre.leggauss(polar)
        turn = 2 * np.pi * (np.arange(azimuth) + 0.5) / azimuth
        sine = np.sqrt(1 - cosine**2)[:, None]
        ray = np.stack(
            [sine * np.cos(turn), sine * np.sin(turn), cosine[:, None] + 0 * turn], axis=-1
        ).reshape(-1, 3)
        solid = (wc[:, None] * np.full(azimuth, 2 * np.pi / azimuth)).ravel()
        at, band, k = self._crossings(bloch, ray, mu)
        points = k[:, None] * ray[at]
        flow_weight = np.zeros((len(k), len(bloch.spin[0])))
        speed = np.empty(len(k))
        for i in range(0, len(k), BLOCK):
            part = slice(i, i + BLOCK)
            v = band_flow(bloch, points[part]).velocity
            here = np.take_along_axis(v, band[part, None, None], axis=2)[..., 0]
            speed[part] = np.abs((here * ray[at[part]]).sum(axis=1))
        flow_weight[np.arange(len(k)), band] = solid[at] * k**2 / (speed * (2 * np.pi) ** 3)
        return _in_blocks(bloch, points, flow_weight), len(k)

    def _crossings(self, bloch: Bloch, ray: Array, mu: float) -> tuple[Any, Any, Array]:
        """Where bands cross mu: index of the ray, band, momentum."""
        k = np.linspace(0, bloch.reach, self.radial + 1)[1:]
        k = np.concatenate([[k[0] * 1e-6], k])
        energy = np.stack([_energies(bloch, r * ray) for r in k], axis=1) - mu
        at, cell, band = np.nonzero(energy[:, :-1] * energy[:, 1:] < 0)
        low, high = k[cell], k[cell + 1]
        rising = energy[at, cell, band] < 0
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            here = _energies(bloch, middle[:, None] * ray[at])[np.arange(len(at)), band] - mu
            left = (here < 0) == rising
            low, high = np.where(left, middle, low), np.where(left, high, middle)
        return at, band, (low + high) / 2


def _energies(bloch: Bloch, k: Array) -> Array:
    return np.asarray(np.linalg.eigvalsh(bloch.hamiltonian(k)))


class KGrid(Method):
    """Two shifted grids over the Brillouin zone at finite temperature.

    Exponentially accurate once the spacing resolves k_B T / v. The error is half the difference of the
    two grids; the result is their mean.
    """

    name: ClassVar[str] = "k-grid"
    summary: ClassVar[str] = "grids over the Brillouin zone at finite temperature"
    references: ClassVar[tuple[str, ...]] = ("yoshimi_2026",)

    points: int = Field(default=48, ge=2, le=2000, description="of k along each reciprocal vector")
    tolerance: float = Field(
        default=1e-2, gt=0, description="largest relative error that is accepted"
    )

    def solve_many(self, models: Sequence[Crystal]) -> Iterator[CrystalState]:
        """One state per model."""
        return map(self._state, models)

    def _state(self, model: Crystal) -> CrystalState:
        bloch = bloch_hamiltonian(model)
        if bloch.cell is None:
            raise ModelError(
                "Parameter `hamiltonian` must be periodic for the method k-grid, but is "
                f"{model.hamiltonian!r}; use fermi-surface"
            )
        T = model.thermal_energy
        if not T:
            raise ModelError(
                "Parameter `thermal_energy` must be > 0 (in eV) for the method k-grid, but is 0; "
                "use fermi-surface, or 0.01"
            )
        halves = [
            self._integrated(bloch, bloch.cell, model.chemical_potential, T, shift)
            for shift in SHIFTS
        ]
        (one, n), (other, m) = halves
        a, b, c, d = ((x + y) / 2 for x, y in zip(one, other, strict=True))
        return _judged((a, b, c, d), one, n + m, self.tolerance)

    def _integrated(
        self, bloch: Bloch, cell: Array, mu: float, T: float, shift: float
    ) -> tuple[Tensors, int]:
        line = (np.arange(self.points) + shift) / self.points
        volume = abs(np.linalg.det(cell)) / (2 * np.pi) ** 3 / self.points**3
        found, weights = [], []
        for first in line:  # a plane of the grid at a time
            k = (
                np.stack(np.meshgrid(first, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
                @ cell
            )
            x = (_energies(bloch, k) - mu) / T
            near = (np.abs(x) < TAIL).any(axis=1)
            found.append(k[near])
            weights.append(volume / (4 * T * np.cosh(np.clip(x[near], -300, 300) / 2) ** 2))
        k, weight = np.concatenate(found), np.concatenate(weights)
        return _in_blocks(bloch, k, weight), len(k)


@observable(unit="1/nm^2", symbol=r"\chi_{ij}", dims=("spin", "field"))
def edelstein_tensor(model: Crystal, state: CrystalState) -> Array:
    r"""Current-induced spin: s_i = q tau_0 chi_ij E_j.

    .. math:: \chi_{ij} = \sum_n \int\frac{d^3k}{(2\pi)^3} \langle s_i\rangle v_j\, (-f_0')

    References
    ----------
    yoshimi_2026, Eq. (7a)
    """
    return state.edelstein


@observable(unit="eV", symbol="K_{ijkl}", dims=("spin", "flow", "field", "second_field"))
def spin_current_tensor(model: Crystal, state: CrystalState) -> Array:
    r"""Spin current of second order with the band velocity: j_s,ij = (q tau_0)^2 K_ijkl E_k E_l.

    .. math:: K_{ijkl} = \sum_n \int\frac{d^3k}{(2\pi)^3} \partial_k(\langle s_i\rangle v_j)\, v_l\,
              (-f_0')

    References
    ----------
    yoshimi_2026, Eqs. (6b), (7b)
    """
    return state.spin_current


@observable(
    unit="eV", symbol=r"K^\mathrm{op}_{ijkl}", dims=("spin", "flow", "field", "second_field")
)
def operator_spin_current_tensor(model: Crystal, state: CrystalState) -> Array:
    """The same for the operator {s_i, v_j}/2 instead of the product of expectation values."""
    return state.operator_current


@observable(unit="eV/nm", symbol="D_{ij}", dims=("flow", "field"))
def charge_tensor(model: Crystal, state: CrystalState) -> Array:
    r"""Conductivity over q^2 tau_0: the sum of v_i v_j on the Fermi surface."""
    return state.charge


CRYSTAL_OBSERVABLES = (
    edelstein_tensor,
    spin_current_tensor,
    operator_spin_current_tensor,
    charge_tensor,
)


def _reciprocity(model: Crystal, state: CrystalState) -> float:
    """The charge tensor is symmetric; yields its relative asymmetry."""
    D = state.charge
    return float(np.abs(D - D.T).max() / (np.abs(D).max() or 1.0))


def _stable(model: Crystal, state: CrystalState) -> float:
    eigenvalues = np.linalg.eigvalsh((state.charge + state.charge.T) / 2)
    return float(eigenvalues.min() / (np.abs(eigenvalues).max() or 1.0))


CRYSTAL_CHECKS = (
    Check(
        name="integration",
        tolerance=1e-3,
        about="largest relative change of a tensor with the grid",
        evaluate=lambda m, s: s.error,
    ),
    Check(
        name="reciprocity",
        tolerance=1e-10,
        about="the conductivity tensor is symmetric",
        evaluate=_reciprocity,
    ),
    Check(
        name="dissipation",
        tolerance=1e-12,
        bound="above",
        about="no direction of negative conductivity",
        evaluate=_stable,
    ),
)


def _inverted(model: Crystal, method: Method) -> float | None:
    """The other enantiomer of a built-in model; tellurium has its own."""
    if model.hamiltonian not in ("isotropic", "cubic"):
        return None
    one, other = (method.solve(m) for m in (model, model.replace(spin_orbit=-model.spin_orbit)))
    size = np.abs(one.edelstein).max() or 1.0
    return float(np.abs(one.edelstein + other.edelstein).max() / size)


CRYSTAL_AUDITS = (
    Audit(
        name="enantiomer",
        tolerance=1e-9,
        about="current-induced spin changes sign with the handedness",
        evaluate=_inverted,
    ),
)
