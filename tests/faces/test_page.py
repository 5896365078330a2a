"""The page without a browser: questions, answers, jobs, and what the server refuses."""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import xarray as xr

import chirospin
from chirospin.base import results
from chirospin.base.errors import ModelError
from chirospin.base.family import Problem
from chirospin.faces import arguments
from chirospin.faces.cli import main
from chirospin.faces.web import controls, curves, page, studies, takeaway
from chirospin.faces.web.desk import Desk
from chirospin.faces.web.question import (
    PIXELS,
    POINTS,
    Question,
    command_line,
    mirror_parameter,
    question_from,
    snippet,
    task_from,
)
from chirospin.faces.web.server import LARGEST, application, listening
from chirospin.faces.web.worker import COARSE, Answer, Judged, Recomputed, Solving, answer_task
from chirospin.studies import registry

PROBLEMS = [one for name in chirospin.FAMILIES for one in arguments.family(name).problems]
TRUETYPE = b"\x00\x01\x00\x00"
QUICK = ("junction", "chiral_metal", "vibration")


def asked(problem: str = "junction", **changes: Any) -> Question:
    """A small question of any problem, as its form asks at first."""
    one = arguments.problem(problem)
    name = controls.first_axis(one, one.quantity)
    start, stop, _ = controls.span_texts(one.model, name, "3")
    count = "3" if start else ""
    first: dict[str, Any] = {
        "problem": problem,
        "methods": [next(iter(one.methods))],
        "observable": one.quantity,
        "along": {"name": name, "start": start, "stop": stop, "count": count},
    }
    return question_from({**first, **changes})


def answered(question: Question) -> Answer:
    return answer_task(question, task_from(question), lambda _done, _total: None)


# The form


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.path)
def test_every_problem_has_a_form_made_from_what_it_declares(problem: Problem) -> None:
    text = str(controls.problem_form(problem))
    for info in problem.model.parameters():
        assert info.axis or f"'name': '{info.name}'" in text
    for name in (*problem.methods, *(o.name for o in problem.observables)):
        assert f"value='{name}'" in text or f"'value': '{name}'" in text


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.path)
def test_every_value_of_a_slider_is_allowed(problem: Problem) -> None:
    scalars = [i for i in problem.model.parameters() if isinstance(i.default, float)]
    sliders = 0
    for info in controls.ordered_parameters(problem.model):
        reach = controls.slider_reach(info)
        if reach is None:
            continue
        sliders += 1
        assert reach.low < reach.high
        for n in range(int((reach.high - reach.low) / reach.step) + 1):
            assert info.allows(reach.low + n * reach.step), info.name
        assert reach.low <= info.default <= reach.high
    assert sliders > 0 or not scalars


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.path)
def test_the_first_question_of_every_form_holds(problem: Problem) -> None:
    question = asked(problem.path)
    assert task_from(question).problem is problem


# Questions are those of the command line


@pytest.mark.parametrize("problem", QUICK)
def test_the_command_line_gives_the_same_numbers(problem: str, capsys: Any) -> None:
    question = asked(problem, hands=mirror_parameter(arguments.problem(problem).model) is not None)
    words = command_line(question).split()
    words = [w.strip("'") for w in words[1 : words.index("--out")]]
    assert main([*words, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)["observables"][question.observable]["values"]
    ours = answered(question).ds[question.observable].values
    np.testing.assert_array_equal(ours, np.array(values, dtype=float))


@pytest.mark.parametrize("problem", QUICK)
def test_the_python_gives_the_same_numbers(problem: str) -> None:
    question = asked(problem)
    lines = [line for line in snippet(question).splitlines() if ".plot(" not in line]
    space: dict[str, Any] = {}
    exec("\n".join(lines), space)  # our own text: that it runs is the point
    ours = answered(question).ds
    xr.testing.assert_equal(space["ds"][question.observable], ours[question.observable])


def test_both_handednesses_are_mirror_images() -> None:
    ds = answered(asked("chiral_metal", hands=True)).ds
    spin = ds["spin_density"]
    assert spin.sizes["spin_orbit"] == 2
    right, left = spin.isel(spin_orbit=0), spin.isel(spin_orbit=1)
    np.testing.assert_allclose(right.values, -left.values, rtol=1e-9, atol=1e-18)
    assert abs(right).max() > 0


def test_a_problem_without_handedness_says_so() -> None:
    with pytest.raises(ModelError, match="Both handednesses need a parameter that vibration lacks"):
        task_from(asked("vibration", hands=True))


BAD: list[tuple[dict[str, Any], str]] = [
    ({"values": {"twist": "2 eV"}}, "Parameter `twist` must be .* with a unit like rad"),
    ({"values": {"molecules": "0"}}, r"Parameter `molecules` must be integer in \[1, 1000\]"),
    ({"values": {"molecules": "1.5"}}, "Parameter `molecules` must be integer"),
    ({"values": {"coupling": "nan"}}, "Parameter `coupling` must be real >= 0"),
    ({"values": {"spin_orbt": "1"}}, "Parameter `spin_orbt` is not one of Junction; did you mean"),
    ({"values": {"hubbard": ""}}, "Option --set must be NAME=VALUE"),
    ({"methods": []}, "Option --method must name one of gksl"),
    ({"methods": ["gskl"]}, "has no method 'gskl'; did you mean 'gksl'"),
    ({"observable": "curent"}, "did you mean 'current'"),
    ({"problem": "junctoin"}, "No family 'junctoin'; did you mean 'junction'"),
    ({"options": {"tolerence": "1"}}, "Option `tolerence` is not one of method"),
    ({"values": {"one_body_matrix": "[__import__('os')]"}}, "Parameter `one_body_matrix`"),
    ({"values": {"twist": "1 9**9**9**9"}}, "with a unit like rad"),
    ({"values": {"energies": "[" * 1900}}, "Parameter `energies`"),
]


@pytest.mark.parametrize(("changes", "line"), BAD, ids=[b[1][:40] for b in BAD])
def test_bad_input_is_the_package_s_own_line(changes: dict[str, Any], line: str) -> None:
    question = asked().model_copy(update=changes)
    with pytest.raises(ModelError, match=line) as caught:
        task_from(question)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["evil.py:run", "os:system", "/etc/passwd", "../x_tb.dat", "a b"])
def test_no_file_is_opened_and_no_function_loaded_for_the_page(text: str) -> None:
    question = asked("chiral_metal.crystal", values={"hamiltonian": text})
    with pytest.raises(ModelError, match="must be a plain word on this page"):
        task_from(question)


def test_sizes_are_bounded_before_anything_is_computed() -> None:
    span = {"name": "energy_b", "start": "0", "stop": "1", "count": str(POINTS + 1)}
    with pytest.raises(ModelError, match=f"integer in \\[1, {POINTS}\\]"):
        task_from(asked(along=span))
    side = str(int(PIXELS**0.5) + 1)
    along, against = {**span, "count": side}, {**span, "name": "energy_a", "count": side}
    with pytest.raises(ModelError, match=f"at most {PIXELS} points"):
        task_from(asked(view="map", along=along, against=against))


@pytest.mark.parametrize(
    "data",
    [None, [], "x", {}, {"problem": 3}, {"problem": "junction", "methods": ["x"] * 99},
     {"problem": "j" * 999, "methods": []}, {"problem": "junction", "methods": [], "evil": 1},
     {"problem": "junction", "methods": [], "values": {"twist": "1" * 9999}}],
)  # fmt: skip
def test_what_is_not_a_question_is_refused_in_one_line(data: Any) -> None:
    with pytest.raises(ModelError, match="of the page: ") as caught:
        question_from(data)
    assert "\n" not in str(caught.value)


# Answers


@pytest.mark.parametrize("problem", QUICK)
def test_the_live_curve_holds_the_numbers_of_the_result(problem: str) -> None:
    question = asked(problem)
    answer = answered(question)
    figure = page.live_figure(question, answer.ds)
    json.dumps(figure, allow_nan=False)
    drawn = sorted(v for trace in figure["data"] for v in trace["y"] if v is not None)
    values = curves.chosen_values(question, answer.ds).values
    np.testing.assert_array_equal(drawn, np.sort(values[np.isfinite(values)].ravel()))


def test_a_missing_value_is_a_gap_and_its_reason_is_told() -> None:
    span = {"name": "thermal_energy", "start": "5", "stop": "10", "count": "2"}
    question = asked("vibration", observable="crossover", along=span)
    answer = answered(question)
    figure = page.live_figure(question, answer.ds)
    json.dumps(figure, allow_nan=False)
    assert {v for trace in figure["data"] for v in trace["y"]} == {None}
    assert "Note: crossover is undefined: the sign never changes" in str(page.verdict_block(answer))


def test_methods_stand_side_by_side_and_one_that_refuses_is_named() -> None:
    question = asked("junction", methods=["gksl", "landauer"])
    figure = page.live_figure(question, answered(question).ds)
    assert [trace["name"] for trace in figure["data"]] == ["gksl", "landauer"]
    assert len({trace["line"]["dash"] for trace in figure["data"]}) == 2
    question = asked("chiral_metal.driven", methods=["closed-form", "boltzmann"])
    answer = answered(question)
    assert list(answer.refusals) == ["boltzmann"]
    assert "boltzmann left out: Parameter `screening_length`" in str(page.verdict_block(answer))


def test_a_map_has_both_axes_and_white_at_zero() -> None:
    along = {"name": "energy_b", "start": "0.4", "stop": "1.2", "count": "3"}
    against = {"name": "twist", "start": "-1", "stop": "1", "count": "2"}
    question = asked("junction", view="map", along=along, against=against)
    ds = answered(question).ds
    (trace,) = page.live_figure(question, ds)["data"]
    assert trace["x"] == [0.4, 0.8, 1.2]
    assert trace["y"] == [-1, 1]
    assert trace["zmin"] == -trace["zmax"]
    np.testing.assert_array_equal(trace["z"], ds.spin_polarisation.values)


def test_one_point_is_a_table_of_every_observable() -> None:
    question = asked("junction", view="point")
    text = str(page.value_table(arguments.problem("junction"), answered(question).ds))
    assert "-0.241068" in text
    assert "mean current" in text


def test_an_observable_that_does_not_depend_on_the_axis_says_so() -> None:
    question = asked("chiral_metal", observable="interface_spin")
    with pytest.raises(ModelError, match="does not depend on `position`; choose another axis"):
        page.live_figure(question, answered(question).ds)


def test_the_verdict_follows_the_certificates() -> None:
    good = page.verdict_block(answered(asked("junction")))
    assert "Audit passed" in str(good)
    bad = answered(asked("junction", methods=["landauer"]))
    assert not all(one.passed for one in bad.certificates)
    assert "Audit FAILED" in str(page.verdict_block(bad))
    assert "interaction_left_out" in str(page.verdict_block(bad))


@pytest.mark.parametrize("kind", ["nc", "pdf", "png"])
def test_files_of_an_answer(kind: str, tmp_path: Any) -> None:
    answer = answered(asked("junction", hands=True, methods=["gksl", "landauer"]))
    content = takeaway.file_bytes(answer, kind)
    assert takeaway.file_name(answer, kind) == f"junction-spin_polarisation.{kind}"
    if kind != "nc":
        assert content.startswith({"pdf": b"%PDF", "png": b"\x89PNG"}[kind])
        return
    path = tmp_path / "x.nc"
    path.write_bytes(content)
    xr.testing.assert_equal(results.load(path).drop_vars("reason"), answer.ds.drop_vars("reason"))


def test_claims_are_not_computed_until_asked_and_then_carry_their_verdict() -> None:
    study = registry.study("nozaki_fujita_2026")
    assert str(studies.study_block(study.key, None)).count("not computed yet") == len(study.claims)
    name = study.claims[0].name
    judged = Judged(name=name, published="p", ours="o", word="NOT REPRODUCED", holds=False)
    known = Recomputed(key=study.key, figures={}, claims={name: judged}, step="", complete=False)
    text = str(studies.study_block(study.key, known))
    assert text.count("not computed yet") == len(study.claims) - 1
    assert "word failed" in text


# Jobs in processes


@dataclass(frozen=True)
class Deaf:
    """A job that never looks up."""

    seconds: float

    def run(self, send: Any) -> None:
        time.sleep(self.seconds)
        send("answer", "late")


@dataclass(frozen=True)
class Counting:
    """A job that reports, and so can be stopped."""

    name: str

    def run(self, send: Any) -> None:
        for n in range(400):
            time.sleep(0.02)
            send("progress", (n, 400))


@dataclass(frozen=True)
class Broken:
    """A job with a fault."""

    def run(self, send: Any) -> None:
        raise ZeroDivisionError("by zero")


@pytest.fixture(scope="module")
def desk() -> Any:
    one = Desk()
    yield one
    one.close()


def test_a_question_is_answered_by_another_process(desk: Desk) -> None:
    question = asked("junction")
    ticket = desk.ask("a", Solving(question=question))
    assert ticket.wait(30)
    assert ticket.error == ""
    xr.testing.assert_equal(
        ticket.answer.ds["spin_polarisation"], answered(question).ds["spin_polarisation"]
    )
    assert desk.ask("a", Solving(question=question)) is ticket


@pytest.mark.parametrize("job", [Deaf(60), Counting("x")], ids=["deaf", "polite"])
def test_a_newer_question_drops_the_older(desk: Desk, job: Any) -> None:
    old = desk.ask("b", job)
    time.sleep(0.2)
    new = desk.ask("b", Solving(question=asked("junction", values={"hubbard": "1"})))
    assert new.wait(30)
    assert new.error == ""
    assert old.wait(5)
    assert old.error == "stopped"
    assert old.answer is None


def test_a_fault_is_one_line_and_the_desk_goes_on(desk: Desk) -> None:
    ticket = desk.ask("c", Broken())
    assert ticket.wait(30)
    assert ticket.error == "The computation failed: ZeroDivisionError: by zero"
    assert desk.ask("c", Solving(question=asked("junction"))).wait(30)


def test_a_long_sweep_shows_a_coarse_answer_first(desk: Desk) -> None:
    span = {"name": "energy_b", "start": "0.4", "stop": "1.4", "count": "200"}
    question = asked("junction", along=span)
    ticket = desk.ask("d", Solving(question=question))
    while ticket.answer is None and not ticket.finished:
        time.sleep(0.01)
    assert ticket.answer.coarse
    assert ticket.answer.ds.sizes["energy_b"] == COARSE
    assert ticket.wait(60)
    assert ticket.answer.ds.sizes["energy_b"] == 200


def test_the_view_shows_an_error_and_keeps_what_was_shown(desk: Desk) -> None:
    view = page.view_of(desk, "e", {"problem": "nope", "methods": []}, "before")
    assert view.error.startswith("No family 'nope'")
    assert (view.figure, view.shown, view.busy) == (None, "before", False)
    data = asked("junction").model_dump()
    view = page.view_of(desk, "e", data, "before")
    deadline = time.monotonic() + 30
    while view.busy and time.monotonic() < deadline:
        view = page.view_of(desk, "e", data, view.shown)
    assert not view.error
    assert page.faulty_parameter("Parameter `twist` must be") == "twist"


# The server


@pytest.fixture(scope="module")
def client() -> Any:
    desk = Desk()
    app = application(desk, "junction")
    yield app.server.test_client()
    desk.close()


def test_the_page_loads_from_its_own_server_alone(client: Any) -> None:
    answer = client.get("/", headers={"Host": "127.0.0.1:8050"})
    assert answer.status_code == 200
    links = re.findall(r'(?:src|href)="([^"]+)"', answer.get_data(as_text=True))
    assert links
    assert all(link.startswith("/") and not link.startswith("//") for link in links)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'unsafe-inline'" not in policy


@pytest.mark.parametrize("host", ["localhost:8050", "127.0.0.1", "[::1]:8050", "LOCALHOST"])
def test_its_own_names_are_answered(client: Any, host: str) -> None:
    assert client.get("/_dash-layout", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8050", "127.0.0.1.evil.example", ""]
)
def test_another_host_name_is_refused(client: Any, host: str) -> None:
    answer = client.get("/_dash-layout", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.get_data(as_text=True).count("\n") == 1


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example"])
def test_another_site_may_not_ask(client: Any, origin: str) -> None:
    headers = {"Host": "localhost", "Origin": origin}
    assert client.post("/_dash-update-component", headers=headers, json={}).status_code == 403


def test_an_oversized_request_is_refused(client: Any) -> None:
    body = b"x" * (LARGEST + 1)
    answer = client.post("/_dash-update-component", headers={"Host": "localhost"}, data=body)
    assert answer.status_code == 413
    answer = client.post(
        "/_dash-update-component",
        headers={"Host": "localhost", "Transfer-Encoding": "chunked"},
        input_stream=io.BytesIO(body),
    )
    assert answer.status_code in (411, 413)


@pytest.mark.parametrize("body", [b"{}", b"[1]", b"not json", b'{"output": 1}', b"\x80\x04K\x01."])
def test_what_the_page_does_not_ask_is_one_line(client: Any, body: bytes) -> None:
    headers = {"Host": "localhost", "Content-Type": "application/json"}
    answer = client.post("/_dash-update-component", headers=headers, data=body)
    assert answer.status_code == 400
    assert answer.get_data(as_text=True).count("\n") == 1


@pytest.mark.parametrize("name", ["../matplotlibrc", "DejaVuSans.ttf", "%2e%2e/x"])
def test_only_the_four_fonts_are_given(client: Any, name: str) -> None:
    def first_bytes(path: str) -> bytes:
        with client.get(f"/fonts/{path}", headers={"Host": "localhost"}) as font:
            return bytes(font.data[:4])

    assert first_bytes("STIXGeneral.ttf") == TRUETYPE
    assert first_bytes(name) != TRUETYPE


def test_a_port_in_use_is_one_line(capsys: Any) -> None:
    with contextlib.closing(listening("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["explore", "junction", "--port", str(port)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"Option --port must be free on 127.0.0.1, but {port} is not" in error


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["junctoin"], "did you mean 'junction'"),
        (["--port", "70000"], "must be an integer in [0, 65535]"),
        (
            ["--host", "203.0.113.7", "--port", "0"],
            "Option --host must be an address of this machine",
        ),
        (["--port", "x"], "--port"),
    ],
)
def test_a_wrong_start_is_one_line(words: list[str], line: str, capsys: Any) -> None:
    assert main(["explore", *words]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert line in error


def test_without_dash_the_remedy_is_told(monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert main(["explore"]) == 2
    assert "pip install 'chirospin[web]'" in capsys.readouterr().err


def test_sockets_are_free_again_after_use() -> None:
    first = listening("127.0.0.1", 0)
    port = first.getsockname()[1]
    first.close()
    second = listening("127.0.0.1", port)
    assert isinstance(second, socket.socket)
    second.close()
