"""The one-electron models from the command line: marks, laws that do not apply, bad input."""

from __future__ import annotations

import json

import pytest

from chirospin.faces.cli import main

CHAIN = """
[[site]]
[[site]]
position = [0.0, 0.0, 0.3]
levels = [0.05]
[[site]]
[[hop]]
between = [1, 2]
value = 0.1
spin_orbit = [0.0, 0.01, 0.0]
[[hop]]
between = [2, 3]
value = 0.1
spin_orbit = [0.01, 0.0, 0.01]
[left]
sites = [1]
[right]
sites = [3]
"""
MADE = """
import numpy as np
from chirospin.models import Contact, Hop, Molecule, Site, TightBinding

def ladder(handedness):
    up = tuple(Hop(between=(i, i + 2), value=0.1, spin_orbit=(0, 0, handedness * 0.02 * (-1) ** i)) for i in range(1, 7))
    across = tuple(Hop(between=(2 * i + 1, 2 * i + 2), value=0.07) for i in range(4))
    return TightBinding(sites=(Site(), Site(levels=(0.05,))) * 4, hops=up + across, left=Contact(sites=(1, 2)), right=Contact(sites=(7, 8)))

def matrices(handedness):
    h = np.array([[0, 0, 0.1, 0], [0, 0, 0, 0.1], [0.1, 0, 0, 0], [0, 0.1, 0, 0]])
    return Molecule(hamiltonian=h, positions=np.zeros((2, 3)), sites=(0, 1), left=np.diag([1, 0]), right=np.diag([0, 1]))

def crooked(handedness):
    h = np.zeros((4, 4)); h[0, 2] = 0.1
    return Molecule(hamiltonian=h, positions=np.zeros((2, 3)), sites=(0, 1), left=np.diag([1, 0]), right=np.diag([0, 1]))

def deaf(handedness):
    h = np.eye(4)
    return Molecule(hamiltonian=h, positions=np.zeros((2, 3)), sites=(0, 1), left=np.diag([1, 0]), right=np.zeros((2, 2)))
"""


def run(arguments, capsys):
    """Exit code, standard output and standard error."""
    try:
        code = main(arguments) or 0
    except SystemExit as end:
        code = int(end.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_what_is_printed_says_where_it_comes_from(capsys):
    code, out, _ = run(["describe", "models.double_helix"], capsys)
    assert code == 0
    assert "spin-orbit hopping along a strand [from memory: verify]" in out
    code, out, _ = run(["solve", "models.helicene", "--set", "energy=[-1.5]"], capsys)
    assert code == 0
    assert "public code read" in out


def test_both_polarisations_have_their_own_names(capsys):
    code, out, _ = run(
        [
            "solve",
            "models.double_helix",
            "--set",
            "base_pairs=10",
            "--set",
            "energy=[0.485]",
            "--json",
        ],
        capsys,
    )
    found = json.loads(out)["observables"]
    assert code == 0
    assert found["transmitted_spin"]["values"][0] == pytest.approx(0.328, abs=6e-4)
    assert found["spin_polarisation"]["values"][0] == pytest.approx(0, abs=1e-10)


def test_a_law_that_does_not_apply_says_why(capsys):
    odd = ["audit", "models.helical_field", "--set", "spin_orbit_phase=0"]
    code, out, err = run(odd, capsys)
    assert code == 1
    assert (
        "does not apply: law_tree: the Hamiltonian has a part odd under time reversal of 0.01 eV"
        in out
    )
    assert "time_reversal" in err
    code, out, _ = run(["audit", "models.helical_field"], capsys)
    assert code == 0
    assert "law_tree" in out


def test_a_system_in_a_file(tmp_path, capsys):
    path = tmp_path / "chain.toml"
    path.write_text(CHAIN)
    code, out, _ = run(["audit", "models.custom", "--set", f"system={path}"], capsys)
    assert code == 0
    assert "ok  law_tree" in out


def test_a_system_made_by_a_function(tmp_path, capsys):
    path = tmp_path / "made.py"
    path.write_text(MADE)
    ladder = ["--set", f"system={path}:ladder", "--set", "energy=[0.05, 0.1]"]
    probed = [*ladder, "--set", "probe=dephasing", "--set", "probe_coupling=0.01"]
    code, out, _ = run(["solve", "models.custom", *probed, "--json"], capsys)
    assert code == 0
    assert abs(json.loads(out)["observables"]["transmitted_spin"]["values"][0]) > 1e-5
    code, out, _ = run(["audit", "models.custom", *probed], capsys)
    assert code == 0
    assert "ok  law_mirror" in out
    assert "does not apply: law_tree: the hops close a loop" in out
    code, _, _ = run(["solve", "models.custom", "--set", f"system={path}:matrices"], capsys)
    assert code == 0


BROKEN = {
    "[left]\nsites = [1]\n": ("", "must have a table [left]"),
    "between = [2, 3]": ("between = [2, 9]", "between 1 and 3"),
    "value = 0.1\nspin_orbit = [0.01": ("worth = 0.1\nspin_orbit = [0.01", "unknown key 'worth'"),
    "levels = [0.05]": ('levels = ["a"]', "wrong kind"),
    "sites = [3]": ("sites = []", "at least one site"),
    "[[hop]]\nbetween = [1, 2]": ("[[hopp]]\nbetween = [1, 2]", "unknown table 'hopp'"),
    "[0.0, 0.01, 0.0]": ("[0.0, 0.01]", "shape"),
}


@pytest.mark.parametrize("cut", BROKEN, ids=lambda text: text.split()[0])
def test_a_broken_file_is_one_line(cut, tmp_path, capsys):
    put, words = BROKEN[cut]
    path = tmp_path / "chain.toml"
    path.write_text(CHAIN.replace(cut, put))
    code, _, err = run(["solve", "models.custom", "--set", f"system={path}"], capsys)
    assert code == 2
    assert words in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["probe=dephasing"], "probe_coupling"),
        (["probe=dephasing", "probe_coupling=-1"], "in [0, 1e+06]"),
        (["probe_coupling=0.1"], "dephasing or voltage"),
        (["probe=both", "probe_coupling=0.1"], "none or dephasing or voltage"),
        (["probe=dephasing", "probe_coupling=0.1", "probe_sites=[1,1]"], "once"),
        (["probe=dephasing", "probe_coupling=0.1", "probe_sites=[7]"], "between 1 and 2"),
        (["probe=voltage", "probe_coupling=0.1", "bias=1", "thermal_energy=0"], "thermal_energy"),
        (["probe_spin=some"], "mixed or kept"),
        (["lead_coupling=0"], "in (0, 1e+06]"),
        (["system=nowhere.toml"], "can be read"),
        (["energy=[1e400]"], "finite"),
    ],
)
def test_bad_input_is_one_line(settings, words, capsys):
    given = [part for one in settings for part in ("--set", one)]
    code, _, err = run(["solve", "models.custom", *given], capsys)
    assert code == 2
    assert words in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "words"), [("crooked", "Hermitian"), ("deaf", "at least one channel")]
)
def test_matrices_that_are_no_system(name, words, tmp_path, capsys):
    path = tmp_path / "made.py"
    path.write_text(MADE)
    code, _, err = run(["solve", "models.custom", "--set", f"system={path}:{name}"], capsys)
    assert code == 2
    assert words in err


def test_outside_the_band_nothing_is_transmitted_and_it_says_so(capsys):
    far = ["--set", "energy=[30.0]", "--set", "probe=none", "--set", "probe_coupling=0"]
    code, out, _ = run(["solve", "models.double_helix", *far], capsys)
    assert code == 0
    assert "nothing is transmitted beyond rounding at 30 eV; P_s and P_MR are 0 there" in out


def test_a_file_of_one_hand_has_no_mirror_image(tmp_path, capsys):
    """With a loop and probes it transmits spin; that its handedness changes nothing is no fault of it."""
    path = tmp_path / "loop.toml"
    loop = "[[hop]]\nbetween = [1, 3]\nvalue = 0.05\nspin_orbit = [0.0, 0.0, 0.02]\n[left]"
    path.write_text(CHAIN.replace("[left]", loop))
    probed = ["--set", "probe=dephasing", "--set", "probe_coupling=0.02"]
    code, out, _ = run(["audit", "models.custom", "--set", f"system={path}", *probed], capsys)
    assert code == 0
    assert "does not apply: law_mirror: its handedness changes nothing" in out
    said = "does not apply: law_tree: the hops close a loop; it is free to break: no spin is transmitted"
    assert said in out


WRONG = """
from made import ladder
from chirospin.models import TightBinding

def half(handedness):
    whole = ladder(1)
    hops = whole.hops if handedness > 0 else whole.hops[1:]
    return TightBinding(sites=whole.sites, hops=hops, left=whole.left, right=whole.right)
"""


def test_a_false_mirror_image_is_red_with_the_name_of_the_law(tmp_path, capsys, monkeypatch):
    (tmp_path / "made.py").write_text(MADE)
    (tmp_path / "wrong.py").write_text(WRONG)
    monkeypatch.syspath_prepend(str(tmp_path))
    named = ["--set", f"system={tmp_path / 'wrong.py'}:half", "--set", "energy=[0.05]"]
    probed = ["--set", "probe=dephasing", "--set", "probe_coupling=0.01"]
    code, _, err = run(["audit", "models.custom", *named, *probed], capsys)
    assert code == 1
    assert "law_mirror is" in err
    assert "handedness = -1 does not mirror all of hops, leads and probes" in err
