"""Sweeps: designs, stores that survive, executors, hard input."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from chirospin import chiral_metal, junction
from chirospin.base.errors import ModelError
from chirospin.junction import GKSL, Junction, Landauer
from chirospin.points.design import designed, distribution
from chirospin.points.store import Store
from chirospin.points.sweep import Definition, estimated_bytes, run
from tests.faces.test_command_line import run as line  # noqa: F401
from tests.laws.test_company import COMPANY

KILLS = int(os.environ.get("CHIROSPIN_KILLS", "8"))  # each starts processes anew; by hand: 60
PATIENT = 6 * max(KILLS, 20)  # seconds for a sweep on a busy machine
GRID = {"energy_b": [0.4, 0.8, 1.2], "hopping_b": [0.1, 0.2, 0.3, 0.4]}
SCAN = """
family = "junction"
method = "gksl"
observables = ["spin_polarisation", "current"]
chunk = 2
[set]
hubbard = 3
[grid]
energy_b = "0.4:1.4:10"
hopping_b = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
"""


def definition(**changes: Any) -> Definition:
    model = Junction(hubbard=0.0)
    given: dict[str, Any] = {
        "problem": junction.PROBLEM,
        "model": model,
        "methods": (Landauer(),),
        "observables": ("spin_polarisation",),
        "design": designed(model, grid=GRID),
    }
    return Definition(**{**given, **changes})


def test_a_sweep_is_the_same_as_solving_the_grid(tmp_path):
    """To the tolerance of the method, by several methods, whatever the shards; verdicts and failures alike."""
    model = Junction(hubbard=2.0)
    swept = junction.sweep(model, tmp_path / "a", ["gksl", "landauer"], over=GRID, chunk=5)
    solved = junction.solve(model, ["gksl", "landauer"], over=GRID)
    for name in ("spin_polarisation", "current", "audit_value"):
        assert swept[name].dims == solved[name].dims
        largest = float(abs(solved[name]).max())
        np.testing.assert_allclose(swept[name], solved[name], rtol=0, atol=COMPANY * largest)
    assert swept.converged.equals(solved.converged)
    assert swept.audit_passed.equals(solved.audit_passed)
    assert swept.energy_b.attrs["units"] == "eV"
    opened = xr.open_dataset(tmp_path / "a", engine="chirospin")
    assert opened.equals(swept)
    assert len(list((tmp_path / "a" / "shards").glob("*.nc"))) == 3


def test_all_points_of_a_sweep_are_seen_at_the_same_places(tmp_path):
    """Default positions go with the mean free path of a point; a sweep shows all at those of its origin."""
    over, wanted = {"relaxation_time": [1.0, 2.0]}, ["electric_field"]
    model = chiral_metal.ChiralMetal()
    swept = chiral_metal.sweep(model, tmp_path / "a", over=over, observables=wanted)
    solved = chiral_metal.solve(model, over=over, observables=wanted)
    np.testing.assert_allclose(swept.electric_field, solved.electric_field, rtol=0, atol=1e-12)
    assert swept.position.equals(solved.position)
    apart = chiral_metal.solve(model.replace(relaxation_time=2.0), observables=wanted)
    assert not np.allclose(apart.position, solved.position)  # the control: its own places


def test_axes_and_further_models(tmp_path):
    model = chiral_metal.ChiralMetal(position=[-1.0, 0.5, 1.0])
    swept = chiral_metal.sweep(model, tmp_path / "a", over={"spin_orbit": [0.1, 0.2]}, chunk=1)
    solved = chiral_metal.solve(model, over={"spin_orbit": [0.1, 0.2]})
    largest = float(abs(solved.spin_density).max())
    np.testing.assert_allclose(
        swept.spin_density, solved.spin_density, rtol=0, atol=COMPANY * largest
    )


def test_designs():
    model = Junction()
    laws = {
        "hubbard_a": distribution(model.parameter_info("hubbard_a"), "uniform", [3, 5]),
        "coupling_a": distribution(
            model.parameter_info("coupling_a"), "log-uniform", ["10 meV", "1 eV"]
        ),
        "energy_b": distribution(model.parameter_info("energy_b"), "normal", [0.8, 0.1]),
        "molecules": distribution(model.parameter_info("molecules"), "choice", [1, 2]),
    }
    for kind in ("random", "latin-hypercube", "sobol"):
        design = designed(model, distributions=laws, kind=kind, samples=64, seed=3)
        points = design.points(0, design.size)
        again = designed(model, distributions=laws, kind=kind, samples=64, seed=3)
        assert points == again.points(0, again.size)
        assert design.points(10, 12)["energy_b"] == points["energy_b"][10:12]
        assert min(points["hubbard_a"]) >= 3
        assert max(points["hubbard_a"]) <= 5
        assert set(points["molecules"]) == {1, 2}
        assert abs(np.mean(points["energy_b"]) - 0.8) < 0.05
        assert abs(np.log(points["coupling_a"]).mean() - np.log(0.1)) < 0.4
        other = designed(model, distributions=laws, kind=kind, samples=64, seed=4)
        assert other.points(0, 5) != design.points(0, 5)
    cube = designed(model, distributions=laws, kind="latin-hypercube", samples=50, seed=1)
    strata = np.floor((np.array(cube.points(0, 50)["hubbard_a"]) - 3) * 25).astype(int)
    assert sorted(strata) == list(range(50))  # one draw in each of fifty equal slices
    few = {name: laws[name] for name in ("hubbard_a", "coupling_a")}
    mixed = designed(model, grid=GRID, distributions=few, kind="random", samples=5)
    assert mixed.size == 60
    assert mixed.points(5, 6)["hopping_b"] == [0.2]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"grid": {"energy_b": []}}, "at least one value"),
        ({"grid": {"energy_c": [1]}}, "did you mean"),
        ({"grid": {"energy_b": [float("nan")]}}, "finite"),
        ({"grid": {"spin_orbit_vectors": [1]}}, "scalar"),
        ({"grid": {"energy_b": [1]}, "columns": {"energy_b": [1]}}, "one way"),
        ({"columns": {"energy_b": [1, 2], "hubbard_a": [1]}}, "one length"),
        ({"grid": {"energy_b": "0:1:1000", "hopping_b": "0:1:100000"}}, "at most"),
        ({}, "at least one parameter"),
    ],
)
def test_impossible_designs_are_one_line(changes, words):
    with pytest.raises(ModelError, match=words):
        designed(Junction(), **changes)


def test_points_that_fail_are_recorded_and_retried(tmp_path):
    """A refused parameter and a mean field without solution do not stop the others."""
    model = Junction()
    columns = {"occupation_left": [0.9, 0.8, 0.7], "hubbard_a": [0.1, 6.0, 0.2]}
    method = junction.MeanField(iterations=40, continuation=0)
    one = definition(
        model=model.replace(hubbard_b=6.0),
        methods=(method,),
        design=designed(model, columns=columns),
    )
    count = run(one, tmp_path / "a", workers=0, chunk=2)
    assert (count.done, count.points) == (3, 3)
    assert count.failed >= 1
    ds = Store(tmp_path / "a").open()
    bad = ~ds.converged.values
    assert np.isnan(ds.spin_polarisation.values[bad]).all()
    assert all(ds.reason.values[bad])
    before = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "a" / "shards").iterdir()}
    assert run(one, tmp_path / "a", workers=0).fresh == 0
    again = run(one, tmp_path / "a", workers=0, retry_failed=True)
    after = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "a" / "shards").iterdir()}
    assert 0 < again.fresh < 3 or all(bad)
    assert sum(before[n] != after[n] for n in before) == -(-again.fresh // 2)


def test_a_changed_definition_is_refused_and_nothing_is_lost(tmp_path):
    run(definition(), tmp_path / "a", workers=0)
    before = sorted(p.read_bytes() for p in (tmp_path / "a" / "shards").iterdir())
    changed = definition(model=Junction(hubbard=0.0, spin_orbit=0.1))
    with pytest.raises(ModelError, match=r"another sweep \(different: parameters\)"):
        run(changed, tmp_path / "a", workers=0)
    with pytest.raises(ModelError, match="methods"):
        run(definition(methods=(GKSL(),)), tmp_path / "a", workers=0)
    assert sorted(p.read_bytes() for p in (tmp_path / "a" / "shards").iterdir()) == before


def test_foreign_newer_locked_and_missing_stores(tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("years of work")
    with pytest.raises(ModelError, match=r"thesis\.tex"):
        run(definition(), foreign, workers=0)
    assert (foreign / "thesis.tex").read_text() == "years of work"
    run(definition(), tmp_path / "a b ü", workers=0)
    store = Store(tmp_path / "a b ü")
    with store.locked(), pytest.raises(ModelError, match="another process"):
        run(definition(), store.path, workers=0)
    header = json.loads((store.path / "sweep.json").read_text())
    (store.path / "sweep.json").write_text(json.dumps(header | {"format": 99}))
    with pytest.raises(ModelError, match="newer"):
        store.open()
    (store.path / "sweep.json").write_text("{")
    with pytest.raises(ModelError, match="unreadable"):
        store.open()
    with pytest.raises(ModelError, match="holds no sweep"):
        Store(tmp_path / "none").open()


def test_a_damaged_shard_is_named(tmp_path):
    run(definition(), tmp_path / "a", workers=0, chunk=4)
    shard = tmp_path / "a" / "shards" / "00000001.nc"
    shard.write_bytes(shard.read_bytes()[:200])
    with pytest.raises(ModelError, match=r"00000001\.nc"):
        Store(tmp_path / "a").open()
    again = run(definition(), tmp_path / "a", workers=0)
    assert again.fresh == 4
    assert list(again.aside.values()) == ["it has no seal"]  # which was at its end
    assert (tmp_path / "a" / "set-aside" / "00000001.nc").stat().st_size == 200


def test_a_full_disk_stops_with_all_that_is_finished(tmp_path, monkeypatch):
    store = Store(tmp_path / "a")
    written, shards = os.fsync, []

    def full(handle: int) -> None:
        if "shards" in os.readlink(f"/proc/self/fd/{handle}"):
            shards.append(handle)
            if len(shards) == 5:  # of the third: each file, and then its folder
                raise OSError(28, "No space left on device")
        written(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelError, match="No space left on device"):
        run(definition(), store.path, workers=0, chunk=3)
    assert store.finished() == {0, 1}
    assert not list((store.path / "shards").glob("*.part"))
    monkeypatch.setattr(os, "fsync", written)
    assert run(definition(), store.path, workers=0).fresh == 6


def test_too_little_disk_is_said_before_the_start(tmp_path, monkeypatch):
    model = Junction()
    big = definition(design=designed(model, grid={"energy_b": "0:1:1000", "hubbard_a": "0:8:1000"}))
    assert estimated_bytes(big, 512) > 1e8
    monkeypatch.setattr(Store, "free", lambda _self: 1_000_000)
    with pytest.raises(ModelError, match="1000000 points"):
        run(big, tmp_path / "a", workers=0)
    assert not (tmp_path / "a").exists()


@pytest.mark.usefixtures("no_processes")
def test_importance_of_parameters(tmp_path, line, monkeypatch):  # noqa: F811
    """Sobol's indices of an additive law are its variances; a parameter that does nothing has none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.toml").write_text(
        'family = "vibration"\nobservables = ["moment", "occupation"]\n'
        '[sobol]\nsamples = 256\nlevel = { uniform = ["-2 meV", "2 meV"] }\n'
        "phonon_velocity = { uniform = [0.01, 0.02] }\n"
    )
    assert line("sweep", "s.toml", "--workers", "1")[0] == 0
    code, out, _ = line("importance", "s.sweep", "occupation", "--json")
    found = json.loads(out)["importance"]
    assert code == 0
    assert found["level"]["first_order"] == pytest.approx(1, abs=0.05)
    assert abs(found["phonon_velocity"]["total_order"]) < 0.01
    assert line("importance", "s.sweep", "moment")[0] == 2


HARD = {
    "not TOML": ("family = [", "not TOML"),
    "no family": ("method = 'gksl'", "family"),
    "unknown family": ("family = 'junctoin'", "did you mean"),
    "unknown key": ("family = 'junction'\ngrids = 1", "did you mean"),
    "unknown parameter": ("family = 'junction'\n[grid]\nenergi_b = [1]", "did you mean"),
    "bad value": ("family = 'junction'\n[set]\ncoupling_a = -1\n[grid]\nenergy_b = [1]", ">= 0"),
    "bad unit": ("family = 'junction'\n[grid]\nenergy_b = ['1 nm', '2 nm']", "eV"),
    "nan": ("family = 'junction'\n[grid]\nenergy_b = [nan]", "finite"),
    "empty": ("family = 'junction'\n[grid]\nenergy_b = []", "at least one"),
    "nothing varies": ("family = 'junction'", "at least one parameter"),
    "two samples": (
        "family='junction'\n[random]\nsamples=2\nenergy_b={uniform=[0,1]}\n[sobol]\nsamples=2",
        "several",
    ),
    "no samples": ("family='junction'\n[random]\nenergy_b={uniform=[0,1]}", "samples"),
    "not a power": (
        "family='junction'\n[sobol]\nsamples=3\nenergy_b={uniform=[0,1]}",
        "power of two",
    ),
    "unknown law": ("family='junction'\n[random]\nsamples=2\nenergy_b={gauss=[0,1]}", "normal"),
    "wrong ends": ("family='junction'\n[random]\nsamples=2\nenergy_b={uniform=[1,0]}", "grow"),
    "method": ("family='junction'\nmethod=['exact']\n[grid]\nenergy_b=[1]", "gksl"),
    "option": ("family='junction'\n[option]\ntolrance=1\n[grid]\nenergy_b=[1]", "tolerance"),
    "observable": ("family='junction'\nobservables=['P']\n[grid]\nenergy_b=[1]", "known"),
    "chunk": ("family='junction'\nchunk=0\n[grid]\nenergy_b=[1]", "chunk"),
}


@pytest.mark.parametrize(("text", "word"), HARD.values(), ids=HARD.keys())
def test_hard_files_are_one_line_and_code_2(tmp_path, line, text, word):  # noqa: F811
    file = tmp_path / "scan ü.toml"
    file.write_text(text)
    code, out, err = line("sweep", str(file))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert word in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["scan ü.toml"]


def test_missing_files_and_read_only_places(tmp_path, line):  # noqa: F811
    assert line("sweep", str(tmp_path / "none.toml"))[0] == 2
    assert line("status", str(tmp_path))[0] == 2
    (tmp_path / "scan.toml").write_text(SCAN)
    (tmp_path / "taken").write_text("")
    code, _, err = line("sweep", str(tmp_path / "scan.toml"), "--store", str(tmp_path / "taken"))
    assert (code, err.count("\n")) == (2, 1)
    if os.geteuid():
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o500)
        code, _, err = line("sweep", str(tmp_path / "scan.toml"), "--store", str(closed / "a"))
        assert (code, err.count("\n")) == (2, 1)


def started(folder: Path, *extra: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "chirospin", "sweep", "scan.toml", "--workers", "2", *extra]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def children(pid: int) -> list[int]:
    """Worker processes of a sweep."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
            words = (entry.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == pid and b"spawn_main" in words:
            found.append(int(entry.parent.name))
    return found


def orphans(folder: Path) -> list[int]:
    """Worker processes that still run in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").resolve() == folder and b"spawn_main" in (
                entry / "cmdline"
            ).read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc to find the workers")
def test_kills_change_nothing(tmp_path, line, no_processes):  # noqa: F811
    """Parents and workers die in turn at random moments; the store ends as the undisturbed one, bit for bit: a chunk that is
    computed again by the same processor has the same company."""
    calm, hit = tmp_path / "calm", tmp_path / "hit"
    for folder in (calm, hit):
        folder.mkdir()
        (folder / "scan.toml").write_text(SCAN)
    assert line("sweep", str(calm / "scan.toml"), "--store", str(calm / "scan.sweep"))[0] == 0
    dice = random.Random(7)
    kills = {"parent": 0, "worker": 0}
    sizes = []
    process = started(hit)
    while sum(kills.values()) < KILLS:
        time.sleep(dice.uniform(0.2, 1.5))
        if process.poll() is not None:  # finished: begin again with some shards lost
            assert process.returncode == 0
            for shard in dice.sample(sorted((hit / "scan.sweep" / "shards").glob("*.nc")), 12):
                shard.unlink()
            process = started(hit)
            continue
        if kills["worker"] < kills["parent"]:
            end = time.monotonic() + 5
            while not (workers := children(process.pid)) and time.monotonic() < end:
                time.sleep(0.02)
            if not workers:
                continue
            os.kill(dice.choice(workers), signal.SIGKILL)
            kills["worker"] += 1
        else:
            process.kill()
            process.wait()
            kills["parent"] += 1
            store = Store(hit / "scan.sweep")
            sizes.append(len(store.finished()) if store.exists else 0)
            if sizes[-1]:
                store.open()  # whatever is there is whole
            process = started(hit)
    code = process.wait(PATIENT)  # 3 where one chunk was hit as often as makes it look deadly
    assert code == 0 or started(hit, "--retry-failed").wait(PATIENT) == 0
    assert min(kills.values()) >= 3
    time.sleep(2)
    assert not orphans(hit), "workers outlive their parent"
    one, other = (Store(f / "scan.sweep") for f in (calm, hit))
    assert one.finished() == other.finished()
    for n in one.finished():
        left, right = one.read(n), other.read(n)
        assert left.identical(right)
        for name in left.data_vars:
            if left[name].dtype.kind == "f":
                assert left[name].values.tobytes() == right[name].values.tobytes(), name


def test_a_deadly_chunk_is_found_among_others(tmp_path, monkeypatch):
    """Broken pools are replaced; the chunk that breaks them twice alone is given up."""
    from concurrent.futures import BrokenExecutor, Executor, Future

    class Fragile(Executor):
        """Breaks whenever chunk 2 is handed to it."""

        def submit(self, fn: Any, /, task: Any, **_: Any) -> Any:
            future: Future[Any] = Future()
            if task.first == 4:
                future.set_exception(BrokenExecutor("killed"))
            else:
                future.set_result(fn(task))
            return future

    count = run(definition(), tmp_path / "a", executor=Fragile, workers=2, chunk=2)
    assert count.done == count.points == 12
    assert count.failed == 2
    ds = Store(tmp_path / "a").open(grid=False)
    assert ds.point.values[~ds.converged.values].tolist() == [4, 5]
    assert "died" in ds.reason.values[4]


def test_a_cluster_gives_the_same_store(tmp_path, line, no_processes, monkeypatch):  # noqa: F811
    pytest.importorskip("distributed")
    monkeypatch.chdir(tmp_path)
    few = SCAN.replace("0.4:1.4:10", "0.4:0.8:3").replace("[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]", "[0.2]")
    (tmp_path / "scan.toml").write_text(few)
    assert line("sweep", "scan.toml", "--store", "here", "--workers", "1")[0] == 0
    command = [sys.executable, "-m", "chirospin", "sweep", "scan.toml", "--store", "there"]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "--cluster", "dask", "--workers", "2"],
        env=environment,
        capture_output=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    one, other = (Store(tmp_path / name).open() for name in ("here", "there"))
    assert one.equals(other)
