"""Molecules on the page: a structure in, its picture and junction out; nothing from elsewhere, no path opened."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from chirospin.faces.web import molecules
from chirospin.faces.web.desk import Desk
from chirospin.faces.web.server import application

HOST = {"Host": "localhost:8050"}
QUICK = {"functional": "hf", "basis": "sto-3g", "screening": "none"}
FLAT = """4
H2CS, flat
C 0 0 0
S 1.611 0 0
H -0.548 0.924 0
H -0.548 -0.924 0
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    desk = Desk()
    yield application(desk, "junction", {"localhost:8050"}).server.test_client()
    desk.close()


def send(browser: Any, content: str = "", name: str = "mine.xyz", **fields: str) -> Any:
    data: dict[str, Any] = {**QUICK, **fields}
    if content:
        data["files"] = (io.BytesIO(content.encode()), name)
    kind = "multipart/form-data"
    answer = browser.post(molecules.ANSWER, data=data, headers=HOST, content_type=kind)
    where = answer.headers.get("Location", "")
    while answer.status_code == 303 or b'http-equiv="refresh"' in answer.data:
        answer = browser.get(where, headers=HOST)
    return answer


def test_a_file_becomes_a_picture_and_a_junction(browser: Any) -> None:
    answer = send(browser, FLAT, pair="HOMO-1,HOMO", pivot="mid-bond", twist="90 deg")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200, page[-400:]
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    figure = json.loads(page.partition('id="figure">')[2].partition("</script>")[0])
    cones = [one for one in figure["data"] if one["type"] == "cone"]
    first, second = (np.array([one[k][0] for k in "uvw"]) for one in cones)
    assert abs(first @ second) < 1e-9 * (first @ first)  # a quarter turn
    turned = np.array([-first[1], first[0], first[2]])
    assert second == pytest.approx(turned, abs=1e-6) or second == pytest.approx(-turned, abs=1e-6)
    surfaces = [one for one in figure["data"] if one["type"] == "isosurface"]
    assert len(surfaces) == 4
    assert "spin_polarisation" in page
    assert "--set structure=mine.xyz" in page
    assert "/tmp" not in page
    for where in (molecules.PLOTLY, molecules.DRAWING):
        with browser.get(where, headers=HOST) as script:
            assert script.status_code == 200


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"structure": "/etc/passwd"}, "must be one of h2co"),
        ({"structure": "smiles=C1"}, "must be SMILES"),
        ({"content": "import os\n", "name": "evil.py"}, "must end in one of"),
        ({"content": "no molecule\n"}, "must hold coordinates"),
        ({"content": FLAT, "twist": "<b>x"}, "&lt;b&gt;x"),
        ({"content": FLAT, "pair": "x" * 500}, "at most 400"),
    ],
)
def test_bad_fields_are_one_line(browser: Any, given: dict[str, str], word: str) -> None:
    answer = send(browser, **given)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert word in page
    assert "Traceback" not in page
