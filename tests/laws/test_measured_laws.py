"""Laws of a comparison of measured curves, the rates of its tests, and the mistakes that it must not make."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from benchmarks.measured import CONTROLS, FIRED, LOW, TRAPS, Control, curves_as_contacts
from benchmarks.measured_sets import Truth, made
from hypothesis import given
from hypothesis import strategies as st

from chirospin.measured import findings
from chirospin.measured.analysis import analysis_of
from chirospin.measured.comparison import compared
from chirospin.measured.conclusion import verdict_of
from chirospin.measured.curves import Curves, blocks_of
from chirospin.measured.findings import findings_of, signal

NULL = Truth(enantiomers=("R", "S", "achiral"), contacts=8, curves=2, blocks=8, lag=0.0)
QUICK = 150
MOST = 0.11  # 5 % and three sigma of 150 sets
TOLERANCE = 1e-10  # rounding of means and logarithms
seeds = st.integers(0, 10_000)


def differences(curves: Curves) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
    one = analysis_of(curves)
    found = {}
    for e in one.tested:
        shape = None if one.unshaped[e] else one.contacts[e].difference(one.shape).value
        found[e] = (one.differences[e].value, shape)
    return found


def p_of_signal(curves: Curves) -> float:
    return signal(analysis_of(curves)).value


SMALL = Truth(enantiomers=("R", "S"), contacts=5, curves=2, blocks=None, conductance=1e-9)


@given(seeds)
def test_exchanged_magnetisations_reverse_every_polarisation(seed: int) -> None:
    curves = made(replace(SMALL, polarisation=0.4), seed)
    turned = replace(curves, magnetisation=np.where(curves.magnetisation == "up", "down", "up"))
    for e, (D, shape) in differences(curves).items():
        other, other_shape = differences(turned)[e]
        assert other == pytest.approx(-D, abs=TOLERANCE)
        assert other_shape == pytest.approx(-shape, abs=TOLERANCE)
    assert p_of_signal(turned) == pytest.approx(p_of_signal(curves), abs=0.02)


@given(seeds)
def test_exchanged_names_of_enantiomers_change_no_signal(seed: int) -> None:
    curves = made(replace(SMALL, contacts=3), seed)  # few: every labelling is tried
    turned = replace(curves, enantiomer=np.where(curves.enantiomer == "R", "S", "R"))
    assert p_of_signal(turned) == pytest.approx(p_of_signal(curves), abs=1e-12)


@given(seeds, st.floats(1e-3, 1e3))
def test_another_unit_of_current_changes_nothing(seed: int, factor: float) -> None:
    curves = made(SMALL, seed)
    other = replace(curves, current=factor * curves.current, floor=factor * curves.floor)
    for e, (D, shape) in differences(curves).items():
        assert differences(other)[e][0] == pytest.approx(D, abs=1e-8)
        assert differences(other)[e][1] == pytest.approx(shape, abs=1e-8)


@given(seeds)
def test_area_and_tip_factors_leave_shape_and_pairs(seed: int) -> None:
    """I -> c I for each contact, noise and floor aside."""
    random = np.random.default_rng(seed)
    for paired in (False, True):
        truth = replace(SMALL, noise=0.0, floor=1e-18, paired=paired, enantiomers=("R",))
        curves = made(truth, seed)
        away = curves.bias != 0
        names, place = np.unique(curves.contact, return_inverse=True)
        factors = np.exp(random.normal(size=len(names)))[place]
        other = replace(curves, current=factors[:, None] * curves.current)
        (D, shape), (E, other_shape) = differences(curves)["R"], differences(other)["R"]
        assert other_shape[away] == pytest.approx(shape[away], abs=1e-8)
        assert (np.abs(D - E).max() < 1e-8) == paired  # the control: contacts that are not pairs


def test_a_set_without_a_cause_fires_rarely() -> None:
    words: dict[str, Counter[str]] = {}
    for seed in range(QUICK):
        one = analysis_of(made(NULL, seed))
        for test in (
            findings.shape, findings.chirality, findings.mirror, findings.reciprocity, findings.offset,
            findings.drift, findings.clipping, findings.spread, findings.hysteresis, findings.achiral,
        ):  # fmt: skip
            found = test(one)
            words.setdefault(found.name, Counter())[found.word] += 1
    for name, counts in words.items():
        assert sum(counts[w] for w in FIRED) / QUICK <= MOST, name
        assert counts["not testable"] < QUICK / 2, name


def test_the_signal_fires_rarely_and_curves_as_contacts_often() -> None:
    truth, few = Truth(contacts=8, curves=5), 60
    ps = [p_of_signal(made(truth, seed)) for seed in range(few)]
    assert np.mean(np.array(ps) <= 0.05) <= 0.15  # 5 % and three sigma of 60 sets
    wrong = [p_of_signal(curves_as_contacts(made(truth, seed))) for seed in range(few)]
    assert np.mean(np.array(wrong) <= 0.05) > 0.3


@pytest.mark.parametrize("control", CONTROLS, ids=lambda c: f"{c.test}: {c.about}")
def test_a_cause_is_seen(control: Control) -> None:
    few = 12
    hits = sum(
        control.find(analysis_of(made(control.truth, 900 + n))).word in FIRED for n in range(few)
    )
    slack = 3 * np.sqrt(control.rate * (1 - control.rate) / few)
    assert hits / few >= control.rate - 0.1 - slack


def verdicts(truth: Truth, count: int = 12, change: object = None) -> Counter[str]:
    found: Counter[str] = Counter()
    for seed in range(count):
        one = analysis_of(made(truth, seed))
        found[verdict_of(one, findings_of(one))] += 1
    return found


BOTH = replace(NULL, contacts=16, blocks=8)
TRUTHS = {
    "chiral signal": replace(BOTH, contacts=40, polarisation=0.6),
    "no signal": replace(BOTH, enantiomers=("R", "S")),
    "not chiral": replace(BOTH, contacts=40, polarisation=0.6, alike=True),
    "signal, chirality not tested": replace(BOTH, enantiomers=("R",), polarisation=0.6),
    "confounded": replace(BOTH, enantiomers=("R",), polarisation=0.7, tips="each"),
    "offset": Truth(curves=2, offset=6e-12, conductance=30e-12, bend=2.0, blocks=8),
    "bias-independent factor": replace(BOTH, enantiomers=("R",), contacts=60, factor=1.2),
}


@pytest.mark.parametrize("verdict", TRUTHS)
def test_the_conclusion_follows_the_truth(verdict: str) -> None:
    found = verdicts(TRUTHS[verdict], 6)
    assert found.most_common(1)[0][0] == verdict, found
    assert found[verdict] >= 4, found


def test_one_tip_for_each_magnetisation_is_never_a_signal() -> None:
    truth = Truth(curves=2, tips="each", tip_scatter=0.8, contacts=10)
    assert set(verdicts(truth, 15)) <= {"no signal", "confounded"}


def test_a_conductance_below_the_floor_leaves_no_shape() -> None:
    """The null in which the shape fired in 30 % of sets."""
    words = [findings.shape(analysis_of(made(LOW, seed))).word for seed in range(40)]
    assert words.count("shown") <= 6
    assert "not testable" in words


def test_an_undeclared_compliance_makes_a_shape() -> None:
    """The null in which it fired in 72 %; declared it does not."""
    declared, silent = (t for t in TRAPS if "limit" in t.about)
    rates = []
    for trap in (declared, silent):
        words = [findings.shape(analysis_of(made(trap.truth, seed))).word for seed in range(30)]
        rates.append(words.count("shown") / 30)
    assert rates[0] <= 0.2
    assert rates[1] > 0.45


def test_blocks_are_runs_inside_an_enantiomer() -> None:
    order = np.array([0, 1, 2, 3, 4, 5, 6, 7.0])
    hand = np.array(list("RSRSRSRS"))
    state = np.array(["up", "up", "up", "up", "down", "down", "up", "down"])
    blocks = blocks_of(order, hand, state, np.full(8, ""))
    assert blocks[::2].tolist() == [0, 0, 1, 2]
    assert len(set(blocks[1::2].tolist())) == 2
    assert not set(blocks[::2]) & set(blocks[1::2])
    assert set(blocks_of(np.full(8, np.nan), hand, state, np.full(8, ""))) == {-1}


def test_without_an_order_blocks_and_drift_are_not_tested() -> None:
    curves = made(replace(NULL, polarisation=0.5), 1)
    lost = replace(curves, order=np.full(len(curves), np.nan), block=np.full(len(curves), -1))
    found = compared(lost)
    words = {f.name: f.word for f in found.findings}
    assert words["drift"] == words["signal, blocks as units"] == "not testable"
    assert any("alternated" in line for line in found.conclusion.missing)


def test_one_curve_a_side_is_not_testable() -> None:
    found = compared(made(Truth(contacts=1, curves=1), 3))
    assert found.conclusion.verdict == "not testable"
    assert "fewer than 2 units" in found.conclusion.sentence


@pytest.mark.parametrize("sign", [1, -1])
def test_one_sign_of_bias_leaves_the_signal_alone(sign: int) -> None:
    curves = made(Truth(curves=2, polarisation=0.6, contacts=30), 5)
    half = np.sign(curves.bias) == sign
    found = compared(replace(curves, bias=curves.bias[half], current=curves.current[:, half]))
    words = {f.name: f.word for f in found.findings}
    assert words["signal"] == "shown"
    assert {words[n] for n in ("shape", "reciprocity", "offset")} == {"not testable"}


def test_a_single_bias_is_legal() -> None:
    curves = made(Truth(curves=2, polarisation=0.7, contacts=30), 5)
    found = compared(replace(curves, bias=curves.bias[-1:], current=curves.current[:, -1:]))
    assert found.conclusion.verdict == "signal, chirality not tested"


def test_hysteresis_gives_a_verdict_for_each_direction() -> None:
    found = compared(made(Truth(curves=2, lag=5e-12), 2))
    assert set(found.directions or {}) == {"forward", "backward"}


def test_a_half_paired_set_uses_its_pairs() -> None:
    curves = made(Truth(paired=True, contacts=8, curves=1), 1)
    lost = ~((curves.contact == "0") & (curves.magnetisation == "up"))
    units = analysis_of(curves.where(lost)).contacts["R"]
    assert units.paired
    assert (units.ups, units.left_out) == (7, 1)


def test_missing_points_are_left_out_of_means() -> None:
    curves = made(SMALL, 4)
    current = curves.current.copy()
    current[0, 3] = np.nan
    whole, holed = (analysis_of(replace(curves, current=c)) for c in (curves.current, current))
    D, E = whole.differences["R"].value, holed.differences["R"].value
    assert np.delete(E, 3) == pytest.approx(np.delete(D, 3))
    assert np.isfinite(E[3])
