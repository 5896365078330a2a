"""Molecules on the page: a structure in, its picture, parameters and junction out.

The file is read in memory, as one of four formats of coordinates, in a process that can be ended. What is kept is
what the family keeps everywhere: arrays by the hash of atoms and options.
"""

from __future__ import annotations

import json
import logging
import secrets
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import StringIO
from pathlib import Path
from typing import Any

import plotly
from flask import Flask, Response, abort, redirect, request, send_file

from chirospin.base import results
from chirospin.base.errors import ModelError
from chirospin.base.html import audit_table, values_parts, verdict_line
from chirospin.faces import arguments
from chirospin.faces.report import html_page
from chirospin.faces.web.desk import Desk
from chirospin.faces.web.upload import LONGEST_FIELD, form_row, received, refused_page
from chirospin.faces.web.worker import STOPPED, Send

PATH, ANSWER = "/molecule", "/molecule/answer"
PLOTLY, DRAWING = "/plotly.js", "/molecule/drawing.js"
NAME = "molecule"
LIMIT = 600.0  # seconds of a stack
PATIENCE = 0.5  # seconds that a look waits for the end
AGAIN = 2  # seconds between looks
FORMATS = {".xyz": "extxyz", ".extxyz": "extxyz", ".pdb": "proteindatabank", ".cif": "cif"}
"""Formats that are read, by the ending of the file; ASE never guesses here."""
STACK_FIELDS = (
    *("pair", "axis", "twist", "rise", "tilt", "pivot", "molecules", "frame"),
    *("functional", "basis", "charge"),
)
CHOICES = ("screening", "spin_orbit_integrals", "handedness", "dimer")
JUNCTION_FIELDS = {"coupling": "0.05 eV", "lead_polarisation": "1"}
"""Parameters of the junction that the form asks, and what is there at first."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a job is doing, in a line."""

    words: str


@dataclass(frozen=True, kw_only=True)
class Stacking:
    """The stack of a structure, and the junction of the same result.

    Parameters
    ----------
    name : of the file, of a structure that ships, or SMILES
    content : of the file; None where there is none
    stack, junction : parameters as after ``--set``
    """

    name: str
    content: str | None
    stack: tuple[str, ...]
    junction: tuple[str, ...]
    limit: float = LIMIT

    def run(self, send: Send) -> None:
        from chirospin.molecule.structure import require_abinitio

        require_abinitio()
        log, handler = logging.getLogger("chirospin.molecule"), _Steps(send)
        level = log.level
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        try:
            with tempfile.TemporaryDirectory() as folder:
                send("answer", self._page(_readable(self.name, self.content, Path(folder))))
        finally:
            log.removeHandler(handler)
            log.setLevel(level)

    def _page(self, structure: str) -> str:
        from chirospin import junction, molecule

        kind = molecule.MoleculeStack
        given = arguments.values_from(kind, self.stack)
        model = kind(structure=structure, **given)
        method = molecule.StackedKohnSham()
        ds = molecule.solve(model, method)
        ds.attrs["parameter_structure"] = self.name
        made = junction.Junction.from_result(
            ds, **arguments.values_from(junction.Junction, self.junction)
        )
        solved = junction.solve(made)
        parts = [
            *_molecule_parts(model, method, ds),
            *_junction_parts(solved),
            *_commands(self.name, self.stack, self.junction),
        ]
        return html_page(parts, NAME, scripts=(PLOTLY, DRAWING))


class _Steps(logging.Handler):
    """Sends the lines of the self-consistent fields on."""

    def __init__(self, send: Send) -> None:
        super().__init__(logging.INFO)
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        self._send("answer", Step(words=record.getMessage()))


def _readable(name: str, content: str | None, folder: Path) -> str:
    """What the family reads: a name that ships, SMILES, or a file of coordinates written anew.

    Raises
    ------
    ModelError : another file, or one that cannot be read
    """
    from ase.io import read, write

    from chirospin.molecule.builder import is_smiles
    from chirospin.molecule.structure import shipped

    if content is None:
        if not is_smiles(name) and name not in shipped():
            raise ModelError(
                f"Field structure must be one of {', '.join(shipped())}, or SMILES as smiles=C=S, but is {name!r}; a "
                "file is chosen beside it"
            )
        return name
    ending = Path(name).suffix.lower()
    if ending not in FORMATS:
        raise ModelError(
            f"File `{name}` must end in one of {', '.join(FORMATS)}, which this page reads"
        )
    try:
        frames: Any = read(StringIO(content), index=":", format=FORMATS[ending])
    except Exception as error:  # every format has kinds of its own
        words = " ".join(str(error).split()) or type(error).__name__
        raise ModelError(f"File `{name}` must hold coordinates as {ending}: {words}") from None
    path = folder / "structure.extxyz"
    for atoms in frames:
        atoms.calc = None
        atoms.info = {}
    write(path, frames, format="extxyz", columns=["symbols", "positions"])
    return str(path)


def _molecule_parts(model: Any, method: Any, ds: Any) -> list[str]:
    """Verdict, words, picture and numbers of a stack."""
    from chirospin.faces.web.molecule_figure import scene
    from chirospin.molecule.words import pair_table

    state = method.solve(model)
    found = results.certificates(ds, arguments.stored_problem(ds))
    figure = json.dumps(scene(state), allow_nan=False).replace("<", "\\u003c")
    words = "".join(f"<p>{escape(line)}</p>" for line in str(ds["remark"].item()).splitlines())
    return [
        verdict_line(found),
        words,
        f'<script type="application/json" id="figure">{figure}</script>',
        '<div id="scene" role="img" aria-label="the stack with orbitals and spin-orbit vectors"></div>',
        '<p class="hint">Arrows: spin-orbit vectors of the pair, drawn from the middle of each molecule. Surfaces: '
        "orbital a, blue and red for its signs; b by the legend. Drag to turn.</p>",
        "<details><summary>Pairs of orbitals of one molecule, ranked</summary><pre>"
        f"{escape(pair_table(model, state.first, state.pairs))}</pre></details>",
        "<details><summary>Parameters of the stack</summary>",
        *values_parts(arguments.stored_problem(ds), results.settled(ds), heading=""),
        f"</details><details><summary>Checks of the stack</summary>{audit_table(found)}</details>",
    ]


def _junction_parts(solved: Any) -> list[str]:
    problem = arguments.stored_problem(solved)
    found = results.certificates(solved, problem)
    return [
        "<h2>The junction of this stack</h2>",
        verdict_line(found),
        *values_parts(problem, results.settled(solved), heading=""),
        '<p class="hint">One geometry and one functional are no answer: the last command draws over what is not '
        "known and gives an interval.</p>",
        f"<details><summary>Checks of the junction</summary>{audit_table(found)}</details>",
    ]


def _commands(name: str, stack: Sequence[str], junction: Sequence[str]) -> list[str]:
    first = ["chirospin", "solve", "molecule.stack"]
    for text in (f"structure={name}", *stack):
        first += ["--set", text]
    second = ["chirospin", "solve", "junction", "--from", "stack.nc"]
    for text in junction:
        second += ["--set", text]
    lines = [shlex.join([*first, "--out", "stack.nc"]), shlex.join(second)]
    lines.append(f"{lines[1]} --uncertain")
    return [
        "<h2>The same at the command line</h2>",
        f"<pre>{escape(chr(10).join(lines))}</pre>",
    ]


def molecule_form() -> str:
    """The form: a structure, how it is stacked, the contact; the answer comes into a frame beneath."""
    kind = arguments.problem("molecule.stack").model
    rows = [_field(kind, name) for name in STACK_FIELDS]
    rows += [_choice(kind, name) for name in CHOICES]
    contact = [
        _field(arguments.problem("junction").model, name, text)
        for name, text in JUNCTION_FIELDS.items()
    ]
    structure = form_row(
        "structure",
        "one that ships (h2co, h2cs, h2cse, h2o2, h2s2), or SMILES: smiles=C=S",
        f'<input id="structure" name="structure" value="h2cs" maxlength="{LONGEST_FIELD}">',
    )
    parts = [
        "<h1>Molecules</h1>",
        '<p class="hint">Coordinates in; orbitals, spin-orbit vectors and the junction of their stack out. A file is '
        'read in memory and forgotten; what is computed from it is kept by its hash. <a href="/">The page of '
        "models</a>.</p>",
        f'<form method="post" action="{ANSWER}" enctype="multipart/form-data" target="answer">',
        structure,
        f'<p><label for="files">or a file ({", ".join(FORMATS)}): one molecule, a stack, or frames</label> '
        '<input id="files" name="files" type="file"> <button type="submit">Compute</button></p>',
        f"<details open><summary>Theory and stacking</summary>{''.join(rows)}</details>",
        f"<details><summary>Contact</summary>{''.join(contact)}</details></form>",
        '<iframe name="answer" title="the stack and its junction" style="width:100%;height:85vh;border:1px solid #ccc">'
        "</iframe>",
    ]
    return html_page(parts, NAME, frames=True)


def _field(kind: Any, name: str, text: str = "") -> str:
    info = kind.parameter_info(name)
    control = (
        f'<input id="{name}" name="{name}" value="{escape(text)}" maxlength="{LONGEST_FIELD}">'
    )
    default = "" if text else f" (blank: {_typed(info)})"
    return form_row(name, f"{name}: {info.about}{default}", control)


def _typed(info: Any) -> str:
    from chirospin.base.units import number

    value = info.default
    return f"{value if isinstance(value, (str, tuple)) else number(value)} {info.unit}".rstrip(" 1")


def _choice(kind: Any, name: str) -> str:
    info = kind.parameter_info(name)
    options = "".join(
        f'<option value="{one}"{" selected" if one == info.default else ""}>{one}</option>'
        for one in info.choices
    )
    return form_row(
        name, f"{name}: {info.about}", f'<select id="{name}" name="{name}">{options}</select>'
    )


def stacking_from(files: Sequence[tuple[str, bytes]], fields: Mapping[str, str]) -> Stacking:
    """The job of a form, its parameters checked before anything is computed.

    Raises
    ------
    ModelError : several files, a field that is too long, a value that the models refuse
    """
    for name, text in fields.items():
        if len(text) > LONGEST_FIELD:
            raise ModelError(f"Field {name[:40]!r} must have at most {LONGEST_FIELD} characters")
    if len(files) > 1:
        raise ModelError(f"Form must hold one file, but holds {len(files)}")
    given = {name: text.strip() for name, text in fields.items() if text.strip()}
    stack = tuple(f"{n}={given[n]}" for n in (*STACK_FIELDS, *CHOICES) if n in given)
    contact = tuple(f"{n}={given[n]}" for n in JUNCTION_FIELDS if n in given)
    arguments.model_from(arguments.problem("molecule.stack").model, stack)
    arguments.model_from(arguments.problem("junction").model, contact)
    name, content = files[0] if files else (given.get("structure", "h2cs"), None)
    return Stacking(
        name=name,
        content=None if content is None else content.decode("utf-8", errors="replace"),
        stack=stack,
        junction=contact,
    )


def connect_molecules(server: Flask, desk: Desk) -> None:
    """The addresses of molecules: form, answer, and the two scripts that draw it."""

    @server.get(PATH)
    def _molecule_form() -> Response:
        return Response(molecule_form(), mimetype="text/html")

    @server.post(ANSWER)
    def _molecule_asked() -> Any:
        try:
            job = stacking_from(*received())
        except ModelError as error:
            return Response(refused_page(str(error), NAME), 400, mimetype="text/html")
        who = secrets.token_hex(16)
        desk.ask(who, job)
        return redirect(f"{ANSWER}?who={who}", 303)

    @server.get(ANSWER)
    def _molecule_answer() -> Response:
        who = request.args.get("who", "")
        ticket = desk.last(who)
        if ticket is None or not isinstance(ticket.job, Stacking):
            abort(404, "There is no such answer, or no more.")
        if not ticket.wait(PATIENCE):
            step = ticket.answer.words if isinstance(ticket.answer, Step) else "computing"
            waiting = [f'<p class="hint" role="status">{escape(step)}</p>']
            return Response(html_page(waiting, NAME, again=AGAIN), mimetype="text/html")
        if ticket.error or not isinstance(ticket.answer, str):
            line = "The computation was stopped" if ticket.error == STOPPED else ticket.error
            return Response(refused_page(line, NAME), 400, mimetype="text/html")
        return Response(ticket.answer, mimetype="text/html")

    @server.get(PLOTLY)
    def _plotly() -> Response:
        place = Path(str(plotly.__file__)).parent / "package_data" / "plotly.min.js"
        return send_file(place, mimetype="text/javascript", max_age=86400)

    @server.get(DRAWING)
    def _drawing() -> Response:
        return send_file(Path(__file__).with_name("drawing.js"), mimetype="text/javascript")
