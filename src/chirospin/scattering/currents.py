r"""Currents through a one-electron system: linear response, finite bias, infinite window.

.. math:: I = \int \frac{dE}{2\pi}\, (f_L - f_R)\, T(E)

Elastic probes carry no current at any energy; voltage probes none in sum over the energies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chirospin.base.errors import ModelError
from chirospin.base.fermi import fermi, fermi_difference
from chirospin.base.memory import available_bytes, in_words
from chirospin.numerics.quadrature import cleared_edges, gauss_nodes, gauss_panels
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
BESIDE = 4  # unresolved panels that a singularity can make; what is left of more is rounding
RESOLVED = (
    1e-11  # what a panel may be off by, relative to the whole integral; it proves to be 1e-14
)
SEEN = 0.05  # lengths of a panel from which a mode is at least noticed, wherever it is
NEAREST = 0.35  # lengths of a panel by which modes must be away where all energies count alike
ACCURATE = 1e-9  # of the whole integral: beyond it the integral has not converged
NEWTON_STEPS = 60
CURRENTLESS = 1e-13  # current of a voltage probe, relative to that between the leads
HALVINGS = 30  # of a step that does not bring the currents down
ROUNDING = 64 * float(np.finfo(float).eps)  # of a current, beside what is known of it
STRIDE = 10.0  # thermal energies that one Newton step moves a potential at most


@dataclass(frozen=True, kw_only=True)
class Window:
    """What drives the current.

    Parameters
    ----------
    kind : ``infinite`` (f_L = 1, f_R = 0 at every energy) or ``bias``
    bias : mu_L - mu_R, eV; 0 is linear response, currents then are conductances
    fermi_energy : mean chemical potential, eV
    thermal_energy : mean k_B T of the leads, and that of voltage probes, eV
    thermal_energy_difference : of the left lead, less that of the right one, eV
    """

    kind: Literal["bias", "infinite"] = "bias"
    bias: float = 0.0
    fermi_energy: float = 0.0
    thermal_energy: float = 0.0
    thermal_energy_difference: float = 0.0

    @property
    def potentials(self) -> Real:
        """mu_L and mu_R, from the mean potential, eV."""
        return np.asarray(self.bias * np.array([0.5, -0.5]))

    @property
    def thermal_energies(self) -> Real:
        """k_B T of the left and of the right lead, eV."""
        return self.thermal_energy + self.thermal_energy_difference * np.array([0.5, -0.5])

    @property
    def linear(self) -> bool:
        """Whether currents are those of the linear response, per bias."""
        return self.kind == "bias" and not self.bias and not self.thermal_energy_difference

    @property
    def width(self) -> float:
        """Of the energies that carry current, eV."""
        if self.kind == "infinite":
            return np.inf
        return float(abs(self.bias) + 2 * REACH * self.thermal_energies.max())

    def drive(self, energies: Real) -> Real:
        """f_L - f_R, or -df/dE where the bias is 0, at energies from the mean potential."""
        if self.kind == "infinite":
            return np.ones_like(energies)
        if self.linear:
            x = energies / self.thermal_energy
            return np.asarray(fermi(x) * fermi(-x) / self.thermal_energy)
        if not self.thermal_energies.all():
            low, high = np.sort(self.potentials)
            inside = (energies > low) & (energies < high)
            return np.where(inside, np.sign(self.bias), 0.0)
        return self.above_right(energies, self.bias, self.thermal_energies[0])

    def above_right(self, energies: Real, above: Real | float, thermal_energy: float) -> Real:
        """A Fermi function less that of the right lead, at energies from the mean potential.

        Parameters
        ----------
        above : its potential from that of the right lead, eV: small ones keep their digits
        """
        x, right = energies - self.potentials[1], self.thermal_energies[1]
        apart = above / thermal_energy + x * (1 / right - 1 / thermal_energy)
        difference = fermi_difference((x - above) / thermal_energy, x / right, apart)
        return np.asarray(difference, dtype=float)


@dataclass(frozen=True, kw_only=True)
class Filling:
    """What fills the states of the system beyond the right lead.

    Parameters
    ----------
    energies, weights : nodes of the integral over energy and their weights over 2 pi, eV
    above_right : f_q - f_R of each terminal, (energy, terminal): left, right, probes
    """

    energies: Real
    weights: Real
    above_right: Real

    @property
    def largest(self) -> float:
        """What one open channel would carry, eV e/hbar."""
        return float(np.abs(self.weights * self.above_right[:, 0]).sum())


@dataclass(frozen=True, kw_only=True)
class Current:
    """Currents of one magnetisation of the left lead; of linear response per bias.

    Parameters
    ----------
    left, right : out of the left lead and into the right one, eV e/hbar
    spin : into the right lead: all of it, and its spin along x, y, z, (4,)
    energy : out of the left lead and into the right one, (2,), eV^2/hbar
    probes : largest net current of a probe, relative to that of the leads
    integration : what the integral may be off by, relative
    filling : of all terminals
    converged : whether potentials of voltage probes were found
    """

    left: float
    right: float
    spin: Real
    energy: Real
    probes: float
    integration: float
    filling: Filling
    converged: bool = True

    def scaled(self, factor: float) -> Current:
        """With a drive that is some times larger at every energy."""
        changed = self.filling.above_right * factor
        return replace(
            self,
            left=factor * self.left,
            right=factor * self.right,
            spin=factor * self.spin,
            energy=factor * self.energy,
            filling=replace(self.filling, above_right=changed),
        )

    @property
    def error(self) -> float:
        """Of the current, eV e/hbar."""
        size = max(abs(self.left), abs(self.right))
        return abs(self.left - self.right) + (self.probes + self.integration + ROUNDING) * size

    @property
    def flows(self) -> bool:
        """Whether there is any beyond its error."""
        return abs(self.right) > self.error

    @property
    def transmitted_spin(self) -> float:
        """Spin along z of the current into the right lead, over the current; NaN where none flows."""
        return float(self.spin[3] / self.spin[0]) if self.flows else float("nan")

    @property
    def transmitted_spin_error(self) -> float:
        """Of :attr:`transmitted_spin`."""
        return 2 * self.error / max(abs(self.right), 1e-300)


def why_not(currents: Sequence[Current]) -> str:
    """Why currents are not to be trusted; else empty."""
    if not all(current.converged for current in currents):
        return (
            "no potentials were found at which the voltage probes carry no current; lower the bias"
        )
    worst = max(current.integration for current in currents)
    if not np.isfinite(worst) or worst > ACCURATE:
        return (
            f"the integral over energies is known to {worst:.1e} only: levels are much sharper than the "
            "window; raise lead_coupling or probe_coupling"
        )
    return ""


def currents(
    system: System, probe: ProbeKind, window: Window, magnetisations: tuple[float, ...]
) -> list[Current]:
    """Currents for each factor on the polarisation of the left lead.

    Raises
    ------
    ModelError : voltage probes at finite bias and no temperature, or between leads of two temperatures
    """
    channels = Channels(system=system)
    if probe == "voltage" and window.kind == "bias":
        _require_one_temperature(window)
    if window.width <= NARROW * float(np.abs(channels.energies - window.fermi_energy).min()):
        at = np.array([window.fermi_energy])
        S = channels.amplitudes(at)
        found = [elastic(channels.transmissions(S, m)) for m in magnetisations]
        drive, weight = np.array([window.bias or 1.0]), np.array([1 / (2 * np.pi)])
        return [_elastic(flow, at, weight, drive, 0.0) for flow in found]
    grid = _Grid.of(channels, window, magnetisations, keep=probe == "voltage")
    at, drive = grid.energies + window.fermi_energy, window.drive(grid.energies)
    if probe != "voltage":
        return [
            _elastic(flow, at, grid.plain, drive, error)
            for flow, error in zip(grid.flows, grid.errors, strict=True)
        ]
    return [
        _inelastic(found, grid, window, error)
        for found, error in zip(grid.kept, grid.errors, strict=True)
    ]


def _require_one_temperature(window: Window) -> None:
    if window.thermal_energy_difference:
        raise ModelError(
            "Parameter `thermal_energy_difference` must be 0 (in eV) for voltage probes, which have the "
            f"temperature of the leads, but is {window.thermal_energy_difference:g}"
        )
    if window.bias and not window.thermal_energy:
        raise ModelError(
            "Parameter `thermal_energy` must be > 0 (in eV) for voltage probes at finite bias, "
            "which have the temperature of the leads, but is 0"
        )


def _elastic(flow: Flow, energies: Real, weights: Real, drive: Real, error: float) -> Current:
    """Currents where each energy is on its own."""
    driven = weights * drive
    size = max(float(np.abs(flow.left).max(initial=0.0)), 1e-300)
    leads = np.stack([np.ones_like(drive), np.zeros_like(drive)], axis=1)
    return Current(
        left=float(driven @ flow.left),
        right=float(driven @ flow.right),
        spin=driven @ flow.spin,
        energy=np.array([driven @ (energies * side) for side in (flow.left, flow.right)]),
        probes=float(np.abs(flow.left - flow.right).max(initial=0.0)) / size,
        integration=error,
        filling=Filling(
            energies=energies,
            weights=weights,
            above_right=drive[:, None] * np.concatenate([leads, flow.filling], axis=1),
        ),
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
        cls, channels: Channels, window: Window, magnetisations: tuple[float, ...], *, keep: bool
    ) -> _Grid:
        centre, scale, ends, singular = _range(channels, window)
        edges = cleared_edges(*ends, singular, _clearance(window))
        left, right = edges[:-1], edges[1:]
        done: list[tuple[Real, Real, list[Transmissions], list[Flow], Real]] = []
        total = np.zeros(len(magnetisations))
        for split in range(SPLITS):
            x, w = _panel_nodes(left, right)
            if window.kind == "infinite":
                x, w = scale * np.tan(x), w * scale / np.cos(x) ** 2
            E = x + (centre - window.fermi_energy)
            _fits(channels, len(E), keep=keep)
            flows, found = _evaluated(channels, centre + x, magnetisations, keep=keep)
            values = window.drive(E) * w / (2 * np.pi)
            tails, sizes = _tails(values, flows, len(left))
            total = np.maximum(total, sizes)
            rough = (tails > RESOLVED * total[:, None]).any(axis=0)
            smooth = np.repeat(~rough, NODES)
            last = split == SPLITS - 1 or rough.sum() > BESIDE * singular.size
            take = np.ones_like(smooth) if last else smooth
            done.append(
                (
                    E[take],
                    w[take] / (2 * np.pi),
                    [_rows(one, take) for one in found],
                    [_flow_rows(flow, take) for flow in flows],
                    tails[:, rough].sum(axis=1) if last else tails[:, ~rough].sum(axis=1),
                )
            )
            if last or not rough.any():
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
    T = window.thermal_energies
    singular = singular - window.fermi_energy
    poles = window.potentials[:, None] + 1j * np.pi * T[:, None] * np.array([1, -1])
    if T.all():
        singular = np.concatenate([singular, poles.ravel()])
    ends = (
        float((window.potentials - REACH * T).min()),
        float((window.potentials + REACH * T).max()),
    )
    return window.fermi_energy, 1.0, ends, np.asarray(singular, dtype=complex)


def _clearance(window: Window) -> Callable[[Real, Real], Real]:
    r"""Lengths of a panel by which modes must be away, for what its energies carry of the whole.

    Of a pole k lengths away n Gauss nodes leave :math:`\rho^{-2n}`, :math:`2k = \sinh\log\rho`.
    """

    def lengths(left: Real, right: Real) -> Real:
        if window.kind == "infinite":
            return np.full_like(left, NEAREST)
        nearest = np.clip(window.potentials[:, None], left, right)
        weight = np.abs(np.array([window.drive(E) for E in nearest])).max(axis=0)
        most = float(np.abs(window.drive(window.potentials)).max())
        digits = np.log(np.maximum(weight / (RESOLVED * most), 1.0))
        return np.asarray(np.maximum(np.sinh(digits / (2 * NODES)) / 2, SEEN))

    return lengths


def _panel_nodes(left: Real, right: Real) -> tuple[Real, Real]:
    x, w = gauss_panels(np.array([-1.0, 1.0]), NODES)
    half = (right - left)[:, None] / 2
    return (left[:, None] + half * (1 + x)).ravel(), (half * w).ravel()


def _evaluated(
    channels: Channels, energies: Real, magnetisations: tuple[float, ...], *, keep: bool
) -> tuple[list[Flow], list[Transmissions]]:
    """Elastic flows at some energies for each magnetisation, and all transmissions if they are kept."""
    flows: list[list[Flow]] = [[] for _ in magnetisations]
    kept: list[list[Transmissions]] = [[] for _ in magnetisations]
    for part in channels.chunks(energies):
        S = channels.amplitudes(energies[part])
        for n, m in enumerate(magnetisations):
            transmissions = channels.transmissions(S, m)
            flows[n].append(elastic(transmissions))
            if keep:
                kept[n].append(transmissions)
    return [_joined_flows(flow) for flow in flows], [joined(one) for one in kept if one]


@lru_cache(maxsize=4)
def _last_terms(nodes: int) -> Real:
    """Weights whose sums over a panel's nodes are its last two Legendre coefficients, (2, nodes)."""
    x, _ = gauss_nodes(nodes)
    rows = [
        (2 * k + 1) / 2 * np.polynomial.legendre.Legendre.basis(k)(x)
        for k in (nodes - 2, nodes - 1)
    ]
    return np.array(rows)


def _tails(values: Real, flows: list[Flow], panels: int) -> tuple[Real, Real]:
    r"""What the integrals of each panel may be off by, (magnetisation, panel), and the integrals' sizes.

    n nodes integrate 2n terms: with the last Legendre coefficients :math:`a\sim A\rho^{-(n-1)}` of a panel of
    size A the first that is missed is :math:`A\rho^{-2n} = A\,(a/A)^{2n/(n-1)}`.
    """
    terms = _last_terms(NODES)
    power = 2 * NODES / (NODES - 1)
    tails, sizes = [], []
    for flow in flows:
        integrand = (values[:, None] * flow.spin).reshape(panels, NODES, 4)
        last = 2 * np.abs(np.einsum("tn,pnk->tpk", terms, integrand)).sum(axis=(0, 2))
        size = np.abs(integrand[..., 0]).sum(axis=1)
        share = np.minimum(last / np.maximum(size, 1e-300), 1.0)
        tails.append(size * share**power)
        sizes.append(float(size.sum()))
    return np.array(tails), np.array(sizes)


def _rows(transmissions: Transmissions, take: NDArray[np.bool_]) -> Transmissions:
    return Transmissions(
        between=transmissions.between[take],
        spin=transmissions.spin[take],
        defect=transmissions.defect[take],
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
        left=np.concatenate([part.left for part in parts]),
        right=np.concatenate([part.right for part in parts]),
        spin=np.concatenate([part.spin for part in parts]),
        filling=np.concatenate([part.filling for part in parts]),
    )


def _fits(channels: Channels, nodes: int, *, keep: bool) -> None:
    """Refuse transmissions that do not fit in memory."""
    terminals = len(channels.starts)
    need = 8.0 * 3 * nodes * (2 * terminals * (terminals + 4) if keep else terminals + 8)
    free = available_bytes()
    if need > free:
        raise ModelError(
            f"Transmissions of {terminals} terminals at {nodes} energies need about {in_words(need)}, where "
            f"{in_words(free)} are free; take fewer probes, a smaller bias or stronger couplings"
        )


def _inelastic(transmissions: Transmissions, grid: _Grid, window: Window, error: float) -> Current:
    """Currents with voltage probes."""
    drive = window.drive(grid.energies)
    if window.kind == "infinite" or window.linear:
        share = elastic(transmissions.weighted(grid.weights)).filling[0]
        leads_and_probes = drive[:, None] * np.concatenate([[1.0, 0.0], share])
    else:
        probes = _probes_at_bias(transmissions, grid, window)
        leads = np.stack([drive, np.zeros_like(drive)], axis=1)
        leads_and_probes = np.concatenate([leads, probes], axis=1)
    return _of_filling(
        transmissions,
        Filling(
            energies=grid.energies + window.fermi_energy,
            weights=grid.plain,
            above_right=leads_and_probes,
        ),
        error,
    )


def _of_filling(transmissions: Transmissions, filling: Filling, error: float) -> Current:
    """Currents between terminals of given fillings."""
    w, f, between = filling.weights, filling.above_right, transmissions.between
    out = between.sum(axis=1) * f - np.einsum("epq,eq->ep", between, f)  # of each terminal
    spin = np.einsum("ekq,eq->ek", transmissions.spin, f)
    net = np.abs(w @ out[:, FIRST_PROBE:]).max(initial=0.0)
    scale = _from_left(transmissions, w * f[:, LEFT])
    weighted = filling.energies * w
    return Current(
        left=float(w @ out[:, LEFT]),
        right=float(w @ spin[:, 0]),
        spin=w @ spin,
        energy=np.array([weighted @ out[:, LEFT], weighted @ spin[:, 0]]),
        probes=float(net) / scale,
        integration=error,
        filling=filling,
        converged=float(net) <= 10 * CURRENTLESS * scale * max(1, f.shape[1] - FIRST_PROBE),
    )


def _from_left(transmissions: Transmissions, weights: Real) -> float:
    """What leaves the left lead for all others."""
    out = transmissions.between[:, RIGHT:, LEFT].sum(axis=1)
    return max(float(np.abs(weights @ out)), 1e-300)


def _probes_at_bias(transmissions: Transmissions, grid: _Grid, window: Window) -> Real:
    """f - f_R of voltage probes, (energy, probe), from their potentials by Newton steps."""
    T, E, w = window.thermal_energy, grid.energies, grid.plain
    right = window.potentials[1]
    low, high = sorted((0.0, window.bias))
    inner = transmissions.between[:, FIRST_PROBE:, :]
    row_sums, between = inner.sum(axis=2), inner[:, :, FIRST_PROBE:]
    mu = window.bias * _mean_filling(transmissions, grid)  # from that of the right lead
    scale = _from_left(transmissions, grid.weights)
    from_left = np.einsum("e,ep,e->p", w, inner[:, :, LEFT], window.drive(E))

    def difference(potential: Real) -> Real:
        return window.above_right(E[:, None], potential, T)

    def net_current(mu: Real) -> Real:
        f = difference(mu)
        out = np.einsum("e,ep,ep->p", w, row_sums, f)
        return np.asarray(out - np.einsum("e,epq,eq->p", w, between, f) - from_left)

    net = net_current(mu)
    for _ in range(NEWTON_STEPS):
        size = float(np.abs(net).max(initial=0.0))
        if size <= CURRENTLESS * scale:
            break
        slope = w[:, None] * _slope(E - right, mu, T)
        jacobian = np.diag(np.einsum("ep,ep->p", slope, row_sums))
        jacobian -= np.einsum("eq,epq->pq", slope, between)
        step = np.clip(np.linalg.solve(jacobian, -net), -STRIDE * T, STRIDE * T)
        shorter = (np.clip(mu + step / 2**n, low, high) for n in range(HALVINGS))
        better = ((trial, net_current(trial)) for trial in shorter)
        found_step = next((b for b in better if np.abs(b[1]).max() < size), None)
        if found_step is None:  # rounding
            break
        mu, net = found_step
    return difference(mu)


def _mean_filling(transmissions: Transmissions, grid: _Grid) -> Real:
    """Share of the bias at each probe if its energies are averaged: where Newton steps start."""
    return np.asarray(elastic(transmissions.weighted(np.abs(grid.weights))).filling[0])


def _slope(E: Real, mu: Real, T: float) -> Real:
    """df/dmu at every energy, (energy, probe)."""
    x = (E[:, None] - mu) / T
    return np.asarray(fermi(x) * fermi(-x) / T)
