r"""What leads of coupling 1 do along the transitions between eigenstates: rates, losses, Lamb shifts.

The generators of second order differ in the factors by which elements of c_k in the eigenbasis of H are
multiplied, and in H_LS. A lead is one of few *conditions*: members that share one share all that is found here,
whatever their couplings are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from chirospin.base.fermi import broadened_fermi, fermi
from chirospin.junction.bias.eigenstates import (
    BiasedMember,
    Chain,
    Spectrum,
    spectrum,
    transition_widths,
)
from chirospin.junction.bias.fermi_overlap import (
    of_distances,
    overlap_expansion,
    shifted_digamma,
)
from chirospin.junction.couplings import factorised
from chirospin.junction.manybody.packed import Complex, Real
from chirospin.numerics.sylvester import dagger

Ints = NDArray[np.int64]
Kind = Literal["redfield", "redfield-lamb", "first-tier", "perlind", "ule", "kms"]
KERNEL_TOGETHER = 2e6  # elements of the kernel of the Lamb shift at a time


def principal_value(omega: Real, mu: float, T: float) -> Real:
    r"""The wide-band Lamb function of a lead, its constant dropped.

    .. math:: l(\omega) = P\!\!\int \frac{d\omega'}{2\pi} \frac{f(\omega')}{\omega - \omega'}
              = const - \mathrm{Re}\,\psi(\tfrac12 + i(\omega - \mu)/2\pi T)/2\pi
    """
    return np.asarray((shifted_digamma((omega - mu) / T) - np.log(T)) / (2 * np.pi))


Filled = Callable[[Real], NDArray[Any]]  # x = (omega - mu)/T -> occupation of the lead


@dataclass(frozen=True, kw_only=True)
class Factors:
    """What the elements of c+ (in) and c (out) are multiplied by."""

    entering: NDArray[Any]
    leaving: NDArray[Any]


def _redfield(omega: Real, mu: float, T: float, filled: Filled) -> Factors:
    x = (omega - mu) / T
    return Factors(entering=filled(x) / 2, leaving=filled(-x) / 2)


def _redfield_lamb(omega: Real, mu: float, T: float, filled: Filled) -> Factors:
    plain, shift = _redfield(omega, mu, T, filled), 1j * principal_value(omega, mu, T)
    return Factors(entering=plain.entering - shift, leaving=plain.leaving - shift)


def _first_tier(omega: Real, mu: float, T: float, decay: float) -> Factors:
    r"""Of leads whose memory decays by tunnelling too: the first tier of a hierarchy, eliminated.

    .. math:: \int_0^\infty dt\, C(t)\, e^{i\omega t - \kappa t}, \qquad z = \tfrac12
              + \frac{\kappa + i(\omega - \mu)}{2\pi T}: \quad
              \tfrac14 - \frac{\mathrm{Im}\,\psi(z)}{2\pi} + \frac{i\,\mathrm{Re}\,\psi(z)}{2\pi}

    for electrons that enter; the constant of the real part of psi cancels.
    """
    psi = scipy.special.digamma(0.5 + (decay + 1j * (omega - mu)) / (2 * np.pi * T)) / (2 * np.pi)
    shift = 1j * psi.real
    return Factors(entering=0.25 - psi.imag + shift, leaving=0.25 + psi.imag + shift)


def _square_root(omega: Real, mu: float, T: float, filled: Filled) -> Factors:
    x = (omega - mu) / T
    return Factors(entering=np.sqrt(filled(x)), leaving=np.sqrt(filled(-x)))


FACTORS: dict[Kind, Callable[[Real, float, float, Filled], Factors]] = {
    "redfield": _redfield,
    "redfield-lamb": _redfield_lamb,
    "perlind": _square_root,
    "ule": _square_root,
    "kms": _square_root,
}
BARE = ("redfield", "redfield-lamb", "first-tier")
"""Kinds whose Q is c or c+ itself, with the whole coupling in P; of the others P = 2 Q has its root."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What the transitions of one lead see, shared by every member where it is the same.

    Parameters
    ----------
    touched : orbitals that the lead is joined to in any of the members, (4M,)
    vectors : strengths, (V,), and vectors, (V, 4M), of a width that is not diagonal; else None
    gamma : of all leads together, which broadens the transitions, (4M,) or (4M, 4M), eV; None where they stay
        sharp
    """

    lead: int
    touched: NDArray[np.bool_]
    vectors: tuple[Real, Complex] | None
    states: Spectrum
    mu: float
    T: float
    gamma: NDArray[Any] | None

    def factors(self, kind: Kind, chain: Chain, omega: Real, elements: Complex) -> Factors:
        """Of every transition of a chain, (link, A, B)."""
        filled: Filled = fermi
        if kind == "first-tier":
            assert self.gamma is not None
            whole = self.gamma.sum() if self.gamma.ndim == 1 else np.trace(self.gamma)
            return _first_tier(omega, self.mu, self.T, float(whole.real) / 2)
        if self.gamma is not None:
            inside = np.ix_(*[chain.orbitals] * self.gamma.ndim)
            width = transition_widths(self.gamma[inside], elements)
            filled = partial(broadened_fermi, width=width / self.T)
        return FACTORS[kind](omega, self.mu, self.T, filled)

    def inside(self, chain: Chain) -> tuple[Real, Complex]:
        """Strengths, (V,), and vectors over the orbitals of a chain, (V, J), of those that lie in it."""
        assert self.vectors is not None
        strength, vectors = self.vectors
        rows = vectors[:, chain.orbitals]
        kept = rows.any(axis=1)
        return strength[kept], rows[kept]

    def operators(self, chain: Chain, every: Complex) -> tuple[Ints, Complex]:
        """Numbers of the operators c_k or C_v of the lead in a chain, and their elements, (link, V, A, B)."""
        if self.vectors is None:
            orbitals = np.flatnonzero(self.touched[chain.orbitals])
            return orbitals, every[:, orbitals]
        _, rows = self.inside(chain)
        return np.arange(len(rows)), np.einsum("vj,ljab->lvab", rows.conj(), every)


@dataclass(frozen=True, kw_only=True)
class Units:
    """A chain joined to leads with coupling 1, for each operator that each condition may touch.

    Parameters
    ----------
    condition, number : of each operator the condition, by number, and which of its operators in the chain, (u,)
    leaving, entering : loss, energy brought less lost, and the Lamb shift where there is one, of the states
        that are left, (2 or 3, u, link, d, d)
    out, into : P in the occupation basis, (u, link, target, source)
    bare_out, bare_into : Q where it is c or c+ itself of several orbitals; else None
    """

    condition: Ints
    number: Ints
    leaving: Complex
    entering: Complex
    out: Complex
    into: Complex
    bare_out: Complex | None
    bare_into: Complex | None

    @classmethod
    def of(cls, kind: Kind, chain: Chain, conditions: Sequence[Condition]) -> Units:
        """Of every condition; those with the same eigenstates together."""
        alike: dict[int, list[int]] = {}
        for c, condition in enumerate(conditions):
            alike.setdefault(id(condition.states), []).append(c)
        groups = [_units(kind, chain, conditions, own) for own in alike.values()]
        if len(groups) == 1:
            return groups[0]

        def joined(name: str, axis: int = 0) -> Any:
            arrays = [getattr(group, name) for group in groups]
            return None if arrays[0] is None else np.concatenate(arrays, axis=axis)

        first = ("condition", "number", "out", "into", "bare_out", "bare_into")
        return cls(
            **{name: joined(name) for name in first},
            **{name: joined(name, 1) for name in ("leaving", "entering")},
        )

    def weight(self, coupling: Real, which: Ints) -> Real:
        """Coupling of each operator to each lead of each member, (lead, batch, u).

        Parameters
        ----------
        coupling : of the operators of the chain, (batch, lead, J), eV
        which : condition of each lead of each member, (batch, lead)
        """
        own = which[..., None] == self.condition
        return np.ascontiguousarray(np.where(own, coupling[..., self.number], 0.0).swapaxes(0, 1))

    def places(self, which: Ints, slot: Ints) -> Ints:
        """Where operators of conditions lie; anywhere for those that a lead does not have."""
        table = np.zeros((int(which.max(initial=0)) + 1, int(slot.max(initial=0)) + 1), dtype=int)
        inside = (self.condition < table.shape[0]) & (self.number < table.shape[1])
        table[self.condition[inside], self.number[inside]] = np.flatnonzero(inside)
        return np.asarray(table[which, slot])


def _units(kind: Kind, chain: Chain, conditions: Sequence[Condition], own: Sequence[int]) -> Units:
    """Of conditions, by number, that share their eigenstates."""
    states = conditions[own[0]].states
    (pa, na), (pb, nb) = chain.lower, chain.upper
    A, B = chain.lower_sectors, chain.upper_sectors
    EA, EB = states.energies[pa][na][A], states.energies[pb][nb][B]
    UA, UB = states.vectors[pa][na][A], states.vectors[pb][nb][B]
    every = chain.between(UA, UB)
    omega = EB[:, None, :] - EA[:, :, None]
    operators = [conditions[c].operators(chain, every) for c in own]
    counts = [len(numbers) for numbers, _ in operators]
    condition, number = np.repeat(own, counts), np.concatenate([n for n, _ in operators])
    C = np.concatenate([elements.swapaxes(0, 1) for _, elements in operators])
    found = [conditions[c].factors(kind, chain, omega, every) for c in own]
    out = np.repeat([one.leaving for one in found], counts, axis=0) * C
    into = dagger(np.repeat([np.conj(one.entering) for one in found], counts, axis=0) * C)
    bare = kind in BARE
    Q_out, Q_in = (C, dagger(C)) if bare else (out / 2, into / 2)
    leaving, entering = _loss(out, Q_out, EB, EA), _loss(into, Q_in, EA, EB)
    if kind == "ule":
        ends = [conditions[c] for c in condition]
        for losses, shift in zip(
            (leaving, entering), _shifts(ends, number, EA, EB, C), strict=True
        ):
            losses.append(shift)
    plain = bare and conditions[own[0]].vectors is not None
    return Units(
        condition=condition,
        number=number,
        bare_out=UA @ C @ dagger(UB) if plain else None,
        bare_into=UB @ dagger(C) @ dagger(UA) if plain else None,
        leaving=np.stack(leaving),
        entering=np.stack(entering),
        out=UA @ out @ dagger(UB),
        into=UB @ into @ dagger(UA),
    )


def _shifts(
    ends: Sequence[Condition], number: Ints, EA: Real, EB: Real, C: Complex
) -> tuple[Complex, Complex]:
    """Lamb shifts of the upper and of the lower states by every operator, (u, link, d, d).

    They are the same for either lead and for levels of any width, and found once.

    Parameters
    ----------
    ends, number : condition of each operator, and which it is in it, (u,)
    EA, EB : energies, (link, d)
    C : the operators, (u, link, A, B)
    """
    first: dict[tuple[object, ...], int] = {}
    same = np.zeros(len(ends), dtype=int)
    sharing: dict[tuple[float, float], list[int]] = {}
    for u, (end, k) in enumerate(zip(ends, number.tolist(), strict=True)):
        key = (end.mu, end.T, k, None if end.vectors is None else id(end))
        same[u] = first.setdefault(key, u)
        if same[u] == u:
            sharing.setdefault((end.mu, end.T), []).append(u)
    together: dict[tuple[float, int], list[float]] = {}
    for (mu, T), own in sharing.items():
        together.setdefault((T, len(own)), []).append(mu)
    upper = np.empty((*C.shape[:2], *[EB.shape[1]] * 2), dtype=complex)
    lower = np.empty((*C.shape[:2], *[EA.shape[1]] * 2), dtype=complex)
    omega = EB[:, None, :] - EA[:, :, None]
    for (T, _), potentials in together.items():
        alike = np.array([sharing[mu, T] for mu in potentials])
        x = (omega - np.array(potentials)[:, None, None, None]) / T
        moved = C[alike].swapaxes(1, 2)
        upper[alike] = lamb_shift(EB / T, -x.swapaxes(-1, -2), dagger(moved)).swapaxes(1, 2)
        lower[alike] = lamb_shift(EA / T, x, moved).swapaxes(1, 2)
    return upper[same], lower[same]


def _loss(P: Complex, Q: Complex, own: Real, reached: Real) -> list[Complex]:
    """Q^+ P and the energy that comes with it, (u, link, d, d)."""
    turned = dagger(Q)
    lost = turned @ P
    brought = turned @ (reached[:, :, None] * P)
    return [lost, brought - own[:, :, None] * lost]


def weighted_units(weight: Real, units: Complex) -> Complex:
    """Sums over operators with weights, (lead, batch, u) and (kinds, u, link, d, d): (kinds, lead, batch, ...)."""
    leads, batch, count = weight.shape
    kinds, _, *rest = units.shape
    flat = units.reshape(kinds, count, -1).view(float)
    total = weight.reshape(-1, count) @ flat
    return np.asarray(total.view(complex).reshape(kinds, leads, batch, *rest))


@dataclass(frozen=True, kw_only=True)
class Channels:
    """Which operators of a chain join which lead in every member; as many for each.

    Parameters
    ----------
    coupling : of the orbitals of the chain, or strengths of the vectors in it, (batch, lead, J), eV
    lead, slot : of each channel its lead, (K,), and its operator in every member, (batch, K)
    strength : its coupling, (batch, K), eV; 0 where a member has fewer
    """

    chain: Chain
    coupling: Real
    lead: Ints
    slot: Ints
    strength: Real

    @classmethod
    def of(cls, chain: Chain, coupling: Real) -> Channels:
        """From the couplings of all orbitals, (batch, lead, 4M)."""
        g = coupling[:, :, chain.orbitals]
        count = (g > 0).sum(axis=2).max(axis=0)
        first = np.argsort(-g, axis=2, kind="stable")
        lead = np.repeat(np.arange(len(count)), count)
        slot = np.concatenate(
            [first[:, side, :number] for side, number in enumerate(count)], axis=1
        )
        return cls(
            chain=chain,
            coupling=g,
            lead=lead,
            slot=slot,
            strength=np.stack([one[lead, ks] for one, ks in zip(g, slot, strict=True)]),
        )

    @classmethod
    def mixed(cls, chain: Chain, conditions: Sequence[Condition], which: Ints) -> Channels:
        """From the vectors of conditions, which every lead of every member has one of, (batch, lead)."""
        strengths = [condition.inside(chain)[0] for condition in conditions]
        count = np.array([len(strength) for strength in strengths])[which]  # (batch, lead)
        g = np.zeros((*which.shape, max(int(count.max()), 1)))
        for place, c in np.ndenumerate(which):
            g[place][: count[place]] = strengths[c]
        most = count.max(axis=0)
        lead = np.repeat(np.arange(len(most)), most)
        slot = np.concatenate([np.arange(k) for k in most])
        return cls(
            chain=chain,
            coupling=g,
            lead=lead,
            slot=np.tile(slot, (len(which), 1)),
            strength=g[:, lead, slot],
        )


def distinct_conditions(members: Sequence[BiasedMember]) -> tuple[list[Condition], Ints]:
    """Distinct conditions, and which of them each lead of each member has, (batch, lead)."""
    found: dict[tuple[object, ...], int] = {}
    conditions: list[Condition] = []
    leads = len(members[0].coupling)
    which = np.zeros((len(members), leads), dtype=np.int64)
    touched = np.stack([member.coupling for member in members]).max(axis=0) > 0
    mixing = any(member.widths is not None for member in members)
    for b, member in enumerate(members):
        states, reservoirs = spectrum(member.matrices), member.reservoirs
        gamma = _broadening(member) if member.broadened else None
        for lead, ends in enumerate(
            zip(reservoirs.potential, reservoirs.thermal_energy, strict=True)
        ):
            mu, T = map(float, ends)
            width = None if gamma is None else gamma.tobytes()
            own = member.gamma[lead] if mixing else None
            key = (lead, id(states), mu, T, width, None if own is None else own.tobytes())
            if key not in found:
                found[key] = len(conditions)
                conditions.append(
                    Condition(
                        lead=lead,
                        touched=touched[lead],
                        vectors=None if own is None else factorised(own),
                        states=states,
                        mu=mu,
                        T=T,
                        gamma=gamma,
                    )
                )
            which[b, lead] = found[key]
    return conditions, which


def _broadening(member: BiasedMember) -> NDArray[Any]:
    """Width from all leads, a matrix where one is not diagonal."""
    every = member.coupling if member.widths is None else member.widths
    return np.asarray(every.sum(axis=0))


def lamb_shift(energies: Real, x: Real, C: Complex) -> Complex:
    r"""Lamb shift of the universal Lindblad equation from the jumps of one orbital along a chain.

    .. math:: H_{aa'} = -\frac{1}{2\pi} \sum_{b} C_{ab} C^*_{a'b}\, \phi(x_{ab}, x_{a'b})

    Parameters
    ----------
    energies : of the states a, over T and ascending, (link, A)
    x : (omega - mu)/T for electrons that enter, its negative for those that leave, (mu, link, A, B)
    C : the operators, (mu, link, J, A, B)

    Returns
    -------
    (mu, link, J, A, A), for coupling 1
    """
    terms = overlap_expansion()
    potentials, links, orbitals, A, B = C.shape
    total = np.empty((potentials, links, orbitals, A, A), dtype=complex)
    turned = dagger(C)[..., None, :, :]
    step = max(1, int(KERNEL_TOGETHER // (potentials * links * A * B)))
    for a in range(0, A, step):
        rows = slice(a, a + step)
        alpha, beta = terms.of_energy(x[..., rows, :]), of_distances(energies, rows)
        kernel = alpha @ beta.swapaxes(-1, -2)  # (mu, link, A, B, A')
        total[..., rows, :] = (C[..., rows, None, :] @ (kernel[:, :, None] * turned))[..., 0, :]
    # the larger argument of phi belongs to the lower state: rows of the upper triangle
    state = np.arange(A)
    upper = np.where(state[:, None] < state, total, 0.0)
    diagonal = np.where(state[:, None] == state, total.real, 0.0)
    return np.asarray(-(upper + dagger(upper) + diagonal) / (2 * np.pi))
