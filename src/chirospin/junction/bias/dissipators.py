r"""Second-order generators of a junction between leads of finite bias and temperature, in one form.

.. math::
    \dot\rho = -i(H_{eff}\rho - \rho H_{eff}^+) + \sum_j (P_j\rho Q_j^+ + Q_j\rho P_j^+), \qquad
    H_{eff} = H + H_{LS} - i\sum_j Q_j^+ P_j

with j = (lead, orbital, in or out). In the eigenbasis of H, c_k takes a sector B to the sector A of one
electron fewer, with :math:`\omega_{ab} = E_b - E_a`; the generators differ in the factors by which its
elements are multiplied, and in H_LS. Dephasing adds :math:`\kappa \sum_o D[n_o]` over all orbitals, both
spins together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chirospin.base.fermi import broadened_fermi, fermi
from chirospin.junction.bias.fermi_overlap import overlap_expansion, shifted_digamma
from chirospin.junction.bias.model import BiasedJunction, Reservoirs, gated_hamiltonian, reservoirs
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.liouvillian import EVEN, ODD, Complex, Generator, Point, Real
from chirospin.junction.model import (
    Interaction,
    interaction,
    lead_couplings,
)
from chirospin.numerics.sylvester import dagger, pack, unpack

Ints = NDArray[np.int64]
Kind = Literal["redfield", "redfield-lamb", "perlind", "ule", "kms"]
IN, OUT = 0, 1
TERMS_TOGETHER = 2e7  # elements of one block of the expansion of the Lamb shift


@dataclass(frozen=True, kw_only=True)
class Link:
    """The operators c_k of one charge, from one sector to the one below it.

    Parameters
    ----------
    lower, upper : (parity, stack, sector) of A and B
    orbitals : k, shape (J,)
    below : for each orbital and state of A the state of B that c_k leads to it; shape (J, dA)
    below_sign : its sign, 0 where there is none
    above, above_sign : the same for each state of B, shape (J, dB)
    """

    lower: tuple[int, int, int]
    upper: tuple[int, int, int]
    orbitals: Ints
    below: Ints
    below_sign: Real
    above: Ints
    above_sign: Real

    def between(self, left: Complex, right: Complex) -> Complex:
        """left^+ c_k right, shape (..., J, dA', dB')."""
        rows = np.conj(np.swapaxes(left, -1, -2))[..., None, :, :] * self.below_sign[:, None, :]
        out: Complex = rows @ right[..., self.below, :]
        return out


@lru_cache(maxsize=8)
def links(charges: fock.Charges, orbitals: tuple[int, ...]) -> tuple[Link, ...]:
    """All pairs of sectors joined by the annihilators of some orbitals."""
    space = fock.sectors(charges)
    groups: dict[tuple[int, ...], list[int]] = {}
    for k in orbitals:
        groups.setdefault(tuple(row[k] for row in charges), []).append(k)
    found = []
    for parity in (EVEN, ODD):
        for number, stack in enumerate(space.stacks[parity]):
            for sector, states in enumerate(stack.states):
                for ks in groups.values():
                    link = _link(space, (parity, number, sector), states, np.array(ks))
                    if link is not None:
                        found.append(link)
    return tuple(found)


def _link(
    space: fock.Sectors, lower: tuple[int, int, int], states: Ints, orbitals: Ints
) -> Link | None:
    empty = ((states >> orbitals[:, None]) & 1) == 0
    if not empty.any():
        return None
    image = np.where(empty, states ^ (1 << orbitals[:, None]), 0)
    stack, sector, index = np.moveaxis(space.place[image], -1, 0)
    first = tuple(np.argwhere(empty)[0])
    upper = (1 - lower[0], int(stack[first]), int(sector[first]))
    size = space.stacks[upper[0]][upper[1]].states.shape[1]
    sign = np.where(empty, fock.parity_below(states[None], orbitals[:, None]), 0).astype(float)
    above = np.zeros((orbitals.size, size), dtype=np.int64)
    above_sign = np.zeros((orbitals.size, size))
    for j in range(orbitals.size):
        here = np.flatnonzero(empty[j])
        above[j, index[j, here]] = here
        above_sign[j, index[j, here]] = sign[j, here]
    return Link(
        lower=lower,
        upper=upper,
        orbitals=orbitals,
        below=np.where(empty, index, 0),
        below_sign=sign,
        above=above,
        above_sign=above_sign,
    )


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """Eigenvalues and eigenvectors of H, by parity and stack: (sector, d) and (sector, d, d)."""

    energies: tuple[tuple[Real, ...], tuple[Real, ...]]
    vectors: tuple[tuple[Complex, ...], tuple[Complex, ...]]


@lru_cache(maxsize=6)
def _spectrum(
    h: bytes, density: bytes, exchange: bytes, strength: bytes, charges: fock.Charges
) -> Spectrum:
    n = len(charges[0])
    terms = Interaction(
        density=np.frombuffer(density).reshape(n, n),
        exchange=np.frombuffer(exchange, dtype=np.int64).reshape(-1, 4),
        strength=np.frombuffer(strength),
    )
    nothing = np.zeros((2, n))
    closed = Point(
        h=np.frombuffer(h, dtype=complex).reshape(n, n),
        interaction=terms,
        filling=nothing,
        emptying=nothing,
        coupling=np.zeros((2, 2, n)),
        leads=np.zeros(2),
        charges=charges,
        channels=(),
    )
    blocks = Generator([(closed, 0)]).heff
    pairs = [[np.linalg.eigh(block[0]) for block in half] for half in blocks]
    return Spectrum(
        energies=(tuple(e for e, _ in pairs[0]), tuple(e for e, _ in pairs[1])),
        vectors=(tuple(v for _, v in pairs[0]), tuple(v for _, v in pairs[1])),
    )


def spectrum(point: Point) -> Spectrum:
    """Many-body eigenstates of a point, sector by sector; the last few are remembered."""
    terms = point.interaction
    return _spectrum(
        np.ascontiguousarray(point.h, dtype=complex).tobytes(),
        terms.density.tobytes(),
        terms.exchange.tobytes(),
        np.asarray(terms.strength, dtype=float).tobytes(),
        point.charges,
    )


def biased_point(model: BiasedJunction) -> Point:
    """The matrices of a biased junction; every lead joined to an orbital may fill and empty it."""
    h, terms, coupling = gated_hamiltonian(model), interaction(model), lead_couplings(model)
    half = coupling.sum(axis=1) / 2
    joined = np.flatnonzero(half.any(axis=0))
    return Point(
        h=h,
        interaction=terms,
        filling=half,
        emptying=half,
        coupling=coupling,
        leads=np.full(2, 0.5),
        charges=fock.conserved_charges(h != 0, terms.exchange),
        channels=(*joined.tolist(), *(joined + len(h)).tolist()),
    )


@dataclass(frozen=True, kw_only=True)
class Member:
    """One model and one magnetisation of its left lead."""

    point: Point
    leads: Reservoirs
    magnetisation: int

    @classmethod
    def both(cls, model: BiasedJunction) -> tuple[Member, Member]:
        """The members of a model for both magnetisations."""
        point, leads = biased_point(model), reservoirs(model)
        return (
            cls(point=point, leads=leads, magnetisation=0),
            cls(point=point, leads=leads, magnetisation=1),
        )


def principal_value(omega: Real, mu: Real, T: Real) -> Real:
    r"""The wide-band Lamb function of a lead, its constant dropped.

    .. math:: l(\omega) = P\!\!\int \frac{d\omega'}{2\pi} \frac{f(\omega')}{\omega - \omega'}
              = const - \mathrm{Re}\,\psi(\tfrac12 + i(\omega - \mu)/2\pi T)/2\pi
    """
    return np.asarray((shifted_digamma((omega - mu) / T) - np.log(T)) / (2 * np.pi))


@dataclass(frozen=True, kw_only=True)
class Factors:
    """What the elements of c+ (in) and c (out) are multiplied by; ``power`` of the coupling g."""

    entering: NDArray[Any]
    leaving: NDArray[Any]
    power: float


Filled = Callable[[Real], NDArray[Any]]  # x = (omega - mu)/T -> occupation of the lead


def _redfield(omega: Real, mu: Real, T: Real, filled: Filled) -> Factors:
    x = (omega - mu) / T
    return Factors(entering=filled(x) / 2 + 0j, leaving=filled(-x) / 2 + 0j, power=1.0)


def _redfield_lamb(omega: Real, mu: Real, T: Real, filled: Filled) -> Factors:
    plain, shift = _redfield(omega, mu, T, filled), 1j * principal_value(omega, mu, T)
    entering, leaving = plain.entering - shift, plain.leaving - shift
    return Factors(entering=np.asarray(entering), leaving=np.asarray(leaving), power=1.0)


def _square_root(omega: Real, mu: Real, T: Real, filled: Filled) -> Factors:
    x = (omega - mu) / T
    return Factors(entering=np.sqrt(filled(x)) + 0j, leaving=np.sqrt(filled(-x)) + 0j, power=0.5)


FACTORS: dict[str, Callable[[Real, Real, Real, Filled], Factors]] = {
    "redfield": _redfield,
    "redfield-lamb": _redfield_lamb,
    "perlind": _square_root,
    "ule": _square_root,
    "kms": _square_root,
}


@dataclass(frozen=True, kw_only=True)
class Jump:
    """Jumps along one link in one direction, in the occupation basis.

    Parameters
    ----------
    source, target : (parity, stack, sector)
    lead : of each channel, shape (J,)
    adjoint : P^+, channels stacked, (batch, J d_source, d_target)
    dense : Q, rows (target state, channel), (batch, d_target J, d_source), or None where Q is c or c+
    gather, sign : then the states of the source by (target state, channel), and their signs
    """

    source: tuple[int, int, int]
    target: tuple[int, int, int]
    direction: int
    lead: Ints
    adjoint: Complex
    dense: Complex | None
    gather: Ints
    sign: Real

    def __call__(self, rho: Complex, weight: Real | None) -> Complex:
        """sum_j w_j Q_j rho P_j^+, without its conjugate; shape (batch, d_target, d_target)."""
        batch, size = len(rho), rho.shape[-1]
        states = self.gather.shape[0]
        if self.dense is None:
            left = rho[:, self.gather, :] * self.sign[..., None]
        else:
            left = (self.dense @ rho).reshape(batch, states, -1, size)
        if weight is not None:
            left = left * weight[self.lead][:, None]
        out: Complex = left.reshape(batch, states, -1) @ self.adjoint
        return out


class ThermalGenerator(Generator):
    """A second-order generator of several members of one structure.

    ``particle_flow[lead]`` and ``energy_flow[lead]`` are the operators, by parity and stack, whose mean
    is the current of electrons and of energy from that lead into the stack.

    Parameters
    ----------
    broadened : whether every transition sees Fermi functions broadened by its own width, :func:`widths`
    """

    def __init__(self, members: Sequence[Member], kind: Kind, *, broadened: bool = False) -> None:
        first = members[0].point
        self.members = [(one.point, one.magnetisation) for one in members]
        self.batch = len(members)
        self.charges = first.charges
        self.space = fock.sectors(first.charges)
        self.kind = kind
        self.broadened = broadened
        self.potential = np.array([one.leads.potential for one in members])
        self.heat = np.array([one.leads.thermal_energy for one in members])
        self.dephasing = np.array([[one.leads.dephasing] for one in members])
        self.coupling = np.array([one.point.coupling[one.magnetisation] for one in members])
        spectra = [spectrum(one.point) for one in members]
        self.energies = _stacked([s.energies for s in spectra])
        self.vectors = _stacked([s.vectors for s in spectra])
        self.moves: tuple[list[Jump], list[Jump]] = ([], [])
        self._assemble(tuple(np.flatnonzero(self.coupling.any(axis=(0, 1))).tolist()))

    def _assemble(self, orbitals: tuple[int, ...]) -> None:
        shapes = [[(self.batch, *stack.shape) for stack in half] for half in self.space.stacks]

        def empty() -> list[list[Complex]]:
            return [[np.zeros(shape, dtype=complex) for shape in half] for half in shapes]

        loss, shift = [empty(), empty()], [empty(), empty()]
        particles, energy = [empty(), empty()], [empty(), empty()]
        for link in links(self.charges, orbitals):
            for lead in (0, 1):
                open_ = np.flatnonzero(self.coupling[:, lead, link.orbitals].any(axis=0))
                if open_.size:
                    self._add(link, lead, open_, loss, shift, particles, energy)
        heff = empty()
        for parity in (EVEN, ODD):
            for n, E in enumerate(self.energies[parity]):
                H = E[..., :, None] * np.eye(E.shape[-1])
                total = H + 0j
                for lead in (0, 1):
                    S, D = loss[lead][parity][n], shift[lead][parity][n]
                    if self.kind == "kms":
                        gap = E[..., :, None] - E[..., None, :]
                        D += (
                            0.5j * np.tanh(gap / (4 * self.heat[:, lead, None, None, None])) * 2 * S
                        )
                    total += D - 1j * S
                    energy[lead][parity][n] += 1j * (D @ H - H @ D)
                U = self.vectors[parity][n]
                for block in (heff, particles[0], particles[1], energy[0], energy[1]):
                    source = total if block is heff else block[parity][n]
                    block[parity][n] = U @ source @ dagger(U)
        electrons = self._electrons()
        self.alike = tuple(
            np.concatenate([(held @ np.swapaxes(held, -1, -2)).ravel() for held in half])
            for half in electrons
        )
        for parity, half in enumerate(electrons):
            for n, held in enumerate(half):
                lost = self.dephasing[:, :, None] * (held**2).sum(axis=-1)
                heff[parity][n] -= 0.5j * lost[..., None] * np.eye(held.shape[1])
        self.heff = (heff[EVEN], heff[ODD])
        self.particle_flow, self.energy_flow = particles, energy

    def _electrons(self) -> list[list[Real]]:
        """Electrons in every orbital of each Fock state, by parity and stack: (sector, d, orbital)."""
        return [
            [
                fock.occupations(self.charges, parity, n)
                .reshape(*stack.states.shape, -1, 2)
                .sum(axis=-1)
                for n, stack in enumerate(self.space.stacks[parity])
            ]
            for parity in (EVEN, ODD)
        ]

    def kept(self, parity: int, packed: Real) -> Real:
        r"""The part :math:`\kappa \sum_o n_o X n_o` of the dephasing, which keeps every sector."""
        return np.asarray(self.dephasing * self.alike[parity] * packed)

    def derivative(self, even: Real, odd: Real) -> tuple[Real, Real]:
        """L rho, even and odd sectors."""
        one, other = super().derivative(even, odd)
        return one + self.kept(EVEN, even), other + self.kept(ODD, odd)

    def _add(
        self,
        link: Link,
        lead: int,
        open_: Ints,
        loss: Any,
        shift: Any,
        particles: Any,
        energy: Any,
    ) -> None:
        """The channels of one lead along one link: jumps, losses, Lamb shift, flows."""
        (pa, na, sa), (pb, nb, sb) = link.lower, link.upper
        EA, EB = self.energies[pa][na][:, sa], self.energies[pb][nb][:, sb]
        UA, UB = self.vectors[pa][na][:, sa], self.vectors[pb][nb][:, sb]
        every = link.between(UA, UB)
        C = every[:, open_]
        omega = EB[:, None, :] - EA[:, :, None]
        mu, T = self.potential[:, lead, None, None], self.heat[:, lead, None, None]
        filled: Filled = fermi
        if self.broadened:
            width = widths(self.coupling.sum(axis=1)[:, link.orbitals], every)
            filled = partial(broadened_fermi, width=width / T)
        factors = FACTORS[self.kind](omega, mu, T, filled)
        g = self.coupling[:, lead][:, link.orbitals[open_]][:, :, None, None]
        strength = g**factors.power
        leaving = strength * factors.leaving[:, None] * C
        entering = np.swapaxes(strength * factors.entering[:, None] * np.conj(C), -1, -2)
        exact = factors.power == 1.0  # Q is c or c+ itself
        Q_out, Q_in = (C, dagger(C)) if exact else (leaving / 2, entering / 2)
        for P, Q, here, E_here, E_there, sign in (
            (leaving, Q_out, (pb, nb, sb), EB, EA, -1),
            (entering, Q_in, (pa, na, sa), EA, EB, +1),
        ):
            lost = _sum(dagger(Q) @ P)
            brought = _sum(dagger(Q) @ (E_there[:, None, :, None] * P))
            parity, n, s = here
            loss[lead][parity][n][:, s] += lost
            particles[lead][parity][n][:, s] += sign * (lost + dagger(lost))
            net = brought - E_here[:, :, None] * lost
            energy[lead][parity][n][:, s] += net + dagger(net)
        if self.kind == "ule":
            x = (omega - mu) / T
            shift[lead][pa][na][:, sa] += lamb_shift(EA / T[..., 0], x, np.sqrt(g) * C)
            shift[lead][pb][nb][:, sb] += lamb_shift(
                EB / T[..., 0], -np.swapaxes(x, -1, -2), np.sqrt(g) * dagger(C)
            )
        leads = np.full(open_.size, lead)
        UA_, UB_ = UA[:, None], UB[:, None]
        for P, source, target, direction, gather, sign_ in (
            (UA_ @ leaving @ dagger(UB_), link.upper, link.lower, OUT, link.below, link.below_sign),
            (UB_ @ entering @ dagger(UA_), link.lower, link.upper, IN, link.above, link.above_sign),
        ):
            self.moves[source[0]].append(
                Jump(
                    source=source,
                    target=target,
                    direction=direction,
                    lead=leads,
                    adjoint=np.ascontiguousarray(dagger(P)).reshape(self.batch, -1, P.shape[-2]),
                    dense=None
                    if exact
                    else np.ascontiguousarray(np.swapaxes(P / 2, 1, 2)).reshape(
                        self.batch, -1, P.shape[-1]
                    ),
                    gather=np.ascontiguousarray(gather[open_].T),
                    sign=np.ascontiguousarray(sign_[open_].T),
                )
            )

    def jumps(
        self, parity: int, packed: Real, entering: Real | None = None, leaving: Real | None = None
    ) -> Real:
        """J applied to the sectors of one parity; lands in the other.

        Parameters
        ----------
        entering, leaving : weights of the jumps of each lead, (2,); 1 if not given
        """
        halves = [
            unpack(packed[:, stack.span].reshape(self.batch, *stack.shape))
            for stack in self.space.stacks[parity]
        ]
        arrived: list[Any] = [
            np.zeros((self.batch, *stack.shape), dtype=complex)
            for stack in self.space.stacks[1 - parity]
        ]
        for jump in self.moves[parity]:
            (_, n, s), (_, m, t) = jump.source, jump.target
            weight = entering if jump.direction == IN else leaving
            arrived[m][:, t] += jump(halves[n][:, s], weight)
        return np.concatenate(
            [pack(X + dagger(X)).reshape(self.batch, -1) for X in arrived], axis=1
        )

    def mean(self, operators: list[list[Complex]], even: Real, odd: Real) -> Real:
        """Expectation of a Hermitian operator that keeps every sector, (batch,)."""
        total = np.zeros(self.batch)
        for parity, half in enumerate((even, odd)):
            for n, stack in enumerate(self.space.stacks[parity]):
                X = half[:, stack.span].reshape(self.batch, *stack.shape)
                total += (pack(operators[parity][n]) * X).sum(axis=(1, 2, 3))
        return total


def widths(coupling: Real, elements: Complex) -> Real:
    r"""Width that tunnelling gives to a transition: exact for a level without repulsion, eV.

    .. math:: \Gamma_{ab} = \sum_{lk} g_{lk} |c_{k,ab}|^2

    Parameters
    ----------
    coupling : to both leads together, (batch, J)
    elements : c_k of one link, (batch, J, A, B)
    """
    return np.asarray(np.einsum("bj,bjxy->bxy", coupling, np.abs(elements) ** 2))


def lamb_shift(energies: Real, x: Real, C: Complex) -> Complex:
    r"""Lamb shift of the universal Lindblad equation from the jumps of one lead along one link.

    .. math:: H_{aa'} = -\frac{1}{2\pi} \sum_{kb} C_{k,ab} C^*_{k,a'b}\, \phi(x_{ab}, x_{a'b})

    Parameters
    ----------
    energies : of the states a, over T and ascending, (batch, A)
    x : (omega - mu)/T for electrons that enter, its negative for those that leave, (batch, A, B)
    C : square root of the coupling times the operator, (batch, J, A, B)
    """
    terms = overlap_expansion()
    alpha = terms.of_energy(x)
    beta = terms.of_distance(np.abs(energies[:, :, None] - energies[:, None, :]))
    batch, _, A, B = C.shape
    inner = np.swapaxes(C, 1, 2)  # (batch, A, J, B)
    conjugate = dagger(inner.reshape(batch, A, -1))
    total = np.zeros((batch, A, A), dtype=complex)
    step = max(1, int(TERMS_TOGETHER // C.size))
    for r in range(0, len(alpha), step):
        left = alpha[r : r + step, :, :, None, :] * inner
        product = left.reshape(-1, batch, A, inner.shape[2] * B) @ conjugate
        total += (beta[r : r + step] * product).sum(axis=0)
    # the larger argument of phi belongs to the lower state: rows of the upper triangle
    upper = np.triu(total, 1)
    diagonal = np.einsum("bii->bi", total).real[:, :, None] * np.eye(A)
    return np.asarray(-(upper + dagger(upper) + diagonal) / (2 * np.pi))


def _sum(channels: Complex) -> Complex:
    return np.asarray(channels.sum(axis=1))


def _stacked(parts: list[Any]) -> tuple[list[Any], list[Any]]:
    even, odd = (
        [np.stack([one[p][n] for one in parts]) for n in range(len(parts[0][p]))] for p in (0, 1)
    )
    return even, odd
