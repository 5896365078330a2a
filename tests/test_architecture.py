"""The layout keeps its promises."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import chirospin
from chirospin.faces.arguments import family

SOURCE = Path(chirospin.__file__).parent
FORBIDDEN = {"utils", "util", "helpers", "helper", "misc", "common", "tools", "core"}
READ_TWICE = {  # parameter: why more than one function of its family reads it
    "molecules": "the size of every array",
    "phonon_bath": "the jumps of a vibration, and the observables that a local one alone has",
    "occupation_left": "rates and currents",
    "occupation_right": "rates and currents",
    "one_body_matrix": "assembly, and the mirror image of it",
    "spin_orbit_vectors": "the vectors, and their shape",
    "energies": "levels, and their shape",
    "lead_polarisation": "couplings, and the audit that reverses it",
    "twist": "the vectors, and their words under a drawing",
    "handedness": "the vectors, and their words under a drawing",
    "hund": "the interaction, and the triplet that follows it",
    "hubbard_ab_singlet": "the interaction, and the triplet that follows hund",
    "hubbard_ab_triplet": "the interaction, and the triplet that follows hund",
    "bias": "the potentials, and the same junction at another bias",
    "bias_asymmetry": "the potentials, and the audit that moves all of them",
    "gate": "the levels, and the audit that moves them with the potentials",
    "length": "the planes, and where profiles are wanted",
    "walls": "the equation, and where profiles are wanted",
    "chemical_potential": "the Fermi surface, and the energies inside it",
    "bath": "the nodes, and the density on the real axis",
    "reservoir_coupling": "the self-energy, and routes that refuse it",
    "level_splitting": "the level, and a route that refuses it",
    "hamiltonian": "the Hamiltonian, and the names of it that a method refuses",
}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def members(path: Path) -> list[ast.FunctionDef | ast.ClassDef]:
    """Classes and functions of a file, wherever they stand."""
    return [
        node for node in ast.walk(parsed(path)) if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]


@cache
def annotations(function: ast.FunctionDef) -> dict[str, str]:
    """Names of parameters -> their types, as written."""
    return {a.arg: ast.unparse(a.annotation) for a in function.args.args if a.annotation}


@cache
def attributes(function: ast.FunctionDef) -> set[tuple[str, str]]:
    """Names and their attributes that a function reads."""
    return {
        (node.value.id, node.attr)
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }


def test_no_module_has_a_name_that_says_nothing() -> None:
    names = {path.stem for path in SOURCE.rglob("*.py")}
    assert not names & FORBIDDEN


def _functions(path: Path, model: type) -> Iterator[tuple[str, ast.FunctionDef, str]]:
    """Functions and methods of a file that see a model, and the name by which they do.

    Audits reverse parameters, validators compare them, drawings show them: none puts physics into numbers.
    """
    kin = {one.__name__ for one in model.__mro__}
    for node in members(path):
        if isinstance(node, ast.ClassDef) and node.name in kin:
            for function in node.body:
                if isinstance(function, ast.FunctionDef):
                    decorators = " ".join(map(ast.unparse, function.decorator_list))
                    if "validator" not in decorators:
                        yield function.name, function, "self"
        if isinstance(node, ast.FunctionDef):
            seen = annotations(node)
            if seen.get("model") in kin and "method" not in seen:
                yield node.name, node, "model"


def test_a_parameter_is_read_in_one_place() -> None:
    for name in chirospin.FAMILIES:
        files = [path for path in (SOURCE / name).rglob("*.py") if path.stem != "drawing"]
        for model in (one.model for one in family(name).problems):
            readers: dict[str, set[str]] = defaultdict(set)
            for path in files:
                for place, function, seen in _functions(path, model):
                    for name_read, attribute in attributes(function):
                        if name_read == seen and attribute in model.model_fields:
                            readers[attribute].add(f"{path.stem}.{place}")
            twice = {k: v for k, v in readers.items() if len(v) > 1 and k not in READ_TWICE}
            assert not twice, model.__name__


def test_public_functions_are_not_defined_twice() -> None:
    where: dict[str, list[str]] = defaultdict(list)
    for path in SOURCE.rglob("*.py"):
        for node in parsed(path).body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            marks = {ast.unparse(mark).partition("(")[0] for mark in node.decorator_list}
            # the field has one word for an observable in every family; a study is named with its figures and claims
            if marks.isdisjoint(("observable", "figure", "claim", "erratum")):
                where[node.name].append(str(path.relative_to(SOURCE)))
    verbs = {"solve", "labels", "main", "progress"}  # each family has its own
    verbs |= {
        "draw",
        "gradient",
        "optimise",
        "plan",
        "bound",
    }  # the library's and the command line's
    twice = {n: w for n, w in where.items() if n not in verbs and _met(w)}
    assert not twice


def _met(files: list[str]) -> bool:
    """Whether two of these files lie in one room, or one of them in a room that all others use."""
    rooms = [file.partition("/")[0] for file in files]
    own = {*chirospin.FAMILIES, chirospin.MEASURED}
    return len(rooms) > len(set(rooms)) or (len(rooms) > 1 and not own.issuperset(rooms))


def test_every_reference_is_in_the_bibliography() -> None:
    from chirospin.base.citations import bibliography

    for name in chirospin.FAMILIES:
        for method in (m for one in family(name).problems for m in one.methods.values()):
            assert set(method.references) <= bibliography().keys()


def test_a_former_name_leads_to_one_that_there_is() -> None:
    problems = [one for name in chirospin.FAMILIES for one in family(name).problems]
    methods = {method for one in problems for method in one.methods.values()}
    present = [(one.renamed, one.methods) for one in problems]
    present += [(one.model.renamed, one.model.model_fields) for one in problems]
    present += [(method.renamed, method.model_fields) for method in methods]
    assert any(renamed for renamed, _ in present)
    for renamed, names in present:
        assert set(renamed.values()) <= names.keys()
        assert not renamed.keys() & names.keys()


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring; of a command, whose options are lines of help, its body."""
    statements = function.body[1:] if ast.get_docstring(function) else function.body
    if not statements:
        return 0
    command = any("command" in ast.unparse(one) for one in function.decorator_list)
    end = function.end_lineno or 0
    signature = 0 if command else function.body[0].lineno - function.lineno
    return signature + end - statements[0].lineno + 1


def test_no_function_is_longer_than_sixty_lines() -> None:
    long = {
        f"{path.relative_to(SOURCE)}: {node.name}": _length(node)
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _length(node) > 60
    }
    assert not long
