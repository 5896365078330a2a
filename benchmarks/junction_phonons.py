"""A vibrating molecule by levels and tiers, as ratios against QuTiP's steady state and its hierarchy in the same run.

Run ``python -m benchmarks.junction_phonons``; ``--stack`` adds the Born approximation of twenty molecules, ``--dimer`` a
dimer by every truncation, processor time of one core. Pin BLAS to one thread (OPENBLAS_NUM_THREADS=1) before comparing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import qutip
from qutip.solver.heom import BosonicBath, HEOMSolver

from chirospin.base.method import Method
from chirospin.junction import (
    BiasedJunction,
    BornApproximation,
    Levels,
    PhononJunction,
    Redfield,
    Tiers,
)
from chirospin.junction.model import (
    exchange_rates,
    interaction,
    lead_couplings,
    one_body_hamiltonian,
)
from chirospin.junction.modes import modes
from chirospin.junction.phonons.model import quanta_in_bath

LEVELS, TIERS = 5, 4
MONOMER = PhononJunction(
    molecules=1,
    spin_orbit_vectors=[[0.3, 0.2, 0.1]],
    hubbard=2.0,
    occupation_left=0.9,
    phonon_energy=0.5,
    phonon_damping=0.1,
    thermal_energy=0.1,
    holstein_a=[[0.05]],
    holstein_b=[[-0.03]],
)


def _electrons(m: int) -> tuple[list[qutip.Qobj], qutip.Qobj, qutip.Qobj, list[qutip.Qobj]]:
    """Operators, Hamiltonian, V and jumps of one magnetisation."""
    c = [qutip.fdestroy(4, k) for k in range(4)]
    h, W, V = (
        one_body_hamiltonian(MONOMER),
        interaction(MONOMER).density,
        modes(MONOMER).coupling[0],
    )
    pairs = [(i, j) for i in range(4) for j in range(4)]
    H = sum(h[i, j] * c[i].dag() * c[j] for i, j in pairs if h[i, j])
    H += sum(W[i, j] * c[i].dag() * c[i] * c[j].dag() * c[j] for i, j in pairs if j < i)
    moved = sum(V[i, j] * c[i].dag() * c[j] for i, j in pairs if V[i, j])
    filling, emptying = (rate[m] for rate in exchange_rates(MONOMER))
    jumps = [np.sqrt(r) * x.dag() for r, x in zip(filling, c, strict=True) if r]
    jumps += [np.sqrt(r) * x for r, x in zip(emptying, c, strict=True) if r]
    return c, H, moved, jumps


def _current(m: int, c: list[qutip.Qobj], rho: qutip.Qobj) -> float:
    held = np.array([qutip.expect(x.dag() * x, rho) for x in c]).real
    return float(lead_couplings(MONOMER)[m, 0] @ (MONOMER.occupation_left - held))


def by_steady_state(m: int) -> float:
    """With an explicit boson."""
    c, H, V, jumps = _electrons(m)
    (w,), (k,), (n,) = modes(MONOMER).energy, modes(MONOMER).damping, quanta_in_bath(MONOMER)
    unit, one = qutip.qeye(LEVELS), qutip.qeye(H.dims[0])
    b = qutip.tensor(one, qutip.destroy(LEVELS))
    total = qutip.tensor(H, unit) + w * b.dag() * b + qutip.tensor(V, unit) * (b + b.dag())
    lost = [qutip.tensor(jump, unit) for jump in jumps]
    lost += [np.sqrt(k * (n + 1)) * b, np.sqrt(k * n) * b.dag()]
    rho = qutip.steadystate(total, lost)
    return _current(m, [qutip.tensor(x, unit) for x in c], rho)


def by_hierarchy(m: int) -> float:
    """With the boson integrated out."""
    c, H, V, jumps = _electrons(m)
    (w,), (k,), (n,) = modes(MONOMER).energy, modes(MONOMER).damping, quanta_in_bath(MONOMER)
    nu = [k / 2 + 1j * w, k / 2 - 1j * w]
    bath = BosonicBath(
        V,
        ck_real=[(2 * n + 1) / 2] * 2,
        vk_real=nu,
        ck_imag=[-0.5j, 0.5j],
        vk_imag=nu,
    )
    rho, _ = HEOMSolver(qutip.liouvillian(H, jumps), bath, max_depth=TIERS).steady_state()
    return _current(m, c, rho)


def _timed(task: Callable[[], object], repeats: int = 3) -> float:
    """Least processor time of several."""
    values = []
    for _ in range(repeats):
        start = time.process_time()
        task()
        values.append(time.process_time() - start)
    return min(values)


def against_qutip() -> list[list[str]]:
    """One row each: task, QuTiP, chirospin, ratio, difference."""
    rows = []
    for ours, truncation, theirs in (
        (Levels(), {"phonon_levels": [LEVELS]}, by_steady_state),
        (Tiers(), {"phonon_tiers": TIERS}, by_hierarchy),
    ):
        model = MONOMER.replace(**truncation)
        off = max(abs(theirs(m) - ours.solve(model).lead_current[m, 0]) for m in (0, 1))
        slow = _timed(lambda theirs=theirs: [theirs(m) for m in (0, 1)])
        fast = _timed(lambda ours=ours, model=model: ours.solve(model))
        rows.append(
            [
                f"vibrating molecule, {ours.name}",
                f"{slow:.3g} s",
                f"{fast:.3g} s",
                f"{slow / fast:.2g}",
                f"{off:.0e}",
            ]
        )
    return rows


def stack(M: int = 20, g: float = 0.05) -> None:
    """A vibration on every molecule, by the Born approximation: full, and with a diagonal self-energy."""
    own = (g * np.eye(M)).tolist()
    model = PhononJunction(
        molecules=M,
        hubbard=0.1,
        phonon_energy=[0.5] * M,
        phonon_damping=[0.1] * M,
        holstein_a=own,
        holstein_b=own,
    )
    for kind in ("full", "diagonal"):
        start = time.process_time()
        state = BornApproximation(self_energy=kind).solve(model)
        up, down = state.lead_current[:, 0]
        print(
            f"{M} molecules, {kind:<10} {time.process_time() - start:6.1f} s   P = {(up - down) / (up + down):+.3e}"
            f"   {state.outcome.iterations} iterations, grid {state.grid_change:.0e}"
        )


def dimer() -> None:
    """Processor time of a dimer with one weakly coupled mode, both magnetisations, by every truncation."""
    site = [[0.05, -0.05]]
    mode = {"phonon_energy": [0.5], "phonon_damping": [0.1], "holstein_a": site, "holstein_b": site}
    tasks: list[tuple[str, Method, Any]] = [
        (f"tiers, {n}", Tiers(), PhononJunction(**mode, phonon_tiers=n)) for n in (1, 6, 8)
    ]
    tasks.append(("levels, 8", Levels(), PhononJunction(**mode, phonon_levels=[8])))
    tasks.append(("redfield, 4 levels", Redfield(), BiasedJunction(**mode, phonon_levels=[4])))
    for name, method, model in tasks:
        print(f"{name:<20} {_timed(partial(method.solve, model), 2):6.3f} s")


def main(arguments: list[str]) -> None:
    """All of it."""
    for row in against_qutip():
        print("   ".join(row))
    if "--stack" in arguments:
        stack()
    if "--dimer" in arguments:
        dimer()


if __name__ == "__main__":
    main(sys.argv[1:])
