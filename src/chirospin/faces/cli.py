"""The command line: what is typed after `chirospin`, what it prints, and its exit codes."""

from __future__ import annotations

import os
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter

import chirospin
from chirospin.base.errors import (
    ClaimError,
    ConvergenceError,
    ModelError,
    UnknownNameError,
    one_line,
)
from chirospin.base.extras import installing
from chirospin.base.families import family_names, installed
from chirospin.base.method import arithmetic_reason, is_arithmetic
from chirospin.base.parameters import nearest
from chirospin.faces import json_format
from chirospin.faces.arguments import family, problem, whole_number
from chirospin.faces.verdict import BAD_INPUT, FAILED, NOT_CONVERGED, coloured, exit_code

app = App(
    name="chirospin",
    help="Spin polarisation in chiral and spin-orbit-coupled matter, with audited numbers.\n\n"
    "chirospin describe junction              what can be set, and what comes out\n\n"
    "chirospin solve junction                 one point\n\n"
    "chirospin sweep scan.toml                many points, kept as they come, resumable\n\n"
    "chirospin measured --example             measured curves in, verdict out\n\n"
    "chirospin reproduce nozaki_fujita_2026   a paper, claim by claim\n\n"
    "chirospin demo                           every door once, a few minutes\n\n"
    "Exit codes: 0 good, 1 a check, an audit or a claim failed, 2 bad input, 3 not converged.",
    help_format="plaintext",
    version=chirospin.__version__,
    version_flags=["--version"],
    result_action="return_value",
    suppress_keyboard_interrupt=False,  # what was interrupted says what is kept
)
app.register_install_completion_command(help="Complete commands and options in this shell.")

Whole = Annotated[int, Parameter(converter=whole_number)]
Repeated = Parameter(negative="", consume_multiple=False)
Json = Annotated[bool, Parameter(negative="", help="print one JSON object and nothing else")]
Workers = Annotated[
    int | None,
    Parameter(converter=whole_number, help="threads that share the points; all cores if not given"),
]


def say(text: str) -> None:
    """A line on stdout."""
    sys.stdout.write(coloured(text, sys.stdout) + "\n")
    sys.stdout.flush()


def warn(text: str) -> None:
    """A line on stderr."""
    sys.stderr.write(coloured(f"chirospin: {one_line(text)}", sys.stderr) + "\n")


def _cores(workers: int | None) -> int:
    if workers is not None and workers < 1:
        raise ModelError(f"Option --workers must be at least 1, but is {workers}")
    if workers is None and not hasattr(os, "sched_getaffinity"):  # macOS, Windows
        return os.cpu_count() or 1
    return workers or len(os.sched_getaffinity(0))


@app.command
def describe(
    name: Annotated[str | None, Parameter(name="family")] = None, /, *, json: Json = False
) -> int:
    """Show models, parameters (symbol, unit, default, range), methods and observables.

    Parameters
    ----------
    name
        Family, for example junction, or one of its models, junction.bias; all if not given.
    """
    from chirospin.faces import text

    if name is not None:
        whole, chosen = family(name.partition(".")[0]), problem(name)
        shown = replace(whole, problems=(chosen,)) if "." in name else whole
        say(json_format.dumps(text.described(shown)) if json else text.described_text(shown))
        return 0
    every = installed()
    if json:
        say(json_format.dumps({"families": [text.described(listed) for listed in every]}))
        return 0
    for listed in every:
        say(f"{listed.name}: {listed.question}")
        for each in listed.problems:
            say(f"  {each.path} (in Python {each.in_python}): methods {', '.join(each.methods)}")
            say(f"    observables {', '.join(o.name for o in each.observables)}")
    say("\nchirospin describe FAMILY shows the parameters.")
    return 0


@app.command
def solve(
    name: Annotated[str, Parameter(name="family")],
    /,
    *,
    method: str | None = None,
    set_: Annotated[list[str] | None, Parameter(name="--set", negative="")] = None,
    from_: Annotated[Path | None, Parameter(name="--from", negative="")] = None,
    over: Annotated[list[str] | None, Repeated] = None,
    option: Annotated[list[str] | None, Repeated] = None,
    out: Path | None = None,
    plot: Path | None = None,
    quantity: str | None = None,
    observables: str | None = None,
    x: str | None = None,
    unit: Annotated[list[str] | None, Repeated] = None,
    uncertain: Annotated[bool, Parameter(negative="")] = False,
    structures: Whole = 12,
    seed: Whole = 0,
    json: Json = False,
    workers: Workers = None,
) -> int:
    """Solve a model at one point, or on a grid of points.

    chirospin solve junction --set hubbard=5 --set "coupling=25 meV"

    chirospin solve junction --over hubbard=0:8:41 --out p.nc --plot p.png

    chirospin solve junction --method gksl,mean-field,landauer --set hubbard=0.5

    chirospin solve junction --observables noise,fano_factor

    chirospin solve junction --from stack.nc --set "coupling=50 meV"

    Parameters
    ----------
    name
        FAMILY or FAMILY.MODEL, for example junction; a family alone is its first model that knows
        every method and parameter named.
    method
        Method, or several with commas to compare them side by side.
    set_
        NAME=VALUE, repeatable; values like 0.8, "25 meV", pi/2, [[0.03,0,0],[0,0.03,0]].
    from_
        FILE.nc or DIR.zarr of a stack, by `chirospin solve molecule.stack`: its parameters become the model's.
    over
        NAME=START:STOP:COUNT (add :log for even ratios) or NAME=V1,V2,...; repeatable.
    option
        NAME=VALUE setting of the method, repeatable; see `chirospin describe`.
    out
        Write the labelled result to FILE.nc or DIR.zarr.
    plot
        Draw the result to FILE.png, .pdf or .svg.
    quantity
        The observable that is drawn, the model's own if not given; found too if it does not come unasked.
    observables
        Names with commas, for those that come only when asked for, or fewer than all; see `chirospin describe`.
    x
        The swept parameter on the axis.
    unit
        UNIT in which currents, biases, temperatures are shown and drawn, or NAME=UNIT; repeatable: nA, bias=mV. A
        file that --out writes keeps the units that the parameters declare.
    uncertain
        With --from: draw over functional, screening, geometry and Lambda; an interval instead of a number.
    structures
        Geometries that --uncertain draws; each costs a self-consistent field of two neighbours.
    seed
        Of the draws.
    """
    from chirospin.faces import arguments

    if uncertain:
        return _uncertain(
            name, method, set_, from_, over, option, out, quantity, structures, seed, json=json
        )
    posed = arguments.problem_for(name, method, [*(set_ or []), *(over or [])])
    model = arguments.model_from(posed.model, set_ or [], from_)
    grid = arguments.sweep_from(type(model), over or [])
    arguments.refuse_conflicts(posed.model, set_ or [], grid)
    wanted = arguments.observables_from(posed, observables, quantity, model)
    methods = arguments.methods_from(posed, method, option or [], model, wanted)

    from chirospin.base import results
    from chirospin.base.figures import save_figure, sketch
    from chirospin.base.solve import solve as corridor
    from chirospin.faces import text
    from chirospin.faces.progress import progress, solver_lines

    _check_targets(out, plot)
    with progress(f"solving {name}") as report, solver_lines():
        ds = corridor(
            posed,
            model,
            methods if len(methods) > 1 else methods[0],
            over=grid,
            observables=wanted,
            on_failure="record",
            workers=_cores(workers),
            progress=report,
        )
    certificates = results.certificates(ds, posed)
    if out is not None:
        results.save(ds, out)
    ds = arguments.in_units(ds, unit or [])
    if plot is not None:
        save_figure(sketch(ds, quantity, x), plot)
    say(
        text.solved_json(ds, posed, model, methods, certificates)
        if json
        else text.solved_text(ds, posed, certificates)
    )
    if not json:
        _wrote(out, plot)
        for line in _next_steps(posed.path, out):
            say(line)
    return _verdict(ds, certificates)


def _next_steps(path: str, out: Path | None) -> list[str]:
    """What a stack that was kept is for."""
    if out is None or path != "molecule.stack":
        return []
    return [f'next: chirospin solve junction --from {out} --set "coupling=50 meV"']


def _uncertain(
    name: str,
    method: str | None,
    set_: list[str] | None,
    from_: Path | None,
    over: list[str] | None,
    option: list[str] | None,
    out: Path | None,
    quantity: str | None,
    structures: int,
    seed: int,
    *,
    json: bool,
) -> int:
    """A quantity with its interval, over stacks drawn around a stored one."""
    from chirospin.base import results
    from chirospin.faces import arguments, uncertain
    from chirospin.faces.progress import progress, solver_lines

    if from_ is None or over:
        raise ModelError(
            "Option --uncertain must come with --from FILE of a stack, and without --over"
        )
    posed = arguments.problem_for(name, method, set_ or [])
    (chosen, *_) = arguments.methods_from(posed, method, option or [])
    if quantity is not None:
        posed.choose((quantity,))
    if out is not None:
        results.check_target(out)
    with progress(f"drawing stacks for {name}", quiet=json) as report, solver_lines():
        ds = uncertain.uncertain_result(
            from_,
            posed,
            arguments.values_from(posed.model, set_ or []),
            chosen,
            structures,
            seed,
            report,
        )
    if out is not None:
        results.save(ds, out)
    facts = uncertain.uncertain_facts(ds, quantity or posed.quantity)
    say(uncertain.uncertain_json(facts) if json else uncertain.uncertain_text(facts))
    if out is not None and not json:
        say(f"wrote {out}")
    return _verdict(ds, results.certificates(ds, posed))


def _verdict(ds: Any, found: list[Any]) -> int:
    from chirospin.faces.verdict import failure_lines

    failed = int((~ds["converged"]).sum())
    lines = failure_lines(ds, found)
    for line in lines:
        warn(line)
    if not failed:
        return exit_code(converged=True, passed=not lines)
    flat = (
        ds.stack(point=ds["converged"].dims, create_index=False)
        if ds["converged"].dims
        else ds.expand_dims("point")
    )
    first = flat.isel(point=int((~flat["converged"].values).argmax()))
    place = ", ".join(f"{d} = {first[d].item()}" for d in ds["converged"].dims)
    warn(
        f"not converged at {failed} of {ds['converged'].size} points"
        + (f", first at {place}" if place else "")
        + f": {first['reason'].item()} (residual {first['residual'].item():.2e})"
    )
    return NOT_CONVERGED


@app.command
def gradient(
    name: Annotated[str, Parameter(name="family")],
    /,
    *,
    by: Annotated[list[str] | None, Repeated] = None,
    method: str | None = None,
    set_: Annotated[list[str] | None, Parameter(name="--set", negative="")] = None,
    option: Annotated[list[str] | None, Repeated] = None,
    json: Json = False,
) -> int:
    """Derivatives of the observables by the parameters, all other parameters held.

    chirospin gradient junction --set hubbard=5

    Parameters
    ----------
    name
        FAMILY or FAMILY.MODEL, for example junction.
    by
        Parameter, repeatable; every real one if not given.
    method
        Method; the default if not given.
    set_
        NAME=VALUE, repeatable.
    option
        NAME=VALUE setting of the method, repeatable.
    """
    from chirospin.base import results
    from chirospin.base.solve import solve as corridor
    from chirospin.faces import arguments, optimising
    from chirospin.faces.progress import progress
    from chirospin.points.gradient import gradient as derive

    posed = problem(name)
    model = arguments.model_from(posed.model, set_ or [])
    (chosen, *_) = arguments.methods_from(posed, method, option or [], model)
    with progress(f"differentiating {name}"):
        ds = derive(posed, model, chosen, names=by)
        # the checks of where they are taken
        point = corridor(posed, model, chosen, on_failure="record")
    certificates = results.certificates(point, posed)
    say(
        json_format.dumps(optimising.gradient_json(ds, certificates))
        if json
        else optimising.gradient_text(ds, certificates)
    )
    return _verdict(point, certificates)


@app.command
def optimise(
    name: Annotated[str, Parameter(name="family")],
    /,
    *,
    vary: Annotated[list[str], Repeated],
    bounds: Annotated[list[str] | None, Repeated] = None,
    maximise: str | None = None,
    minimise: str | None = None,
    method: str | None = None,
    set_: Annotated[list[str] | None, Parameter(name="--set", negative="")] = None,
    option: Annotated[list[str] | None, Repeated] = None,
    starts: Whole = 6,
    screen: Whole = 128,
    evaluations: Whole = 60,
    hops: Whole = 0,
    seed: Whole = 0,
    store: Path | None = None,
    out: Path | None = None,
    json: Json = False,
) -> int:
    """Vary parameters until an observable is largest or smallest; the optimum is audited.

    chirospin optimise junction --maximise "abs(spin_polarisation)" --vary hubbard=0:8 --vary energy_b=0.4:1.4

    Parameters
    ----------
    name
        FAMILY or FAMILY.MODEL, for example junction.
    vary
        NAME=LOW:HIGH, with :log to search in the logarithm; repeatable.
    bounds
        LOW:HIGH of each --vary NAME without a range, in their order, or NAME=LOW:HIGH; repeatable.
    maximise
        NAME, abs(NAME), NAME[label], or a product of these.
    minimise
        The same, to be made smallest.
    method
        Method; the default if not given.
    set_
        NAME=VALUE, repeatable; the first start.
    option
        NAME=VALUE setting of the method, repeatable.
    starts
        Searches, the further ones from the best points of the screen; at least 3 must agree.
    screen
        Points spread over the ranges at which searches may begin; 0 draws the starts blindly.
    evaluations
        Most evaluations of one search.
    hops
        How often a search that has ended goes on from there, moved at random; 10 where searches do not agree.
    seed
        Of the drawn starts.
    store
        Folder that keeps what was found at every point: the same command continues a stopped one.
    out
        Write the result at the optimum, with the path of every search, to FILE.nc or DIR.zarr.
    """
    from chirospin.base import results
    from chirospin.faces import arguments, optimising
    from chirospin.faces.progress import progress
    from chirospin.points.optimise import optimise as search

    given = [text for text in (maximise, minimise) if text]
    if len(given) != 1:
        raise ModelError("Exactly one of --maximise and --minimise must be given")
    for flag, count in (("--starts", starts), ("--evaluations", evaluations)):
        if count < 1:
            raise ModelError(f"Option {flag} must be at least 1, but is {count}")
    posed = problem(name)
    model = arguments.model_from(posed.model, set_ or [])
    ranges = optimising.ranges_from(model, vary, bounds or [])
    (chosen, *_) = arguments.methods_from(posed, method, option or [], model)
    if out is not None:
        results.check_target(out)
    with progress(f"optimising {name}") as report:
        ds = search(
            posed,
            model,
            given[0],
            ranges,
            chosen,
            largest=maximise is not None,
            starts=starts,
            screen=screen,
            evaluations=evaluations,
            hops=hops,
            seed=seed,
            store=store,
            progress=report,
        )
    if out is not None:
        results.save(ds, out)
    facts = optimising.optimum_facts(ds, posed)
    say(json_format.dumps(facts) if json else optimising.optimum_text(facts))
    if out is not None and not json:
        say(f"wrote {out}")
    failed = [c for c in facts["audit"] if not c["passed"]]
    for check in failed:
        warn(f"audit FAILED: {check['name']} is {check['value']:.3g}")
    code = _verdict(ds, results.certificates(ds, posed))
    return code or (FAILED if failed else 0)


@app.command
def sweep(
    file: Path | None = None,
    /,
    *,
    example: str | None = None,
    store: Path | None = None,
    workers: Workers = None,
    scheduler: str | None = None,
    cluster: str | None = None,
    retry_failed: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> int:
    """Run the sweep that a TOML file declares; the same command continues an interrupted one.

    chirospin sweep --example junction        writes junction.toml, a small sweep to begin with

    A file may read:  family = "junction"  method = ["gksl"]  observables = ["spin_polarisation"]
    [set] hubbard = 4  [grid] energy_b = "0.4:1.4:11"  [random] samples = 50
    coupling = { uniform = ["20 meV", "0.2 eV"] }

    Parameters
    ----------
    file
        TOML with family, method, observables, store, chunk, [option], [set], [grid] and one of
        [list], [random], [latin-hypercube], [sobol].
    example
        FAMILY or FAMILY.MODEL: write a sample to FILE, or to its name with .toml, and run nothing.
    store
        Directory of the results; that of the file, or its name with .sweep.
    scheduler
        Address of a Dask scheduler that computes instead of this machine.
    cluster
        dask starts a Dask cluster on this machine.
    retry_failed
        Compute the points again that are recorded as failed.
    """
    from chirospin.faces.progress import sweep_progress
    from chirospin.faces.sweeping import definition_from, executor_of
    from chirospin.points.sweep import run

    if example is not None:
        return _sample(example, file)
    if file is None:
        raise ModelError(
            "A sweep needs its FILE.toml; `chirospin sweep --example junction` writes one"
        )
    definition, named, chunk = definition_from(file)
    place, cores = store or named, _cores(workers)
    with (
        executor_of(scheduler, cluster, cores) as executor,
        sweep_progress(f"sweeping {definition.problem.path}", quiet=json) as report,
    ):
        count = run(
            definition,
            place,
            executor=executor,
            workers=cores,
            chunk=chunk,
            retry_failed=retry_failed,
            progress=report,
        )
    for name, reason in count.aside.items():
        warn(f"set aside and computed again: {name} ({reason})")
    return _told(place, count.fresh, count.seconds, json=json)


def _sample(name: str, file: Path | None) -> int:
    from chirospin.faces.sample_sweep import write_sample
    from chirospin.faces.sweeping import definition_from

    path = file or Path(f"{name}.toml")
    write_sample(problem(name), path)
    definition, store, _ = definition_from(path)
    say(f"wrote {path}: {definition.design.size} points of {', '.join(definition.design.names)}")
    say(f"run: chirospin sweep {path}     results: {store}")
    return 0


def _told(place: Path, fresh: int, seconds: float, *, json: bool) -> int:
    from chirospin.faces.sweeping import status_facts
    from chirospin.faces.verdict import sweep_lines, sweep_words
    from chirospin.points.store import Store

    facts = status_facts(Store(place))
    if json:
        say(json_format.dumps(facts | {"computed": fresh, "seconds": seconds}))
    else:
        say(
            f"{facts['done']} of {facts['points']} points in {place}, {fresh} computed now in "
            f"{seconds:.1f} s, {sweep_words(facts)}"
        )
        for line in sweep_lines(facts):
            say(line)
        say(f"see: chirospin plot {place}     check: chirospin audit {place}")
        say(f'open: xarray.open_dataset("{place}", engine="chirospin")')
    return _sweep_code(facts)


def _sweep_code(facts: dict[str, Any]) -> int:
    for check, many in facts["checks"].items():
        warn(f"audit FAILED: {check} at {many} of {facts['points']} points")
    for name, reason in facts["faults"].items():
        warn(f"shard FAILED: {name}: {reason}; the next run of the sweep sets it aside")
    sound = not facts["unsound"] and not facts["faults"]
    return exit_code(converged=not facts["failed"], passed=sound)


@app.command
def status(store: Path, /, *, json: Json = False) -> int:
    """How far a sweep is: points, failures and their reasons, failed checks by name, whether it runs.

    Parameters
    ----------
    store
        Directory of a sweep.
    """
    from chirospin.faces.sweeping import status_facts
    from chirospin.faces.verdict import sweep_lines, sweep_words
    from chirospin.points.store import Store

    facts = status_facts(Store(store))
    if json:
        say(json_format.dumps(facts))
        return _sweep_code(facts)
    say(f"{facts['problem']} by {', '.join(facts['methods'])}, over {', '.join(facts['varied'])}")
    say(f"  {facts['done']} of {facts['points']} points, {sweep_words(facts)}")
    for line in sweep_lines(facts):
        say(line)
    say("  running" if facts["running"] else "  not running")
    return _sweep_code(facts)


@app.command
def importance(store: Path, observable: str, /, *, json: Json = False) -> int:
    """How much each drawn parameter matters for an observable of a finished sweep.

    Parameters
    ----------
    store
        Directory of a sweep whose design is sobol, random or latin-hypercube.
    observable
        A number for each point, for example spin_polarisation.
    """
    from chirospin.faces import sweeping
    from chirospin.faces.text import table
    from chirospin.points.store import Store

    facts = sweeping.importance_facts(Store(store), observable)
    whole = sweeping.status_facts(Store(store))
    code = _sweep_code(whole)
    if json:
        say(json_format.dumps({"observable": observable, "importance": facts}))
        return code
    columns = list(next(iter(facts.values())))
    order = sorted(facts, key=lambda name: -facts[name][columns[-2 if len(columns) > 1 else 0]])
    rows = [[name, *(f"{facts[name][c]:.4f}" for c in columns)] for name in order]
    say(table(rows, ["parameter", *(c.replace("_", " ") for c in columns)]))
    return code


@app.command
def reproduce(
    study: str | None = None,
    figures: Annotated[tuple[str, ...], Parameter(allow_leading_hyphen=False)] = (),
    /,
    *,
    out: Path = Path("results"),
    json: Json = False,
    workers: Workers = None,
) -> int:
    """Recompute a paper's figures and tables, with a verdict for each of its claims.

    Parameters
    ----------
    study
        Key of the paper, for example nozaki_fujita_2026; every study if not given.
    figures
        Only these, for example figure-2 table-2.
    out
        Directory for figures (PNG, PDF), data (netCDF) and the claims (JSON, Markdown).
    """
    from chirospin.faces.reproduction import reproduce_study
    from chirospin.studies import registry

    chosen = [registry.study(study)] if study is not None else list(registry.studies())
    reports = [reproduce_study(one, figures, out, _cores(workers), quiet=json) for one in chosen]
    if json:
        say(json_format.dumps({"studies": [report.facts for report in reports]}))
    else:
        for report in reports:
            say(report.text)
    return 0 if all(report.as_declared for report in reports) else FAILED


@app.command
def demo(*, out: Path = Path("results"), workers: Workers = None) -> int:
    """Go through every door once: five papers, a molecule, a crystal, measured curves; verdicts and figures.

    Parameters
    ----------
    out
        Directory for figures (PNG, PDF), data (netCDF) and the claims (JSON, Markdown).
    """
    from chirospin.faces.demo import demonstrate

    return 0 if demonstrate(out, _cores(workers), say) else FAILED


@app.command
def validate(
    *, out: Path = Path("docs/validation"), results: Path = Path("results"), workers: Workers = None
) -> int:
    """Write the validation pages: every claim with its numbers, and the signals that vanish.

    Parameters
    ----------
    out
        Directory of the pages (Markdown) and their pictures.
    results
        Where `chirospin reproduce` writes; what this code has not made there is computed.
    """
    from chirospin.faces.validation import write_pages

    written = write_pages(out, results, _cores(workers), main, quiet=False)
    for page in written.pages:
        say(f"wrote {page}")
    return 0 if written.as_declared else FAILED


@app.command
def audit(
    target: str,
    /,
    *,
    method: str | None = None,
    set_: Annotated[list[str] | None, Parameter(name="--set", negative="")] = None,
    option: Annotated[list[str] | None, Repeated] = None,
    allow_code: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> int:
    """Run the expensive checks: symmetry partners, limits, refined settings; a verdict for each.

    Of a stored result a sample of points is computed again first, with the settings that made it, and
    compared with what is stored.

    Parameters
    ----------
    target
        FILE.nc or DIR.zarr written by solve, the store of a sweep, or FAMILY[.MODEL] with --set.
    method
        Method to audit; those of the file, or the family's default.
    set_
        NAME=VALUE, repeatable; changes the model before it is audited.
    option
        NAME=VALUE setting of the method, repeatable; the others are those of the file.
    allow_code
        Load the functions FILE.py:NAME that a stored result names; nothing of a file runs without it.
    """
    from chirospin.faces.auditing import audited
    from chirospin.faces.progress import progress

    with progress(f"auditing {target}"):
        report = audited(target, method, set_ or [], option or [], allow_code=allow_code)
    say(json_format.dumps(report.facts) if json else report.text)
    for line in report.failures:
        warn(line)
    return exit_code(converged=report.converged, passed=not report.failures)


@app.command
def explore(
    name: Annotated[str | None, Parameter(name="family")] = None,
    /,
    *,
    port: Whole = 8050,
    host: str = "127.0.0.1",
    answer_to: Annotated[list[str] | None, Repeated] = None,
) -> int:
    """Open a page with sliders, live curves and maps, verdicts and studies.

    Parameters
    ----------
    name
        FAMILY or FAMILY.MODEL that is shown at first; without one the page asks what you have.
    port
        Where the page listens; 0 takes any free port.
    host
        Address to listen on; other machines reach only what is not loopback.
    answer_to
        A further NAME or NAME:PORT by which the page may be asked, repeatable.
    """
    path = None if name is None else problem(name).path
    from importlib.util import find_spec

    if find_spec("dash") is None:
        raise ModelError(f"The page needs the package dash: {installing('web')}")
    from chirospin.faces.web.server import serve

    serve(
        path,
        host=host,
        port=port,
        names=answer_to or [],
        announce=lambda url: say(f"the page is at {url} (Ctrl-C ends it)"),
    )
    return 0


@app.command
def measured(
    files: Annotated[tuple[str, ...], Parameter(allow_leading_hyphen=False)] = (),
    /,
    *,
    read: Path | None = None,
    example: Annotated[bool, Parameter(negative="")] = False,
    show_reading: Annotated[bool, Parameter(negative="")] = False,
    layout: str | None = None,
    unit: str | None = None,
    bias_unit: str | None = None,
    bias_column: str | None = None,
    current_column: str | None = None,
    bias_at: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    header: Annotated[int | None, Parameter(converter=whole_number)] = None,
    match: str | None = None,
    word: Annotated[list[str] | None, Repeated] = None,
    label: Annotated[list[str] | None, Repeated] = None,
    order: str | None = None,
    contacts: str | None = None,
    same_contacts: Annotated[bool, Parameter(negative="")] = False,
    unsigned: Annotated[bool, Parameter(negative="")] = False,
    keep: Annotated[list[str] | None, Repeated] = None,
    exclude: Annotated[list[str] | None, Repeated] = None,
    floor: str | None = None,
    compliance: str | None = None,
    temperature: str | None = None,
    length: str | None = None,
    magnetised: str | None = None,
    lead_polarisation: float | None = None,
    bias: str | None = None,
    reference: str | None = None,
    bayes: Annotated[bool, Parameter(negative="")] = False,
    seed: Whole = 0,
    out: Path | None = None,
    plot: Path | None = None,
    json: Json = False,
) -> int:
    """Read measured I-V curves of two magnetisations and judge: signal, artefact, or nothing.

    chirospin measured --example                                  a sample made for this, and its verdict

    chirospin measured curves.csv --unit nA --floor "0.5 pA"      names like R_up_c012_0034 carry the labels

    chirospin measured long.tsv --word up=N --word down=S --label contact=spot --plot m.png

    Parameters
    ----------
    files
        Text tables, workbooks, Nanonis files, exported ramps; patterns are understood.
    read
        FILE.toml that says how to read them; options override it.
    example
        The sample that ships with the package.
    show_reading
        Only what was understood: layout, first rows, units, counts of labels.
    layout
        wide, long, loops, sheets, nanonis or ramps; told from the file if not given.
    unit
        Unit of the currents, where the file has none: nA, pA, A/cm2.
    bias_unit
        Unit of the bias, where the file has none: V, mV.
    bias_column
        Head of the column of the bias.
    current_column
        Head of the column of the current, where there are others.
    bias_at
        tip or sample: the electrode that carries the voltage.
    delimiter
        What separates cells: a character, tab or space.
    decimal
        . or , in numbers.
    encoding
        Of the text, for example cp1252.
    header
        Rows above the numbers.
    match
        Pattern with named groups on names of columns or files: "(?P<enantiomer>R|S)_(?P<magnetisation>up|down)".
    word
        MEANING=WORD,... for up, down, none, R, S, achiral; repeatable: --word up=N,+0.35 --word down=S.
    label
        LABEL=COLUMN in a long table; repeatable: --label contact=spot.
    order
        curve, file-name, file-time or a column: when each curve was taken.
    contacts
        named, or curves if each curve has a junction of its own.
    same_contacts
        Equal numbers of contacts in several files are the same contact.
    unsigned
        The currents have no sign in the file; they get that of the bias.
    keep
        NAME=VALUE: the one temperature, length or force that is read.
    exclude
        "NAME: abs(I) > 1 nA at 0.1 V", repeatable; counted, and P is shown with and without.
    floor
        Noise floor, for example "0.5 pA"; from the currents at V = 0 if not given.
    compliance
        Largest current of the instrument, for example "10 nA".
    temperature
        Of the set, for example "300 K".
    length
        Of the molecules, for example "1.8 nm".
    magnetised
        tip or sample: the electrode whose magnetisation was reversed.
    lead_polarisation
        Of the magnetic electrode, 0.4 for example; a one-electron filter gives no more.
    bias
        Bias of the verdict, "0.5 V"; the largest usable one if not given.
    reference
        Bias of polarisation[relative], for curves too noisy at zero.
    bayes
        Also the posterior of the difference.
    seed
        Of permutations and of the bootstrap.
    out
        Write curves and comparison to FILE.nc or DIR.zarr.
    plot
        Draw four panels to FILE.png, .pdf or .svg.
    """
    from chirospin.faces import measuring
    from chirospin.faces.progress import progress
    from chirospin.measured import compare
    from chirospin.measured import example as sample
    from chirospin.measured import read as read_curves
    from chirospin.measured.example import ABOUT

    _check_targets(out, plot)
    if example and (files or read is not None):
        raise ModelError("Option --example shows its own sample; name no files with it")
    if example:
        curves = sample()
    else:
        given = measuring.settings_from(
            words=word or (),
            labels=label or (),
            keep=keep or (),
            plain={
                "layout": layout,
                "current_unit": unit,
                "bias_unit": bias_unit,
                "bias_column": bias_column,
                "current_column": current_column,
                "bias_at": bias_at,
                "delimiter": delimiter,
                "decimal": decimal,
                "encoding": encoding,
                "header": header,
                "match": match,
                "order_from": order,
                "contacts": contacts,
                "same_contacts": same_contacts,
                "unsigned": unsigned,
                "exclude": tuple(exclude or ()) or None,
                "noise_floor": floor,
                "compliance": compliance,
                "temperature": temperature,
                "length": length,
                "magnetised": magnetised,
                "lead_polarisation": lead_polarisation,
            },
        )
        curves = read_curves(files, read, **given)
    if show_reading:
        facts = measuring.reading_facts(curves)
        say(json_format.dumps(facts) if json else measuring.reading_text(curves, full=True))
        return 0
    with progress("comparing curves"):
        ds = compare(curves, bias=bias, reference=reference, bayes=bayes, seed=seed)
    _write_curves(ds, out, plot)
    if json:
        say(json_format.dumps(measuring.facts_of_result(ds)))
    else:
        say((f"{ABOUT}\n\n" if example else "") + measuring.whole_text(ds))
        _wrote(out, plot)
    return _measured_code(ds)


def _write_curves(ds: Any, out: Path | None, plot: Path | None) -> None:
    """Curves and comparison to a file, and their four panels to another."""
    from chirospin.base import results
    from chirospin.base.figures import save_figure
    from chirospin.measured.figure import figure_of

    if out is not None:
        results.save(ds, out)
    if plot is not None:
        save_figure(figure_of(ds), plot)


def _check_targets(out: Path | None, plot: Path | None) -> None:
    """Refuse names of a result and of a drawing before anything is computed."""
    from chirospin.base import results
    from chirospin.base.figures import SUFFIXES

    if out is not None:
        results.check_target(out)
    if plot is not None:
        results.check_target(plot, SUFFIXES)


def _wrote(*paths: Path | None) -> None:
    for path in paths:
        if path is not None:
            say(f"wrote {path}")


def _failed_code(lines: list[str]) -> int:
    """Say what fails; the exit code."""
    for line in lines:
        warn(line)
    return exit_code(converged=True, passed=not lines)


def _measured_code(ds: Any) -> int:
    from chirospin.faces.measuring import failed_tests

    return _failed_code(failed_tests(ds))


@app.command
def plan(
    *,
    polarisation: float,
    scatter: float | None = None,
    paired: float | None = None,
    power: float = 0.8,
    json: Json = False,
) -> int:
    """How many contacts a claim of polarisation needs, and what so many would fake.

    chirospin plan --polarisation 0.3 --scatter 1.2

    Parameters
    ----------
    polarisation
        Size that is to be shown, 0.3 for 30 %.
    scatter
        Of ln I between contacts, as `chirospin measured` prints it; 1.2 if not given.
    paired
        Scatter of the differences, where each contact is measured with both magnetisations, 0.2 for example.
    power
        Share of sets in which it is to be shown.
    """
    from chirospin.faces.measuring import plan_text
    from chirospin.measured import plan as planned
    from chirospin.measured.planning import plan_facts

    if scatter is not None or paired is None:
        kinds = [planned(abs(polarisation), 1.2 if scatter is None else scatter, power=power)]
    else:
        kinds = []
    if paired is not None:
        kinds.append(planned(abs(polarisation), paired, paired=True, power=power))
    if json:
        say(json_format.dumps({"plans": [plan_facts(kind) for kind in kinds]}))
    else:
        say("\n".join(plan_text(kind) for kind in kinds))
    return 0


@app.command
def bound(
    curves: Path | None = None,
    /,
    *,
    mechanism: str,
    vary: Annotated[list[str] | None, Repeated] = None,
    atoms: str = "light",
    set_: Annotated[list[str] | None, Parameter(name="--set", negative="")] = None,
    bias: str | None = None,
    within: float | None = None,
    limit: Annotated[list[str] | None, Repeated] = None,
    method: str | None = None,
    option: Annotated[list[str] | None, Repeated] = None,
    starts: Whole = 8,
    screen: Whole = 256,
    evaluations: Whole = 120,
    hops: Whole = 10,
    seed: Whole = 0,
    store: Path | None = None,
    out: Path | None = None,
    json: Json = False,
) -> int:
    """The largest polarisation of the current that a mechanism reaches within bounds; can it explain measured curves?

    chirospin bound --mechanism junction --vary hubbard=1:15 --vary "coupling=5 meV:0.5 eV:log"

    chirospin bound m.nc --mechanism junction.bias --atoms sulphur --within 3

    Parameters
    ----------
    curves
        FILE.nc that `chirospin measured --out` wrote; none: the bound alone.
    mechanism
        FAMILY or FAMILY.MODEL with a current of both magnetisations, for example junction.bias.
    vary
        NAME=LOW:HIGH, with :log to search in the logarithm; repeatable. The ranges of real junctions if not given.
    atoms
        light (C, N, O), sulphur or selenium: the range of spin_orbit, if --vary is not given.
    set_
        NAME=VALUE, repeatable; lead_polarisation is 0.4 and temperature 300 K if not given.
    bias
        Verdict bias of the curves, with its unit; the largest usable one if not given.
    within
        Factor by which the mean current of the model may differ from the measured one.
    limit
        OBSERVABLE=LOW:HIGH that must hold beside, "mean_current=1 nA:" for example; repeatable.
    method
        Method; the default if not given.
    option
        NAME=VALUE setting of the method, repeatable.
    starts
        Searches; at least 3 must end at the largest value.
    screen
        Points spread over the ranges at which searches may begin.
    evaluations
        Most evaluations of one search.
    hops
        How often a search that has ended goes on from there, moved at random.
    seed
        Of the screen.
    store
        Folder that keeps what was found at every point: the same command continues a stopped one.
    out
        Write the result at the best point, with the path of every search, to FILE.nc or DIR.zarr.
    """
    from chirospin.base import results
    from chirospin.base.units import quantity
    from chirospin.faces import arguments, bounding, optimising
    from chirospin.faces.progress import progress
    from chirospin.measured.inference import bounds
    from chirospin.measured.inference.ranges import realistic, realistic_ranges

    for flag, count in (("--starts", starts), ("--evaluations", evaluations)):
        if count < 1:
            raise ModelError(f"Option {flag} must be at least 1, but is {count}")
    measured_curves = None if curves is None else bounding.stored_curves(curves)
    volts = None if bias is None else quantity(bias, "V", "option --bias")
    one = problem(mechanism)
    given = list(arguments.values_from(one.model, set_ or []))
    model, put = realistic(arguments.model_from(one.model, set_ or []), given)
    rows: Any = ()
    if vary:
        ranges: Any = optimising.ranges_from(model, vary, [])
    else:
        ranges, rows = realistic_ranges(model, given, atoms)
    (chosen, *_) = arguments.methods_from(one, method, option or [], model)
    if out is not None:
        results.check_target(out)
    with progress(f"bound of {mechanism}") as report:
        ds = bounds.largest_polarisation(
            one,
            model,
            ranges,
            chosen,
            curves=measured_curves,
            bias=volts,
            within=within,
            limits=bounding.limits_from(one, model, limit or []),
            sources=rows,
            starts=starts,
            screen=screen,
            evaluations=evaluations,
            hops=hops,
            seed=seed,
            store=store,
            progress=report,
        )
    if out is not None:
        results.save(ds, out)
    say(json_format.dumps(bounding.bound_json(ds, put)) if json else bounding.bound_text(ds, put))
    if out is not None and not json:
        say(f"wrote {out}")
    failed = bounding.bound_failures(ds)
    for line in failed:
        warn(line)
    return _verdict(ds, results.certificates(ds, one)) or (FAILED if failed else 0)


@app.command
def fit(
    curves: Path,
    /,
    *,
    mechanism: str = "level",
    enantiomer: str | None = None,
    temperature: str | None = None,
    set_: Annotated[list[str] | None, Parameter(name="--set", negative="")] = None,
    vary: Annotated[list[str] | None, Repeated] = None,
    atoms: str = "light",
    method: str | None = None,
    option: Annotated[list[str] | None, Repeated] = None,
    training: Whole = 128,
    live: Whole = 250,
    seed: Whole = 0,
    store: Path | None = None,
    workers: Whole = 1,
    calibrate: Whole = 0,
    out: Path | None = None,
    plot: Path | None = None,
    json: Json = False,
) -> int:
    """Which mechanism explains measured curves: evidences, posteriors, and what the curves leave open.

    chirospin fit m.nc --mechanism level.null,level.factor,level.driven --out f.nc --plot f.png

    chirospin fit m.nc --mechanism level,junction.bias --store runs --method redfield

    Parameters
    ----------
    curves
        FILE.nc that `chirospin measured --out` wrote.
    mechanism
        Names with commas: level or barrier with .null, .factor, .static, .driven; a carrier alone is all four; or a
        model with a current of both magnetisations at a bias, junction.bias, through an emulator.
    enantiomer
        R or S; the first that was measured if not given.
    temperature
        Of the set, with its unit; that of the file, else 300 K.
    set_
        NAME=VALUE of the model behind an emulator, repeatable; the rest as `chirospin bound` has it.
    vary
        NAME=LOW:HIGH[:log], its priors; the ranges of real junctions if not given.
    atoms
        light, sulphur or selenium: the prior of spin_orbit, if --vary is not given.
    method
        Of the model behind an emulator.
    option
        NAME=VALUE setting of the method, repeatable.
    training
        Points at which the model is solved before the emulator is refined; raised to a power of two.
    live
        Live points of the nested sampling; more where several modes are told.
    seed
        Of all that is drawn.
    store
        Folder that keeps emulators and runs: the same command continues a stopped one.
    workers
        Processes that solve the model behind an emulator.
    calibrate
        Instead of a fit: so many truths from the priors, measured like this set, and how often intervals hold them.
    out
        Write the result to FILE.nc; beside it each posterior as FILE.MECHANISM.nc, which arviz reads.
    plot
        Write the figure: curves with the band of the best, P, evidences.
    """
    from chirospin.base import results
    from chirospin.base.figures import save_figure
    from chirospin.faces import bounding, fitting
    from chirospin.faces.progress import progress
    from chirospin.measured.inference import figure, fits

    fitting.checked_numbers(
        live=live, training=training, calibrate=calibrate, seed=seed, workers=workers
    )
    names = fitting.mechanism_names(mechanism)
    task = fitting.Task(
        curves=bounding.stored_curves(curves),
        names=names,
        enantiomer=enantiomer,
        temperature=temperature,
        changes=fitting.Changes(
            set_=set_ or [],
            vary=vary or [],
            atoms=atoms,
            method=method,
            option=option or [],
            training=training,
            workers=workers,
        ),
        live=live,
        seed=seed,
        store=store,
    )
    for path in (out,) if out is not None else ():
        results.check_target(path)
    if calibrate:
        with progress(f"calibrating {mechanism}") as report:
            found = fitting.calibrated(task, calibrate, report)
        facts = fitting.calibration_facts(found)
        say(json_format.dumps(facts) if json else fitting.calibration_text(found))
        if plot is not None:
            save_figure(figure.ranks_figure(found), plot)
        return FAILED if any(one.failures for one in found.values()) else 0
    with progress(f"fitting {mechanism}") as report:
        fitted = fitting.fitted_all(task, report)
    ds = fits.fit_dataset(
        fitted, task.data, task.settings, {"sha256 of curves": results.checksum(task.curves)}
    )
    written = []
    if out is not None:
        results.save(ds, out)
        written = [out, *fitting.write_posteriors(fitted, out)]
    if plot is not None:
        save_figure(figure.fit_figure(ds), plot)
        written.append(plot)
    say(json_format.dumps(fitting.fit_json(ds)) if json else fitting.fit_text(ds))
    if not json:
        _wrote(*written)
    return _fit_code(ds)


def _fit_code(ds: Any) -> int:
    from chirospin.faces.fitting import fit_failures

    return _failed_code(fit_failures(ds))


@app.command
def report(file: Path, /, *, out: Path) -> int:
    """Write a result as one HTML page: figures, parameters, audit, provenance, citations.

    Parameters
    ----------
    file
        FILE.nc or DIR.zarr written by solve, or the store of a sweep.
    out
        FILE.html; it needs no other file and no script.
    """
    from chirospin.base import results
    from chirospin.faces.arguments import stored_problem
    from chirospin.faces.fitting import is_fit
    from chirospin.faces.measuring import is_measured
    from chirospin.faces.report import write_report

    ds = write_report(file, out)
    say(f"wrote {out}")
    if is_measured(ds):
        return _measured_code(ds)
    if is_fit(ds):
        return _fit_code(ds)
    return _verdict(ds, results.certificates(ds, stored_problem(ds)))


@app.command
def plot(
    file: Path,
    /,
    *,
    out: Path | None = None,
    quantity: str | None = None,
    x: str | None = None,
    unit: Annotated[list[str] | None, Repeated] = None,
) -> int:
    """Draw a stored result.

    chirospin plot p.nc --quantity current --unit nA --out iv.pdf

    Parameters
    ----------
    file
        FILE.nc or DIR.zarr written by solve, measured or fit, or the store of a sweep.
    out
        FILE.png, .pdf or .svg; the name of the result with .png if not given.
    quantity
        The observable that is drawn, the model's own if not given.
    x
        The swept parameter on the axis.
    unit
        UNIT in which quantities are drawn, or NAME=UNIT; repeatable: nA, bias=mV.
    """
    from chirospin.base import results
    from chirospin.base.figures import SUFFIXES, save_figure
    from chirospin.faces.arguments import in_units, stored_problem
    from chirospin.faces.fitting import is_fit
    from chirospin.faces.measuring import is_measured
    from chirospin.faces.report import figure_of_result, reported

    target = out or file.with_suffix(".png")
    results.check_target(target, SUFFIXES)
    ds = reported(file)
    judged = is_measured(ds) or is_fit(ds)
    if judged and (quantity or x or unit):
        raise ModelError(
            "Measured curves and fits have one figure, without --quantity, --x and --unit"
        )
    save_figure(figure_of_result(in_units(ds, unit or []), quantity, x), target)
    say(f"wrote {target}")
    if is_measured(ds):
        return _measured_code(ds)
    return (
        _fit_code(ds) if is_fit(ds) else _verdict(ds, results.certificates(ds, stored_problem(ds)))
    )


@app.command
def cite(target: str | None = None, /, *, method: str | None = None) -> int:
    """Print BibTeX for the toolkit, for a family, a model or a method, or for what made a result.

    chirospin cite junction.bias --method ule

    Parameters
    ----------
    target
        FILE.nc or DIR.zarr, FAMILY, FAMILY.MODEL, or a bibliography key; the toolkit and all methods if not given.
    method
        Only this method of the family or model, or several with commas.
    """
    from chirospin.base import results
    from chirospin.base.citations import bibliography, bibtex

    if target in bibliography():
        say(bibtex([str(target)]))
        return 0
    if target is not None and Path(target).suffix in (results.NETCDF, results.ZARR):
        say(bibtex(["chirospin", *str(results.load(Path(target)).attrs["references"]).split(", ")]))
        return 0
    if target == chirospin.MEASURED:
        from chirospin.measured.comparison import REFERENCES

        say(bibtex(["chirospin", *REFERENCES]))
        return 0
    name = (target or "").partition(".")[0]
    if target is not None and name not in family_names():
        raise UnknownNameError(
            f"No file, family or reference {target!r}; "
            f"{nearest(target, [*family_names(), *bibliography()])}"
        )
    if target is not None and "." in target:
        problems = [problem(target)]
    else:
        problems = [p for f in ([family(name)] if name else installed()) for p in f.problems]
    wanted = method.split(",") if method else None
    known = dict.fromkeys(m for p in problems for m in p.methods)
    for name in wanted or ():
        if name not in known:
            raise UnknownNameError(
                f"{target or 'No family'} has no method {name!r}; {nearest(name, list(known))}"
            )
    keys = dict.fromkeys(
        key
        for p in problems
        for m, kind in p.methods.items()
        if wanted is None or m in wanted
        for key in kind.references
    )
    say(bibtex(["chirospin", *keys]))
    return 0


@app.command
def about(*, json: Json = False) -> int:
    """Print version, families, dependencies and machine, with BLAS and its threads."""
    from chirospin.base.results import provenance
    from chirospin.faces.machine import machine
    from chirospin.studies import registry

    facts = {
        "chirospin": chirospin.__version__,
        "licence": "BSD-3-Clause",
        "families": list(family_names()),
        "studies": list(registry.keys()),
        "provenance": provenance(),
        "machine": machine(),
    }
    if json:
        say(json_format.dumps(facts))
        return 0
    say(f"chirospin {facts['chirospin']} ({facts['licence']})")
    say(f"families: {', '.join(family_names())}")
    say(f"studies: {', '.join(registry.keys())}")
    say(", ".join(f"{k} {v}" for k, v in provenance().items() if k != "machine"))
    for name, words in machine().items():
        say(f"{name}: {words}")
    return 0


@app.command
def draw(
    name: Annotated[str, Parameter(name="family")],
    /,
    *,
    out: Path,
    set_: Annotated[list[str] | None, Parameter(name="--set", negative="")] = None,
    dark: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Draw a model from its parameters: leads, levels, hoppings, spin-orbit vectors, planes, bands, atoms.

    chirospin draw junction --set molecules=5 --set handedness=-1 --out stack.svg

    Parameters
    ----------
    name
        FAMILY or FAMILY.MODEL, for example junction or models.double_helix.
    out
        FILE.svg, .pdf or .png.
    set_
        NAME=VALUE, repeatable.
    dark
        For a dark page.
    """
    from chirospin.base.figures import SUFFIXES, save_figure
    from chirospin.base.results import check_target
    from chirospin.faces import arguments

    check_target(out, SUFFIXES)
    model = arguments.model_from(problem(name).model, set_ or [])
    save_figure(model.draw(dark=dark), out)
    say(f"wrote {out}")
    return 0


benchmark = App(
    name="benchmark",
    help="Problems whose answer is an exact zero or a certified number, for any code.",
    help_format="plaintext",
)
app.command(benchmark)


@benchmark.command(name="list")
def benchmark_list(*, json: Json = False) -> int:
    """The problems with their values; each is a JSON file that needs nothing of this package."""
    from chirospin.benchmark import PROBLEMS_FOLDER, benchmark_problems
    from chirospin.faces.benchmarking import benchmark_list_text

    problems = benchmark_problems()
    if json:
        say(
            json_format.dumps({"folder": str(PROBLEMS_FOLDER), "problems": list(problems.values())})
        )
        return 0
    say(f"{benchmark_list_text(problems)}\nfiles: {PROBLEMS_FOLDER}")
    return 0


@benchmark.command(name="show")
def benchmark_show(
    name: Annotated[str, Parameter(name="problem")], /, *, json: Json = False
) -> int:
    """One problem: model, equations, parameters, value, tolerance, routes.

    Parameters
    ----------
    name
        Name of the problem, as `chirospin benchmark list` shows it.
    """
    from chirospin.benchmark import benchmark_problem
    from chirospin.faces.benchmarking import benchmark_problem_text

    one = benchmark_problem(name)
    say(json_format.dumps(dict(one)) if json else benchmark_problem_text(one))
    return 0


@benchmark.command(name="run")
def benchmark_run(*, against: Path, json: Json = False) -> int:
    """Hold results of any code against the problems; exit code 1 if one misses.

    Parameters
    ----------
    against
        FILE.json that holds {"problem": number, ...}; problems that it leaves out are not judged.
    """
    from chirospin.benchmark import MISSED, benchmark_verdicts, read_benchmark_results
    from chirospin.faces import benchmarking

    verdicts = benchmark_verdicts(read_benchmark_results(against))
    if json:
        say(json_format.dumps(benchmarking.benchmark_verdicts_json(verdicts)))
    else:
        say(benchmarking.benchmark_verdicts_text(verdicts))
    missed = [verdict for verdict in verdicts if verdict.verdict == MISSED]
    for one in missed:
        warn(
            f"benchmark FAILED: {one.name} is {one.found:.10g}, value {one.value:.10g}, "
            f"tolerance {one.tolerance:g}"
        )
    return exit_code(converged=True, passed=not missed)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; every expected failure is one line on stderr and an exit code."""
    with warnings.catch_warnings():
        # what overflows on the way is judged where it matters: a value that is not finite is said to be none
        warnings.simplefilter("ignore", RuntimeWarning)
        return _run(arguments)


def _run(arguments: list[str] | None) -> int:
    try:
        result = app(arguments, exit_on_error=False, print_error=False)
        return result if isinstance(result, int) else 0
    except CycloptsError as error:
        warn(" ".join(str(error).split()) + " (see chirospin --help)")
        return BAD_INPUT
    except ModelError as error:
        warn(str(error))
        return BAD_INPUT
    except ConvergenceError as error:
        warn(str(error))
        return NOT_CONVERGED
    except ClaimError as error:
        warn(str(error))
        return FAILED
    except KeyboardInterrupt as stopped:
        warn("; ".join(["interrupted", *getattr(stopped, "__notes__", [])]))
        return 130
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        return 0
    except (ArithmeticError, ValueError, MemoryError) as error:
        if not is_arithmetic(error):
            raise
        warn(arithmetic_reason("the method", error))
        return NOT_CONVERGED
    except OSError as error:
        warn(f"{error.strerror or error}: {error.filename or ''}".rstrip(": "))
        return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
