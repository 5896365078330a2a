"""Vibrations at finite bias against naive matrices, and the laws of equilibrium."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chirospin import junction
from chirospin.base.errors import ModelError
from chirospin.junction import (
    FAMILY,
    BiasedJunction,
    BiasedMeanField,
    DetailedBalance,
    Levels,
    Pauli,
    PhononJunction,
    PositiveLindblad,
    Redfield,
    UniversalLindblad,
)
from chirospin.junction.bias import master
from chirospin.junction.bias.master import SecondOrder
from chirospin.junction.bias.model import gated_hamiltonian, reservoirs_of
from chirospin.junction.bias.parts import obeys_reciprocity, rest
from chirospin.junction.model import interaction, lead_couplings
from chirospin.junction.modes import modes, quanta
from tests.oracles.phonons_dense import Electrons, Vibration, biased_with_levels

BIASED = FAMILY.problem("bias")
TIGHT = 1e-9  # residual 1e-12 over the slowest relaxation
METHODS: dict[str, SecondOrder] = {
    method.name: method
    for method in (
        Redfield(counting=False),
        PositiveLindblad(counting=False),
        DetailedBalance(counting=False),
    )
}


def vibrating(**changes: Any) -> BiasedJunction:
    values: dict[str, Any] = {
        "molecules": 1,
        "spin_orbit_vectors": [[0.3, 0.2, 0.1]],
        "hubbard": 1.5,
        "energy_b": 0.5,
        "gate": -1.0,
        "bias": 2.0,
        "thermal_energy": 0.4,
        "lead_polarisation": 0.8,
        "phonon_energy": [0.6],
        "phonon_damping": [0.1],
        "holstein_a": [[0.2]],
        "holstein_b": [[-0.1]],
        "phonon_levels": [2],
    }
    return BiasedJunction(**{**values, **changes})


@pytest.mark.parametrize(
    ("name", "bath", "T_bath"),
    [
        ("redfield", "ohmic", None),
        ("perlind", "ohmic", None),
        ("kms", "ohmic", None),
        ("redfield", "local", None),
        ("redfield", "ohmic", 0.0),
        ("perlind", "ohmic", 1.2),
        ("kms", "ohmic", 1.2),
        ("kms", "ohmic", 0.0),
    ],
)
def test_generators_are_those_of_the_whole_product_space(
    name: str, bath: str, T_bath: float | None
) -> None:
    model = vibrating(phonon_bath=bath, phonon_thermal_energy=T_bath)
    found, leads = modes(model), reservoirs_of(model)
    w, T = float(found.energy[0]), float(leads.thermal_energy[0])
    state = METHODS[name].solve(model)
    oracle = biased_with_levels(
        Electrons(
            h=gated_hamiltonian(model),
            density=interaction(model).density,
            coupling=lead_couplings(model)[0],
            f=(0, 0),
        ),
        Vibration(w=w, k=float(found.damping[0]), n=float(quanta(w, T)), V=found.coupling[0]),
        2,
        mu=tuple(leads.potential),
        T=T,
        kind="redfield" if name == "redfield" else name,
        bath=bath,
        T_bath=T_bath,
    )
    assert state.lead_current[0] == pytest.approx(oracle["current"], abs=TIGHT)
    assert state.energy_current is not None
    assert state.vibrations is not None
    assert state.energy_current[0] == pytest.approx(oracle["energy"][:2], abs=TIGHT)
    assert state.vibrations.energy[0] == pytest.approx(oracle["energy"][2], abs=TIGHT)
    assert state.vibrations.phonon_number[0, 0] == pytest.approx(oracle["quanta"], abs=TIGHT)
    total = state.energy_current.sum(axis=1) + state.vibrations.energy
    assert total == pytest.approx(np.zeros(2), abs=1e-10)


def test_nothing_flows_at_one_temperature() -> None:
    """Redfield and kms with an Ohmic bath keep Gibbs' state; perlind and a locally damped mode do not."""
    still = vibrating(bias=0.0)

    def flow(method: SecondOrder, model: BiasedJunction) -> float:
        state = method.solve(model)
        assert state.vibrations is not None
        return float(max(np.abs(state.lead_current).max(), np.abs(state.vibrations.energy).max()))

    assert flow(METHODS["redfield"], still) < 1e-11
    assert flow(METHODS["kms"], still) < 1e-11
    assert flow(METHODS["perlind"], still) > 1e-7
    assert flow(METHODS["redfield"], still.replace(phonon_bath="local")) > 1e-6
    assert flow(METHODS["kms"], still.replace(phonon_thermal_energy=1.2)) > 1e-5


def conductances(method: SecondOrder, **changes: Any) -> tuple[float, float]:
    """dI/dV at rest for both magnetisations, by a symmetric difference."""
    step = 2e-3
    ahead, back = (method.solve(vibrating(bias=V, **changes)) for V in (step, -step))
    up, down = (ahead.lead_current[:, 0] - back.lead_current[:, 0]) / (2 * step)
    return float(up), float(down)


TWIST: dict[str, Any] = {"spin_orbit_modulation": [[[0.0, 0.3, 0.1]]]}
"""Out of the plane of the static vector and z: one molecule then polarises."""


def test_linear_response_is_reciprocal() -> None:
    """kms for leads and bath at one temperature; every departure from that breaks it."""

    def defect(name: str = "kms", **changes: Any) -> float:
        up, down = conductances(METHODS[name], **{**TWIST, **changes})
        return abs(up - down) / (up + down)

    assert defect() < 1e-9  # differences of two currents good to 1e-13
    assert defect("redfield") > 1e-6
    assert defect("perlind") > 1e-6
    assert defect(phonon_bath="local") > 1e-5
    assert defect(phonon_thermal_energy=1.2) > 1e-6
    assert defect(spin_coupling=[[[0.05, 0.1, -0.2]]]) > 1e-3


def test_a_wide_window_is_the_infinite_one() -> None:
    """With a locally damped mode; an Ohmic bath stays another bath."""
    wide = vibrating(**TWIST, phonon_bath="local", bias=400.0)
    shared = {
        name: getattr(wide, name)
        for name in PhononJunction.model_fields
        if name in BiasedJunction.model_fields and name != "phonon_bath"
    }
    there = Levels().solve(PhononJunction(**shared))
    here = METHODS["redfield"].solve(wide)
    assert here.vibrations is not None
    assert here.lead_current == pytest.approx(there.lead_current, abs=1e-12)
    for name in ("phonon_number", "displacement", "coupling_energy", "mode_heat", "top_level"):
        assert getattr(here.vibrations, name) == pytest.approx(getattr(there, name), abs=1e-12)
    noisy = {"dephasing": 0.1, "dephasing_matrix": np.diag([1.0, 1.0, -1.0, -0.5])}
    both = METHODS["redfield"].solve(wide.replace(**noisy))
    alone = Levels().solve(PhononJunction(**shared).replace(**noisy))
    assert both.lead_current == pytest.approx(alone.lead_current, abs=1e-12)
    assert np.abs(both.lead_current - here.lead_current).max() > 1e-4
    other = METHODS["redfield"].solve(wide.replace(phonon_bath="ohmic"))
    assert np.abs(other.lead_current - there.lead_current).max() > 1e-6


def test_vibrations_are_printed_with_errors_that_hold() -> None:
    """By the default method, which has them; the energies of all three baths add up to zero."""
    shown = ("phonon_number", "displacement", "coupling_energy", "mode_heat")
    few, many = (
        junction.solve(vibrating(phonon_levels=[n]))  # all that is found unasked
        for n in (3, 5)
    )
    assert few.attrs["method"] == "redfield"
    assert junction.solve(BiasedJunction(molecules=1)).attrs["method"] == "ule"
    for name in (*shown, "current", "spin_polarisation"):
        apart = np.abs(few[name] - many[name])
        assert (apart <= few[f"{name}_error"] + many[f"{name}_error"]).all(), name
    net = few.energy_current.sum("lead") + few.bath_energy_current
    assert np.abs(net.values).max() < 1e-10
    assert np.abs(few.bath_energy_current).min() > 1e-4
    assert few.levels.item() == 3
    assert "phonon_number" not in junction.solve(BiasedJunction(molecules=1))


def test_a_mixed_mode_is_told_and_no_law_is_asked_of_it() -> None:
    (audit,) = (one for one in BIASED.audits if one.name == "time_reversal")
    mixed = vibrating(spin_coupling=[[[0.05, 0.1, -0.2]]])
    method = METHODS["redfield"]
    for model, even in ((vibrating(**TWIST), True), (mixed, False)):
        certificate = audit.run(model, method)
        assert certificate is not None
        assert certificate.passed == even
        assert obeys_reciprocity(model) == even
    assert rest(vibrating(phonon_thermal_energy=1.2)).phonon_thermal_energy is None


def test_levels_are_added_until_the_top_one_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    weak = {"phonon_levels": None, "holstein_a": [[0.05]], "holstein_b": [[0.0]]}
    state = METHODS["redfield"].solve(vibrating(**weak, thermal_energy=0.3))
    assert state.vibrations is not None
    assert state.outcome.converged
    assert state.vibrations.levels[0] > 4
    assert state.vibrations.top_level.max() <= 1e-3
    monkeypatch.setattr(master, "MOST_LEVELS", 4)
    state = next(iter(METHODS["redfield"].solve_many([vibrating(**weak, thermal_energy=0.3)])))
    assert not state.outcome.converged
    assert "phonon_levels" in state.outcome.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"phonon_bath": "brownian"},
        {"phonon_bath": "dressed"},
        {"phonon_levels": None, "phonon_tiers": 2},
        {"phonon_matsubara": 2},
        {"phonon_damping": [0.0]},
    ],
)
def test_inconsistent_combinations_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ModelError) as caught:
        vibrating(**changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("method", [UniversalLindblad(), Pauli(), BiasedMeanField()])
def test_methods_without_vibrations_say_so(method: Any) -> None:
    with pytest.raises(ModelError, match="redfield"):
        method.solve(vibrating())
