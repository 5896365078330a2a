"""Scattering, builders and the spinterface loop against sums and integrals written out one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from chirospin import junction
from chirospin.junction import BiasedJunction
from chirospin.junction.bias.model import gated_hamiltonian
from chirospin.junction.model import Junction, lead_couplings, one_body_hamiltonian
from chirospin.models import DoubleHelix, Helicene, SpinterfaceLoop, Stack
from chirospin.models.helicene import bonds
from chirospin.models.model import molecule_of, system
from chirospin.models.spinterface_loop import SelfConsistent, critical_feedback, solutions
from chirospin.scattering.amplitudes import elastic, transmissions
from chirospin.scattering.currents import Window, currents
from chirospin.scattering.system import KEPT, MIXED, Lead, System, site_probe
from tests.laws.one_electron_systems import ENERGIES, on, random_system
from tests.oracles import scattering_brute_force as plain


@settings(max_examples=6)
@given(st.integers(0, 999), st.sampled_from([MIXED, KEPT]), st.sampled_from([0.0, 1.0, -1.0]))
def test_elastic_probes_are_the_plain_sums(seed, spins, magnetisation):
    random = np.random.default_rng(seed)
    of = random_system(random, 4, probes=[on(4, [n], 0.3) for n in range(3)], spins=spins)
    flow = elastic(transmissions(of, ENERGIES, magnetisation))
    left, right = of.magnetised(magnetisation).left.matrix, of.right.matrix
    for n, E in enumerate(ENERGIES):
        up, down = plain.spin_currents(E, of.hamiltonian, left, right, of.probe_matrices)
        assert flow.right[n] == pytest.approx(up + down, rel=1e-11)
        assert flow.spin[n, 3] == pytest.approx(up - down, abs=1e-12)


def test_one_voltage_probe_is_the_root_by_bisection():
    random = np.random.default_rng(2)
    of = random_system(random, 2, probes=[on(2, [0], 0.5)], p=0.6)
    found = currents(of, "voltage", Window(bias=1.5, thermal_energy=0.2), (1.0, -1.0))
    levels = np.linalg.eigvalsh(of.hamiltonian)
    for one, m in zip(found, (1.0, -1.0), strict=True):
        left = of.magnetised(m).left.matrix
        current = plain.one_voltage_probe(
            of.hamiltonian, left, of.right.matrix, of.probe_matrices[0], 1.5, 0.2, levels
        )
        assert one.right == pytest.approx(current, rel=1e-9)


def stack(model, probe_coupling, spins):
    """The molecular stack as a case of the general system."""
    size = 2 * model.molecules
    gamma = lead_couplings(model).reshape(2, 2, size, 2)
    left = gamma[:, 0].sum(axis=(0, 2)) / 4
    return System(
        hamiltonian=one_body_hamiltonian(model),
        left=Lead.of(np.diag(left), (0, 0, model.lead_polarisation)),
        right=Lead.of(np.diag(gamma[0, 1, :, 0])),
        probes=tuple(
            site_probe([2 * i, 2 * i + 1], size, probe_coupling)
            for i in range(model.molecules if probe_coupling else 0)
        ),
        probe_spins=spins,
    )


def test_the_builder_of_the_stack_is_that_of_junction():
    model = Junction(molecules=3, hopping_ab=0.1, lead_polarisation=0.7, coupling_b=0.05)
    same = Stack(molecules=3, hopping_ab=0.1, lead_polarisation=0.7, coupling_ratio=0.5)
    here, there = system(same), stack(model, 0.0, MIXED)
    assert np.allclose(here.hamiltonian, there.hamiltonian, atol=1e-15)
    assert np.allclose(here.left.matrix, there.left.matrix, atol=1e-15)
    assert np.allclose(here.right.matrix, there.right.matrix, atol=1e-15)


def test_the_stack_in_the_infinite_window_is_junction_landauer():
    model = Junction(molecules=3, hubbard=0, hopping_ab=0.1, lead_polarisation=0.7)
    found = currents(stack(model, 0.0, MIXED), "none", Window(kind="infinite"), (1.0, -1.0))
    assert [one.right for one in found] == pytest.approx(
        junction.solve(model, "landauer").current.values, rel=1e-10
    )


def test_the_stack_at_finite_bias_is_the_closed_form_of_junction_bias():
    model = BiasedJunction(molecules=2, bias=2.0, thermal_energy=0.05, lead_polarisation=0.6)
    assert np.allclose(gated_hamiltonian(model), one_body_hamiltonian(model))
    found = currents(
        stack(model, 0.0, MIXED), "none", Window(bias=2.0, thermal_energy=0.05), (1.0, -1.0)
    )
    closed = junction.solve(model, "landauer", observables=["current"]).current.values
    assert [one.right for one in found] == pytest.approx(closed, rel=1e-9)


@pytest.mark.parametrize(
    ("probe", "spins", "bias", "value", "tolerance"),
    [
        ("voltage", MIXED, 1e-3, 1.1e-9, 5e-11),
        ("voltage", KEPT, 1e-3, -2.9e-9, 5e-11),
        ("voltage", MIXED, 2.0, -1.26e-3, 5e-6),
        ("voltage", KEPT, 2.0, 1.48e-3, 5e-6),
        ("dephasing", MIXED, 2.0, 0.0, 1e-14),
        ("dephasing", KEPT, 2.0, 0.0, 1e-14),
    ],
)
def test_magnetoresistance_of_the_dimer_with_probes(probe, spins, bias, value, tolerance):
    of = stack(Junction(), 0.05, spins)
    up, down = currents(of, probe, Window(bias=bias, thermal_energy=0.05), (1.0, -1.0))
    assert (up.right - down.right) / (up.right + down.right) == pytest.approx(value, abs=tolerance)


@pytest.mark.parametrize("spins", [MIXED, KEPT])
def test_a_probe_of_one_filling_in_the_infinite_window_is_white_noise(spins):
    """For one orbital a site; a dephasing probe, which has a filling at each energy, is another thing."""
    random = np.random.default_rng(4)
    of = random_system(random, 3, left=on(3, [0]), right=on(3, [2]), p=0.9)
    probed = System(
        hamiltonian=of.hamiltonian,
        left=of.left,
        right=of.right,
        probes=tuple(site_probe([n], 3, 0.4) for n in range(3)),
        probe_spins=spins,
    )
    found = currents(probed, "voltage", Window(kind="infinite"), (1.0,))[0]
    each = [np.kron(on(3, [n]), np.array(s)) for n in range(3) for s in spins]
    C = plain.dephased_density(of.hamiltonian, of.left.matrix, of.right.matrix, each, 0.4)
    assert found.right == pytest.approx(np.trace(of.right.matrix @ C).real, rel=1e-9)
    elastic_one = currents(probed, "dephasing", Window(kind="infinite"), (1.0,))[0]
    assert abs(elastic_one.right / found.right - 1) > 1e-3


@settings(max_examples=4)
@given(st.integers(2, 6), st.floats(-1, 1), st.floats(0.1, 1.4), st.floats(-0.1, 0.1))
def test_double_helix_is_the_sum_written_out(pairs, twist, angle, strength):
    model = DoubleHelix(base_pairs=pairs, twist=twist, helix_angle=angle, spin_orbit=strength)
    h = plain.double_helix(pairs, dphi=twist, th=angle, tso=strength)
    assert np.allclose(molecule_of(model).hamiltonian, h, atol=1e-15)


def test_helicene_has_the_atoms_and_bonds_of_chemistry():
    for rings in (2, 4, 6):
        places = molecule_of(Helicene(rings=rings)).positions
        assert len(places) == 4 * rings + 2
        assert len(bonds(places)) == 5 * rings + 1
        degree = np.bincount(bonds(places).ravel())
        assert set(degree) == {2, 3}


def test_current_of_the_loop_is_the_integral():
    model = SpinterfaceLoop(feedback=1.2, bias=0.15)
    state = SelfConsistent().solve(model)
    for n, M in enumerate((1.0, -1.0)):
        total, spins = 0.0, []
        for s in (1, -1):
            e = model.level - s * model.surface_coupling * state.moment[n]
            right = model.coupling_right * (1 + s * M * model.lead_polarisation)
            width = model.coupling_left + right

            def weight(E, mu, e=e, width=width):
                return plain.fermi((E - mu) / model.thermal_energy) / ((E - e) ** 2 + width**2 / 4)

            left, other = (
                quad(weight, -60, 60, args=(mu,), points=[e, 0], limit=2000, epsabs=1e-12)[0]
                for mu in (model.bias / 2, -model.bias / 2)
            )
            total += model.coupling_left * right * (left - other)
            spins.append((model.coupling_left * left + right * other) / (2 * np.pi))
        assert state.current[n] == pytest.approx(total, rel=1e-6)
        x = (total + model.feedback * (spins[0] - spins[1])) / model.thermal_energy
        assert state.moment[n] == pytest.approx(1 / np.tanh(x) - 1 / x, rel=1e-4)


def test_beyond_the_critical_feedback_there_are_three_moments():
    at = critical_feedback(SpinterfaceLoop())
    for factor, count in ((0.99, 1), (1.01, 3)):
        model = SpinterfaceLoop(feedback=factor * at, bias=0.0, lead_polarisation=0.0)
        assert len(solutions(model, 1.0)) == count


def test_a_system_stands_for_the_model():
    of = system(Helicene(rings=2))
    assert of.orbitals == 40
    assert of.time_reversal_odd == 0
