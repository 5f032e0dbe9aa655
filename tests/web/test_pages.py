"""The pages in a real browser: live alerts, one alert's evidence and runbook, sources, and nothing from elsewhere."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support import expected_conditions as expected
from selenium.webdriver.support.ui import WebDriverWait

from tests.acceptance.server import Server, serving
from tocsin.kit.resources import packs_directory

pytestmark = pytest.mark.browser

_WITHIN = 30


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has seen the recorded attack."""
    with serving(tmp_path_factory.mktemp("web"), {"cluster": "demo"}) as server:
        lines = gzip.decompress((packs_directory() / "recordings" / "attack.ndjson.gz").read_bytes()).splitlines()
        body = b'{"kind":"EventList","items":[' + b",".join(lines) + b"]}"
        httpx.post(f"{server.url}/intake/kubernetes/audit", content=body, timeout=60).raise_for_status()
        server.wait_evaluated()
        yield server


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Debian's Chromium, headless."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1400,1000",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


def _wait(browser: webdriver.Chrome, css: str) -> list[WebElement]:
    locator = (By.CSS_SELECTOR, css)
    return WebDriverWait(browser, _WITHIN).until(expected.presence_of_all_elements_located(locator))


def _texts(browser: webdriver.Chrome, css: str) -> list[str]:
    """Texts of what is there now, in one step: live tables replace their rows under a reader's hands."""
    _wait(browser, css)
    found: list[str] = browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map(e => e.innerText)", css
    )
    return found


def test_open_alerts_are_listed_worst_first(server: Server, browser: webdriver.Chrome) -> None:
    """The first page shows what is wrong and what arrives."""
    browser.get(server.url)

    rows = _texts(browser, ".alerts tbody tr")
    sources = _texts(browser, ".sources tbody tr")

    assert len(rows) >= 15
    severities = [next(s for s in ("critical", "high", "medium", "low") if s in row) for row in rows]
    assert severities == sorted(severities, key=["critical", "high", "medium", "low"].index)
    assert any("kubernetes-audit-webhook" in row and "demo" in row for row in sources)


def test_a_new_alert_appears_without_a_reload(server: Server, browser: webdriver.Chrome) -> None:
    """The page is live."""
    browser.get(server.url)
    _wait(browser, ".alerts tbody tr")
    event = {
        "level": "Metadata", "auditID": "live-1", "stage": "ResponseComplete", "requestURI": "/api/v1/secrets",
        "verb": "list", "user": {"username": "system:serviceaccount:web:live"}, "sourceIPs": ["203.0.113.9"],
        "userAgent": "curl/8.5.0", "objectRef": {"resource": "secrets", "apiVersion": "v1"},
        "responseStatus": {"code": 200}, "requestReceivedTimestamp": "2026-11-23T09:06:36Z",
        "stageTimestamp": "2026-11-23T09:06:36Z", "annotations": {"authorization.k8s.io/decision": "allow"},
    }  # fmt: skip

    httpx.post(f"{server.url}/intake/kubernetes/audit", json={"kind": "EventList", "items": [event]}).raise_for_status()

    WebDriverWait(browser, _WITHIN).until(
        expected.text_to_be_present_in_element((By.CSS_SELECTOR, ".alerts"), "system:serviceaccount:web:live")
    )


def test_an_alert_shows_its_evidence_and_runbook(server: Server, browser: webdriver.Chrome) -> None:
    """Who, what, the events themselves, and what to do."""
    browser.get(server.url)
    _wait(browser, ".alerts tbody tr a")
    browser.execute_script("document.querySelector('.alerts tbody tr a').click()")

    evidence = _wait(browser, ".evidence .q-expansion-item")
    assert evidence
    evidence[0].click()
    WebDriverWait(browser, _WITHIN).until(
        expected.text_to_be_present_in_element((By.CSS_SELECTOR, ".evidence"), '"auditID"')
    )
    assert "First five minutes" in _wait(browser, ".runbook")[0].text


def test_everything_comes_from_this_server(server: Server, browser: webdriver.Chrome) -> None:
    """No CDN: an air-gapped cluster sees the same page."""
    browser.get(server.url)
    _wait(browser, ".alerts tbody tr")

    loaded = browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")

    assert loaded
    assert [url for url in loaded if not url.startswith((server.url, "data:", "blob:"))] == []


def test_an_unknown_alert_is_explained(server: Server, browser: webdriver.Chrome) -> None:
    """A link of an alert that is forgotten says so."""
    browser.get(f"{server.url}/alerts/0000000000000000")

    assert "no alert" in _wait(browser, ".q-page-container")[0].text.lower()


def test_with_tokens_the_pages_need_a_login(tmp_path: Path, browser: webdriver.Chrome) -> None:
    """A token becomes a session; a wrong one does not."""
    token = "t" * 32
    settings = {"auth": {"tokens": [{"name": "me", "role": "viewer", "token": token}]}}
    with serving(tmp_path, settings) as server:
        browser.get(server.url)
        _wait(browser, "input[name=token]")[0].send_keys("wrong" * 8)
        _wait(browser, "button")[0].click()
        WebDriverWait(browser, _WITHIN).until(
            expected.text_to_be_present_in_element((By.CSS_SELECTOR, "form"), "not known")
        )

        _wait(browser, "input[name=token]")[0].send_keys(token)
        _wait(browser, "button")[0].click()

        assert "No open alerts" in _wait(browser, ".alerts")[0].text
