r"""The numerically exact hierarchy of a junction.

The correlation function of a wide band is :math:`(g/2)\delta(t)` and a sum over the poles of f - 1/2. The first
part acts as jumps at half filling inside the propagator, whose sign alternates with the tier:

.. math::
    L_n X = -i[H, X] - \sum_k \tfrac{g_k}{2} X + (-1)^n \sum_k \tfrac{g_k}{2}(c_k X c_k^+ + c_k^+ X c_k)

and with j = (lead, k, sigma, pole), :math:`\gamma_j = \xi_p T - i\sigma\mu`, :math:`\eta_j = -i g R_p T`

.. math::
    0 = (L_n - \sum\gamma)\rho_n - i\sum_j [c^{-\sigma}\rho_{n+1} - (-1)^n \rho_{n+1} c^{-\sigma}]
        - i\sum_r (-1)^{n-r} \eta_r [c^\sigma\rho_{n-1} + (-1)^{n-1}\rho_{n-1} c^\sigma]

A lead with a band has no white part, and two weights of every exponential (``lead_memory``):
:math:`\eta c^\sigma\rho + (-1)^n \tilde\eta^* \rho c^\sigma`. The propagator that is inverted has the damping of a wide
band for every lead; what a chain has of it too much is added to the couplings.

Operators live in the occupation basis, where c and c+ are signed index maps; between the couplings the
propagator without jumps is inverted in the eigenbasis of H, where it is diagonal. An operator with
channels s_1 <= ... <= s_n (lead, k, sigma) is one array with an axis of poles for each.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, ClassVar

import numpy as np
import scipy
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.errors import ConvergenceError, ModelError
from chirospin.base.fermi import poles_for
from chirospin.base.memory import available_bytes, in_words
from chirospin.base.method import (
    LOOSEST,
    MOST_STEPS,
    MOST_VECTORS,
    NOTHING,
    TIGHTEST,
    Method,
    Needs,
)
from chirospin.base.outcome import Outcome
from chirospin.junction.bias.dissipators import ThermalLeads
from chirospin.junction.bias.eigenstates import BiasedMember, links, spectrum
from chirospin.junction.bias.lead_memory import (
    Chain,
    LeadMemory,
    fitted_memory,
    require_few,
    wide_memory,
)
from chirospin.junction.bias.model import (
    BiasedJunction,
    chains_of,
    moved_bias,
    require_no_dephasing,
    reservoirs_of,
)
from chirospin.junction.bias.parts import BIAS_RESPONSE, NOISE, PARTNERS, BiasResponse
from chirospin.junction.bias.state import BiasedState
from chirospin.junction.bias.structured import Bands
from chirospin.junction.bias.tier_parts import TierParts
from chirospin.junction.couplings import factorised
from chirospin.junction.floating import require_no_floating
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.generator import Generator
from chirospin.junction.manybody.operator_space import (
    Channel,
    Charge,
    channel_map,
    moved_charge,
    operator_space,
    orbital_charge,
    sector_of_charge,
    space_size,
    states_of,
    stepped,
    times,
    trace_places,
)
from chirospin.junction.manybody.packed import EVEN, ODD, Blocks, Halves, Layout
from chirospin.junction.manybody.spin_flow import SPIN_FLOW, SpinFlow
from chirospin.junction.manybody.steady import SteadySolver
from chirospin.junction.probed import require_no_probes
from chirospin.junction.state import UNREACHED, DensityCertificates
from chirospin.numerics.krylov import KrylovVectors, gmres

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
Signature = tuple[int, ...]
POLE_ERROR = 1e-4  # largest error of f that poles may leave at the largest energy
WIDTHS = 10.0  # level widths beyond the largest energy that poles reach too
WEIGHT = 1e-4  # |c_ab|^2 below this does not decide how far poles must reach
WORKING_VECTORS = 8
RESPONSE_STALLED = "the linear response of the hierarchy stalled above the tolerance; raise applications or tolerance"
REDUCED = 0.3  # of the tolerance, at which Krylov vectors end
BEYOND_VECTORS = 2.0  # times what the vectors see: the inverse acts on the rest too
SECOND_ORDER = 1e-10  # of its residual: an answer of that generator counts as a fixed linear map
FIRST_WITH_BANDS = 2  # tier that is exact without interaction
NARROW = 1e-12  # of the largest width: less is none
BOUND = (
    "an electron of {:.3g} eV lies outside the bands of the leads that it touches, where it comes and goes by two "
    "electrons at least; raise lead_chain_hoppings or move the levels"
)
MOST_OF_SECOND_ORDER = 300  # Krylov vectors of one such answer


Width = tuple[tuple[int, int, complex], ...]


@lru_cache(maxsize=256)
def half_filled_jumps(charges: fock.Charges, shift: Charge, width: Width) -> scipy.sparse.csr_array:
    r"""X -> :math:`\tfrac12 \sum_{ab} (\Gamma_{ab} c^+_a X c_b + \Gamma_{ba} c_a X c^+_b)` on one operator space.

    Parameters
    ----------
    width : (a, b, Gamma_ab) of the elements that are not zero
    """
    blocks = {b.bra: b for b in operator_space(charges, shift)}
    places = sector_of_charge(charges)
    charge_at = {place: charge for charge, place in places.items()}
    rows, columns, values = [], [], []
    for block in blocks.values():
        inner = block.start + np.arange(math.prod(block.shape)).reshape(block.shape)
        for a, b, g in width:
            for sigma in (-1, 1):
                bra = places.get(
                    moved_charge(charge_at[block.bra], orbital_charge(charges, b), sigma)
                )
                target = None if bra is None else blocks.get(bra)
                if target is None:
                    continue
                ket = stepped(charges, states_of(charges, block.ket), a, sigma)
                low = stepped(charges, states_of(charges, block.bra), b, sigma)
                outer = target.start + np.arange(math.prod(target.shape)).reshape(target.shape)
                rows.append(outer[np.ix_(ket[1], low[1])].ravel())
                columns.append(inner[np.ix_(ket[0], low[0])].ravel())
                rate = 0.5 * (g if sigma > 0 else np.conj(g))
                values.append((rate * ket[2][:, None] * low[2]).ravel())
    size = space_size(charges, shift)
    if not rows:
        return scipy.sparse.csr_array((size, size))
    return scipy.sparse.csr_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
        shape=(size, size),
    )


def channels_of(member: BiasedMember) -> list[Channel]:
    """Every operator that a member's leads move electrons by."""
    found = []
    for lead, gamma in enumerate(member.gamma):
        for g, u in zip(*factorised(gamma), strict=True):
            vector = tuple((int(a), _plain(u[a])) for a in np.flatnonzero(u))
            found += [
                Channel(lead=lead, strength=float(g), vector=vector, sigma=sigma)
                for sigma in (1, -1)
            ]
    return found


def _plain(number: complex) -> complex:
    """A real number as one."""
    return float(number.real) if not number.imag else complex(number)


Weight = Callable[[Channel, int], float]


def unweighted(channel: Channel, sigma: int) -> float:
    """Every operator as it is."""
    return 1.0


class Equations:
    """The hierarchy of one member to a tier with a number of poles."""

    def __init__(self, member: BiasedMember, tier: int, memories: Sequence[LeadMemory]) -> None:
        self.member, self.tier = member, tier
        mu = member.reservoirs.potential
        self.charges = member.charges
        self.channels = channels_of(member)
        own = [(memories[one.lead], one) for one in self.channels]
        self.gamma = [m.decay_of(one.sigma) - 1j * one.sigma * mu[one.lead] for m, one in own]
        self.eta = [tuple(one.strength * half for half in m.halves_of(one.sigma)) for m, one in own]
        self.poles = [gamma.size for gamma in self.gamma]
        white = np.array([memory.white for memory in memories])
        self.white = member.gamma * white[:, None, None]
        wide = self.white.sum(axis=0)
        self.width: Width = tuple(
            (int(a), int(b), _plain(wide[a, b])) for a, b in np.argwhere(wide)
        )
        self.damping = 0.5 * float(np.trace(member.gamma.sum(axis=0)).real)
        self.spare_damping = 0.5 * float(np.trace((member.gamma - self.white).sum(axis=0)).real)
        everything = [
            sig
            for n in range(tier + 1)
            for sig in itertools.combinations_with_replacement(range(len(self.channels)), n)
        ]
        self.shift = {sig: self._shift(sig) for sig in everything}
        self.signatures = [sig for sig in everything if space_size(self.charges, self.shift[sig])]
        self.shape: dict[Signature, tuple[int, ...]] = {}
        self.span: dict[Signature, slice] = {}
        start = 0
        for sig in self.signatures:
            self.shape[sig] = (
                space_size(self.charges, self.shift[sig]),
                *(self.poles[j] for j in sig),
            )
            stop = start + math.prod(self.shape[sig])
            self.span[sig] = slice(start, stop)
            start = stop
        self.unknowns = start
        states = spectrum(member.matrices)
        self.energies = {
            (p, n, s): states.energies[p][n][s]
            for p in (0, 1)
            for n in range(len(states.energies[p]))
            for s in range(len(states.energies[p][n]))
        }
        self.vectors = {key: states.vectors[key[0]][key[1]][key[2]] for key in self.energies}

    def _shift(self, sig: Signature) -> Charge:
        total: Charge = (0,) * len(self.charges)
        for j in sig:
            one = self.channels[j]
            total = moved_charge(total, orbital_charge(self.charges, one.orbital), one.sigma)
        return total

    def part(self, x: Complex, sig: Signature) -> Complex:
        """One auxiliary operator with its axes of poles."""
        return x[self.span[sig]].reshape(self.shape[sig])

    def couplings(self, x: Complex) -> Complex:
        """All terms but the propagator without jumps."""
        out = np.empty_like(x)
        for sig in self.signatures:
            jumps = half_filled_jumps(self.charges, self.shift[sig], self.width)
            X = self.part(x, sig)
            total = (-1) ** len(sig) * times(jumps, X)
            if self.spare_damping:
                total = total + self.spare_damping * X
            for term in itertools.chain(self.from_below(x, sig), self.from_above(x, sig)):
                total += term
            out[self.span[sig]] = total.ravel()
        return out

    def from_below(
        self, x: Complex, sig: Signature, weight: Weight = unweighted, between: int = 1
    ) -> Iterator[Complex]:
        """What the tier below gives to one auxiliary operator, channel by channel.

        Parameters
        ----------
        weight : of the operator C^sigma of a channel
        between : what the operator on the right side of x is multiplied by beside it
        """
        n = len(sig)
        for r, j in enumerate(sig, start=1):
            one, below = self.channels[j], sig[: r - 1] + sig[r:]
            share = weight(one, one.sigma)
            if below not in self.shape or not share:
                continue
            sign = -((-1) ** n) * between
            along = [1] * (n + 1)
            along[r] = self.poles[j]
            total: Complex | float = 0.0
            for half, side in zip(self.eta[j], (sign, -sign), strict=True):
                if half.any():
                    step = channel_map(self.charges, self.shift[below], one, one.sigma, side)
                    moved = np.expand_dims(times(step, self.part(x, below)), r)
                    total = total + half.reshape(along) * moved
            yield np.asarray(-1j * share * (-1) ** (n - r) * total)

    def from_above(
        self, x: Complex, sig: Signature, weight: Weight = unweighted, between: int = 1
    ) -> Iterator[Complex]:
        """What the tier above gives to one auxiliary operator, channel by channel; with the same weights."""
        n = len(sig)
        for j, one in enumerate(self.channels) if n < self.tier else ():
            at = bisect_right(sig, j)
            above = (*sig[:at], j, *sig[at:])
            share = weight(one, -one.sigma)
            if above not in self.shape or not share:
                continue
            sign = -((-1) ** n) * between
            step = channel_map(self.charges, self.shift[above], one, -one.sigma, sign)
            total = self.part(x, above).sum(axis=at + 1)
            yield -1j * share * (-1) ** (n - at) * times(step, total)

    def propagated(self, x: Complex) -> Complex:
        r"""Inverse of :math:`-i[H, X] - (\sum g/2 + \sum\gamma) X` on every auxiliary operator."""
        out = np.empty_like(x)
        for sig in self.signatures:
            out[self.span[sig]] = self.propagated_part(self.part(x, sig), sig).ravel()
        return out

    def propagated_part(self, X: Complex, sig: Signature) -> Complex:
        """The same on one."""
        rate = np.full(self.shape[sig][1:], self.damping, dtype=complex)
        for axis, j in enumerate(sig):
            along = [1] * len(sig)
            along[axis] = self.poles[j]
            rate = rate + self.gamma[j].reshape(along)
        flat = rate.reshape(1, 1, -1)

        def divided(inner: Complex, gap: Real) -> Complex:
            inner /= -1j * gap[:, :, None] - flat
            return inner

        return self._between_eigenstates(X, sig, divided)

    def unpropagated(self, rho: Complex) -> Complex:
        """The propagator without jumps itself, on the density operator."""
        return self._between_eigenstates(
            rho, (), lambda inner, gap: inner * (-1j * gap[:, :, None] - self.damping)
        )

    def _between_eigenstates(
        self, X: Complex, sig: Signature, action: Callable[[Complex, Real], Complex]
    ) -> Complex:
        """An action (elements, differences of energies) -> elements, each with all poles last."""
        flat = X.reshape(X.shape[0], -1)
        out = np.empty_like(flat)
        for block in operator_space(self.charges, self.shift[sig]):
            U, V = self.vectors[block.ket], self.vectors[block.bra]
            gap = self.energies[block.ket][:, None] - self.energies[block.bra]
            inner = action(_turned(U.conj().T, flat[block.span], V.T, block.shape), gap)
            turned = _turned(U, inner, V.conj(), block.shape)
            out[block.span] = turned.reshape(-1, flat.shape[1])
        return out.reshape(X.shape)

    def trace(self, rho: Complex) -> complex:
        """Trace of an operator that keeps every charge."""
        return complex(rho[trace_places(self.charges)].sum())

    def particle_flow(self, x: Complex, lead: int) -> float:
        r"""Electrons from a lead per time.

        .. math:: I_l = \sum_v g_{lv} (\tfrac12 - \langle C_v^+ C_v \rangle)
                  + i \sum_{j\in l} \sigma\, Tr[C_v^{-\sigma}\rho_j]

        without the first sum for a chain.
        """
        rho = self.part(x, ())
        own = [(j, one) for j, one in enumerate(self.channels) if one.lead == lead]
        white = self.white[lead].any()
        total = 0.0
        for j, one in own:
            if white and one.sigma < 0:
                total += one.strength * (0.5 - self._number(one, rho))
            if (j,) in self.shape:
                step = channel_map(self.charges, self.shift[(j,)], one, -one.sigma, 0)
                Y = times(step, self.part(x, (j,)).sum(axis=1))
                total += float((1j * one.sigma * self.trace(Y)).real)
        return total

    def _number(self, one: Channel, rho: Complex) -> float:
        """Mean of C^+ C."""
        away = self.shift[()]
        taken = times(channel_map(self.charges, away, one, -1, 0), rho)
        shift = moved_charge(away, orbital_charge(self.charges, one.orbital), -1)
        back = times(channel_map(self.charges, shift, one, 1, 0), taken)
        return float(self.trace(back).real)


def _turned(left: Complex, X: Complex, right: Complex, shape: tuple[int, int]) -> Complex:
    """left X right^T on the first two axes of (ket, bra, poles)."""
    columns = X.reshape(shape[0], -1)
    half = (left @ columns).reshape(shape[0], shape[1], -1)
    return np.asarray(right @ half)


def _occupations(charges: fock.Charges, rho: Complex) -> Real:
    neutral = (0,) * len(charges)
    states = np.concatenate(
        [states_of(charges, block.ket) for block in operator_space(charges, neutral)]
    )
    held = (states[:, None] >> np.arange(fock.sectors(charges).orbitals)) & 1
    return np.asarray(rho[trace_places(charges)].real @ held)


@dataclass(frozen=True, kw_only=True)
class TierSolution:
    """A solution of the hierarchy.

    Parameters
    ----------
    residual : every equation divided by its own rate, relative
    distance : how far the exact solution may be, Frobenius norm of all operators
    applications : of the hierarchy
    """

    x: Complex
    residual: float
    distance: float
    applications: int


class SecondOrderSteps:
    r"""Corrections that know the slow relaxation: the first tier eliminated from the density operator.

    With z the equations divided by their propagators P_n, and L the generator of second order whose leads
    forget at the rate of the propagator (``first-tier``),

    .. math::
        L y_0 = P_0^{-1} z_0 - C_{01} z_1, \qquad y_1 = z_1 - P_1 C_{10} y_0, \qquad y_n = z_n

    Tunnelling refills a state that is left slowly only through two tiers; P_0 alone does not see that rate.
    The stationary state N of L is taken away in full, so that every correction has trace zero: along the state
    that is sought nothing holds it.
    """

    def __init__(self, system: Equations) -> None:
        self.system = system
        member = replace(system.member, broadened=True)
        self.layout = Layout(charges=system.charges, batch=1)
        leads = ThermalLeads([member], self.layout, "first-tier")
        self.solver = SteadySolver.of(
            Generator([member], self.layout, [leads]),
            tolerance=SECOND_ORDER,
            limit=MOST_OF_SECOND_ORDER,
            rate=float(leads.coupling.max()),
        )
        self.blocks = operator_space(system.charges, (0,) * len(system.charges))
        self.first_tier = [sig for sig in system.signatures if len(sig) == 1]
        self.still = np.zeros(system.unknowns, dtype=complex)
        density = system.part(self.still, ())
        density[:] = self._unpacked(self.solver.steady_state().halves)
        density /= system.trace(density)
        self._raised(self.still)

    def __call__(self, z: Complex) -> Complex:
        """y from z."""
        y = self._solved(z)
        return np.asarray(y - self.system.trace(self.system.part(y, ())) * self.still)

    def _solved(self, z: Complex) -> Complex:
        system, y = self.system, z.copy()
        density = system.part(y, ())
        right = system.unpropagated(density)
        for term in system.from_above(z, ()):
            right -= term
        even, odd, _ = self.solver.solve(*self._packed(-right), SECOND_ORDER)
        density[:] = self._unpacked((even, odd))
        self._raised(y)
        return y

    def _raised(self, y: Complex) -> None:
        """The first tier less what the density operator makes of it, in place."""
        for sig in self.first_tier:
            (made,) = self.system.from_below(y, sig)
            X = self.system.part(y, sig)
            X -= self.system.propagated_part(made, sig)

    def _packed(self, rho: Complex) -> Halves:
        blocks: Blocks = {
            (parity, n): np.zeros(self.layout.shape(parity, n), dtype=complex)
            for parity in (EVEN, ODD)
            for n in self.layout.numbers(parity)
        }
        for block in self.blocks:
            parity, n, sector = block.ket
            blocks[parity, n][0, sector] = rho[block.span].reshape(block.shape)
        return self.layout.packed(blocks)

    def _unpacked(self, halves: Halves) -> Complex:
        blocks = self.layout.blocks(halves)
        return np.concatenate(
            [blocks[block.ket[:2]][0, block.ket[2]].ravel() for block in self.blocks]
        )


def transitions(member: BiasedMember) -> tuple[Real, Real]:
    r"""Energies of the transitions with weight on orbitals that touch a lead, (n,), eV, and \|c_ab\|^2, (n, orbital)."""
    states = spectrum(member.matrices)
    energies, weights = [np.zeros(0)], [np.zeros((0, len(member.gamma[0])))]
    for link in links(member.charges, tuple(member.joined.tolist())):
        (pa, na, sa), (pb, nb, sb) = link.lower, link.upper
        C = link.between(states.vectors[pa][na][sa], states.vectors[pb][nb][sb])
        w = states.energies[pb][nb][sb] - states.energies[pa][na][sa][:, None]
        seen = (np.abs(C) ** 2 > WEIGHT).any(axis=0)
        energies.append(w[seen])
        weight = np.zeros((int(seen.sum()), weights[0].shape[1]))
        weight[:, link.orbitals] = (np.abs(C[:, seen]) ** 2).T
        weights.append(weight)
    return np.concatenate(energies), np.concatenate(weights)


def bound_level(member: BiasedMember, bands: Bands) -> float | None:
    """Energy of a transition that lies outside the band of every lead it touches; None if there is none."""
    energies, weights = transitions(member)
    touched = np.einsum("laa->la", member.gamma).real > 0
    reached = (weights @ touched.T) > WEIGHT
    inside = (bands.hopping == 0) | (np.abs(energies[:, None] - bands.centre) < 2 * bands.hopping)
    lost = energies[~(reached & inside).any(axis=1)]
    return float(lost[np.abs(lost).argmax()]) if lost.size else None


def widest(member: BiasedMember) -> float:
    """Largest width of a level, eV."""
    return float(np.linalg.eigvalsh(member.gamma.sum(axis=0)).max())


def largest_energy(member: BiasedMember) -> float:
    """Largest (\\|w\\| + \\|mu\\|)/T of a broadened transition with weight: poles must reach it."""
    reservoirs = member.reservoirs
    omega = float(np.abs(transitions(member)[0]).max(initial=0.0))
    omega += WIDTHS * widest(member)
    return float(((np.abs(reservoirs.potential) + omega) / reservoirs.thermal_energy).max())


class Hierarchy(Method):
    """Hierarchical equations of motion for fermions: exact as tiers and poles are added."""

    name: ClassVar[str] = "hierarchy"
    summary: ClassVar[str] = (
        "numerically exact, tier by tier; exact without interaction at tier 1, of leads with a band at tier 2"
    )
    references: ClassVar[tuple[str, ...]] = ("ozaki_2007",)

    tier: int = Field(2, ge=1, le=3, description="how many auxiliary indices are kept; 1 to 3")
    poles: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="of the Fermi functions, or exponentials of a chain; as many as the energies need if not given",
    )
    tolerance: float = Field(
        1e-9,
        ge=TIGHTEST,
        le=LOOSEST,
        description="largest residual, every equation divided by its own rate",
    )
    krylov_vectors: int = Field(
        20, ge=2, le=MOST_VECTORS, description="Krylov vectors between restarts"
    )
    applications: int = Field(
        600, ge=1, le=MOST_STEPS, description="most applications of the hierarchy"
    )
    other_biases: bool = Field(
        default=False,
        description="whether derivatives, odd and even parts and reciprocity may solve at other biases",
    )

    gives: ClassVar[Needs] = frozenset({SPIN_FLOW, NOISE, BIAS_RESPONSE})

    @property
    def declines(self) -> Needs:
        """Every partner, unless other biases may be solved."""
        return NOTHING if self.other_biases else PARTNERS

    def solve_many(self, models: Sequence[BiasedJunction]) -> Iterator[BiasedState]:
        """States to the chosen tier.

        Raises
        ------
        ModelError : too few poles, or unknowns that do not fit in memory
        """
        return self.solve_with(models, NOTHING)

    def solve_with(self, models: Sequence[BiasedJunction], needs: Needs) -> Iterator[BiasedState]:
        """The same with spin currents, noise and the derivative by the bias: one more solve for each of the last two.

        Noise of leads with a band is not known: two tiers have it wrong by some 8 %.
        """
        return (self._state(model, needs) for model in models)

    def _state(self, model: BiasedJunction, needs: Needs) -> BiasedState:
        require_no_dephasing(model, self.name)
        require_no_probes(model)
        require_no_floating(model, f"method {self.name}", "ule and landauer")
        if model.molecules > 3:
            raise ModelError(
                "Parameter `molecules` must be integer in [1, 3] (dimensionless) for method "
                f"hierarchy, but is {model.molecules}"
            )
        members = BiasedMember.both(model)
        bands = bands_of(model)
        if bands is not None and self.tier < FIRST_WITH_BANDS:
            raise ModelError(
                f"Option `tier` of method hierarchy must be integer in [{FIRST_WITH_BANDS}, 3] for leads with a band, "
                f"which one tier has wrong without interaction too, but is {self.tier}"
            )
        memories, missed = memories_of(members, bands, self.poles)
        systems = [Equations(member, self.tier, memories) for member in members]
        self._check_memory(systems[0])
        solved = [self._solution(system, bands) for system in systems]
        found = [(x, outcome) for x, _, outcome in solved]
        bar = None if missed is None else _current_error(members, missed)
        parts = self._asked(model, systems, found, needs, bar)
        certificates = [
            _certificates(system, x) for system, (x, _) in zip(systems, found, strict=True)
        ]
        occupation = [
            _occupations(system.charges, system.part(x, ()))
            for system, (x, _) in zip(systems, found, strict=True)
        ]
        return BiasedState(
            one_body_density=np.stack([np.diag(n).astype(complex) for n in occupation]),
            lead_current=np.array(
                [
                    [system.particle_flow(x, lead) for lead in range(len(members[0].coupling))]
                    for system, (x, _) in zip(systems, found, strict=True)
                ]
            ),
            outcomes=(found[0][1], found[1][1]),
            parts=parts,
            bath_fit=missed,
            error_bar=bar,
            density=DensityCertificates(
                distance=np.array([distance for _, distance, _ in solved]),
                **{
                    name: np.array([one[name] for one in certificates])
                    for name in ("trace_drift", "hermiticity", "smallest_eigenvalue", "particles")
                },
            ),
        )

    def _asked(
        self,
        model: BiasedJunction,
        systems: Sequence[Equations],
        found: Sequence[tuple[Complex, Outcome]],
        needs: Needs,
        bar: Real | None,
    ) -> dict[str, Any]:
        """Parts of both magnetisations; none where a solve failed."""
        if not needs & self.gives or not all(outcome.converged for _, outcome in found):
            return {}
        both = [
            TierParts(system=system, x=x, solved=partial(self._inverse, system))
            for system, (x, _) in zip(systems, found, strict=True)
        ]
        parts: dict[str, Any] = {}
        if SPIN_FLOW in needs:
            spin = [one.spin() for one in both]
            current, torque = (np.array([one[n] for one in spin]) for n in (0, 1))
            parts[SPIN_FLOW] = SpinFlow(current=current, corrected=None, torque=torque)
        if NOISE in needs:
            known = bar is None  # three tiers leave 0.3 % of it at a chain, without interaction
            parts[NOISE] = np.array([one.noise()[1] for one in both]) if known else None
        if BIAS_RESPONSE in needs:
            parts[BIAS_RESPONSE] = self._slope(model, both, bar)
        return parts

    def _slope(
        self, model: BiasedJunction, both: Sequence[TierParts], bar: Real | None
    ) -> BiasResponse | None:
        """dI/dV by linear response; None where the levels move with the bias.

        An error of the current that a fit leaves changes within the width of a level.
        """
        steps = [reservoirs_of(moved_bias(model, by)) for by in (1.0, 0.0)]
        if np.any(steps[0].shift != steps[1].shift):
            return None
        shares = steps[0].potential - steps[1].potential
        slopes = np.array([one.slope(shares) for one in both])
        accuracy = self.tolerance * np.abs(slopes).max(axis=1)
        if bar is not None:
            accuracy = accuracy + bar / np.array([widest(one.system.member) for one in both])
        return BiasResponse(slope=slopes[:, 0], error=np.abs(slopes.sum(axis=1)) + accuracy)

    def _inverse(self, system: Equations, Y: Complex) -> Complex:
        """X with hierarchy(X) = -Y, to the residual of the steady state.

        Raises
        ------
        ConvergenceError : the residual stalled
        """
        right = -system.propagated(Y)
        found = self._iterated(SecondOrderSteps(system), np.zeros_like(right), right)
        if not found.residual <= self.tolerance:
            outcome = Outcome(
                converged=False,
                residual=found.residual,
                iterations=found.applications,
                reason=RESPONSE_STALLED,
            )
            raise ConvergenceError(RESPONSE_STALLED, outcome)
        return found.x

    def _iterated(
        self, corrected: SecondOrderSteps, x: Complex, right: Complex | None
    ) -> TierSolution:
        """x with the equations at a right side, None for 0; its trace is that of the start."""
        system, spent = corrected.system, 0
        vectors: KrylovVectors | None = None

        def equation(z: Complex) -> Complex:
            return z + system.propagated(system.couplings(z))

        def on_reals(Z: Real) -> Real:
            z = np.ascontiguousarray(Z[0]).view(complex)
            return corrected(equation(z)).view(float)[None]

        while True:
            rest = equation(x) if right is None else equation(x) - right
            spent += 1
            size = float(np.linalg.norm(x if right is None else right))
            residual = float(np.linalg.norm(rest)) / size if size else 0.0
            left = corrected(rest).view(float)[None]
            if not residual > self.tolerance or spent >= self.applications:
                return TierSolution(
                    x=x,
                    residual=residual,
                    distance=_distance(vectors, left),
                    applications=spent,
                )
            vectors = None  # before the memory of the next ones is taken
            found = gmres(
                on_reals,
                -left,
                tolerance=REDUCED * self.tolerance / residual,
                limit=min(self.krylov_vectors, self.applications - spent),
            )
            x = x + np.ascontiguousarray(found.solution[0]).view(complex)
            spent += found.applications
            vectors = found.vectors
            del found

    def _check_memory(self, system: Equations) -> None:
        need = 16.0 * system.unknowns * (self.krylov_vectors + WORKING_VECTORS)
        if need > available_bytes():
            raise ModelError(
                f"Option `tier` of method hierarchy must fit in memory, but tier {self.tier} with "
                f"{max(system.poles)} poles has {system.unknowns} complex unknowns and needs about "
                f"{in_words(need)} with {self.krylov_vectors} Krylov vectors, where "
                f"{in_words(available_bytes())} are free; lower tier, or raise thermal_energy"
            )

    def _solution(
        self, system: Equations, bands: Bands | None = None
    ) -> tuple[Complex, float, Outcome]:
        """All operators, how far they may be from those of the exact state, and how they were found."""
        unreached = UNREACHED if member_unreached(system.member) else ""
        bound = None if bands is None else bound_level(system.member, bands)
        if bound is not None:
            unreached = BOUND.format(bound)
        x = np.full(system.unknowns, np.nan, dtype=complex)
        residual, distance, spent = math.inf, math.inf, 0
        if not unreached:
            corrected = SecondOrderSteps(system)
            found = self._iterated(corrected, corrected.still, None)
            x, residual, spent = found.x, found.residual, found.applications
            distance = found.distance
            x = x / system.trace(system.part(x, ()))
        reason = ""
        if unreached:
            reason = unreached
        elif not residual <= self.tolerance:
            reason = "the residual stalled above the tolerance; raise applications or tolerance"
        return (
            x,
            distance,
            Outcome(converged=not reason, residual=residual, iterations=spent, reason=reason),
        )


def _distance(vectors: KrylovVectors | None, left: Real) -> float:
    """How far the solution may be, by what is left of the corrected equation and the Krylov vectors."""
    found = np.linalg.norm(left) if vectors is None else vectors.distance(left)[0]
    return BEYOND_VECTORS * float(found)


def member_unreached(member: BiasedMember) -> bool:
    """Whether a one-electron mode of the stack is joined to no lead."""
    return member.one_body_decay <= 1e-14 * member.scale


def bands_of(model: BiasedJunction) -> Bands | None:
    """Of the leads; None where all are wide."""
    found = chains_of(model)
    return None if found is None else Bands(hopping=found[0], centre=found[1])


def memories_of(
    members: Sequence[BiasedMember], bands: Bands | None = None, poles: int | None = None
) -> tuple[list[LeadMemory], float | None]:
    """Of every lead, and the largest error of a fit of both magnetisations; None where all bands are wide.

    Raises
    ------
    ModelError : too few poles, or too many for a fit
    """
    reservoirs = members[0].reservoirs
    T, mu = reservoirs.thermal_energy, reservoirs.potential
    hopping = np.zeros(len(T)) if bands is None else bands.hopping
    number = poles
    if not hopping.all():
        needed = _poles_needed(members, poles)
        number = needed if poles is None else poles
    if hopping.any():
        require_few(poles)
    levels = np.unique(transitions(members[0])[0].round(9))
    widths = np.concatenate([np.linalg.eigvalsh(one.gamma.sum(axis=0)) for one in members])
    narrowest = float(widths[widths > NARROW * widths.max()].min())
    memories, missed = [], []
    for lead, t in enumerate(hopping):
        if not t or bands is None:
            assert number is not None
            memories.append(wide_memory(number, float(T[lead])))
            continue
        chain = Chain(float(t), float(bands.centre[lead] - mu[lead]), float(T[lead]))
        memory, error = fitted_memory(chain, levels - mu[lead], narrowest, poles)
        memories.append(memory)
        missed.append(error)
    return memories, max(missed, default=None)


def _current_error(members: Sequence[BiasedMember], missed: float) -> Real:
    """What a relative error of Gamma f makes of the left current, by the weaker of both sides, (magnetisation,)."""
    own = np.array([np.einsum("laa->l", one.gamma).real for one in members])
    return np.asarray(2 * missed * np.minimum(own[:, 0], own[:, 1:].sum(axis=1)))


def _poles_needed(members: Sequence[BiasedMember], given: int | None) -> int:
    reach = max(largest_energy(member) for member in members)
    needed = poles_for(reach, POLE_ERROR)
    if needed is None:
        raise ModelError(
            f"Method `hierarchy` must have energies below about {poles_reach():.0f} temperatures, but "
            f"(|w| + |mu|)/T is {reach:.0f}; raise thermal_energy or lower bias"
        )
    if given is not None and given < needed:
        raise ModelError(
            f"Option `poles` of method hierarchy must be integer >= {needed}, so that the Fermi "
            f"function is right to {POLE_ERROR:g} at {reach:.3g} temperatures, but is {given}"
        )
    return needed


@lru_cache(maxsize=1)
def poles_reach() -> float:
    """Largest energy over temperature that the largest number of poles reaches."""
    low, high = 100.0, 1e6
    while high / low > 1.01:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if poles_for(middle, POLE_ERROR) else (low, middle)
    return low


def _certificates(system: Equations, x: Complex) -> dict[str, Any]:
    """Of the density operator; nan of one that was not solved for, which some eigenvalue solvers refuse."""
    rho = system.part(x, ())
    if not np.isfinite(rho).all():
        names = ("trace_drift", "hermiticity", "smallest_eigenvalue", "particles")
        return dict.fromkeys(names, math.nan)
    neutral = (0,) * len(system.charges)
    lowest, skew = math.inf, 0.0
    for block in operator_space(system.charges, neutral):
        X = rho[block.span].reshape(block.shape)
        skew += float(np.linalg.norm(X - X.conj().T) ** 2)
        lowest = min(lowest, float(np.linalg.eigvalsh((X + X.conj().T) / 2).min()))
    return {
        "trace_drift": abs(complex(system.trace(rho)) - 1),
        "hermiticity": math.sqrt(skew) / 2,
        "smallest_eigenvalue": lowest,
        "particles": float(_occupations(system.charges, rho).sum()),
    }
