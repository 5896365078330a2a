r"""Exact steady state one sector at a time, in mixed precision: four molecules in 11 GiB.

The equation of ``gksl``, :math:`\Psi \Psi X = X` on the even sectors with
:math:`\Psi = -L_0^{-1} J`, is solved by Krylov vectors of single precision for corrections; their right
sides come from L rho in double precision, where H_eff is sparse. The Krylov space is kept from one
correction to the next, and in a folder, from where a solve that was cut off goes on.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from tokenize import TokenError
from typing import Any, ClassVar, Literal

import numpy as np
import scipy
from array_api_compat import array_namespace
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.errors import UNREADABLE, ModelError
from chirospin.base.memory import available_bytes, in_words
from chirospin.base.method import Method
from chirospin.base.outcome import Outcome
from chirospin.junction.floating import require_no_floating
from chirospin.junction.manybody import fock
from chirospin.junction.manybody.certified import (
    SEVERAL,
    STALLED,
    CertifiedState,
    smallest_eigenvalue,
)
from chirospin.junction.manybody.hamiltonian import sector_density
from chirospin.junction.manybody.infinite_bias import listed_pair, state_of
from chirospin.junction.manybody.leads import (
    FlatMember,
    closed_classes,
    require_single_orbitals,
    sparse_hamiltonians,
)
from chirospin.junction.manybody.packed import EVEN, ODD, Complex, Layout, Real, diagonal
from chirospin.junction.manybody.recycling import RecycledKrylov, on_host
from chirospin.junction.manybody.steady import by_parity, krylov_setting, tolerance_setting
from chirospin.junction.model import MAGNETISATIONS, PER_MOLECULE, Junction
from chirospin.junction.state import UNREACHED, JunctionState, unreached
from chirospin.numerics.sylvester import (
    SinglePrecisionInverse,
    SinglePrecisionModes,
    pack,
    sylvester,
    unpack,
)

Ints = NDArray[np.int64]
Namespace = Literal["numpy", "torch", "cupy", "array_api_strict"]

INNER = 1e-5  # reduction of one correction: single precision gives no more
STALL = 0.3  # a correction that leaves more than this of the residual twice running has stalled
CORRECTIONS = 40
AT_WORK = 150.0  # bytes for each element of the largest sector while its certificate is found
KRYLOV_GUESS = 45  # vectors assumed when memory is estimated
log = logging.getLogger("chirospin")


class MixedGKSL(Method):
    """Exact many-body steady state by sectors in single precision, its residual in double.

    Any array library with the array-API names can hold the dense blocks and Krylov vectors; the
    eigenvectors of H_eff and the residual are found on the processor.

    References
    ----------
    nozaki_fujita_2026, Eqs. (1)-(9); parks_2006
    """

    name: ClassVar[str] = "gksl-mixed"
    summary: ClassVar[str] = (
        "exact, sector by sector in mixed precision, resumable: 3 and 4 molecules"
    )
    references: ClassVar[tuple[str, ...]] = (
        "nozaki_fujita_2026",
        "lindblad_1976",
        "gorini_kossakowski_sudarshan_1976",
        "saad_schultz_1986",
        "parks_2006",
    )

    tolerance: float = tolerance_setting()
    krylov_vectors: int = krylov_setting(200, "correction")
    folder: Path | None = Field(
        None, description="keeps vectors on disk; a solve that was cut off goes on from there"
    )
    library: Namespace = Field("numpy", description="array library of the dense blocks")
    device: str | None = Field(None, description='where its arrays live, for instance "cuda"')

    def solve_many(self, models: Sequence[Junction]) -> Iterator[JunctionState]:
        """Steady states one after another.

        Raises
        ------
        ModelError : the solve would not fit in memory, or the library or folder is not there
        """
        return map(self._state, models)

    def _state(self, model: Junction) -> JunctionState:
        require_single_orbitals(model, self.name)
        require_no_floating(model, f"method {self.name}", "gksl and landauer")
        pair = listed_pair(model)
        check_size(pair[0], on_disk=self.folder is not None)
        up, down = (
            self.certified_state(member, name)
            for member, name in zip(pair, MAGNETISATIONS, strict=True)
        )
        return state_of(pair, up, down)

    def certified_state(self, member: FlatMember, magnetisation: str) -> CertifiedState:
        """The steady state of one magnetisation with its certificates."""
        device = ArrayDevice(library=self.library, device=self.device)
        folder = None if self.folder is None else self.folder / f"{member.mark}-{magnetisation}"
        sectors = SectorGenerator(member)
        if member.balanced:
            even, odd = sectors.layout.product_state(np.array([[member.occupation[0]]]))
            state = Corrected(even=even[0], odd=odd[0], distance=0.0, applications=0)
        else:
            state = corrected(
                Inverses(sectors, device, folder), self.tolerance, self.krylov_vectors, folder
            )
        return certified(sectors, state, self.tolerance)


def required_bytes(member: FlatMember, *, on_disk: bool) -> tuple[float, float]:
    """Memory and real multiplications of one magnetisation, estimated."""
    sizes = fock.sector_sizes(member.charges)
    unknowns = float(sum(size**2 for size in sizes))
    vectors = 4 if on_disk else KRYLOV_GUESS  # at work; the others are files
    need = unknowns * (2 * 8 + 3 * 8 + vectors * 4 / 2) + AT_WORK * max(sizes) ** 2
    return need, 12.5 * sum(float(size) ** 3 for size in sizes) * KRYLOV_GUESS


def check_size(member: FlatMember, *, on_disk: bool) -> None:
    """Refuse a size that does not fit; say what a large one will take.

    Raises
    ------
    ModelError : says how much memory would be needed
    """
    need, products = required_bytes(member, on_disk=on_disk)
    molecules = member.coupling.shape[1] // PER_MOLECULE
    if need > available_bytes():
        raise ModelError(
            f"Parameter `molecules` must fit in memory for method gksl-mixed, but {molecules} "
            f"molecules need about {in_words(need)} and some {products:.0e} multiplications a "
            f"magnetisation, and {in_words(available_bytes())} are free"
            + ("" if on_disk else "; option folder keeps vectors on disk")
            + "; mean-field fits any number"
        )
    log.info(
        "%d molecules: about %s and %.0e multiplications a magnetisation",
        molecules,
        in_words(need),
        products,
    )


@dataclass(frozen=True, kw_only=True)
class ArrayDevice:
    """An array library and a device of it."""

    library: str
    device: str | None

    @cached_property
    def namespace(self) -> Any:
        """The array-API namespace.

        Raises
        ------
        ModelError : the library is not installed
        """
        try:
            module = importlib.import_module(self.library)
            given = {} if self.device is None else {"device": self.device}
            return array_namespace(module.asarray([0.0], **given))
        except (ImportError, RuntimeError, TypeError, ValueError) as error:
            raise ModelError(
                f"Option `library` of method gksl-mixed must be an installed array library with "
                f"the option `device` as one of its devices, but {self.library} on "
                f"{self.device or 'its default device'} says: {error}"
            ) from None

    def put(self, array: Any, kind: str) -> Any:
        """A numpy array as one of the library."""
        given = {} if self.device is None else {"device": self.device}
        return self.namespace.asarray(np.array(array, dtype=kind), **given)


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """Jumps of one channel into one sector: out += rate s_i s_j X[index_i, index_j].

    Parameters
    ----------
    source : sector that they leave
    rate : eV/hbar
    index, sign : for each state of the sector reached, the state before and its sign; sign 0 where none
    """

    source: fock.SectorKey
    rate: float
    index: Any
    sign: Any


class SectorGenerator:
    """L = L_0 + J of one member, sector by sector, in packed Hermitian form."""

    def __init__(self, member: FlatMember) -> None:
        self.member = member
        self.layout = Layout(charges=member.charges, batch=1)
        self.space = self.layout.space
        self.keys: tuple[list[fock.SectorKey], ...] = tuple(
            [
                (parity, n, s)
                for n, stack in enumerate(self.space.stacks[parity])
                for s in range(len(stack.states))
            ]
            for parity in (EVEN, ODD)
        )

    def size(self, key: fock.SectorKey) -> int:
        """Number of states of a sector."""
        return int(self.space.stacks[key[0]][key[1]].states.shape[1])

    def span(self, key: fock.SectorKey) -> slice:
        """Where a sector lies in the packed vector of its parity."""
        start = self.space.stacks[key[0]][key[1]].start + key[2] * self.size(key) ** 2
        return slice(start, start + self.size(key) ** 2)

    def block(self, key: fock.SectorKey, packed: Any) -> Any:
        """The packed matrix of one sector, (d, d)."""
        d = self.size(key)
        return array_namespace(packed).reshape(packed[self.span(key)], (d, d))

    @cached_property
    def heff(self) -> dict[fock.SectorKey, scipy.sparse.csr_array]:
        """H_eff of every sector, sparse."""
        return {
            (parity, n, s): block
            for parity in (EVEN, ODD)
            for n in range(len(self.space.stacks[parity]))
            for s, block in enumerate(sparse_hamiltonians(self.member, parity, n))
        }

    @cached_property
    def arrivals(self) -> dict[fock.SectorKey, list[Arrival]]:
        """All jumps by the sector that they lead to."""
        rates = self.member.rates
        return {key: list(self._arrivals(key, rates)) for half in self.keys for key in half}

    def _arrivals(self, key: fock.SectorKey, rate: Real) -> Iterator[Arrival]:
        states = self.space.stacks[key[0]][key[1]].states[key[2]]
        for channel in self.member.channels:
            fills, orbital = channel < self.space.orbitals, channel % self.space.orbitals
            reached = ((states >> orbital) & 1) == (1 if fills else 0)
            if not reached.any():
                continue
            before = states ^ (1 << orbital)
            place = self.space.place[before]
            stack, sector, _ = place[reached][0]
            yield Arrival(
                source=(1 - key[0], int(stack), int(sector)),
                rate=float(rate[channel]),
                index=np.where(reached, place[:, 2], 0),
                sign=np.where(reached, fock.parity_below(before, orbital), 0),
            )

    def arriving(self, key: fock.SectorKey, packed: Any, arrivals: Sequence[Arrival]) -> Any:
        """What jumps bring into one sector from the other parity, packed (d, d)."""
        xp = array_namespace(packed)
        total = None
        for arrival in arrivals:
            X = self.block(arrival.source, packed)
            part = xp.take(xp.take(X, arrival.index, axis=0), arrival.index, axis=1)
            part = part * (arrival.rate * arrival.sign)[:, None] * arrival.sign[None, :]
            total = part if total is None else total + part
        d = self.size(key)
        return xp.zeros((d, d), dtype=packed.dtype) if total is None else total

    def derivative(self, even: Real, odd: Real) -> tuple[Real, Real]:
        """L rho in double precision, even and odd sectors."""
        halves = (even, odd)
        out = (np.empty_like(even), np.empty_like(odd))
        for parity in (EVEN, ODD):
            for key in self.keys[parity]:
                coherent = sylvester(self.heff[key], unpack(self.block(key, halves[parity])))
                jumps = self.arriving(key, halves[1 - parity], self.arrivals[key])
                out[parity][self.span(key)] = (pack(coherent) + jumps).ravel()
        return out

    def trace(self, parity: int, packed: Real) -> float:
        """Trace of the sectors of one parity."""
        return float(packed[diagonal(self.layout.charges, parity)].sum())

    def jump_rate(self, even: Real, odd: Real) -> float:
        """Trace of J rho."""
        rate = 0.0
        for parity, other in ((EVEN, odd), (ODD, even)):
            for key in self.keys[parity]:
                rate += float(np.trace(self.arriving(key, other, self.arrivals[key])))
        return rate


class Inverses:
    """-L_0^{-1} and Psi of a generator on the arrays of a library, in single precision."""

    def __init__(self, sectors: SectorGenerator, device: ArrayDevice, folder: Path | None) -> None:
        self.sectors, self.device = sectors, device
        self.arrivals = {
            key: [
                Arrival(
                    source=arrival.source,
                    rate=arrival.rate,
                    index=device.put(arrival.index, "int64"),
                    sign=device.put(arrival.sign, "float32"),
                )
                for arrival in arrivals
            ]
            for key, arrivals in sectors.arrivals.items()
        }
        self.inverse = {
            key: SinglePrecisionInverse(_modes(heff, key, folder), device.put)
            for key, heff in sectors.heff.items()
        }

    def resolved(self, key: fock.SectorKey, packed: Any) -> Any:
        """-L_0^{-1} of one packed sector, flattened."""
        xp = array_namespace(packed)
        turned = xp.matrix_transpose(packed)
        Y = xp.astype(packed + turned, xp.complex64) + 1j * xp.astype(packed - turned, xp.complex64)
        X = self.inverse[key](Y)
        return xp.reshape(-0.5 * (xp.real(X) + xp.imag(X)), (-1,))

    def psi(self, parity: int, packed: Any) -> Any:
        """Psi X for X on the sectors of one parity; lands on the other."""
        keys = self.sectors.keys[1 - parity]
        out = self.empty(1 - parity)
        for key in keys:
            Y = self.sectors.arriving(key, packed, self.arrivals[key])
            out[self.sectors.span(key)] = self.resolved(key, Y)
        return out

    def source(self, parity: int, rest: Any) -> Any:
        """-L_0^{-1} rest on the sectors of one parity."""
        out = self.empty(parity)
        for key in self.sectors.keys[parity]:
            out[self.sectors.span(key)] = self.resolved(key, self.sectors.block(key, rest))
        return out

    def empty(self, parity: int) -> Any:
        """A packed vector."""
        return self.device.put(np.empty(self.sectors.space.unknowns(parity), np.float32), "float32")


def _modes(heff: Any, key: fock.SectorKey, folder: Path | None) -> SinglePrecisionModes:
    """Eigenvectors of one sector, from the folder where they are known."""
    if folder is None:
        return SinglePrecisionModes.of(heff)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"sector-{key[0]}-{key[1]}-{key[2]}.npz"
    if not path.exists():
        modes = SinglePrecisionModes.of(heff)
        part = path.with_suffix(".part.npz")
        np.savez(part, **vars(modes))
        part.replace(path)
        log.info("eigenvectors of sector %s, %d states", key, len(modes.energy))
        return modes
    with _readable(path), path.open("rb") as file, np.load(file) as kept:
        return SinglePrecisionModes(**kept)


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """A density operator in packed halves, trace one, and the applications that it took.

    Parameters
    ----------
    distance : how far the exact one may be away, Frobenius norm: the residual times the largest ratio of a
        correction to the residual that it came from
    """

    even: Real
    odd: Real
    distance: float
    applications: int


def corrected(
    inverses: Inverses, tolerance: float, limit: int, folder: Path | None = None
) -> Corrected:
    r"""Corrections until the residual is small or stalls.

    .. math:: (1 - \Psi\Psi)\, \delta_e = -L_0^{-1} [r_e - J L_0^{-1} r_o], \qquad
              \delta_o = \Psi \delta_e - L_0^{-1} r_o, \qquad r = L \rho
    """
    sectors, device = inverses.sectors, inverses.device
    to_odd, to_even = partial(inverses.psi, EVEN), partial(inverses.psi, ODD)
    kept = None if folder is None else folder / "krylov"
    krylov = RecycledKrylov(
        lambda z: z - to_even(to_odd(z)),
        kept,
    )
    with _readable(kept):
        krylov.restore(inverses.empty(EVEN))
    even, odd = _restored(sectors, folder) or _start(inverses)
    applications, residuals, amplification = 0, [], 0.0
    for _ in range(CORRECTIONS):
        rest = sectors.derivative(even, odd)
        size = float(np.sqrt((even**2).sum() + (odd**2).sum()))
        length = float(np.sqrt((rest[EVEN] ** 2).sum() + (rest[ODD] ** 2).sum()))
        residuals.append(length / (size * sectors.member.scale))
        log.info("residual %.2e after %d applications", residuals[-1], applications)
        if not np.isfinite(length) or (amplification and residuals[-1] <= 0.5 * tolerance):
            break
        if len(residuals) > 2 and residuals[-1] > STALL * residuals[-2] > STALL**2 * residuals[-3]:
            break
        r_even, r_odd = (device.put(half / length, "float32") for half in rest)
        *change, found = by_parity(
            to_odd,
            to_even,
            inverses.source(EVEN, r_even),
            inverses.source(ODD, r_odd),
            lambda _, right: krylov.solve(right, tolerance=INNER, limit=limit),
        )
        applications += found.applications
        correction = [length * on_host(half) for half in change]
        moved = float(np.sqrt(sum((half**2).sum() for half in correction)))
        amplification = max(amplification, moved / residuals[-1] if residuals[-1] else 1.0)
        even, odd = even + correction[EVEN], odd + correction[ODD]
        norm = sectors.trace(EVEN, even) + sectors.trace(ODD, odd)
        even, odd = even / norm, odd / norm
        if folder is not None:
            part = folder / "density.part.npz"
            np.savez(part, even=even, odd=odd)
            part.replace(folder / "density.npz")
    return Corrected(
        even=even,
        odd=odd,
        distance=amplification * residuals[-1],
        applications=applications,
    )


def _restored(sectors: SectorGenerator, folder: Path | None) -> tuple[Real, Real] | None:
    path = None if folder is None else folder / "density.npz"
    if path is None or not path.exists():
        return None
    with _readable(path), path.open("rb") as file, np.load(file) as kept:
        even, odd = (
            kept[name].reshape(sectors.space.unknowns(parity))
            for parity, name in ((EVEN, "even"), (ODD, "odd"))
        )
        return even, odd


@contextmanager
def _readable(path: Path | None) -> Iterator[None]:
    """What an earlier solve kept may be damaged.

    Raises
    ------
    ModelError : names what cannot be read, and what to do
    """
    try:
        yield
    except (*UNREADABLE, SyntaxError, TokenError) as error:  # the last two from headers
        raise ModelError(
            f"Option `folder` of method gksl-mixed must hold what an earlier solve kept, but {path} is "
            f"damaged ({error}); remove it, and the solve starts anew from there"
        ) from None


def _start(inverses: Inverses) -> tuple[Real, Real]:
    """What a uniform arrival in every state makes of the even sectors, and its image."""
    sectors = inverses.sectors
    arriving = np.zeros(sectors.space.unknowns(EVEN), np.float32)
    arriving[diagonal(sectors.layout.charges, EVEN)] = 1.0
    first = inverses.source(EVEN, inverses.device.put(arriving, "float32"))
    even, odd = (on_host(one).astype(float) for one in (first, inverses.psi(EVEN, first)))
    norm = sectors.trace(EVEN, even) + sectors.trace(ODD, odd)
    return even / norm, odd / norm


def certified(sectors: SectorGenerator, state: Corrected, tolerance: float) -> CertifiedState:
    """One-body density, certificates and outcome."""
    member = sectors.member
    halves = (state.even, state.odd)
    rest = sectors.derivative(*halves)
    size = np.sqrt(sum(float((half**2).sum()) for half in halves))
    residual = float(np.sqrt(sum(float((half**2).sum()) for half in rest)) / size / member.scale)
    drift = abs(sectors.trace(EVEN, rest[EVEN]) + sectors.trace(ODD, rest[ODD]))
    G: Complex = np.zeros((1, *member.matrices.h.shape), dtype=complex)
    particles, lowest = 0.0, np.inf
    for parity in (EVEN, ODD):
        for n, stack in enumerate(sectors.space.stacks[parity]):
            X = unpack(halves[parity][stack.span].reshape(1, *stack.shape))
            G = G + sector_density(member.matrices, sectors.layout, {(parity, n): X})
            weight = np.einsum("bsii->si", X).real
            particles += float((weight * np.bitwise_count(stack.states)).sum())
            lowest = min(lowest, float(smallest_eigenvalue(X)[0]))
    reason = "" if residual <= tolerance else STALLED
    if unreached(np.array([member.one_body_decay]), member.matrices.h)[0]:
        reason = UNREACHED
    elif (several := closed_classes(member.charges, member.channels)) > 1:
        reason = SEVERAL.format(several)
    rate = float(sectors.jump_rate(*halves))
    return CertifiedState(
        one_body_density=G[0],
        trace_drift=drift / max(rate, 1e-300),
        jump_rate=rate,
        hermiticity=None,
        distance=state.distance,
        smallest_eigenvalue=lowest,
        particles=particles,
        outcome=Outcome(
            converged=not reason,
            residual=residual,
            iterations=state.applications,
            reason=reason,
        ),
    )
