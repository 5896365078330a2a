"""Requests of the page as its browser sends them, and what becomes of them in wrong hands."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from chirospin.faces.web.desk import Desk, Ticket
from chirospin.faces.web.worker import STOPPED

QUESTION: dict[str, Any] = {
    "problem": "junction",
    "methods": ["gksl"],
    "observable": "spin_polarisation",
    "view": "curve",
    "values": {"hubbard": "1", "coupling": "25 meV"},
    "options": {"tolerance": "1e-9"},
    "along": {"name": "energy_b", "start": "0.4", "stop": "1.2", "count": "3", "log": False},
    "against": {"name": "twist", "start": "-1", "stop": "1", "count": "2", "log": False},
    "entries": {"magnetisation": "all"},
    "hands": False,
    "unit": "",
}
WHO = "0123456789abcdef"
STUDY = "nozaki_fujita_2026"
VALUES: dict[str, Any] = {
    "problem.value": "junction",
    "reset.n_clicks": 1,
    "observable.value": "spin_polarisation",
    "view.value": "curve",
    "along-name.value": "energy_b",
    "against-name.value": "twist",
    "along-start.value": "0",
    "question.data": QUESTION,
    "who.data": WHO,
    "place.hash": "#form=" + quote(json.dumps(QUESTION)),
    "shown.data": {"mark": "0/1", "question": QUESTION, "words": "junction by gksl"},
}
ROWS = [
    {"id": {"kind": "row", "name": name}, "property": "id", "value": {"kind": "row", "name": name}}
    for name in ("hubbard", "coupling")
]
JUNK: list[Any] = [
    None, True, 0, -1, 1.5, 1e308, float("nan"), float("inf"), 10**30, "", " ", "²", "١", "\x00", "a" * 5000,
    "1 9**9**9**9", "../../etc/passwd", "evil.py:f", "<script>", "{}", [], {}, [[]], [None] * 300, {"a": {"b": []}},
    {"kind": "x"}, ["junction"], {"": ""}, "__class__", "junction.", ".", "\ud800",
]  # fmt: skip


class StillDesk(Desk):
    """Takes every job and ends it at once: what is tested is the server."""

    def _run(self, ticket: Ticket) -> None:
        ticket.note("end", STOPPED)


def _entry(declared: dict[str, str]) -> Any:
    name, what = declared["id"], declared["property"]
    if name.startswith("{"):
        kind = json.loads(name)["kind"]
        if kind == "row":
            return ROWS
        value = {"kind": kind, "name": STUDY} if what == "id" else 1
        return {"id": {"kind": kind, "name": STUDY}, "property": what, "value": value}
    return {"id": name, "property": what, "value": VALUES.get(f"{name}.{what}", 1)}


def _outputs(key: str) -> Any:
    """What the browser says that it wants back."""
    names = key.strip(".").split("...") if key.startswith("..") else [key]
    found: list[Any] = []
    for name in names:
        at, _, what = name.rpartition(".")
        if not at.startswith("{"):
            found.append({"id": at, "property": what})
            continue
        pattern = json.loads(at)
        one = {"id": {"kind": pattern["kind"], "name": STUDY}, "property": what}
        rows = [{"id": row["id"], "property": what} for row in ROWS]
        found.append(rows if pattern["name"] == ["ALL"] else one)
    return found if key.startswith("..") else found[0]


def bodies(callbacks: dict[str, Any]) -> list[dict[str, Any]]:
    """One good request for each input of each callback that the server answers."""
    found = []
    for key, one in callbacks.items():
        if "callback" not in one:  # the browser answers by itself
            continue
        inputs, state = ([_entry(d) for d in one[side]] for side in ("inputs", "state"))
        for entry in inputs:
            at = entry["id"]
            name = at if isinstance(at, str) else json.dumps(at, separators=(",", ":"))
            found.append(
                {
                    "output": key,
                    "outputs": _outputs(key),
                    "inputs": inputs,
                    "state": state,
                    "changedPropIds": [f"{name}.{entry['property']}"],
                }
            )
    return copy.deepcopy(found)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    entries = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inside in entries:
        yield from _places(inside, (*path, key))


def spoilt(body: dict[str, Any], random_: random.Random) -> dict[str, Any]:
    """A copy with one to three places removed, replaced, doubled or nested."""
    found = copy.deepcopy(body)
    for _ in range(random_.choice((1, 1, 2, 3))):
        places = list(_places(found))
        if not places:
            break
        *way, last = random_.choice(places)
        at: Any = found
        for key in way:
            at = at[key]
        match random_.randrange(5):
            case 0:
                del at[last]
            case 1:
                at[last] = [at[last]] * random_.choice((1, 2, 50))
            case 2:
                for _ in range(random_.choice((3, 300))):
                    at[last] = {"a": at[last]}
            case 3 if isinstance(at, dict):
                at[random_.choice(("evil", "id", "value"))] = random_.choice(JUNK)
            case _:
                at[last] = copy.deepcopy(random_.choice(JUNK))
    return found
