"""The chiral molecular stack between two leads: parameters, Hamiltonian, rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from chirospin.base.errors import ModelError
from chirospin.base.memory import available_bytes, in_words
from chirospin.base.parameters import Shape, axis_parameter, parameter, refusal, shown
from chirospin.base.results import origin_facts
from chirospin.base.spin import PAULI
from chirospin.junction.couplings import diagonal_only, magnetic, time_reversed
from chirospin.junction.lead_fields import Leads, check_lead_arrays, check_lead_values, listed
from chirospin.junction.supplied import supplied
from chirospin.junction.tensor import dense_tensor, pair_terms, tensor_rows
from chirospin.scattering.probes import Probed

if TYPE_CHECKING:
    import xarray as xr

ORBITALS = ("a", "b")
SPINS = ("up", "down")
MAGNETISATIONS = ("up", "down")
PER_MOLECULE = len(ORBITALS) * len(SPINS)
LARGEST_STACK = 1000  # molecules: matrices of 4 000 orbitals take minutes and gigabytes
ONE_BODY_MATRICES = (
    24  # complex matrices of all orbitals that the methods for any stack hold at once
)

SAME_WIDTH = 1e-12  # of the largest element: two widths that are one

Vectors = tuple[tuple[float, ...], ...]
Matrix = tuple[tuple[complex, ...], ...]


class MolecularStack(Leads):
    r"""A stack of M molecules, two orbitals each, between leads; the left one is magnetised by default.

    .. math:: H = H_0 + H_t + H_{soc} + H_U

    All energies are in one unit; read "1" as the hopping t to work in units of t.
    Spin-orbitals are ordered molecule, orbital (a, b), spin (up, down).

    References
    ----------
    nozaki_fujita_2026, Eqs. (1)-(9) and Table 1
    """

    shorthands: ClassVar = {
        "hubbard": ("hubbard_a", "hubbard_b", "hubbard_ab_singlet", "hubbard_ab_triplet"),
        "coupling": ("coupling_a", "coupling_b"),
    }

    shorthand_symbols: ClassVar = {"hubbard": "U", "coupling": r"\gamma"}
    absolute_energies: ClassVar[bool] = False
    named_terms: ClassVar[bool] = True
    """Whether there are orbitals a and b with their named terms; else matrices alone."""

    @property
    def own_spin(self) -> NDArray[np.complex128] | None:
        """Spin over the spin-orbitals where they are not pairs up, down, (3, n, n)."""
        return None

    @property
    def without_spin(self) -> bool:
        """Whether the orbitals have no spin."""
        return False

    @property
    def spin_y(self) -> NDArray[np.complex128] | None:
        """Spin along y over the spin-orbitals; None where they are pairs up, down."""
        return None

    @property
    def spin_orbitals(self) -> int:
        """Number of spin-orbitals."""
        return PER_MOLECULE * self.molecules

    @classmethod
    def from_result(cls, ds: xr.Dataset, **changes: Any) -> Self:
        """The model whose parameters a result of ``molecule.stack`` holds, with its provenance and citations.

        Parameters
        ----------
        ds : one point; energies are counted from their mean unless the model has a Fermi level
        changes : further parameters, as ``coupling``; they take the place of those in the result

        Raises
        ------
        ModelError : not such a result, or a value that the model refuses
        """
        values = supplied(ds, absolute=cls.absolute_energies)
        for short in changes.keys() & cls.shorthands.keys():
            for member in cls.shorthands[short]:
                values.pop(member, None)
        return cls(**{**values, **changes}).made_from(origin_facts(ds))

    molecules: int = parameter(
        2, symbol="M", low=1, high=LARGEST_STACK, about="number of molecules in the stack"
    )
    energy_a: float = parameter(
        0.0, unit="eV", symbol=r"\epsilon_a", about="energy of orbital a on every molecule"
    )
    energy_b: float = parameter(
        0.8, unit="eV", symbol=r"\epsilon_b", about="energy of orbital b on every molecule"
    )
    energies: Vectors | None = parameter(
        None,
        unit="eV",
        symbol=r"\epsilon_{il}",
        shape=Shape(axes=("M", 2)),
        about="energies (a, b) of each molecule; overrides energy_a and energy_b",
    )
    hopping_a: float = parameter(
        1.0, unit="eV", symbol=r"t_{aa}", about="hopping between orbitals a of neighbours"
    )
    hopping_b: float = parameter(
        0.2, unit="eV", symbol=r"t_{bb}", about="hopping between orbitals b of neighbours"
    )
    hopping_ab: float = parameter(
        0.0, unit="eV", symbol=r"t_{ab}", about="hopping between a of a molecule and b of the next"
    )
    hopping_ba: float = parameter(
        0.0, unit="eV", symbol=r"t_{ba}", about="hopping between b of a molecule and a of the next"
    )
    one_body_matrix: Matrix | None = parameter(
        None,
        unit="eV",
        symbol=r"h^{+}",
        shape=Shape(axes=("4M", "4M"), kind=complex),
        about="Hermitian one-body matrix added to the Hamiltonian; order molecule, orbital, spin",
    )
    spin_orbit: float = parameter(
        0.03, unit="eV", symbol=r"\lambda", about="inter-orbital spin-orbit coupling of a molecule"
    )
    twist: float = parameter(
        np.pi / 2, unit="rad", symbol=r"\varphi", about="rotation from one molecule to the next"
    )
    handedness: int = parameter(
        1, symbol=r"\chi", choices=(1, -1), about="enantiomer: sign of the twist"
    )
    spin_orbit_vectors: Vectors | None = parameter(
        None,
        unit="eV",
        symbol=r"\Lambda_i",
        shape=Shape(axes=("M", 3)),
        about="spin-orbit vector of each molecule; overrides spin_orbit, twist and handedness",
    )
    hubbard_a: float = parameter(
        4.0, unit="eV", symbol=r"U_a", about="repulsion of two electrons in orbital a"
    )
    hubbard_b: float = parameter(
        4.0, unit="eV", symbol=r"U_b", about="repulsion of two electrons in orbital b"
    )
    hubbard_ab_singlet: float = parameter(
        4.0, unit="eV", symbol=r"U_{ab}^s", about="repulsion between a and b, opposite spins"
    )
    hubbard_ab_triplet: float = parameter(
        4.0,
        unit="eV",
        symbol=r"U_{ab}^t",
        about="repulsion between a and b, equal spins; singlet minus hund if only hund is given",
    )
    hund: float = parameter(
        0.0, unit="eV", symbol="K", about="Kanamori exchange: spin flip and pair hopping"
    )
    intersite_repulsion: float = parameter(
        0.0, unit="eV", symbol="V", about="uniform repulsion between electrons on two molecules"
    )
    site_repulsions: Vectors | None = parameter(
        None,
        unit="eV",
        symbol="V_{oo'}",
        shape=Shape(axes=("2M", "2M")),
        about="repulsion between electrons in any two orbitals (molecule, orbital), added; symmetric, 0 on the "
        "diagonal",
    )
    interaction_tensor: Vectors | None = parameter(
        None,
        unit="eV",
        symbol="V_{abcd}",
        shape=Shape(axes=("K", 6)),
        about="any repulsion, added: rows [a, b, c, d, re, im] of 1/2 V_abcd c+_a c+_b c_d c_c, or all of V",
    )
    coupling_a: float = parameter(
        0.1, unit="eV", symbol=r"\gamma_a", low=0, about="lead coupling of orbital a"
    )
    coupling_b: float = parameter(
        0.1, unit="eV", symbol=r"\gamma_b", low=0, about="lead coupling of orbital b"
    )
    lead_polarisation: float = parameter(
        1.0,
        symbol="p",
        low=-1,
        high=1,
        about="polarisation of the left lead along its magnetisation",
    )

    @model_validator(mode="before")
    @classmethod
    def _tensor_in_rows(cls, values: dict[str, Any]) -> dict[str, Any]:
        """A dense tensor, or rows of real numbers."""
        if values.get("interaction_tensor") is None:
            return values
        return {**values, "interaction_tensor": tensor_rows(values["interaction_tensor"])}

    @model_validator(mode="before")
    @classmethod
    def _hund_fixes_triplet(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Spin is conserved only for U_ab^t = U_ab^s - K: the default when just K is named."""
        hund = values.get("hund", 0.0)
        if "hubbard_ab_triplet" in values or not isinstance(hund, (int, float)) or not hund:
            return values
        fallback = values.get("hubbard", cls.model_fields["hubbard_ab_singlet"].default)
        singlet = values.get("hubbard_ab_singlet", fallback)
        if not isinstance(singlet, (int, float)):
            return values
        return {**values, "hubbard_ab_triplet": singlet - hund}

    @model_validator(mode="after")
    def _triplet_follows_hund(self) -> Self:
        """A triplet that hund fixes is not one the user set: ``replace(hund=...)`` moves it."""
        if self.hund and self.hubbard_ab_triplet == self.hubbard_ab_singlet - self.hund:
            self.model_fields_set.discard("hubbard_ab_triplet")
        return self

    @model_validator(mode="after")
    def _shapes_agree(self) -> Self:
        sizes = {
            "energies": (self.molecules, 2),
            "spin_orbit_vectors": (self.molecules, 3),
            "one_body_matrix": (self.spin_orbitals,) * 2,
        }
        for name, size in sizes.items():
            value = getattr(self, name)
            if value is not None and np.shape(value) != size:
                raise ModelError(
                    f"Parameter `{name}` must have shape {size} for molecules = "
                    f"{self.molecules} (in eV), but has shape {np.shape(value)}"
                )
        if self.one_body_matrix is not None:
            matrix = np.array(self.one_body_matrix)
            if not np.allclose(matrix, matrix.conj().T, rtol=0, atol=1e-12 * np.abs(matrix).max()):
                raise refusal(self.parameter_info("one_body_matrix"), "not Hermitian")
        if self.spin_orbitals:
            check_lead_arrays(self, self.spin_orbitals)
        _check_repulsions(self)
        return self


def _check_repulsions(stack: MolecularStack) -> None:
    if stack.interaction_tensor is not None:
        dense_tensor(stack.interaction_tensor, stack.spin_orbitals)
    if stack.site_repulsions is None:
        return
    V, size = np.array(stack.site_repulsions), 2 * stack.molecules
    if V.shape != (size, size) or (V != V.T).any() or V.diagonal().any():
        raise ModelError(
            f"Parameter `site_repulsions` must be symmetric with a diagonal of zeros, of shape ({size}, {size}) for "
            f"molecules = {stack.molecules} (in eV), but is {shown(stack.site_repulsions)}"
        )


AnyStack = TypeVar("AnyStack", bound=MolecularStack)


class ProbedStack(Probed, MolecularStack):
    """A stack whose molecules may have probes, which only methods without repulsion take."""


class ResolvedStack(ProbedStack):
    """A stack whose spectrum and counted charge may be asked for, each along an axis of its own."""

    energy: tuple[float, ...] | None = axis_parameter(
        "E",
        unit="eV",
        symbol=r"\omega",
        about="where the Green function is wanted; over all levels with their repulsion if not given",
    )
    counting_field: tuple[float, ...] | None = axis_parameter(
        "X",
        unit="1",
        symbol="x",
        about="where the generating function of the charge from the left lead is wanted; -1 to 1 if not given",
    )


class Junction(ResolvedStack):
    """A stack between leads whose states are occupied alike at every energy (infinite bias).

    References
    ----------
    nozaki_fujita_2026, Eqs. (8), (9)
    """

    occupation_left: float = parameter(
        1.0, symbol="f_L", low=0, high=1, about="occupation of the states of the left lead"
    )
    occupation_right: float = parameter(
        0.0, symbol="f_R", low=0, high=1, about="occupation of the states of the right lead"
    )
    lead_occupations: tuple[float, ...] | None = parameter(
        None,
        symbol="f_l",
        shape=Shape(axes=("L",)),
        about="occupations of all leads but voltage probes; instead of occupation_left and _right",
    )

    @model_validator(mode="after")
    def _occupations_agree(self) -> Self:
        for name in ("occupation_left", "occupation_right"):
            if self.lead_occupations is not None and name in self.model_fields_set:
                raise ModelError(
                    f"Parameter `{name}` must be left out where `lead_occupations` is given "
                    f"(dimensionless), but is {getattr(self, name):g}"
                )
        check_lead_values(self, "lead_occupations", self.lead_occupations)
        f = np.array(self.lead_occupations or [0.0])
        if f.min() < 0 or f.max() > 1:
            raise ModelError(
                "Parameter `lead_occupations` must be real in [0, 1] (dimensionless), but is "
                f"{f[np.abs(f - 0.5).argmax()]:g}"
            )
        return self


@dataclass(frozen=True, kw_only=True)
class Interaction:
    r"""Electron-electron terms in the spin-orbital basis.

    .. math::
        H_U = \tfrac12 \sum_{mk} W_{mk} n_m n_k
              + \sum_j v_j (c^+_{p_j} c^+_{q_j} c_{r_j} c_{s_j} + h.c.)

    Parameters
    ----------
    density : W, shape (4M, 4M), eV, symmetric with zero diagonal
    exchange : orbital indices (p, q, r, s), shape (terms, 4)
    strength : v, shape (terms,), eV; complex where it has to be
    """

    density: NDArray[np.float64]
    exchange: NDArray[np.int64]
    strength: NDArray[Any]

    def plus(self, V: NDArray[np.complex128]) -> Interaction:
        """With :math:`\\tfrac12 \\sum V_{abcd} c^+_a c^+_b c_d c_c` of a tensor (4M, 4M, 4M, 4M) added."""
        W, terms, v = pair_terms(V)
        return Interaction(
            density=self.density + W,
            exchange=np.concatenate([self.exchange, terms]),
            strength=np.concatenate([self.strength, v if v.imag.any() else v.real]),
        )


def index(molecule: int, orbital: str, spin: str) -> int:
    """Position of a spin-orbital: molecule (from 0), orbital, spin."""
    return PER_MOLECULE * molecule + 2 * ORBITALS.index(orbital) + SPINS.index(spin)


def spin_orbit_vectors(model: MolecularStack) -> NDArray[np.float64]:
    r"""Spin-orbit vectors of the molecules.

    .. math:: \Lambda_i = \lambda (\cos\phi_i, \sin\phi_i, 0), \quad \phi_i = \chi \varphi (i-1)

    Returns
    -------
    (molecule, component), eV
    """
    if model.spin_orbit_vectors is not None:
        return np.array(model.spin_orbit_vectors)
    angle = model.handedness * model.twist * np.arange(model.molecules)
    return model.spin_orbit * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=-1)


def _enough_memory(stack: int) -> None:
    need = 16.0 * ONE_BODY_MATRICES * (PER_MOLECULE * stack) ** 2
    free = available_bytes()
    if need > free:
        raise ModelError(
            f"Parameter `molecules` must fit in memory, but the matrices of {stack} molecules need about "
            f"{in_words(need)} and {in_words(free)} are free"
        )


def one_body_hamiltonian(model: MolecularStack) -> NDArray[np.complex128]:
    r"""Matrix of the one-electron part, :math:`H_0 + H_t + H_{soc}` and the added matrix.

    .. math:: H_{soc} = \sum_{ik} i \Lambda_{ik}\,
              (c^+_{ib\uparrow}, c^+_{ib\downarrow})\, \sigma_k\,
              (c_{ia\uparrow}, c_{ia\downarrow})^T + h.c.

    Returns
    -------
    (4M, 4M), eV, Hermitian; a quarter turn of twist per molecule makes it genuinely complex.

    References
    ----------
    nozaki_fujita_2026, Eqs. (2)-(4); Eq. (29) is printed for the other enantiomer
    """
    stack = model.molecules
    _enough_memory(stack)
    if not model.named_terms:
        return np.array(model.one_body_matrix, dtype=complex)
    levels = (
        np.tile([model.energy_a, model.energy_b], (stack, 1))
        if model.energies is None
        else np.array(model.energies)
    )
    h = np.zeros((stack, 2, 2, stack, 2, 2), dtype=complex)
    unit = np.eye(2)
    # hop[l, l'] joins orbital l of a molecule with l' of the next
    hop = np.array([[model.hopping_a, model.hopping_ab], [model.hopping_ba, model.hopping_b]])
    inter_orbital = 1j * np.einsum("ik,kst->ist", spin_orbit_vectors(model), PAULI)
    for i in range(stack):
        for orbital in range(2):
            h[i, orbital, :, i, orbital, :] += levels[i, orbital] * unit
        h[i, 1, :, i, 0, :] += inter_orbital[i]
        h[i, 0, :, i, 1, :] += inter_orbital[i].conj().T
        if i + 1 < stack:
            for here in range(2):
                for there in range(2):
                    h[i, here, :, i + 1, there, :] += hop[here, there] * unit
                    h[i + 1, there, :, i, here, :] += hop[here, there] * unit
    matrix = h.reshape(PER_MOLECULE * stack, PER_MOLECULE * stack)
    if model.one_body_matrix is not None:
        matrix = matrix + np.array(model.one_body_matrix)
    return matrix


def interaction(model: MolecularStack) -> Interaction:
    r"""Repulsion within and between molecules and the Kanamori exchange.

    .. math::
        H_U = \sum_i U_a n_{a\uparrow} n_{a\downarrow} + U_b n_{b\uparrow} n_{b\downarrow}
            + U^s_{ab} \sum_s n_{as} n_{b\bar s} + U^t_{ab} \sum_s n_{as} n_{bs}
            + V \sum_{i<j} n_i n_j

    The exchange :math:`-K(c^+_{a\uparrow}c_{a\downarrow}c^+_{b\downarrow}c_{b\uparrow}+h.c.)
    + K(c^+_{a\uparrow}c^+_{a\downarrow}c_{b\downarrow}c_{b\uparrow}+h.c.)` is normal ordered.

    References
    ----------
    nozaki_fujita_2026, Eq. (5); the exchange is an extension
    """
    stack = model.molecules
    singlet, triplet = model.hubbard_ab_singlet, model.hubbard_ab_triplet
    ab = np.array([[triplet, singlet], [singlet, triplet]])
    flip = np.array([[0.0, 1.0], [1.0, 0.0]])
    local = np.block([[model.hubbard_a * flip, ab], [ab.T, model.hubbard_b * flip]])
    if not model.named_terms:
        local = np.zeros((model.spin_orbitals,) * 2)
    density = np.kron(np.eye(stack), local)
    density += model.intersite_repulsion * np.kron(1 - np.eye(stack), np.ones_like(local))
    terms: list[tuple[int, int, int, int]] = []
    if model.hund:
        for i in range(stack):
            a_up, a_down, b_up, b_down = (index(i, o, s) for o in ORBITALS for s in SPINS)
            terms += [(a_up, b_down, a_down, b_up), (a_up, a_down, b_down, b_up)]
    if model.site_repulsions is not None:
        density += np.kron(np.array(model.site_repulsions), np.ones((2, 2)))
    named = Interaction(
        density=density,
        exchange=np.array(terms, dtype=np.int64).reshape(-1, 4),
        strength=np.full(len(terms), model.hund),
    )
    rows = model.interaction_tensor
    return named if rows is None else named.plus(dense_tensor(rows, len(density)))


ENERGIES = 201
"""Of a spectrum whose energies are not given."""
FIELDS = 9
FEW_ORBITALS = 64


def spectral_energies(model: ResolvedStack, h: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Where the Green function is wanted: by default all levels, moved by up to their whole repulsion, eV.

    Raises
    ------
    ModelError : energies that do not ascend
    """
    if model.energy is not None:
        return _ascending("energy", model.energy, "in eV")
    (lowest, highest), width = _level_span(h), lead_couplings(model).sum(axis=1).max()
    repulsion = interaction(model).density.sum(axis=1)
    low, high = lowest + min(repulsion.min(), 0.0), highest + max(repulsion.max(), 0.0)
    margin = 5 * float(width) or 1.0
    return np.linspace(low - margin, high + margin, ENERGIES)


def _level_span(h: NDArray[np.complex128]) -> tuple[float, float]:
    """Lowest and highest level; of more orbitals than a many-body method takes what Gershgorin's circles enclose."""
    if len(h) <= FEW_ORBITALS:
        levels = np.linalg.eigvalsh(h)
        return float(levels[0]), float(levels[-1])
    middle = h.diagonal().real
    radius = np.abs(h).sum(axis=1) - np.abs(middle)
    return float((middle - radius).min()), float((middle + radius).max())


def counting_fields(model: ResolvedStack) -> NDArray[np.float64]:
    """Where the generating function is wanted.

    Raises
    ------
    ModelError : fields that do not ascend
    """
    if model.counting_field is None:
        return np.linspace(-1, 1, FIELDS)
    return _ascending("counting_field", model.counting_field, "dimensionless")


def _ascending(name: str, values: tuple[float, ...], unit: str) -> NDArray[np.float64]:
    array = np.array(values, dtype=float)
    if not array.size or (np.diff(array) <= 0).any():
        raise ModelError(f"Parameter `{name}` must have values that ascend ({unit})")
    return array


def orbital_projectors(molecules: int) -> NDArray[np.complex128]:
    """Electrons in each orbital, both spins together, as one-electron matrices, (2M, 4M, 4M)."""
    pairs = np.kron(np.eye(2 * molecules), np.ones((1, 2)))
    return np.asarray(pairs[:, :, None] * np.eye(PER_MOLECULE * molecules), dtype=complex)


def lead_names(model: MolecularStack) -> tuple[str, ...]:
    """Names of the leads, in order."""
    return listed(model.lead_names)


def floating_leads(model: MolecularStack) -> tuple[int, ...]:
    """Numbers of the leads that are voltage probes."""
    names = lead_names(model)
    return tuple(names.index(name) for name in listed(model.voltage_probes))


def reversed_by_magnetisation(model: MolecularStack) -> tuple[int, ...]:
    """Numbers of the leads that magnetisation down reverses; the first where none was named."""
    names, named = lead_names(model), "reversed_leads" in model.model_fields_set
    return tuple(names.index(name) for name in listed(model.reversed_leads)) if named else (0,)


def lead_polarisations(model: MolecularStack, count: int) -> NDArray[np.float64]:
    r"""Vectors :math:`p_l \mathbf n_l` of so many leads, magnetisation up, (lead, 3)."""
    first = (model.lead_polarisation, *[0.0] * (count - 1))
    p = np.array(first if model.lead_polarisations is None else model.lead_polarisations)
    n = np.array(model.lead_directions or [(0.0, 0.0, 1.0)] * count)
    return np.asarray(p[:, None] * (n / np.linalg.norm(n, axis=-1, keepdims=True)))


def orbital_couplings(model: MolecularStack) -> NDArray[np.complex128]:
    r"""Coupling of each lead as a matrix over orbitals, which both spins share.

    .. math:: W_L = diag(\gamma)/2 \text{ on molecule 1}, \qquad W_R = diag(\gamma) \text{ on molecule M}

    unless it is given.

    Returns
    -------
    (lead, 2M, 2M), eV
    """
    if model.lead_orbitals is not None:
        given = np.array(model.lead_orbitals, dtype=complex)
        return np.asarray((given + np.conj(np.swapaxes(given, -1, -2))) / 2)
    return np.stack([np.diag(one) for one in _end_couplings(model)]).astype(complex)


def _end_couplings(stack: MolecularStack) -> NDArray[np.float64]:
    """Diagonals of W without a matrix, (lead, 2M), eV."""
    gamma = np.array([stack.coupling_a, stack.coupling_b])
    ends = np.zeros((2, 2 * stack.molecules))
    ends[0, :2] = gamma / 2
    ends[1, -2:] = gamma
    return ends


def lead_widths(model: MolecularStack) -> NDArray[np.complex128]:
    r"""Level widths from the leads as given, magnetisation up.

    .. math:: \Gamma_l = W_l \otimes (1 + p_l\,\mathbf n_l\cdot\boldsymbol\sigma)
              \quad\text{or}\quad \sum_v v v^+

    Returns
    -------
    (lead, 4M, 4M), eV; Hermitian and not negative
    """
    if model.lead_matrices is not None:
        given = np.array(model.lead_matrices, dtype=complex)
        return np.asarray((given + np.conj(np.swapaxes(given, -1, -2))) / 2)
    if model.lead_vectors is not None:
        vectors = np.array(model.lead_vectors, dtype=complex)
        return np.asarray(np.einsum("lka,lkb->lab", vectors, vectors.conj()))
    orbitals = orbital_couplings(model)
    spins = lead_polarisations(model, len(orbitals))
    return np.stack([magnetic(*one) for one in zip(orbitals, spins, strict=True)])


def magnetised_widths(model: MolecularStack) -> NDArray[np.complex128]:
    r"""Level widths for both magnetisations; down reverses the leads that are named.

    .. math:: \Gamma \to \sigma_y \Gamma^* \sigma_y

    Returns
    -------
    (magnetisation, lead, 4M, 4M), eV
    """
    both = np.stack([lead_widths(model)] * 2)
    for lead in reversed_by_magnetisation(model):
        both[1, lead] = time_reversed(both[0, lead], model.spin_y)
    return both


def wholly_reversed(model: AnyStack) -> AnyStack:
    """The same stack, whose magnetisation down is the reversal of every lead: what laws of time reversal ask for."""
    if all_magnets_reversed(model):
        return model
    return model.replace(reversed_leads=", ".join(lead_names(model)))


def given_widths(model: MolecularStack) -> bool:
    """Whether the coupling to the leads is more than that of the ends along z."""
    stack = model  # any of these fields, and none is read for its value
    names = ("lead_orbitals", "lead_directions", "lead_vectors", "lead_matrices")
    return any(getattr(stack, name) is not None for name in names)


def magnets_given(model: MolecularStack) -> bool:
    """Whether the leads are more than one that is magnetised along z."""
    stack = model
    return given_widths(model) or stack.lead_polarisations is not None


def all_magnets_reversed(model: MolecularStack) -> bool:
    """Whether magnetisation down is the time reversal of all leads, as reciprocity asks."""
    if not magnets_given(model):
        return 0 in reversed_by_magnetisation(model)
    up, down = magnetised_widths(model)
    return bool(np.abs(time_reversed(up) - down).max() <= SAME_WIDTH * np.abs(up).max())


def mixing_widths(model: MolecularStack) -> NDArray[np.complex128] | None:
    """Level widths where they are matrices, (magnetisation, lead, 4M, 4M), eV; None where all are diagonal."""
    if not given_widths(model):
        return None
    both = magnetised_widths(model)
    return None if diagonal_only(both) else both


def lead_couplings(model: MolecularStack) -> NDArray[np.float64]:
    r"""Coupling of every spin-orbital to each lead, the diagonal of its width, for both magnetisations.

    .. math:: \gamma_{L,1ls} = \gamma_l (1 + m p s)/2, \qquad \gamma_{R,Mls} = \gamma_l

    unless the coupling is given.

    Returns
    -------
    (magnetisation, lead, 4M), eV

    References
    ----------
    nozaki_fujita_2026, Table 1
    """
    if given_widths(model):
        widths = magnetised_widths(model)
        return np.asarray(np.einsum("mlkk->mlk", widths).real.copy())
    ends = _end_couplings(model)
    p = np.stack([lead_polarisations(model, 2)[:, 2]] * 2)
    p[1, list(reversed_by_magnetisation(model))] *= -1
    spins = 1 + p[..., None] * np.array([1.0, -1.0])  # (magnetisation, lead, spin)
    coupling = ends[:, :, None] * spins[:, :, None, :]
    return np.asarray(coupling.reshape(2, 2, -1))


def spread_over_leads(model: MolecularStack, given: Sequence[float]) -> NDArray[np.float64]:
    """Values of the leads that have their own on all of them; voltage probes start at the mean, (lead,)."""
    floating = floating_leads(model)
    whole = np.full(len(given) + len(floating), float(np.mean(given)))
    whole[[lead for lead in range(len(whole)) if lead not in floating]] = given
    return whole


def magnet_directions(model: MolecularStack) -> NDArray[np.float64]:
    """Direction of the magnet of every lead, (magnetisation, lead, 3); NaN where it is not magnetised.

    Raises
    ------
    ModelError : leads given by vectors or matrices, which need not have one direction
    """
    stack = model  # neither of these fields is read for its value
    for name in ("lead_vectors", "lead_matrices"):
        if getattr(stack, name) is not None:
            raise ModelError(
                f"Parameter `{name}` must be left out (in eV) where the torque on a magnet is asked for: a lead "
                "given by it need not have one direction; give lead_orbitals, lead_polarisations and "
                "lead_directions"
            )
    pn = lead_polarisations(model, len(lead_names(model)))
    size = np.linalg.norm(pn, axis=-1, keepdims=True)
    n = np.stack([np.where(size > 0, pn / np.where(size > 0, size, 1.0), np.nan)] * 2)
    n[1, list(reversed_by_magnetisation(model))] *= -1
    return n


def lead_occupations(model: Junction) -> NDArray[np.float64]:
    """Occupation of the states of every lead; of voltage probes where their search starts, (lead,)."""
    given = model.lead_occupations
    return spread_over_leads(model, given or (model.occupation_left, model.occupation_right))


def exchange_rates(model: Junction) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Rates at which the leads fill and empty each spin-orbital.

    .. math:: \alpha_k = \gamma_{Lk} f_L + \gamma_{Rk} f_R, \qquad
              \beta_k = \gamma_{Lk} (1 - f_L) + \gamma_{Rk} (1 - f_R)

    Returns
    -------
    filling, emptying : (magnetisation, 4M), eV/hbar

    References
    ----------
    nozaki_fujita_2026, Eqs. (8), (9)
    """
    coupling = lead_couplings(model)
    f = lead_occupations(model)
    return np.einsum("mlk,l->mk", coupling, f), np.einsum("mlk,l->mk", coupling, 1 - f)


def exchange_matrices(
    model: Junction,
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]] | None:
    r"""The same of leads that mix spin-orbitals, :math:`\sum_l f_l\Gamma_l` and :math:`\sum_l (1 - f_l)\Gamma_l`.

    Returns
    -------
    filling, emptying : (magnetisation, 4M, 4M), eV/hbar; None where all widths are diagonal
    """
    widths, f = mixing_widths(model), lead_occupations(model)
    if widths is None:
        return None
    return np.einsum("mlab,l->mab", widths, f), np.einsum("mlab,l->mab", widths, 1 - f)


FAR = 1e6  # largest energy over smallest coupling: beyond it eigenvectors lose what decides


def far_apart(*energies: NDArray[Any], coupling: NDArray[np.float64]) -> str:
    """Why a solve failed whose energies and couplings differ by more than :data:`FAR`; else empty."""
    sizes = [float(np.abs(energy).max(initial=0.0)) for energy in energies]
    positive = coupling[coupling > 0]
    if not positive.size:
        return ""
    largest = max(*sizes, float(positive.max()))
    smallest = min(sizes[0] or np.inf, float(positive.min()))
    if largest <= FAR * smallest:
        return ""
    return (
        f"energies and couplings from {smallest:.2g} to {largest:.2g} eV are too far apart for double "
        f"precision, which here needs a ratio below {FAR:.0e}; lower the largest or raise the smallest"
    )
