"""Measured curves on the page: a file in, a verdict out, nothing executed and nothing kept."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chirospin.faces.web import upload
from chirospin.faces.web.desk import Desk
from chirospin.faces.web.server import LARGEST, application
from tests.faces import measured_files as files

HOST = {"Host": "localhost:8050"}


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    one = Desk()
    yield one
    one.close()


@pytest.fixture(scope="module")
def browser(desk: Desk) -> Any:
    return application(desk, "junction", {"localhost:8050"}).server.test_client()


@pytest.fixture(scope="module")
def curves(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return files.wide(
        tmp_path_factory.mktemp("page") / "w.csv", files.a_set(contacts=4), units=False
    ).read_bytes()


def send(browser: Any, content: bytes | None, **fields: str) -> Any:
    data: dict[str, Any] = dict(fields)
    if content is not None:
        data["files"] = (io.BytesIO(content), "../../curves.csv")
    return browser.post(upload.ANSWER, data=data, headers=HOST, content_type="multipart/form-data")


def test_the_form_has_no_script_and_sends_to_itself(browser: Any) -> None:
    answer = browser.get(upload.PATH, headers=HOST)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "<script" not in page
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert browser.get("/measured", headers={"Host": "evil.example"}).status_code == 421
    elsewhere = HOST | {"Origin": "http://evil.example"}
    assert browser.post(upload.ANSWER, data={}, headers=elsewhere).status_code == 403


def test_a_file_is_read_judged_and_forgotten(browser: Any, desk: Desk, curves: bytes) -> None:
    asked = {"unit": "nA", "bias_unit": "V", "floor": "0.2 pA"}
    answer = send(browser, curves, **asked)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200, page[-400:]
    assert "chiral signal" in page
    assert "curves.csv" in page
    assert ".." not in page.split("<h2>Reading</h2>")[1].split("reading ")[1][:12]
    assert "<script" not in page
    assert not desk._last


def test_a_model_is_laid_over_the_sample(browser: Any) -> None:
    answer = send(browser, None, overlay="yes", model_gate="-0.5", method="landauer")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200, page[-400:]
    assert "junction.bias by landauer" in page
    assert "not measured" not in page or "example.csv" in page


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"bias_unit": "V", "unit": "__import__('os')"}, "--unit"),
        ({"bias_unit": "V", "unit": "nA", "bias": "1+1 V"}, "bias"),
        ({"word_up": "x" * 500}, "at most"),
        ({"overlay": "yes", "model_gate": "1e9"}, "gate"),
        ({"overlay": "yes", "model_gate": "os"}, "gate"),
        ({"method": "evil.py:f"}, "landauer"),
        ({"magnetised": "<b>moon</b>"}, "&lt;b&gt;moon"),
    ],
)
def test_bad_fields_are_one_line(
    browser: Any, curves: bytes, fields: dict[str, str], word: str
) -> None:
    answer = send(browser, curves, **fields)
    assert answer.status_code == 400
    page = answer.get_data(as_text=True)
    assert word in page
    assert "Traceback" not in page


def test_what_is_no_file_of_curves_is_refused(browser: Any) -> None:
    for content in (b"\0\1\2" * 100, b"", b"PK\x03\x04zip", b"words\n" * 1000):
        answer = send(browser, content)
        assert answer.status_code == 400
    assert browser.post(upload.ANSWER, data=b"x", headers=HOST).status_code == 400


def test_sizes_are_bounded_each_by_its_own_bound(browser: Any) -> None:
    large = b"1" * (upload.LARGEST_UPLOAD + 1)
    kind = "multipart/form-data; boundary=edge"
    answer = browser.post(upload.ANSWER, data=large, headers=HOST, content_type=kind)
    assert answer.status_code == 413
    other = browser.post("/_dash-update-component", data=b"1" * (LARGEST + 1), headers=HOST)
    assert other.status_code == 413


def test_an_upload_is_never_spooled_to_a_disk(
    browser: Any, curves: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Werkzeug's own parser writes files above 500 kB to a temporary directory."""
    import tempfile

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a temporary file")

    for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile"):
        monkeypatch.setattr(tempfile, name, refuse)
        monkeypatch.setattr(f"werkzeug.formparser.{name}", refuse, raising=False)
    padded = curves + b"# " + b"x" * 700_000
    fields = {"unit": "nA", "bias_unit": "V", "floor": "0.2 pA"}
    parts = [f'name="{k}"\r\n\r\n{v}'.encode() for k, v in fields.items()]
    parts.append(b'name="files"; filename="c.csv"\r\nContent-Type: text/csv\r\n\r\n' + padded)
    mark = b"\r\n--edge\r\nContent-Disposition: form-data; "
    body = mark[2:] + mark.join(parts) + b"\r\n--edge--\r\n"
    kind = "multipart/form-data; boundary=edge"
    answer = browser.post(upload.ANSWER, data=body, headers=HOST, content_type=kind)
    assert answer.status_code == 200, answer.get_data(as_text=True)[-300:]
