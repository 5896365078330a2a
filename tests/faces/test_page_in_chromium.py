"""The page in a real browser: load, slide, type, fail, download, read on a phone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chirospin.base import results

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
PATIENCE = 20.0  # seconds, on a shared machine
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1000",
)

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None,
    reason="no chromium and chromedriver; install Debian's chromium and chromium-driver",
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    words = [sys.executable, "-m", "chirospin", "explore", "chiral_metal", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={**os.environ}) as server:
        assert server.stdout is not None
        try:
            found = re.search(r"http://127\.0\.0\.1:\d+/", server.stdout.readline())
            assert found
            yield found[0]
        finally:
            server.terminate()
            server.wait(10)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: Any) -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def page(browser: Any, url: str) -> Any:
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.get("about:blank")
    browser.get_log("browser")  # what the test before was told
    browser.get(url)
    until(lambda: curve(browser))
    return browser


def until(ready: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """The first true answer, or the last false one once patience ends."""
    deadline = time.monotonic() + patience
    while not (found := ready()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert found
    return found


def curve(page: Any, n: int = 0) -> list[float]:
    """What the browser has drawn."""
    script = (
        "const at = document.querySelector('#figure .js-plotly-plot');"
        "return at && at.data && at.data[arguments[0]] ? Array.from(at.data[arguments[0]].y) : []"
    )
    found: list[float] = page.execute_script(script, n)
    return found


def text(page: Any, name: str) -> str:
    return str(page.execute_script("return document.getElementById(arguments[0]).innerText", name))


def settled(page: Any, words: str) -> list[float]:
    """The curve of the question that has these words in its command, once it is whole."""
    until(lambda: words in text(page, "command") and "solution" in text(page, "status"))
    until(lambda: not marked(page))
    return curve(page)


def marked(page: Any) -> bool:
    """Whether what is shown is marked as belonging to the previous question."""
    return "previous" in page.find_element("id", "right").get_attribute("class").split()


def part(page: Any, kind: str, name: str) -> Any:
    key = json.dumps({"kind": kind, "name": name}, separators=(",", ":"))
    return page.find_element("css selector", f"[id='{key}']")


def retype(field: Any, value: str) -> None:
    from selenium.webdriver.common.keys import Keys

    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(value)


def choose_problem(page: Any, words: str) -> None:
    until(lambda: page.find_elements("id", "problem"))[0].click()
    choice = until(
        lambda: [
            one
            for one in page.find_elements("css selector", "[role=option], .dash-dropdown-option")
            if one.text.startswith(words)
        ]
    )
    choice[0].click()


def photograph(page: Any, name: str) -> None:
    """A picture of the page, where CHIROSPIN_SHOTS names a folder for them."""
    folder = os.environ.get("CHIROSPIN_SHOTS")
    if folder:
        time.sleep(1.5)
        page.save_screenshot(str(Path(folder) / f"{name}.png"))


def complaints(page: Any) -> list[str]:
    return [x["message"] for x in page.get_log("browser") if x["level"] == "SEVERE"]


def test_it_loads_from_its_own_server_without_complaint(page: Any, url: str) -> None:
    assert len(curve(page)) > 100
    assert "Audit passed" in until(lambda: text(page, "verdict"))
    asked = page.execute_script(
        "return performance.getEntriesByType('resource').map(e => e.name)"
        ".concat(Array.from(document.querySelectorAll('[src]')).map(e => e.src))"
    )
    assert asked
    assert all(one.startswith((url, "data:", "blob:")) for one in asked)
    assert complaints(page) == []


def test_a_slider_moved_by_keys_changes_the_curve(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    before = curve(page)
    part(page, "slider", "spin_orbit").send_keys(Keys.ARROW_RIGHT * 5)
    until(lambda: curve(page) != before)
    typed = part(page, "field", "spin_orbit").get_attribute("value")
    assert float(typed) > 0.2
    until(lambda: f"--set spin_orbit={typed}" in text(page, "command"))
    assert f"spin_orbit={typed}" in text(page, "python")


def test_a_value_typed_with_a_unit_counts(page: Any) -> None:
    before = curve(page)
    retype(part(page, "field", "chemical_potential"), "700 meV")
    with_unit = settled(page, "chemical_potential=700 meV")
    assert with_unit != before
    retype(part(page, "field", "chemical_potential"), "0.7")
    assert settled(page, "chemical_potential=0.7 ") == pytest.approx(with_unit, rel=1e-9)


def test_bad_input_shows_the_line_and_keeps_the_last_curve(page: Any) -> None:
    before = curve(page)
    retype(part(page, "field", "mass"), "-1")
    line = until(lambda: text(page, "error"))
    assert line == "Parameter `mass` must be real in [1e-09, 1e+09] (in 1/eV/nm^2), but is -1.0"
    assert curve(page) == before
    assert marked(page)
    assert "of the previous question: chiral_metal by " in text(page, "previous")
    assert "faulty" in part(page, "row", "mass").get_attribute("class")
    for name in ("figure-frame", "verdict", "audit-table"):
        shade = page.execute_script(
            "const s = getComputedStyle(document.getElementById(arguments[0]));"
            "return [s.filter, s.opacity]",
            name,
        )
        assert shade == ["grayscale(1)", "0.45"]  # no green beside another question
    photograph(page, "stale-verdict")
    retype(part(page, "field", "mass"), "1")
    until(lambda: not text(page, "error"))
    until(lambda: not marked(page))
    assert text(page, "previous") == ""


def test_what_is_shown_is_marked_at_the_first_key(page: Any) -> None:
    """No answer of the server is waited for: the page itself compares question and answer."""
    until(lambda: "Audit passed" in text(page, "verdict"))
    page.execute_script(
        "window.seen = [];"
        "const right = document.getElementById('right');"
        "const look = () => window.seen.push([right.className, document.getElementById('command').innerText]);"
        "new MutationObserver(look).observe(right, {attributes: true, subtree: true, childList: true});"
    )
    retype(part(page, "field", "chemical_potential"), "0.71")
    settled(page, "chemical_potential=0.71 ")
    seen = page.execute_script("return window.seen")
    first = next(n for n, (name, _) in enumerate(seen) if "previous" in name)
    changed = next(n for n, (_, command) in enumerate(seen) if "chemical_potential=0.71" in command)
    assert first < changed
    assert all("previous" in name for name, _ in seen[first:changed])


def test_a_failed_check_is_red_and_counted(page: Any) -> None:
    """Landauer's method leaves the interaction out, which its verdict says."""
    choose_problem(page, "junction:")
    until(lambda: "chirospin solve junction" in text(page, "command"))
    boxes = page.find_elements("css selector", "#methods input")
    names = [one.get_attribute("value") or one.find_element("xpath", "..").text for one in boxes]
    boxes[names.index("landauer")].click()
    boxes[names.index("gksl")].click()
    settled(page, "--method landauer")
    line = until(lambda: text(page, "verdict"))
    assert re.match(r".*Audit FAILED: \d of \d+ checks: .*interaction_left_out", line, re.S)
    colour = page.execute_script(
        "return getComputedStyle(document.querySelector('#verdict a')).color"
    )
    assert colour == "rgb(168, 22, 22)"
    assert "FAILED" in text(page, "audit-table")
    photograph(page, "failed-verdict")


def test_the_expensive_checks_belong_to_their_answer(page: Any) -> None:
    button = page.find_element("id", "audit")
    page.execute_script("arguments[0].scrollIntoView()", button)
    button.click()
    table = until(lambda: text(page, "expensive"), 120)
    checks = int(until(lambda: re.search(r": (\d+) checks", text(page, "verdict")))[1])
    assert checks >= table.count("\n")
    retype(part(page, "field", "chemical_potential"), "0.72")
    settled(page, "chemical_potential=0.72 ")
    assert text(page, "expensive") == ""
    fewer = int(until(lambda: re.search(r": (\d+) checks", text(page, "verdict")))[1])
    assert fewer < checks


def test_methods_and_handedness_stand_side_by_side(page: Any) -> None:
    for box in page.find_elements("css selector", "#methods input")[1:]:
        box.click()
    page.find_element("css selector", "#hands input").click()
    count = "return document.querySelector('#figure .js-plotly-plot').data.length"
    until(lambda: page.execute_script(count) == 8)  # two methods, hands and orders
    assert "--method closed-form,boltzmann" in text(page, "command")


def test_another_problem_brings_its_own_form(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    choose_problem(page, "junction")
    until(lambda: "chirospin solve junction" in text(page, "command"))
    until(lambda: len(curve(page)) == 40)
    assert part(page, "slider", "twist").is_displayed()
    page.find_element("tag name", "body").send_keys(Keys.ESCAPE)
    assert complaints(page) == []


@pytest.mark.parametrize("kind", ["nc", "pdf", "png"])
def test_a_download_lands(page: Any, kind: str, tmp_path: Path) -> None:
    where = {"behavior": "allow", "downloadPath": str(tmp_path)}
    page.execute_cdp_cmd("Browser.setDownloadBehavior", where)
    button = page.find_element("id", f"take-{kind}")
    page.execute_script("arguments[0].scrollIntoView()", button)
    button.click()
    path = tmp_path / f"chiral_metal-spin_density.{kind}"
    until(path.exists)
    time.sleep(0.2)
    if kind == "nc":
        stored = results.load(path).spin_density.isel(order=0).values
        assert stored.tolist() == curve(page)
    else:
        assert path.read_bytes().startswith({"pdf": b"%PDF", "png": b"\x89PNG"}[kind])


def test_every_key_is_answered(page: Any) -> None:
    """Prints how long it took; a shared machine is no place to judge it."""
    from selenium.webdriver.common.keys import Keys

    slider = part(page, "slider", "spin_orbit")
    page.find_elements("css selector", "#methods input")[1].click()
    page.find_elements("css selector", "#methods input")[
        0
    ].click()  # boltzmann alone, the quick one
    until(lambda: "--method boltzmann" in text(page, "command"))
    until(lambda: "solution" in text(page, "status"))
    times = []
    for _ in range(5):
        before = curve(page)
        started = time.monotonic()
        slider.send_keys(Keys.ARROW_RIGHT)
        until(lambda seen=before: curve(page) != seen)
        times.append(time.monotonic() - started)
    sys.stdout.write(f"key to curve: {sorted(round(t, 3) for t in times)} s\n")


def test_it_is_used_by_keyboard_alone(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    names = set()
    for _ in range(160):
        page.switch_to.active_element.send_keys(Keys.TAB)
        names.add(page.execute_script("return document.activeElement.id"))
    wanted = {json.dumps({"kind": k, "name": "mass"}, separators=(",", ":")) for k in
              ("field", "slider")}  # fmt: skip
    assert wanted | {"along-start", "take-nc", "audit", "to-studies"} <= names
    unnamed = page.execute_script(
        "return Array.from(document.querySelectorAll('#explore input:not([aria-hidden])'))"
        ".filter(e => !e.labels.length && !e.getAttribute('aria-label')).map(e => e.id)"
    )
    assert unnamed == []


def test_it_is_read_on_a_phone(page: Any) -> None:
    phone = {"width": 420, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    page.refresh()
    until(lambda: curve(page))
    right = "return document.querySelector('#figure .main-svg').getBoundingClientRect().right"
    assert page.execute_script(right) <= phone["width"]  # not cut, as a page that hides it would
    for tab in ("#explore", "#studies", "#start"):
        page.execute_script("location.hash = arguments[0]", tab)
        until(lambda tab=tab: page.find_element("css selector", tab).is_displayed())
        wide = page.execute_script("return document.documentElement.scrollWidth")
        assert wide <= phone["width"]
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_from_a_question_to_a_pinned_answer_and_a_link_that_restores_it(
    page: Any, url: str
) -> None:
    page.get(url + "#start")
    door = until(lambda: page.find_element("css selector", "a.door[href='#problem=junction']"))
    until(door.is_displayed)
    door.click()
    settled(page, "chirospin solve junction ")
    drawn = "const at = document.getElementById('drawing'); return !at.hidden && at.naturalWidth"
    until(lambda: page.execute_script(drawn))
    before = curve(page)
    page.find_element("id", "pin").click()
    until(lambda: text(page, "pin") == "Unpin")
    retype(part(page, "field", "spin_orbit"), "0.05")
    settled(page, "spin_orbit=0.05 ")
    assert until(lambda: curve(page, 1)) != curve(page)
    assert curve(page) == before  # pale, beneath
    retype(part(page, "field", "spin_orbit"), "0.05 eV")
    link = page.find_element("id", "link").get_attribute("href")
    page.get("about:blank")
    page.get(until(lambda: link if "0.05" in link else ""))
    until(lambda: curve(page))
    until(lambda: part(page, "field", "spin_orbit").get_attribute("value").startswith("0.05"))
    until(lambda: "spin_orbit=0.05" in text(page, "command"))
    assert complaints(page) == []


def test_components_of_a_vector_and_the_whole_of_it_are_in_step(page: Any, url: str) -> None:
    page.get("about:blank")
    page.get(url + "#problem=spinterface.gas")
    until(lambda: curve(page))
    settled(page, "chirospin solve spinterface.gas")

    def component(n: int) -> Any:
        key = json.dumps({"kind": "component", "n": n, "name": "wavevector"}, separators=(",", ":"))
        return page.find_element("css selector", f"[id='{key}']")

    retype(component(0), "2")
    settled(page, "wavevector=[2, 0, 1]")
    retype(part(page, "field", "wavevector"), "[3, 4, 5]")
    until(lambda: [component(n).get_attribute("value") for n in range(3)] == ["3", "4", "5"])


def test_a_study_is_recomputed_on_demand_and_can_be_stopped(page: Any, url: str) -> None:
    page.get(url + "#studies")
    button = until(lambda: part(page, "recompute", "nozaki_fujita_2026"))
    until(button.is_displayed)
    assert "not computed yet" in text(page, "studies")
    button.click()
    step = '{"kind":"step","name":"nozaki_fujita_2026"}'
    until(lambda: "figure-2 (1 of" in text(page, step))
    until(lambda: "reproduced" in text(page, "studies"), 60)
    part(page, "halt", "nozaki_fujita_2026").click()
    until(lambda: text(page, step) == "stopped", 60)  # a process is ended on a busy machine


@pytest.mark.parametrize(("path", "fields", "word"), [
    ("measured", {}, "chiral signal"),
    ("molecule", {"functional": "hf", "basis": "sto-3g"}, "The junction of this stack"),
])  # fmt: skip
def test_a_form_brings_its_answer_into_the_frame(
    browser: Any, url: str, path: str, fields: dict[str, str], word: str
) -> None:
    """What a browser forbids is not seen otherwise: frames, the origin of a form, scripts."""
    browser.get(url + path)
    for name, value in fields.items():
        browser.find_element("id", name).send_keys(value)
    browser.find_element("css selector", "button").click()
    browser.switch_to.frame("answer")
    body = "return document.body ? document.body.innerText : ''"
    until(lambda: word in browser.execute_script(body), 60)
    if path == "molecule":  # drawn, or the line of a browser without WebGL
        drawn = "const at = document.getElementById('scene'); return at.innerText + at.innerHTML"
        until(lambda: "main-svg" in (seen := browser.execute_script(drawn)) or "WebGL" in seen)
    browser.switch_to.default_content()
