r"""Any many-body Hamiltonian of the user between any leads, and any leads on the stack, at either kind of bias.

.. math:: H = \sum_{ab} h_{ab} c^+_a c_b + \tfrac12 \sum_{abcd} V_{abcd}\, c^+_a c^+_b c_d c_c
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import groupby
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from chirospin.base.errors import ModelError
from chirospin.base.functions import loaded_function
from chirospin.base.method import NOTHING, Method, Needs
from chirospin.base.parameters import ParameterInfo, Shape, parameter
from chirospin.junction.bias.model import BiasedJunction
from chirospin.junction.bias.parts import BIAS_RESPONSE, LEAD_RESPONSE
from chirospin.junction.bias.scattering import BiasedLandauer, BiasedMeanField
from chirospin.junction.landauer import Landauer
from chirospin.junction.lead_fields import NONE, WIDTHS, check_lead_values
from chirospin.junction.manybody.gksl import GKSL
from chirospin.junction.manybody.spin_flow import SPIN_FLOW
from chirospin.junction.mean_field import MeanField
from chirospin.junction.state import JunctionState

Complex = NDArray[np.complex128]
MOST_MODES = 10  # spin-orbitals of a function of operators: 1024 Fock states
MET = 1e-9  # of the largest element: what pairs of electrons must leave of a Hamiltonian
EXAMPLE: dict[str, Any] = {
    "one_body_matrix": ((-0.5, 0.0), (0.0, -0.5)),
    "interaction_tensor": ((0, 1, 0, 1, 2.0), (1, 0, 1, 0, 2.0)),
    "lead_matrices": (((0.09, 0.0), (0.0, 0.01)), ((0.05, 0.0), (0.0, 0.05))),
}
"""One level with repulsion beside a magnet, eV: what is solved where nothing is given."""
STACK = [
    "molecules",
    "energy_a",
    "energy_b",
    "energies",
    "hopping_a",
    "hopping_b",
    "hopping_ab",
    "hopping_ba",
    "spin_orbit",
    "twist",
    "handedness",
    "spin_orbit_vectors",
    "hubbard_a",
    "hubbard_b",
    "hubbard_ab_singlet",
    "hubbard_ab_triplet",
    "hund",
    "intersite_repulsion",
    "site_repulsions",
    "coupling_a",
    "coupling_b",
    "internal_drop",
    "lead_polarisation",
]
VIBRATIONS = (
    "phonon",
    "probe",
    "holstein",
    "peierls",
    "spin_orbit_mod",
    "spin_coupling",
    "dephasing",
)


class AnyLeadsJunction(BiasedJunction):
    """The stack between leads of any number, with occupations or with potentials of their own.

    ``gksl`` takes the occupations, the methods of finite bias potentials and temperatures, ``landauer`` and
    ``mean-field`` either.
    """

    hidden: ClassVar[frozenset[str]] = frozenset()
    """Parameters of the stack that this model has not."""
    occupation_left: ClassVar[float] = 1.0
    occupation_right: ClassVar[float] = 0.0
    """Of two leads where no occupations are given."""

    lead_occupations: tuple[float, ...] | None = parameter(
        None,
        symbol="f_l",
        shape=Shape(axes=("L",)),
        about="occupations of all leads but voltage probes, at every energy; instead of potentials",
    )

    @classmethod
    def superseded(cls) -> frozenset[str]:
        """Parameters that are refused: occupations of two ends."""
        return super().superseded() - {"lead_occupations"}

    @classmethod
    def parameters(cls) -> Iterator[ParameterInfo]:
        """The declared parameters in order, without those of what the model has not."""
        return (info for info in super().parameters() if info.name not in cls.hidden)

    @model_validator(mode="after")
    def _either_bias(self) -> Self:
        if self.lead_occupations is None:
            return self
        for name in ("lead_potentials", "bias"):
            if name in self.model_fields_set and getattr(self, name) is not None:
                raise ModelError(
                    f"Parameter `{name}` must be left out where `lead_occupations` is given (in eV): occupations "
                    "are alike at every energy, potentials are not"
                )
        check_lead_values(self, "lead_occupations", self.lead_occupations)
        f = np.array(self.lead_occupations)
        if f.min() < 0 or f.max() > 1:
            raise ModelError(
                "Parameter `lead_occupations` must be real in [0, 1] (dimensionless), but is "
                f"{f[np.abs(f - 0.5).argmax()]:g}"
            )
        return self


class CustomJunction(AnyLeadsJunction):
    """Any Hamiltonian between any leads: matrices, a tensor, or a function of the operators.

    Where nothing is given it is one level with repulsion beside a magnet. Its conserved charges are found from its terms and from the leads.
    """

    named_terms: ClassVar[bool] = False
    shorthands: ClassVar = {}
    shorthand_symbols: ClassVar = {}
    hidden: ClassVar[frozenset[str]] = frozenset(STACK)

    molecules: int = parameter(1, symbol="M", low=1, high=1, about="all orbitals are one molecule")
    hamiltonian: str = parameter(
        NONE,
        symbol="H",
        about="FILE.py:NAME of a function from the list of annihilators, matrices over Fock states, to H; "
        "overrides one_body_matrix and interaction_tensor",
    )
    orbitals: int = parameter(
        0, symbol="n", low=0, high=MOST_MODES, about="spin-orbitals of the function hamiltonian"
    )
    spin_matrices: tuple[tuple[tuple[complex, ...], ...], ...] | None = parameter(
        None,
        symbol=r"\mathbf S",
        shape=Shape(axes=(3, "n", "n"), kind=complex),
        about="spin over the spin-orbitals; of pairs up, down if not given, and none where none is typed",
    )

    def __init__(self, **values: Any) -> None:
        for name in values:
            if name in self.hidden or name.startswith(VIBRATIONS):
                raise ModelError(
                    f"Parameter `{name}` must be left out of junction.custom: one_body_matrix and "
                    "interaction_tensor are the whole Hamiltonian, lead_vectors or lead_matrices the coupling"
                )
        super().__init__(**values)

    @classmethod
    def parameters(cls) -> Iterator[ParameterInfo]:
        """The declared parameters in order, without those of the stack."""
        return (info for info in super().parameters() if not info.name.startswith(VIBRATIONS))

    @classmethod
    def from_function(
        cls, function: Callable[[list[Complex]], Any], orbitals: int, **values: Any
    ) -> Self:
        """Of a function from the annihilators c_0 ... c_{n-1}, matrices over 2^n Fock states, to H.

        Raises
        ------
        ModelError : not Hermitian, not one and two electrons at a time, or charge is not conserved
        """
        h, V = matrices_of(function, orbitals)
        return cls(one_body_matrix=h, interaction_tensor=V, **values)

    @property
    def spin_orbitals(self) -> int:
        """Number of spin-orbitals."""
        return 0 if self.one_body_matrix is None else len(self.one_body_matrix)

    @property
    def own_spin(self) -> Complex | None:
        """Spin over the spin-orbitals where it is given, (3, n, n)."""
        given = self.spin_matrices
        return None if given is None else np.array(given, dtype=complex)

    @property
    def spin_y(self) -> Complex | None:
        """Spin along y over the spin-orbitals; None where they are pairs up, down."""
        own = self.own_spin
        return None if own is None else np.asarray(own[1])

    @property
    def without_spin(self) -> bool:
        """Whether the orbitals have no spin."""
        typed = "spin_matrices" in self.model_fields_set and self.own_spin is None
        return typed or self.spin_orbitals % 2 == 1

    @model_validator(mode="before")
    @classmethod
    def _function_in_matrices(cls, values: dict[str, Any]) -> dict[str, Any]:
        if not {"one_body_matrix", "hamiltonian", "interaction_tensor", *WIDTHS} & set(values):
            values = {**EXAMPLE, **values}
        name = values.get("hamiltonian", NONE)
        if name == NONE or not isinstance(name, str):
            return values
        function = loaded_function("hamiltonian", name).function
        h, V = matrices_of(function, int(values.get("orbitals", 0)))
        return {**values, "one_body_matrix": h, "interaction_tensor": V}

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.one_body_matrix is None:
            raise ModelError(
                "Parameter `one_body_matrix` must be given for junction.custom (in eV): it is the whole one-electron "
                "Hamiltonian"
            )
        if all(getattr(self, name) is None for name in WIDTHS):
            raise ModelError(
                "Parameter `lead_matrices` must be given for junction.custom (in eV), or lead_vectors or "
                "lead_orbitals, but is left out"
            )
        _check_spin(self)
        return self


def _check_spin(custom: CustomJunction) -> None:
    """Refuse spin matrices that are none, and magnets of orbitals whose spins are not pairs up, down."""
    n, S = custom.spin_orbitals, custom.own_spin
    if S is not None:
        if S.shape != (3, n, n):
            raise ModelError(
                f"Parameter `spin_matrices` must have shape (3, {n}, {n}) (dimensionless), but has {S.shape}"
            )
        sound = all(np.allclose(one, one.conj().T, rtol=0, atol=1e-12) for one in S)
        if not sound or not np.allclose(S[0] @ S[1] - S[1] @ S[0], 1j * S[2], rtol=0, atol=1e-9):
            raise ModelError(
                "Parameter `spin_matrices` must be Hermitian matrices with [S_x, S_y] = i S_z (dimensionless)"
            )
    elif not custom.without_spin:
        return
    typed = "reversed_leads" in custom.model_fields_set
    if custom.without_spin and (not typed or custom.reversed_leads != NONE):
        raise ModelError(
            "Parameter `reversed_leads` must be none (dimensionless) for orbitals without spin, which no "
            "magnetisation reverses"
        )
    for name in ("lead_orbitals", "lead_polarisations", "lead_directions"):
        if getattr(custom, name) is not None:
            raise ModelError(
                f"Parameter `{name}` must be left out (dimensionless) where spins are not those of pairs up, "
                "down; give lead_vectors or lead_matrices"
            )


def matrices_of(function: Callable[[list[Complex]], Any], orbitals: int) -> tuple[Complex, Complex]:
    """One-electron matrix (n, n) and tensor (n, n, n, n) of a Hamiltonian over Fock states.

    Raises
    ------
    ModelError : says what the function returns instead
    """

    def wrong(why: str) -> ModelError:
        return ModelError(
            f"Parameter `hamiltonian` must be a function from {orbitals} annihilators, of which orbitals says how "
            f"many, to a Hermitian matrix of terms with one or two electrons, but {why}"
        )

    if not 1 <= orbitals <= MOST_MODES:
        raise wrong(f"orbitals is {orbitals}, not from 1 to {MOST_MODES}")
    c = annihilators(orbitals)
    try:
        H = np.asarray(function(c), dtype=complex)
    except Exception as error:
        raise wrong(f"it raises {type(error).__name__}: {error}") from None
    size = 2**orbitals
    if H.shape != (size, size) or not np.isfinite(H).all():
        raise wrong(f"it returns an array of shape {H.shape} or numbers that are not finite")
    scale = max(float(np.abs(H).max()), 1e-300)
    if np.abs(H - H.conj().T).max() > MET * scale:
        raise wrong("its matrix is not Hermitian")
    h, V, rest = _read(H, c)
    if rest > MET * scale:
        raise wrong("terms of more electrons, or that do not conserve their number, are left")
    return h, V


def _read(H: Complex, c: list[Complex]) -> tuple[Complex, Complex, float]:
    """h and V from states of one and two electrons, and the largest element that they leave."""
    n, vacuum = len(c), np.zeros(len(H), dtype=complex)
    vacuum[0] = 1.0
    one = np.stack([x.conj().T @ vacuum for x in c])
    h = one.conj() @ (H - H[0, 0] * np.eye(len(H))) @ one.T
    free = sum(h[a, b] * c[a].conj().T @ c[b] for a in range(n) for b in range(n))
    left = H - H[0, 0] * np.eye(len(H)) - free
    two = np.stack([c[a].conj().T @ one[b] for a in range(n) for b in range(n)])
    A = (two.conj() @ left @ two.T).reshape(
        n, n, n, n
    )  # <ab| H |cd>, antisymmetric in ab and in cd
    V = A / 2
    V[np.abs(V) <= MET * np.abs(V).max(initial=0.0)] = 0
    rebuilt = np.zeros_like(H)
    pairs = [(a, b) for a in range(n) for b in range(a)]
    removed = {(a, b): c[b] @ c[a] for a, b in pairs}
    for ab in pairs:
        for cd in pairs:
            if A[(*ab, *cd)]:
                rebuilt += A[(*ab, *cd)] * removed[ab].conj().T @ removed[cd]
    return h, V, float(np.abs(left - rebuilt).max())


def annihilators(orbitals: int) -> list[Complex]:
    """c_0 ... c_{n-1} over Fock states by the strings of Jordan and Wigner, (2^n, 2^n) each."""
    lower, string, one = np.array([[0, 1], [0, 0]]), np.diag([1, -1]), np.eye(2)
    found = []
    for k in range(orbitals):
        matrix = np.eye(1, dtype=complex)
        for j in range(orbitals):
            matrix = np.kron(matrix, string if j < k else lower if j == k else one)
        found.append(matrix)
    return found


class AnyLandauer(Method):
    """Transmission without repulsion, between leads with occupations or with potentials."""

    name: ClassVar[str] = "landauer"
    summary: ClassVar[str] = "transmission without interaction, leads of either kind"
    references: ClassVar[tuple[str, ...]] = BiasedLandauer.references

    gives: ClassVar[Needs] = BiasedLandauer.gives & {SPIN_FLOW, BIAS_RESPONSE, LEAD_RESPONSE}

    def solve_many(self, models: Sequence[AnyLeadsJunction]) -> Iterator[JunctionState]:
        """States without interaction."""
        return self.solve_with(models, NOTHING)

    def solve_with(
        self, models: Sequence[AnyLeadsJunction], needs: Needs
    ) -> Iterator[JunctionState]:
        """The same, between leads with potentials with spin currents and linear response."""
        return _dispatched(models, Landauer(), BiasedLandauer(), needs)


class AnyMeanField(Method):
    """Self-consistent Hartree-Fock, between leads with occupations or with potentials."""

    name: ClassVar[str] = "mean-field"
    summary: ClassVar[str] = "self-consistent Hartree-Fock, leads of either kind"
    references: ClassVar[tuple[str, ...]] = MeanField.references

    def solve_many(self, models: Sequence[AnyLeadsJunction]) -> Iterator[JunctionState]:
        """Self-consistent states; the outcome of each says whether it is one."""
        return _dispatched(models, MeanField(), BiasedMeanField(), NOTHING)


class AnyGKSL(GKSL):
    """Exact many-body steady state between leads with occupations."""

    def solve_with(  # type: ignore[override]
        self, models: Sequence[AnyLeadsJunction], needs: Needs
    ) -> Iterator[JunctionState]:
        """The same; potentials are refused.

        Raises
        ------
        ModelError : no occupations
        """
        for model in models:
            typed = [name for name in ("lead_potentials", "bias") if name in model.model_fields_set]
            if model.lead_occupations is None and typed:
                raise ModelError(
                    f"Parameter `{typed[0]}` must be left out (in eV) for method gksl, whose leads are occupied alike "
                    "at every energy; give lead_occupations, or take ule"
                )
        return super().solve_with(models, needs)  # type: ignore[arg-type]


def _dispatched(
    models: Sequence[AnyLeadsJunction], flat: Method, biased: Method, needs: Needs
) -> Iterator[JunctionState]:
    for occupied, group in groupby(models, key=lambda model: model.lead_occupations is not None):
        kind = flat if occupied else biased
        yield from kind.solve_with(list(group), needs & kind.gives)


@cache
def with_potentials(kind: type[Method]) -> type[Method]:
    """A method of finite bias that refuses leads with occupations; the same class for the same method."""

    class Driven(kind):  # type: ignore[valid-type,misc]
        def solve_with(
            self, models: Sequence[AnyLeadsJunction], needs: Needs
        ) -> Iterator[JunctionState]:
            for model in models:
                if model.lead_occupations is not None:
                    raise ModelError(
                        f"Parameter `lead_occupations` must be left out (dimensionless) for method {self.name}, "
                        "whose leads have potentials; gksl, landauer and mean-field take occupations"
                    )
            found: Iterator[JunctionState] = super().solve_with(models, needs)
            return found

        def __reduce__(self) -> tuple[Any, ...]:
            return _driven, (kind, self.model_dump())

    Driven.__name__, Driven.__qualname__, Driven.__doc__ = (
        kind.__name__,
        kind.__qualname__,
        kind.__doc__,
    )
    return Driven


def _driven(kind: type[Method], settings: dict[str, Any]) -> Method:
    """What :func:`with_potentials` makes, in another process."""
    return with_potentials(kind)(**settings)
