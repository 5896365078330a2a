"""Probes on the molecules of a junction: what each kind protects, with the other as control."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad_vec

from chirospin import junction
from chirospin.base.errors import ModelError
from chirospin.junction import BiasedJunction, BiasedLandauer, Junction, Landauer, Redfield
from chirospin.junction.bias.audit import AUDITS, entropy_production
from chirospin.junction.bias.model import gated_hamiltonian
from chirospin.junction.model import lead_couplings, one_body_hamiltonian
from tests.laws.junctions import FREE, field, junctions
from tests.oracles import scattering_brute_force as plain

ROUNDING = 1e-12
SEEN = 1e-6
BIASED = {"hubbard": 0.0, "bias": 2.0, "thermal_energy": 0.05, "probe_coupling": 0.05}
THREE = {
    "molecules": 3,
    "hopping_ab": 0.1,
    "spin_orbit_vectors": [[0.3, 0, 0.1], [0, 0.3, 0.1], [-0.3, 0, 0.1]],
}


def polarisation(model):
    method = BiasedLandauer() if isinstance(model, BiasedJunction) else Landauer()
    up, down = method.solve(model).lead_current[:, 0]
    return (up - down) / (up + down)


def at_bias(model, **changes):
    """The stack of an infinite window between leads of finite bias."""
    names = set(BiasedJunction.model_fields) & set(Junction.model_fields)
    values = {name: getattr(model, name) for name in names}
    return BiasedJunction(**{**values, "bias": 1.5, "thermal_energy": 0.1, **changes})


@settings(max_examples=6)
@given(junctions(general=True, **FREE), st.sampled_from(["mixed", "kept"]))
def test_dephasing_probes_leave_no_magnetoresistance_at_any_bias(model, spin):
    probed = model.replace(probe="dephasing", probe_coupling=0.1, probe_spin=spin)
    assert abs(polarisation(probed)) < ROUNDING
    for bias in (0.01, 1.5):
        assert abs(polarisation(at_bias(probed, bias=bias))) < ROUNDING
    voltage = probed.replace(probe="voltage")
    assert abs(polarisation(voltage)) < ROUNDING  # one filling for all energies


def test_what_makes_a_magnetoresistance_with_probes():
    elastic = at_bias(Junction(probe="dephasing", probe_coupling=0.1))
    assert abs(polarisation(elastic)) < ROUNDING
    assert abs(polarisation(elastic.replace(probe="voltage"))) > SEEN
    assert abs(polarisation(elastic.replace(one_body_matrix=field(0.3)))) > SEEN


@pytest.mark.parametrize(
    ("changes", "value", "tolerance"),
    [
        ({"probe": "voltage", "bias": 1e-3}, 1.1e-9, 5e-11),
        ({"probe": "voltage", "bias": 1e-3, "probe_spin": "kept"}, -2.9e-9, 5e-11),
        ({"probe": "voltage"}, -1.26e-3, 5e-6),
        ({"probe": "voltage", "probe_spin": "kept"}, 1.48e-3, 5e-6),
        ({"probe": "dephasing"}, 0.0, 1e-14),
        ({"probe": "dephasing", "probe_spin": "kept"}, 0.0, 1e-14),
    ],
)
def test_the_dimer_of_reference(changes, value, tolerance):
    model = BiasedJunction(**{**BIASED, **changes})
    assert polarisation(model) == pytest.approx(value, abs=tolerance)


def test_what_a_voltage_probe_polarises_vanishes_with_the_bias():
    of = [
        polarisation(BiasedJunction(**{**BIASED, "probe": "voltage", "bias": V}))
        for V in (2e-3, 1e-3)
    ]
    assert of[0] / of[1] == pytest.approx(2.0, rel=0.02)


def spin(model):
    return float(
        junction.solve(model, "landauer", observables=["transmitted_spin"]).transmitted_spin
    )


def test_spin_of_the_current_is_another_quantity():
    """Two orbitals in the right lead give it without probes, one only with them."""
    cold = {"hubbard": 0.0, "bias": 0.0, "gate": -0.5, "thermal_energy": 1e-8, **THREE}
    assert spin(BiasedJunction(**cold)) == pytest.approx(0.084, abs=6e-4)
    one = BiasedJunction(**cold, coupling_b=0.0)
    assert abs(spin(one)) < 1e-11
    for d, value in ((0.02, 0.038), (0.2, 0.035)):
        for probe in ("dephasing", "voltage"):  # one in the linear response
            probed = one.replace(probe=probe, probe_coupling=d)
            assert spin(probed) == pytest.approx(value, abs=6e-4)
    many = junction.solve(Junction(), "gksl", observables=["transmitted_spin"])
    assert np.isnan(many.transmitted_spin)


@pytest.mark.parametrize("spins", ["mixed", "kept"])
def test_voltage_probes_in_the_infinite_window_are_white_noise(spins):
    """Occupations and current by a linear equation for the density; dephasing probes are another thing."""
    model = Junction(hubbard=0, probe="voltage", probe_coupling=0.05, probe_spin=spins, **THREE)
    state = Landauer().solve(model)
    h, (left, right) = one_body_hamiltonian(model), map(np.diag, lead_couplings(model)[0])
    parts = [[1, 1]] if spins == "mixed" else [[1, 0], [0, 1]]
    sites = [
        np.kron(np.diag(np.eye(3)[i]), np.diag(np.tile(part, 2)))
        for i in range(3)
        for part in parts
    ]
    C = plain.dephased_density(h, left, right, sites, 0.05)
    assert np.allclose(state.one_body_density[0], C.T, atol=1e-12)
    assert state.lead_current[0, 0] == pytest.approx(np.trace(right @ C).real, rel=1e-9)
    elastic = Landauer().solve(model.replace(probe="dephasing"))
    assert abs(elastic.lead_current[0, 0] / state.lead_current[0, 0] - 1) > 1e-3


def test_the_kinds_differ_in_the_infinite_window():
    for probe, value in (("dephasing", 0.10778), ("voltage", 0.11089)):
        state = Landauer().solve(Junction(hubbard=0, probe=probe, probe_coupling=0.05))
        assert state.lead_current[0, 0] == pytest.approx(value, abs=5e-6)


def test_occupations_at_finite_bias_are_the_integral_written_out():
    model = BiasedJunction(**{**BIASED, "thermal_energy": 0.2, "gate": -0.3}, probe="dephasing")
    h, (left, right) = gated_hamiltonian(model), map(np.diag, lead_couplings(model)[0])
    probes = [0.05 * np.kron(np.diag(np.eye(2)[i]), np.eye(4)) for i in range(2)]

    def filled(angle):
        E = np.tan(angle)
        gammas = [left, right, *probes]
        G, T = plain.green(E, h, gammas), plain.transmissions(E, h, gammas)
        f = [float(plain.fermi((E - mu) / 0.2)) for mu in (1.0, -1.0)]
        matrix = np.diag(T[2:].sum(axis=1)) - T[2:, 2:]
        f += list(np.linalg.solve(matrix, T[2:, :2] @ f))
        n = sum(x * np.diag(G @ g @ G.conj().T).real for x, g in zip(f, gammas, strict=True))
        return n * (1 + E**2) / (2 * np.pi)

    n, _ = quad_vec(filled, -np.pi / 2 + 1e-9, np.pi / 2 - 1e-9, epsabs=1e-9, epsrel=1e-9)
    found = np.diagonal(BiasedLandauer().solve(model).one_body_density[0]).real
    assert np.allclose(found, n, atol=1e-7)


@pytest.mark.parametrize("probe", ["dephasing", "voltage"])
def test_weak_probes_are_none(probe):
    weak = {"probe": probe, "probe_coupling": 1e-9}
    for bare, method in (
        (Junction(hubbard=0, occupation_left=0.9, occupation_right=0.2), Landauer()),
        (BiasedJunction(hubbard=0, bias=1.0, bias_asymmetry=0.2), BiasedLandauer()),
    ):
        one, other = (method.solve(m) for m in (bare, bare.replace(**weak)))
        assert np.allclose(one.lead_current, other.lead_current, rtol=1e-6)
        assert np.allclose(one.one_body_density, other.one_body_density, atol=1e-7)


def test_inelastic_probes_heat_and_elastic_ones_do_not():
    elastic, inelastic = (
        BiasedLandauer().solve(BiasedJunction(**BIASED, probe=probe))
        for probe in ("dephasing", "voltage")
    )
    assert np.abs(elastic.energy_current.sum(axis=1)).max() < 1e-14
    assert (
        inelastic.energy_current.sum(axis=1).min() > 1e-3
    )  # enters from the leads, stays in the probes
    for probe in ("dephasing", "voltage"):
        model = BiasedJunction(**BIASED, probe=probe, gate=-1.0)
        assert entropy_production(model, BiasedLandauer().solve(model)) > 0


def test_the_law_without_interaction_says_where_it_ends():
    law = next(one for one in AUDITS if one.name == "no_interaction")
    assert law.run(BiasedJunction(**BIASED, probe="dephasing"), BiasedLandauer()).passed
    assert "voltage probes at a bias of 2 eV" in law.unmet(
        BiasedJunction(**BIASED, probe="voltage"), BiasedLandauer()
    )


def test_probes_are_refused_where_they_have_no_meaning():
    with pytest.raises(ModelError, match="method landauer has probes"):
        junction.solve(Junction(probe="voltage", probe_coupling=0.1))
    with pytest.raises(ModelError, match="method landauer has probes"):
        junction.solve(BiasedJunction(probe="dephasing", probe_coupling=0.1), Redfield())
    with pytest.raises(ModelError, match="temperature of the leads"):
        BiasedLandauer().solve(
            BiasedJunction(**BIASED, probe="voltage", thermal_energy_difference=0.01)
        )
    with pytest.raises(ModelError, match="probe_coupling"):
        Junction(probe="voltage")
    with pytest.raises(ModelError, match="probe_coupling"):
        Junction(probe="voltage", probe_coupling=-0.1)
