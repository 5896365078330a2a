"""The page without a browser: questions, answers, jobs, and what the server refuses."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import random
import re
import socket
import time
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import xarray as xr

import chirospin
from chirospin.base import results
from chirospin.base.audit import Certificate
from chirospin.base.errors import ModelError
from chirospin.base.family import Problem
from chirospin.faces import arguments
from chirospin.faces.cli import main
from chirospin.faces.web import callbacks, controls, curves, page, studies, takeaway, worker
from chirospin.faces.web.desk import Desk, Ticket
from chirospin.faces.web.question import (
    PIXELS,
    POINTS,
    Question,
    Span,
    checked_question,
    command_line,
    mirror_parameter,
    question_from,
    snippet,
)
from chirospin.faces.web.server import LARGEST, LOOPBACK, application, listening, own_hosts
from chirospin.faces.web.worker import (
    COARSE,
    Answer,
    Auditing,
    Judged,
    Recomputed,
    Solving,
    answer_to,
)
from chirospin.studies import registry
from tests.faces import page_requests

PROBLEMS = [one for name in chirospin.FAMILIES for one in arguments.family(name).problems]
PORT = 8050
HOST = {"Host": f"localhost:{PORT}"}
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
    return answer_to(question, checked_question(question), lambda _done, _total: None)


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
    assert checked_question(question).problem is problem


def opened(problem: Problem) -> Question:
    """The question that a form asks at first."""
    first = controls.opening(problem)
    spans = [
        dict(zip(("name", "start", "stop", "count"), span, strict=True))
        for span in (first.along, first.against)
    ]
    return question_from(
        {
            "problem": problem.path, "methods": [next(iter(problem.methods))],
            "observable": first.observable, "view": first.view, "unit": first.unit,
            "values": dict(first.values), "along": spans[0], "against": spans[1],
        }
    )  # fmt: skip


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.path)
def test_a_link_brings_back_the_form_that_it_was_made_of(problem: Problem) -> None:
    question = opened(problem)
    assert checked_question(question).problem is problem
    place = "#form=" + quote(question.model_dump_json())
    linked = callbacks.linked_form(place)
    assert linked == (problem, question)
    again = controls.restored(problem, question)
    first = controls.opening(problem)
    assert (again.along, again.against, again.unit) == (first.along, first.against, first.unit)
    assert dict(again.values) == dict(first.values)


@pytest.mark.parametrize(
    "place", ["#form={", "#form=[]", "#problem=nope", "#form=" + "[" * 9000, 7]
)
def test_a_link_that_holds_no_question_is_refused_in_one_line(place: Any) -> None:
    with pytest.raises(ModelError) as caught:
        callbacks.linked_form(place)
    assert "\n" not in str(caught.value)
    assert callbacks.linked_form("#explore") is None


def test_parameters_stand_in_groups_and_vectors_in_components() -> None:
    text = str(controls.problem_form(arguments.problem("junction.bias")))
    at = [text.index(f"H4('{name}')") for name in ("energies", "hopping", "leads and bias")]
    assert at == sorted(at)
    assert "H4('vibrations')" in text
    contact = str(controls.problem_form(arguments.problem("spinterface.contact")))
    assert contact.count("'kind': 'component', 'name': 'level_splitting'") == 3
    assert "'kind': 'component', 'name': 'hybridisation_vector'" not in contact  # complex


def test_a_figure_is_in_the_units_that_are_asked_for_and_marks_the_model_s_own_value() -> None:
    span = {"name": "bias", "start": "-1", "stop": "4.5", "count": "2"}
    plain = asked("junction.bias", methods=["landauer"], observable="current", along=span)
    question = plain.model_copy(update={"unit": "current=nA, bias=mV"})
    ds = answered(plain).ds
    figure, declared = curves.live_figure(question, ds), curves.live_figure(plain, ds)
    assert "mV" in figure["layout"]["xaxis"]["title"]["text"]
    assert figure["data"][0]["x"] == [-1000, 4500]
    ratio = figure["data"][0]["y"][1] / declared["data"][0]["y"][1]
    assert ratio == pytest.approx(243413.48, rel=1e-6)  # eV e/hbar in nA
    assert [one["x0"] for one in declared["layout"]["shapes"]] == [4.0]
    assert [one["x0"] for one in figure["layout"]["shapes"]] == [4000.0]
    beyond = plain.model_copy(update={"values": {"bias": "9"}})
    assert curves.live_figure(beyond, ds)["layout"]["shapes"] == []
    assert "--unit current=nA" in command_line(question)
    assert 'ds.chirospin.to("mV", "bias")' in snippet(question)
    with pytest.raises(ModelError, match="must be like eV"):
        curves.live_figure(plain.model_copy(update={"unit": "bias=nm"}), ds)


def test_a_pinned_answer_is_drawn_beneath_the_next_and_let_go(desk: Desk) -> None:
    first = whole(desk, "p", asked("junction"))
    assert first.drawn is not None
    data = asked("junction").model_dump()
    pinned = page.view_of(desk, "p", data, first.drawn.mark, pin=True).drawn
    assert pinned is not None
    assert "Pinned (audit passed): junction by gksl" in pinned.pinned
    other = whole(desk, "p", asked("junction", values={"hubbard": "2"}), pinned.mark).drawn
    assert other is not None
    beneath, above = other.figure["data"]
    assert beneath["y"] == first.drawn.figure["data"][0]["y"] != above["y"]
    assert beneath["opacity"] < 1
    elsewhere = whole(desk, "p", asked("junction", observable="mean_current"), other.mark).drawn
    assert elsewhere is not None
    assert "its axes differ" in elsewhere.pinned
    again = page.view_of(
        desk,
        "p",
        asked("junction", observable="mean_current").model_dump(),
        elsewhere.mark,
        pin=True,
    ).drawn
    assert again is not None
    assert again.pinned == ""


def test_the_picture_of_a_model_is_served_and_a_bad_one_refused(desk: Desk) -> None:
    client = application(desk, None, own_hosts(LOOPBACK, PORT)).server.test_client()
    question = asked("junction", view="point")

    def got(text: str) -> Any:
        words = {"who": "q", "question": text}
        return client.get("/drawing", query_string=words, headers=HOST)

    good = got(question.model_dump_json())
    assert (good.status_code, good.mimetype) == (200, "image/svg+xml")
    assert b"<image" not in good.data
    many = got(question.model_copy(update={"values": {"molecules": "40"}}).model_dump_json())
    assert many.status_code == 422
    assert many.data.startswith(b"422 Parameter `molecules` must be at most 24")
    for text in ("", "{", "[" * 9000, '{"problem": "nope", "methods": ["x"]}', "x" * 30_000):
        assert got(text).status_code == 400
    code = asked("crystal", values={"hamiltonian": "evil.py:run"}).model_dump_json()
    assert got(code).status_code == 400


def test_the_first_view_asks_what_the_user_has_unless_a_problem_is_named() -> None:
    text = str(page.first_layout(None))
    for title, _, href in page.DOORS:
        assert title in text
        if href.startswith("#problem="):
            assert callbacks.linked_form(href)
    assert "Store(id='asked-first', data=True)" in text or "data=True" in text
    assert "id='asked-first', data=False" in str(page.first_layout("junction")).replace(
        "data=False, id='asked-first'", "id='asked-first', data=False"
    )


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
        checked_question(asked("vibration", hands=True))


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
    ({"values": {"twist": "²"}}, "Parameter `twist`"),
    ({"along": Span(name="energy_b", start="0", stop="1", count="²")}, "Points of `energy_b`"),
    ({"along": Span(name="energy_b", start="0", stop="1", count="١")}, "Points of `energy_b`"),
    (
        {"along": Span(name="energy_b", start="0", stop="1 9**9**9", count="3")},
        "with a unit like eV",
    ),
    ({"values": {"energies": "[" * 1900}}, "Parameter `energies`"),
]


@pytest.mark.parametrize(("changes", "line"), BAD, ids=[b[1][:40] for b in BAD])
def test_bad_input_is_the_package_s_own_line(changes: dict[str, Any], line: str) -> None:
    question = asked().model_copy(update=changes)
    with pytest.raises(ModelError, match=line) as caught:
        checked_question(question)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["evil.py:run", "os:system", "/etc/passwd", "../x_tb.dat", "a b"])
def test_no_file_is_opened_and_no_function_loaded_for_the_page(text: str) -> None:
    question = asked("crystal", values={"hamiltonian": text})
    with pytest.raises(ModelError, match="must be a plain word on this page"):
        checked_question(question)


FREE = [
    (one.path, info.name)
    for one in PROBLEMS
    for info in one.model.parameters()
    if isinstance(info.default, str)
]
CODE = [
    "evil.py:run",
    "os:system",
    "/etc/passwd",
    "../x_tb.dat",
    "x.npz",
    "x.csv",
    "x:y",
    "ａ",
    "a b",
    "",
]


@pytest.mark.parametrize(("problem", "name"), FREE)
def test_no_parameter_of_any_problem_names_code_or_a_file_on_the_page(
    problem: str, name: str, monkeypatch: Any
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("a function was loaded")

    monkeypatch.setattr("chirospin.base.functions._loaded", never)
    for text in CODE:
        with pytest.raises(ModelError, match=f"Parameter `{name}`|--set must be NAME=VALUE"):
            checked_question(asked(problem, values={name: text}))


def test_options_that_name_a_place_are_not_for_the_page(tmp_path: Any) -> None:
    place = tmp_path / "made"
    question = asked("junction", methods=["gksl-mixed"], options={"folder": str(place)})
    with pytest.raises(
        ModelError, match="Option `folder` of method gksl-mixed is for chirospin solve"
    ):
        checked_question(question)
    assert not place.exists()
    checked_question(asked("junction", methods=["gksl-mixed"], options={"tolerance": "1e-9"}))


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.path)
def test_the_form_holds_plain_settings_only(problem: Problem) -> None:
    text = str(controls.problem_form(problem))
    for kind in problem.methods.values():
        for name, field in kind.model_fields.items():
            words = str(field.annotation)
            plain = "Path" not in words and "str" not in words.replace("Literal", "")
            plain = plain or "Literal" in words
            assert (f"'kind': 'option', 'name': '{name}'" in text) == plain, (kind.name, name)


def test_sizes_are_bounded_before_anything_is_computed() -> None:
    span = {"name": "energy_b", "start": "0", "stop": "1", "count": str(POINTS + 1)}
    with pytest.raises(ModelError, match=f"integer in \\[1, {POINTS}\\]"):
        checked_question(asked(along=span))
    side = str(int(PIXELS**0.5) + 1)
    along, against = {**span, "count": side}, {**span, "name": "energy_a", "count": side}
    with pytest.raises(ModelError, match=f"at most {PIXELS} points"):
        checked_question(asked(view="map", along=along, against=against))


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


def test_an_entry_is_a_number_of_our_own_digits() -> None:
    question = asked("junction", entries={"magnetisation": "²"}, observable="current")
    with pytest.raises(ModelError, match="Entry `magnetisation` must be all or a number from 0"):
        curves.live_figure(question, answered(question).ds)


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


# Values below their error


def with_error(question: Question, error: float) -> xr.Dataset:
    """The answer as if its observable had stated this numerical error."""
    ds = answered(question).ds
    name = question.observable
    ds[name].attrs["ancillary_variables"] = f"{name}_error"
    return ds.assign({f"{name}_error": xr.full_like(ds[name], error)})


def test_a_value_below_its_error_is_drawn_as_zero() -> None:
    question = asked("junction")
    sizes = np.sort(abs(answered(question).ds[question.observable].values))
    ds = with_error(question, float(sizes[0] + sizes[-1]) / 2)
    (trace,) = curves.live_figure(question, ds)["data"]
    drawn = np.array(trace["y"])
    assert 0 < np.count_nonzero(drawn) < drawn.size
    assert not np.signbit(drawn[drawn == 0]).any()
    assert curves.zero_within(question, ds) is None
    shown = np.array(curves.live_figure(question, with_error(question, 0.0))["data"][0]["y"])
    assert np.count_nonzero(shown) == shown.size


def test_a_map_within_its_error_says_so_and_draws_no_rounding() -> None:
    along = {"name": "energy_b", "start": "0.4", "stop": "1.2", "count": "3"}
    against = {"name": "twist", "start": "-1", "stop": "1", "count": "2"}
    question = asked("junction", view="map", along=along, against=against)
    ds = with_error(question, 10.0)
    figure = curves.live_figure(question, ds)
    (trace,) = figure["data"]
    assert not np.any(trace["z"])
    assert (trace["zmin"], trace["zmax"]) == (-10.0, 10.0)
    line = "zero within its numerical error, at most 1.0e+01, at every point"
    assert [one["text"] for one in figure["layout"]["annotations"]] == [line]
    assert f"spin_polarisation is {line}" in str(
        page.verdict_block(replace(answered(question), ds=ds))
    )
    plot, _ = curves.printed_figure(question, ds)
    assert plot.panels[0].title == "zero within error"
    signal = curves.live_figure(question, with_error(question, 1e-12))
    assert np.all(signal["data"][0]["z"])
    assert signal["layout"]["annotations"] == []


# Jobs in processes


@dataclass(frozen=True)
class Deaf:
    """A job that never looks up."""

    seconds: float
    limit: float = 600.0

    def run(self, send: Any) -> None:
        time.sleep(self.seconds)
        send("answer", "late")


@dataclass(frozen=True)
class Counting:
    """A job that reports, and so can be stopped."""

    name: str
    limit: float = 600.0

    def run(self, send: Any) -> None:
        for n in range(400):
            time.sleep(0.02)
            send("progress", (n, 400))


@dataclass(frozen=True)
class Broken:
    """A job with a fault."""

    limit: float = 600.0

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


@pytest.mark.parametrize(
    "job", [Deaf(60, limit=0.5), Counting("w", limit=0.5)], ids=["deaf", "busy"]
)
def test_a_job_beyond_its_limit_is_stopped_and_says_so(desk: Desk, job: Any) -> None:
    ticket = desk.ask("w", job)
    assert ticket.wait(30)
    assert ticket.error.startswith(
        "The computation was stopped after 0.5 s, the most that this page"
    )
    assert "\n" not in ticket.error
    assert desk.ask("w2", Solving(question=asked("junction"))).wait(30)  # and the desk goes on


def test_a_job_within_its_limit_is_not_stopped(desk: Desk) -> None:
    ticket = desk.ask("v", Deaf(0.5, limit=60.0))
    assert ticket.wait(30)
    assert (ticket.error, ticket.answer) == ("", "late")


def test_a_result_too_large_for_the_page_is_refused_before_it_is_computed(monkeypatch: Any) -> None:
    monkeypatch.setattr(worker, "LARGEST_ANSWER", 5)
    with pytest.raises(
        ModelError, match=r"at most 5e\+00 numbers on this page, but would hold 6\.0e"
    ):
        answered(asked("junction", methods=["gksl", "landauer"]))
    answered(asked("junction"))


# Verdicts belong to their answer


def whole(
    desk: Desk, who: str, question: Question, mark: str = "", expensive: bool = False
) -> page.View:
    """The view once nothing more will come."""
    data = question.model_dump()
    view = page.view_of(desk, who, data, mark, expensive=expensive)
    drawn, deadline = view.drawn, time.monotonic() + 60
    while view.busy and time.monotonic() < deadline:
        view = page.view_of(desk, who, data, drawn.mark if drawn else mark)
        drawn = view.drawn or drawn
    return page.View(**{**vars(view), "drawn": drawn})


def test_a_view_is_drawn_whole_or_not_at_all(desk: Desk) -> None:
    """What is shown of one answer is never mixed with another: a refusal draws nothing."""
    good = whole(desk, "e", asked("junction")).drawn
    assert good is not None
    assert good.words.startswith("junction by gksl; spin_polarisation along ")
    refused = page.view_of(desk, "e", {"problem": "nope", "methods": []}, good.mark)
    assert refused.error.startswith("No family 'nope'")
    assert (refused.drawn, refused.busy) == (None, False)
    again = page.view_of(desk, "e", asked("junction").model_dump(), good.mark)
    assert (again.drawn, again.error) == (None, "")
    other = asked("junction", values={"hubbard": "2"})
    drawn = whole(desk, "e", other, good.mark).drawn
    assert drawn is not None
    assert drawn.mark != good.mark
    assert drawn.words.endswith("; hubbard=2")
    assert page.faulty_parameter("Parameter `twist` must be") == "twist"


def test_an_unanswered_question_draws_nothing() -> None:
    still = page_requests.StillDesk()
    view = page.view_of(still, "f", asked("junction").model_dump(), "0/1")
    assert view.drawn is None


def certificate(name: str, passed: bool) -> Certificate:
    return Certificate(name=name, value=1.0, tolerance=0.1, passed=passed, about="a", method="gksl")


def test_a_failed_expensive_check_makes_the_verdict_red_and_is_counted() -> None:
    answer = answered(asked("junction"))
    cheap = len(answer.certificates)
    green = str(
        page.verdict_block(answer, page.Expensive(certificates=(certificate("mirror", True),)))
    )
    assert f"Audit passed'), ': {cheap + 1} checks'" in green
    assert "verdict passed" in green
    found = (certificate("mirror", True), certificate("finer", False))
    red = str(page.verdict_block(answer, page.Expensive(certificates=found)))
    assert f"Audit FAILED'), ': 1 of {cheap + 2} checks: finer'" in red
    assert "verdict failed" in red
    assert "passed" not in red
    ended = str(page.verdict_block(answer, page.Expensive(error="gksl, finer: no")))
    assert "Audit FAILED" in ended
    assert "the expensive checks did not end" in ended


def test_the_expensive_verdict_is_of_the_answer_it_was_made_for(
    desk: Desk, monkeypatch: Any
) -> None:
    question = asked("junction", methods=["landauer"])
    view = whole(desk, "g", question, expensive=True)
    assert view.drawn is not None
    assert "audits" not in view.expensive_status
    names = [audit.name for audit in arguments.problem("junction").audits]
    assert any(f"Td('{name}')" in str(view.drawn.expensive) for name in names)
    other = whole(desk, "g", asked("junction", methods=["landauer"], values={"hubbard": "2"}))
    assert other.drawn is not None
    assert other.drawn.expensive == ""
    assert "expensive" not in str(other.drawn.verdict)
    page.view_of(
        desk, "g", asked("junction", values={"molecules": "0"}).model_dump(), other.drawn.mark
    )
    back = whole(desk, "g", question).drawn  # the same question again has the same verdict
    assert back is not None
    assert str(back.expensive) == str(view.drawn.expensive)
    assert str(back.verdict) == str(view.drawn.verdict)


def test_expensive_checks_of_a_question_that_is_gone_are_stopped(desk: Desk) -> None:
    running = desk.ask(page.expensive_asker("h"), Counting("expensive"))
    page.view_of(desk, "h", asked("junction").model_dump(), "")
    assert running.dropped
    assert running.wait(10)


def test_an_expensive_check_that_fails_after_the_answer_is_drawn_draws_it_again() -> None:
    question = asked("junction")
    answer = answered(question)
    ticket, checking = Ticket(Solving(question=question)), Ticket(Auditing(question=question))
    ticket.note("answer", answer)
    ticket.note("end", "")
    problem = arguments.problem("junction")
    first = page.ticket_view(ticket, checking, problem, ("c", "p"), "").drawn
    assert first is not None
    assert "verdict passed" in str(first.verdict)
    assert page.ticket_view(ticket, checking, problem, ("c", "p"), first.mark).drawn is None
    checking.note("answer", (certificate("finer", False),))
    checking.note("end", "")
    second = page.ticket_view(ticket, checking, problem, ("c", "p"), first.mark).drawn
    assert second is not None
    assert "verdict failed" in str(second.verdict)
    assert "✗ FAILED" in str(second.expensive)


def test_a_first_look_is_not_called_passed() -> None:
    answer = replace(answered(asked("junction")), coarse=True)
    text = str(page.verdict_block(answer))
    assert "verdict open" in text
    assert "checks pass at 3 points, more follow" in text
    failed = replace(answered(asked("junction", methods=["landauer"])), coarse=True)
    assert "verdict failed" in str(page.verdict_block(failed))


# The server


@pytest.fixture(scope="module")
def client() -> Any:
    desk = Desk()
    app = application(desk, "junction", own_hosts(LOOPBACK, PORT))
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


@pytest.mark.parametrize(
    "host", ["localhost:8050", "127.0.0.1:8050", "[::1]:8050", "LOCALHOST:8050"]
)
def test_its_own_names_are_answered(client: Any, host: str) -> None:
    assert client.get("/_dash-layout", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8050",
        "127.0.0.1.evil.example",
        "",
        "localhost",
        "127.0.0.1",
        "[::1]",
        "localhost:8051",
        "localhost:80500",
        "localhost:8050evil",
        "localhost:8050:1",
        "localhost:",
        "localhost.:8050",
        "[::1]evil:8050",
        "[::1]:8050evil",
        "::1:8050",
        "evil@localhost:8050",
        "localhost:8050/",
        "localhost:٨050",
    ],
)
def test_another_host_name_is_refused(client: Any, host: str) -> None:
    answer = client.get("/_dash-layout", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.get_data(as_text=True).count("\n") == 1


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://localhost.evil.example",
        "http://localhost",
        "http://localhost:8051",
        "localhost:8050",
        "http://localhost:8050/",
        "ftp://localhost:8050",
        "http://localhost:8050.evil.example",
        "",
    ],
)
def test_another_site_may_not_ask(client: Any, origin: str) -> None:
    headers = {**HOST, "Origin": origin}
    assert client.post("/_dash-update-component", headers=headers, json={}).status_code == 403


def test_an_oversized_request_is_refused(client: Any) -> None:
    body = b"x" * (LARGEST + 1)
    answer = client.post("/_dash-update-component", headers=HOST, data=body)
    assert answer.status_code == 413
    answer = client.post(
        "/_dash-update-component",
        headers={**HOST, "Transfer-Encoding": "chunked"},
        input_stream=io.BytesIO(body),
    )
    assert answer.status_code in (411, 413)


@pytest.mark.parametrize("body", [b"{}", b"[1]", b"not json", b'{"output": 1}', b"\x80\x04K\x01."])
def test_what_the_page_does_not_ask_is_one_line(client: Any, body: bytes) -> None:
    headers = {**HOST, "Content-Type": "application/json"}
    answer = client.post("/_dash-update-component", headers=headers, data=body)
    assert answer.status_code == 400
    assert answer.get_data(as_text=True).count("\n") == 1


@pytest.fixture(scope="module")
def fuzzed() -> Any:
    """The server with a desk that computes nothing, and one good request for each cause of each callback."""
    app = application(page_requests.StillDesk(), "junction", own_hosts(LOOPBACK, PORT))
    client = app.server.test_client()
    client.get("/_dash-dependencies", headers=HOST)
    return client, page_requests.bodies(app.callback_map)


def sent(client: Any, body: Any) -> Any:
    content = json.dumps(body).encode("utf-8", "surrogatepass")
    headers = {**HOST, "Content-Type": "application/json"}
    return client.post("/_dash-update-component", headers=headers, data=content)


def test_what_the_page_itself_asks_is_answered(fuzzed: Any) -> None:
    client, bodies = fuzzed
    assert len(bodies) > 15
    assert {sent(client, body).status_code for body in bodies} <= {200, 204}


@pytest.mark.parametrize("seed", range(4))
def test_a_spoilt_request_is_one_line_and_never_a_fault(fuzzed: Any, seed: int) -> None:
    """Missing keys, wrong kinds, huge sizes, deep nesting: 400 or an answer, soon."""
    client, bodies = fuzzed
    chance = random.Random(seed)
    codes = []
    for _ in range(250):
        body = page_requests.spoilt(chance.choice(bodies), chance)
        started = time.perf_counter()
        answer = sent(client, body)
        assert time.perf_counter() - started < 5.0  # none of them computes anything
        codes.append(answer.status_code)
        assert answer.status_code in (200, 204, 400, 413), body
        if answer.status_code >= 400:
            text = answer.get_data(as_text=True)
            assert text.count("\n") == 1
            assert len(text) < 520
            assert answer.mimetype == "text/plain"
    assert 50 < codes.count(400) < 240  # many are spoilt, and not everything is refused


NO_QUESTIONS = [
    7, [], "x", {}, {"problem": "junction"}, {**page_requests.QUESTION, "evil": 1},
    {**page_requests.QUESTION, "along": {"name": 3}}, {**page_requests.QUESTION, "values": {"twist": ["1"]}},
    {**page_requests.QUESTION, "values": {str(n): "1" for n in range(201)}},
    {**page_requests.QUESTION, "values": {"twist": "1" * 2001}}, {**page_requests.QUESTION, "view": "globe"},
]  # fmt: skip


@pytest.mark.parametrize("question", NO_QUESTIONS, ids=lambda q: str(q)[-24:])
def test_a_malformed_question_is_400(fuzzed: Any, question: Any) -> None:
    client, bodies = fuzzed
    for body in copy.deepcopy([b for b in bodies if "question" in str(b["state"] + b["inputs"])]):
        for entry in body["inputs"] + body["state"]:
            if isinstance(entry, dict) and entry["id"] == "question":
                entry["value"] = question
        answer = sent(client, body)
        assert answer.status_code == 400
        assert answer.get_data(as_text=True).startswith("400 Field `")


def test_deep_nesting_is_400(fuzzed: Any) -> None:
    client, _ = fuzzed
    for deep in (b"[" * 100_000, b'{"a":' * 30_000, b"[" * 50_000 + b"]" * 50_000, b"1" * 100_000):
        headers = {**HOST, "Content-Type": "application/json"}
        answer = client.post("/_dash-update-component", headers=headers, data=deep)
        assert answer.status_code == 400
        assert answer.get_data(as_text=True).count("\n") == 1


@pytest.mark.parametrize(
    "text", ["1 9**9**9**9", "1e400", "²", "[" * 1999, "1 " + "eV*" * 600 + "eV"]
)
def test_a_wrong_value_does_not_hold_the_server(fuzzed: Any, text: str) -> None:
    client, bodies = fuzzed
    body = copy.deepcopy(next(b for b in bodies if b["changedPropIds"] == ["question.data"]
                              and "figure" in b["output"]))  # fmt: skip
    body["inputs"][0]["value"]["values"] = {"twist": text}
    started = time.perf_counter()
    answer = sent(client, body)
    assert time.perf_counter() - started < 5.0
    shown = json.loads(answer.get_data(as_text=True))["response"]
    assert shown["error"]["children"].startswith("Parameter `twist` must be ")
    assert len(shown["error"]["children"]) < 300
    assert "verdict" not in shown  # what was shown stays, and the page marks it


def test_a_fault_of_the_page_itself_is_500(fuzzed: Any, monkeypatch: Any) -> None:
    """So that the tests above can fail."""
    client, bodies = fuzzed
    monkeypatch.setattr(callbacks, "problem_form", lambda _problem, _question: 1 / 0)
    body = next(b for b in bodies if b["changedPropIds"] == ["problem.value"])
    answer = sent(client, body)
    assert answer.status_code == 500
    assert answer.get_data(as_text=True) == "500 ZeroDivisionError: division by zero\n"


def test_a_name_with_a_port_of_its_own_is_answered_there_alone() -> None:
    hosts = own_hosts(["::1", "Page.example:443", "inside"], PORT)
    assert hosts == {"[::1]:8050", "page.example:443", "page.example", "inside:8050"}
    with pytest.raises(ModelError, match="Option --answer-to must be NAME or NAME:PORT"):
        own_hosts(["http://x"], PORT)


@pytest.mark.parametrize("name", ["../matplotlibrc", "DejaVuSans.ttf", "%2e%2e/x"])
def test_only_the_four_fonts_are_given(client: Any, name: str) -> None:
    def first_bytes(path: str) -> bytes:
        with client.get(f"/fonts/{path}", headers=HOST) as font:
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
        (["--port", "1.5"], "Invalid value for --port: must be an integer, but is '1.5'"),
        (["--port", "8050.0"], "must be an integer"),
        (["--port", "²"], "must be an integer"),
        (["--port", "-1"], "must be an integer in [0, 65535]"),
        (["--answer-to", "a b", "--port", "0"], "Option --answer-to must be NAME or NAME:PORT"),
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
    assert "pip install 'dash" in capsys.readouterr().err


def test_sockets_are_free_again_after_use() -> None:
    first = listening("127.0.0.1", 0)
    port = first.getsockname()[1]
    first.close()
    second = listening("127.0.0.1", port)
    assert isinstance(second, socket.socket)
    second.close()
