"""Is a fit of junction.bias as wide as it says? Truths that its emulator was not trained on, before and after refinement.

    python -m benchmarks.emulator_calibration [TRUTHS [POINTS]]

Gate, coupling and spin-orbit coupling of a dimer by redfield, from its truths at six biases. All truths are sampled on one
emulator; exact solves at draws of every posterior refine it, and they are sampled again. Solves are kept in
.benchmarks/emulator.npz: a stopped run goes on. Ten minutes of one core.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.fit_calibration import BIASES
from chirospin.base.families import problem
from chirospin.measured.inference.calibration import EMULATED, Calibration, planned_set, ranked
from chirospin.measured.inference.emulator import Emulated, Expensive, Training, currents_of, design
from chirospin.measured.inference.likelihood import Posterior
from chirospin.measured.inference.reduced import Reduced
from chirospin.points.optimise import search_range

STACK = {
    "hopping_a": 0.26,
    "hopping_b": 0.09,
    "energy_b": 0.18,
    "hubbard": 0.5,
    "temperature": 300.0,
    "lead_polarisation": 1.0,
    "bias": 1.0,
}
"""Heavy atoms and an ideal lead, whose polarisation is not lost in the scatter of contacts."""
VARIED = (
    ("gate", -1.0, -0.4, False),
    ("coupling", 5e-3, 5e-2, True),
    ("spin_orbit", 0.02, 0.085, True),
)
CONTACTS = 40
VOLTS = 1.5
DRAWS = 1
"""Of each posterior that are solved for refinement."""
ROUNDS = 1
STEPS = 250
KEPT = Path(".benchmarks/emulator.npz")


def planned() -> Reduced:
    """Contacts that scatter little, so that the emulator's error is not lost in theirs."""
    return planned_set(VOLTS * BIASES, CONTACTS, between=0.3, shape=0.05, noise=0.01)


def source() -> Expensive:
    """The model behind the emulator."""
    one = problem("junction.bias")
    model = one.model(**STACK)
    ranges = tuple(search_range(model, n, low, high, ratio=log) for n, low, high, log in VARIED)
    return Expensive(problem=one, model=model, method=one.method("redfield")(), ranges=ranges)


def main(truths: int, points: int) -> None:
    """Ranks of every round, into the record."""
    data = planned()
    known = Training(expensive=source(), bias=data.bias, path=KEPT)
    rng = np.random.default_rng(7)
    shares = rng.random((truths, len(VARIED) + 2))
    exact = Training(expensive=known.expensive, bias=data.bias, path=KEPT.with_name("truths.npz"))
    found = exact.solve(shares[:, : len(VARIED)], progress=told("truths"))
    shares, found = (x[np.isfinite(found).all(axis=1)] for x in (shares, found))
    own = known.solve(design(known.expensive, points, 0), progress=told("training"))
    print(
        f"{np.isfinite(own).all(axis=1).mean():.2f} of the design and {len(found)} of {truths} truths have a current"
    )
    for round_ in range(ROUNDS + 1):
        emulator = known.emulator()
        posterior = Posterior(emulator, data)
        theta = posterior.values(shares)
        curves = currents_of(found)
        curves = curves - curves.mean(axis=1, keepdims=True) + theta[:, [-2]]
        begun = time.perf_counter()
        for name, one in (
            ("", posterior),
            (", error left out", replace(posterior, emulated=False)),
        ):
            if round_ and name:
                continue
            ranks, draws = ranked(one, truths=theta, curves=curves, steps=STEPS, kept=DRAWS)
            write(
                f"junction.bias, round {round_}{name}", ranks, emulator, currents_of(found), theta
            )
            if not name:
                new = draws
        print(f"round {round_}: {time.perf_counter() - begun:.0f} s", flush=True)
        if round_ < ROUNDS:
            known.solve(
                new[:, :, : len(VARIED)].reshape(-1, len(VARIED)), progress=told("refinement")
            )


def told(what: str):
    """Progress of solves."""
    return lambda done, of: print(f"{what} {done}/{of}", flush=True) if done % 32 == 0 else None


def write(
    name: str, one: Calibration, emulator: Emulated, exact: np.ndarray, theta: np.ndarray
) -> None:
    """Into the record."""
    error = exact - emulator.log_current(theta[:, : len(VARIED)], planned())
    J = len(BIASES)
    odd = (error[:, :J] - error[:, J:]) / 2
    record = json.loads(EMULATED.read_text("utf-8")) if EMULATED.exists() else {}
    record[name] = {
        "points": len(emulator.points),
        "error of ln I": float(f"{np.sqrt(np.square(error).mean()):.3g}"),
        "error of artanh P": float(f"{np.sqrt(np.square(odd).mean()):.3g}"),
        "ranks": {n: np.round(r, 4).tolist() for n, r in zip(one.names, one.ranks.T, strict=True)},
    }
    EMULATED.write_text(json.dumps(record, sort_keys=True).replace("], ", "],\n") + "\n", "utf-8")
    told_ = {k: v for k, v in record[name].items() if k != "ranks"}
    print(
        name,
        told_,
        dict(zip(one.names, one.coverage(0.9).round(2), strict=True)),
        one.failures or "calibrated",
        flush=True,
    )


if __name__ == "__main__":
    main(*(int(x) for x in (sys.argv[1:] or ["32", "32"])))
