"""Transmitted spin at first order in the spin-orbit coupling, from an orbital-selective source or a lead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chirospin.base.audit import Audit, Check
from chirospin.base.method import Method
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.base.parameters import Model, Shape, parameter
from chirospin.base.spin import PAULI
from chirospin.models.helicene import PER_ATOM, Z
from chirospin.models.helicene import Helicene as HeliceneMolecule
from chirospin.models.model import Molecule
from chirospin.models.sources import MEMORY, OWN, PUBLIC_CODE, published

Real = NDArray[np.float64]
Complex = NDArray[Any]

ENERGIES = 101
SMALL = 1e-3  # of the coupling, where third orders are a millionth
THIRD_ORDER = 1e-4  # exact over first order there, less one, relative


class FirstOrder(Model):
    r"""Helicene with leads on all its atoms, and a source that may be another matrix than the lead's.

    .. math::
        P_k = 2\lambda\,\frac{\mathrm{Re}\,Tr(G\,g\,G^+\,\Gamma_R\,G\,L_k)}{Tr(G\,g\,G^+\,\Gamma_R)},
        \qquad h_{so} = \lambda\,\mathbf L\cdot\boldsymbol\sigma, \quad \lambda = \xi/2

    The formula, its random couplings of the atoms and the source in p_z alone are read in public code;
    hoppings are those of ``models.helicene`` instead of that code's.

    References
    ----------
    dalum_hedegard_2019
    """

    energy: tuple[float, ...] | None = parameter(
        None,
        unit="eV",
        symbol="E",
        shape=Shape(axes=("E",)),
        axis=True,
        about="where the curves are wanted; 101 points from -5 to 5 eV if not given",
    )
    rings: int = published(4, symbol="n", low=2, high=16, about="benzene rings", mark=OWN)
    spin_orbit: float = published(
        0.006, unit="eV", symbol=r"\xi", about="xi L.S on each atom", mark=PUBLIC_CODE
    )
    source: str = published(
        "p_z",
        symbol="g",
        choices=("p_z", "lead"),
        about="what is fed: p_z orbitals of the left lead's atoms alone, or all that the lead couples to",
        mark=PUBLIC_CODE,
    )
    coupling: float = published(
        0.5,
        unit="eV",
        symbol=r"\Gamma",
        above=0,
        high=1e6,
        about="mean of an orbital to a lead",
        mark=OWN,
    )
    seed: int = published(
        1, symbol=r"\mathrm{seed}", low=0, high=2**31, about="of the random couplings", mark=MEMORY
    )
    handedness: int = published(
        1, symbol=r"\chi", choices=(1, -1), about="sign of the angles", mark=OWN
    )


@dataclass(frozen=True, kw_only=True)
class Source:
    """What the formula is made of.

    Parameters
    ----------
    hamiltonian : without spin, (n, n), eV
    orbital_momentum : of all atoms, (3, n, n)
    left, right, source : Gamma_L, Gamma_R and g, (n, n), eV
    strength : lambda, eV
    """

    hamiltonian: Complex
    orbital_momentum: Complex
    left: Complex
    right: Complex
    source: Complex
    strength: float


@lru_cache(maxsize=16)
def parts(model: FirstOrder) -> Source:
    """Matrices of the model."""
    xi = model.spin_orbit
    built = helicene_of(model, 2.0)  # xi = 2: C_k is L_k
    size = len(built.sites)
    blocks = built.hamiltonian.reshape(size, 2, size, 2)
    random = np.random.default_rng(model.seed)
    atoms = size // PER_ATOM
    weight = random.exponential(model.coupling, size=(2, atoms))
    left, right = (np.diag(np.repeat(w, PER_ATOM)).astype(complex) for w in weight)
    pick = np.tile(np.arange(PER_ATOM) == Z, atoms)
    return Source(
        hamiltonian=np.einsum("isjs->ij", blocks) / 2,
        orbital_momentum=np.einsum("isjt,kts->kij", blocks, PAULI) / 2,
        left=left,
        right=right,
        source=left * pick if model.source == "p_z" else left,
        strength=xi / 2,
    )


def helicene_of(model: FirstOrder, xi: float) -> Molecule:
    """The molecule, with a spin-orbit coupling, eV."""
    return HeliceneMolecule(
        rings=model.rings, spin_orbit=xi, handedness=model.handedness
    ).molecule()


def source_energies(model: FirstOrder) -> Real:
    """Where the curves are wanted, eV."""
    return np.linspace(-5, 5, ENERGIES) if model.energy is None else np.array(model.energy)


def first_order(made: Source, at: Real) -> Real:
    """P_k by the formula, (energy, 3)."""
    n = len(made.hamiltonian)
    found = []
    for E in at:
        G = np.linalg.inv(E * np.eye(n) - made.hamiltonian + 0.5j * (made.left + made.right))
        flow = G @ made.source @ G.conj().T @ made.right
        slope = np.einsum("ij,kji->k", flow @ G, made.orbital_momentum)
        found.append(2 * made.strength * slope.real / np.trace(flow).real)
    return np.array(found)


def exact(made: Source, at: Real, factor: float = 1.0) -> Real:
    """P_k with spin, to all orders in the coupling times a factor, (energy, 3)."""
    n, one = len(made.hamiltonian), np.eye(2)
    coupling = (
        factor
        * made.strength
        * sum(np.kron(L, s) for L, s in zip(made.orbital_momentum, PAULI, strict=True))
    )
    h = np.kron(made.hamiltonian, one) + coupling
    loss = 0.5j * np.kron(made.left + made.right, one)
    found = []
    for E in at:
        G = np.linalg.inv(E * np.eye(2 * n) - h + loss)
        flow = (G @ np.kron(made.source, one) @ G.conj().T).reshape(n, 2, n, 2)
        arriving = np.einsum("ij,jsit->st", made.right, flow)
        found.append(np.einsum("kts,st->k", PAULI, arriving).real / np.trace(arriving).real)
    return np.array(found)


@dataclass(frozen=True, kw_only=True)
class FirstOrderState:
    """Polarisations by the formula and exactly, (energy, 3)."""

    formula: Real
    exact: Real
    outcome: Outcome


class Perturbation(Method):
    """The formula beside the Green function with spin.

    References
    ----------
    dalum_hedegard_2019
    """

    name: ClassVar[str] = "perturbation"
    summary: ClassVar[str] = (
        "first order by its formula, all orders by the Green function with spin"
    )
    references: ClassVar[tuple[str, ...]] = ("dalum_hedegard_2019",)

    def solve_many(self, models: Sequence[FirstOrder]) -> Iterator[FirstOrderState]:
        """States of the formula and of all orders."""
        return map(_first_order_state, models)


def _first_order_state(model: FirstOrder) -> FirstOrderState:
    made, at = parts(model), source_energies(model)
    return FirstOrderState(
        formula=first_order(made, at),
        exact=exact(made, at),
        outcome=Outcome(converged=True, residual=0.0, iterations=1),
    )


def _rounding(model: FirstOrder, state: FirstOrderState) -> Real:
    """Of a ratio of traces over all orbitals, without a coupling there is nothing."""
    return np.full_like(state.formula, 1e-13)


@observable(unit="1", symbol="P^{(1)}", dims=("energy", "component"), error=_rounding)
def first_order_spin(model: FirstOrder, state: FirstOrderState) -> Real:
    """Spin of the current into the right lead at first order in the coupling."""
    return state.formula


@observable(unit="1", symbol="P_s", dims=("energy", "component"), error=_rounding)
def transmitted_spin(model: FirstOrder, state: FirstOrderState) -> Real:
    """Spin of the current into the right lead to all orders."""
    return state.exact


def first_order_labels(model: FirstOrder) -> dict[str, tuple[Any, ...]]:
    """Labels along every dimension of the observables."""
    return {"energy": tuple(source_energies(model).tolist()), "component": ("x", "y", "z")}


FIRST_ORDER_OBSERVABLES = (first_order_spin, transmitted_spin)
FIRST_ORDER_CHECKS = (
    Check(
        name="hermitian_momentum",
        tolerance=1e-13,
        about="orbital momenta are imaginary and antisymmetric: odd under time reversal",
        evaluate=lambda m, s: float(np.abs(parts(m).orbital_momentum.real).max()),
    ),
)


def _formula_is_slope(model: FirstOrder, method: Method) -> float:
    made, at = parts(model), source_energies(model)[::20]
    slope = exact(made, at, SMALL) / SMALL
    formula = first_order(made, at)
    return float(np.abs(slope - formula).max() / max(np.abs(formula).max(), SMALL * made.strength))


def _law_three(model: FirstOrder, method: Method) -> float:
    made = parts(model)
    return float(np.abs(first_order(made, source_energies(model)[::20])).max() / made.strength)


FIRST_ORDER_AUDITS = (
    Audit(
        name="slope",
        tolerance=THIRD_ORDER,
        about="the formula is the slope of the exact polarisation at a thousandth of the coupling",
        evaluate=_formula_is_slope,
        unmet=lambda m, k: "" if m.spin_orbit else "there is no spin-orbit coupling",
    ),
    Audit(
        name="law_first_order",
        tolerance=1e-10,
        about="fed by its lead, two terminals, P_s has no first order, per eV; else the source is no lead",
        evaluate=_law_three,
        unmet=lambda m, k: (
            "the source feeds p_z alone and is not the lead's coupling"
            if m.source != "lead"
            else ""
            if m.spin_orbit
            else "there is no spin-orbit coupling"
        ),
    ),
)
