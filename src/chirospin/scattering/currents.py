r"""Currents through a one-electron system: linear response, finite bias, infinite window.

.. math:: I = \int \frac{dE}{2\pi}\, (f_L - f_R)\, T(E)

Elastic probes carry no current at any energy; voltage probes none in sum over the energies.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.fermi import fermi, fermi_difference
from chirospin.base.memory import available_bytes, in_words
from chirospin.numerics.quadrature import cleared_edges, gauss_panels
from chirospin.scattering.amplitudes import (
    FIRST_PROBE,
    LEFT,
    RIGHT,
    Channels,
    Flow,
    Transmissions,
    elastic,
    joined,
)
from chirospin.scattering.system import Real, System

ProbeKind = Literal["none", "dephasing", "voltage"]

NODES = 16  # of a panel
REACH = 40.0  # thermal energies beyond the chemical potentials where Fermi functions end
NARROW = (
    1e-6  # of the distance to the nearest mode: one energy stands for the window, to its square
)
SPLITS = 12  # rounds of halving the panels that are not yet resolved
RESOLVED = 1e-13  # last Legendre terms of a panel, relative to the whole integral
ACCURATE = 1e-9  # of the whole integral: beyond it the integral has not converged
NEWTON_STEPS = 60
CURRENTLESS = 1e-13  # current of a voltage probe, relative to that between the leads
HALVINGS = 30  # of a step that does not bring the currents down
STRIDE = 10.0  # thermal energies that one Newton step moves a potential at most


@dataclass(frozen=True, kw_only=True)
class Window:
    """What drives the current.

    Parameters
    ----------
    kind : ``infinite`` (f_L = 1, f_R = 0 at every energy) or ``bias``
    bias : mu_L - mu_R, eV; 0 is linear response, currents then are conductances
    fermi_energy : mean chemical potential, eV
    thermal_energy : k_B T of the leads and of voltage probes, eV
    """

    kind: Literal["bias", "infinite"] = "bias"
    bias: float = 0.0
    fermi_energy: float = 0.0
    thermal_energy: float = 0.0

    @property
    def potentials(self) -> Real:
        """mu_L and mu_R, from the mean potential, eV."""
        return np.asarray(self.bias * np.array([0.5, -0.5]))

    @property
    def width(self) -> float:
        """Of the energies that carry current, eV."""
        if self.kind == "infinite":
            return np.inf
        return abs(self.bias) + 2 * REACH * self.thermal_energy

    def drive(self, energies: Real) -> Real:
        """f_L - f_R, or -df/dE where the bias is 0, at energies from the mean potential."""
        if self.kind == "infinite":
            return np.ones_like(energies)
        T = self.thermal_energy
        if self.bias == 0:
            x = energies / T
            return np.asarray(fermi(x) * fermi(-x) / T)
        if T == 0:
            low, high = np.sort(self.potentials)
            inside = (energies > low) & (energies < high)
            return np.where(inside, np.sign(self.bias), 0.0)
        left, right = self.potentials
        difference = fermi_difference((energies - left) / T, (energies - right) / T, self.bias / T)
        return np.asarray(difference, dtype=float)


@dataclass(frozen=True, kw_only=True)
class Current:
    """Currents of one magnetisation of the left lead; of linear response per bias.

    Parameters
    ----------
    left, right : out of the left lead and into the right one, eV e/hbar
    spin : into the right lead: all of it, and its spin along x, y, z, (4,)
    probes : largest net current of a probe, relative to that of the leads
    integration : what the integral may be off by, relative
    converged : whether potentials of voltage probes were found
    """

    left: float
    right: float
    spin: Real
    probes: float
    integration: float
    converged: bool = True


def currents(
    system: System, probe: ProbeKind, window: Window, magnetisations: tuple[float, ...]
) -> list[Current]:
    """Currents for each factor on the polarisation of the left lead.

    Raises
    ------
    ModelError : voltage probes at finite bias and no temperature
    """
    channels = Channels(system=system)
    if probe == "voltage" and window.bias and not window.thermal_energy and window.kind == "bias":
        raise ModelError(
            "Parameter `thermal_energy` must be > 0 (in eV) for voltage probes at finite bias, "
            "which have the temperature of the leads, but is 0"
        )
    if window.width <= NARROW * float(np.abs(channels.energies - window.fermi_energy).min()):
        at = np.array([window.fermi_energy])
        S = channels.amplitudes(at)
        found = [channels.transmissions(S, m) for m in magnetisations]
        weight = np.array([(window.bias or 1.0) / (2 * np.pi)])
        return [_one(elastic(one), weight, 0.0) for one in found]
    grid = _Grid.of(channels, window, magnetisations, keep=probe == "voltage")
    if probe != "voltage":
        return [
            _one(flow, grid.weights, error)
            for flow, error in zip(grid.flows, grid.errors, strict=True)
        ]
    return [
        _voltage(found, grid, window, error)
        for found, error in zip(grid.kept, grid.errors, strict=True)
    ]


def _one(flow: Flow, weights: Real, error: float) -> Current:
    return Current(
        left=float(weights @ flow.left),
        right=float(weights @ flow.right),
        spin=weights @ flow.spin,
        probes=float(np.abs(flow.left - flow.right).max(initial=0.0))
        / max(float(np.abs(flow.left).max(initial=0.0)), 1e-300),
        integration=error,
    )


@dataclass(frozen=True, kw_only=True)
class _Grid:
    """Nodes on which the flows are resolved.

    Parameters
    ----------
    energies, weights : from the mean potential; weights hold f_L - f_R and 1/2 pi
    plain : weights without f_L - f_R
    flows : with elastic probes, one for each magnetisation
    kept : all transmissions, where they are wanted
    errors : of the integral of each flow, relative
    """

    energies: Real
    weights: Real
    plain: Real
    flows: list[Flow]
    kept: list[Transmissions]
    errors: list[float]

    @classmethod
    def of(
        cls, channels: Channels, window: Window, magnetisations: tuple[float, ...], keep: bool
    ) -> _Grid:
        centre, scale, ends, singular = _range(channels, window)
        edges = cleared_edges(*ends, singular)
        left, right = edges[:-1], edges[1:]
        done: list[tuple[Real, Real, list[Transmissions], list[Flow], Real]] = []
        total = np.zeros(len(magnetisations))
        for split in range(SPLITS):
            x, w = _panel_nodes(left, right)
            if window.kind == "infinite":
                x, w = scale * np.tan(x), w * scale / np.cos(x) ** 2
            E = x + (centre - window.fermi_energy)
            _fits(channels, len(E), keep)
            flows, found = _evaluated(channels, centre + x, magnetisations, keep)
            values = window.drive(E) * w / (2 * np.pi)
            tails, sizes = _tails(values, flows, len(left))
            total = np.maximum(total, sizes)
            rough = (tails > RESOLVED * total[:, None]).any(axis=0)
            smooth = np.repeat(~rough, NODES)
            last = split == SPLITS - 1
            take = np.ones_like(smooth) if last else smooth
            done.append(
                (
                    E[take],
                    w[take] / (2 * np.pi),
                    [_rows(one, take) for one in found],
                    [_flow_rows(one, take) for one in flows],
                    tails[:, rough].sum(axis=1) if last else tails[:, ~rough].sum(axis=1),
                )
            )
            if not rough.any():
                break
            middle = (left[rough] + right[rough]) / 2
            left, right = (
                np.concatenate([left[rough], middle]),
                np.concatenate([middle, right[rough]]),
            )
        return cls._gathered(done, window, total)

    @classmethod
    def _gathered(
        cls,
        done: list[tuple[Real, Real, list[Transmissions], list[Flow], Real]],
        window: Window,
        total: Real,
    ) -> _Grid:
        E = np.concatenate([one[0] for one in done])
        plain = np.concatenate([one[1] for one in done])
        count = len(total)
        return cls(
            energies=E,
            plain=plain,
            weights=window.drive(E) * plain,
            kept=[joined([one[2][m] for one in done]) for m in range(count)] if done[0][2] else [],
            flows=[_joined_flows([one[3][m] for one in done]) for m in range(count)],
            errors=list(sum(one[4] for one in done) / np.maximum(total, 1e-300)),
        )


def _range(
    channels: Channels, window: Window
) -> tuple[float, float, tuple[float, float], NDArray[np.complex128]]:
    """Centre and scale of the map of all energies, ends of the integral, and what its panels avoid."""
    z = channels.energies
    singular = np.concatenate([z, z.conj()])
    if window.kind == "infinite":
        centre = float(z.real.mean())
        scale = max(float(np.abs(z - centre).max()), 1e-300)
        end = np.pi / 2
        return centre, scale, (-end, end), np.arctan((singular - centre) / scale)
    T = window.thermal_energy
    singular = singular - window.fermi_energy
    low, high = np.sort(window.potentials)
    poles = window.potentials[:, None] + 1j * np.pi * T * np.array([1, -1])
    if T:
        singular = np.concatenate([singular, poles.ravel()])
    ends = (float(low - REACH * T), float(high + REACH * T))
    return window.fermi_energy, 1.0, ends, np.asarray(singular, dtype=complex)


def _panel_nodes(left: Real, right: Real) -> tuple[Real, Real]:
    x, w = gauss_panels(np.array([-1.0, 1.0]), NODES)
    half = (right - left)[:, None] / 2
    return (left[:, None] + half * (1 + x)).ravel(), (half * w).ravel()


def _evaluated(
    channels: Channels, energies: Real, magnetisations: tuple[float, ...], keep: bool
) -> tuple[list[Flow], list[Transmissions]]:
    """Elastic flows at some energies for each magnetisation, and all transmissions if they are kept."""
    flows: list[list[Flow]] = [[] for _ in magnetisations]
    kept: list[list[Transmissions]] = [[] for _ in magnetisations]
    for part in channels.chunks(energies):
        S = channels.amplitudes(energies[part])
        for n, m in enumerate(magnetisations):
            found = channels.transmissions(S, m)
            flows[n].append(elastic(found))
            if keep:
                kept[n].append(found)
    return [_joined_flows(one) for one in flows], [joined(one) for one in kept if one]


@lru_cache(maxsize=4)
def _last_terms(nodes: int) -> Real:
    """Weights whose sums over a panel's nodes are its last two Legendre coefficients, (2, nodes)."""
    x, _ = np.polynomial.legendre.leggauss(nodes)
    rows = [
        (2 * k + 1) / 2 * np.polynomial.legendre.Legendre.basis(k)(x)
        for k in (nodes - 2, nodes - 1)
    ]
    return np.array(rows)


def _tails(values: Real, flows: list[Flow], panels: int) -> tuple[Real, Real]:
    """Last Legendre terms of each panel, (magnetisation, panel), and the integrals' sizes."""
    terms = _last_terms(NODES)
    tails, sizes = [], []
    for flow in flows:
        integrand = (values[:, None] * flow.spin).reshape(panels, NODES, 4)
        tails.append(2 * np.abs(np.einsum("tn,pnk->tpk", terms, integrand)).sum(axis=(0, 2)))
        sizes.append(float(np.abs(integrand[..., 0]).sum()))
    return np.array(tails), np.array(sizes)


def _rows(found: Transmissions, take: NDArray[np.bool_]) -> Transmissions:
    return Transmissions(
        between=found.between[take], spin=found.spin[take], defect=found.defect[take]
    )


def _flow_rows(flow: Flow, take: NDArray[np.bool_]) -> Flow:
    return Flow(
        left=flow.left[take],
        right=flow.right[take],
        spin=flow.spin[take],
        filling=flow.filling[take],
    )


def _joined_flows(parts: list[Flow]) -> Flow:
    return Flow(
        left=np.concatenate([one.left for one in parts]),
        right=np.concatenate([one.right for one in parts]),
        spin=np.concatenate([one.spin for one in parts]),
        filling=np.concatenate([one.filling for one in parts]),
    )


def _fits(channels: Channels, nodes: int, keep: bool) -> None:
    """Refuse transmissions that do not fit in memory."""
    terminals = len(channels.starts)
    need = 8.0 * 3 * nodes * (2 * terminals * (terminals + 4) if keep else terminals + 8)
    free = available_bytes()
    if need > free:
        raise ModelError(
            f"Transmissions of {terminals} terminals at {nodes} energies need about {in_words(need)}, where "
            f"{in_words(free)} are free; take fewer probes, a smaller bias or stronger couplings"
        )


def _voltage(found: Transmissions, grid: _Grid, window: Window, error: float) -> Current:
    """Currents with voltage probes."""
    if window.kind == "infinite" or window.bias == 0:
        flow = elastic(found.weighted(grid.weights))
        return _one(flow, np.array([1.0]), error)
    return _biased(found, grid, window, error)


def _biased(found: Transmissions, grid: _Grid, window: Window, error: float) -> Current:
    """Potentials of voltage probes by Newton steps, and the currents."""
    T, E, w = window.thermal_energy, grid.energies, grid.plain
    right = window.potentials[1]
    low, high = sorted((0.0, window.bias))
    between = found.between
    probes = between.shape[1] - FIRST_PROBE
    mu = window.bias * _mean_filling(found, grid)  # from that of the right lead
    scale = float(np.abs(grid.weights @ between[:, RIGHT, LEFT]))
    scale = max(scale, 1e-300)

    def difference(potential: float | Real) -> Real:
        """f - f_R at every energy."""
        apart, x = np.atleast_1d(potential) / T, (E - right)[:, None] / T
        return np.asarray(fermi_difference(x - apart, x, apart), dtype=float)

    inner = between[:, FIRST_PROBE:, :]
    row_sums = inner.sum(axis=2)
    from_left = np.einsum("e,ep,e->p", w, inner[:, :, LEFT], difference(window.bias)[:, 0])

    def net_current(mu: Real) -> Real:
        f = difference(mu)
        out = np.einsum("e,ep,ep->p", w, row_sums, f)
        return np.asarray(
            out - np.einsum("e,epq,eq->p", w, inner[:, :, FIRST_PROBE:], f) - from_left
        )

    net = net_current(mu)
    for _ in range(NEWTON_STEPS):
        size = float(np.abs(net).max(initial=0.0))
        if size <= CURRENTLESS * scale:
            break
        slope = w[:, None] * _slope(E - right, mu, T)
        jacobian = np.diag(np.einsum("ep,ep->p", slope, row_sums))
        jacobian -= np.einsum("eq,epq->pq", slope, inner[:, :, FIRST_PROBE:])
        step = np.clip(np.linalg.solve(jacobian, -net), -STRIDE * T, STRIDE * T)
        shorter = (np.clip(mu + step / 2**n, low, high) for n in range(HALVINGS))
        better = ((trial, net_current(trial)) for trial in shorter)
        found_step = next((b for b in better if np.abs(b[1]).max() < size), None)
        if found_step is None:  # rounding
            break
        mu, net = found_step
    f = np.concatenate(
        [difference(window.bias), np.zeros((len(E), 1)), difference(mu)], axis=1
    )  # over f_R, (energy, terminal)
    spin = np.einsum("e,ekq,eq->k", w, found.spin, f)
    out = between[:, :, LEFT].sum(axis=1) - between[:, LEFT, LEFT]
    back = np.einsum("e,eq,eq->", w, between[:, LEFT, FIRST_PROBE:], f[:, FIRST_PROBE:])
    worst = float(np.abs(net).max(initial=0.0)) / scale
    return Current(
        left=float(w @ (out * f[:, LEFT]) - back),
        right=float(spin[0]),
        spin=spin,
        probes=worst,
        integration=error,
        converged=worst <= 10 * CURRENTLESS * max(1, probes),
    )


def _mean_filling(found: Transmissions, grid: _Grid) -> Real:
    """Share of the bias at each probe if its energies are averaged: where Newton steps start."""
    return np.asarray(elastic(found.weighted(np.abs(grid.weights))).filling[0])


def _slope(E: Real, mu: Real, T: float) -> Real:
    """df/dmu at every energy, (energy, probe)."""
    x = (E[:, None] - mu) / T
    return np.asarray(fermi(x) * fermi(-x) / T)
