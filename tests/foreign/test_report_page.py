"""The report's page in a browser that nobody here wrote: Debian's Chromium, by Playwright, judged by axe-core."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

from sithsd.cli.words import Words
from sithsd.report.making import Targets, Wanted, made
from sithsd.report.trust import Sources
from tests.unit.report import staff
from tests.unit.report.conftest import Heard

AT = datetime(2026, 11, 3, 8, tzinfo=UTC)
PICTURES = Path(__file__).resolve().parents[2] / ".cache" / "report"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
ROWS = "table.people tbody tr:not([hidden])"
SORTED_BY_WHO = "e => [...e.querySelectorAll('tbody tr')].map(r => r.cells[0].textContent.trim())"
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium; nothing is downloaded."""
    program = shutil.which("chromium")
    if program is None:
        reason = "there is no Chromium here"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    # Chromium's own sandbox refuses root; the page is ours, and nothing is fetched.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Make the page of a made-up staff with a freeze ahead, in both languages."""
    folder = tmp_path_factory.mktemp("pages")
    content = staff.dated_csv(staff.people(240, AT)) + b"Fel;fel@example.org;Exempel;01/02/2024;\r\n"
    (folder / "staff.csv").write_bytes(content)
    first, last = staff.utc(2026, 12, 7), staff.utc(2027, 1, 24)
    (folder / "freezes.toml").write_text(staff.freeze_toml("2026/27", first, last), "utf-8")
    (folder / "sithsd.toml").write_text(f'[validity]\nanchors_folder = "{folder}/none"\n', "utf-8")
    sources = Sources(settings=folder / "sithsd.toml", freezes=folder / "freezes.toml")
    wanted = Wanted(inputs=(folder / "staff.csv",), at=AT, present=False, warn_days=60, sources=sources, jobs=1)
    with made(wanted, Heard()) as report:
        for language in ("sv", "en"):
            report.write(Targets(page=folder / f"{language}.html"), Words(language))
    return {language: folder / f"{language}.html" for language in ("sv", "en")}


@pytest.fixture
def asked() -> list[str]:
    """Return the addresses that pages asked for, apart from their own file."""
    return []


@pytest.fixture
def show(browser: Browser, pages: dict[str, Path], asked: list[str]) -> Iterator[Open]:
    """Return what opens the page; every request but the one for the file itself is stopped, and noted."""
    contexts: list[BrowserContext] = []

    def stop(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    def call(language: str = "sv", *, script: bool = True, **settings: Any) -> Page:
        given = {"viewport": DESKTOP, "java_script_enabled": script, **settings}
        contexts.append(browser.new_context(**given))
        page = contexts[-1].new_page()
        own = pages[language].as_uri()
        page.route(lambda url: url != own, stop)
        page.on("console", lambda message: asked.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: asked.append(f"error: {error}"))
        page.goto(own)
        return page

    yield call
    for context in contexts:
        context.close()


def rows(page: Page) -> int:
    """Return how many people are shown."""
    return page.locator(ROWS).count()


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_page_loads_by_itself_and_asks_nobody(show: Open, asked: list[str], language: str) -> None:
    """No request leaves the page, no rule of its own policy is broken, and its script has run."""
    page = show(language)
    page.wait_for_load_state("networkidle")
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("#filter").is_visible()
    assert page.locator("svg .bar").count() > 20
    assert asked == []


def test_the_page_s_policy_stops_what_was_brought_in(show: Open, asked: list[str]) -> None:
    """Were there a hole in the escaping, the browser would still run no other script and fetch nothing."""
    page = show()
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'taken'";
            const image = document.createElement("img");
            image.src = "http://127.0.0.1:9/x.png";
            document.body.append(script, image);
        }"""
    )
    page.wait_for_function("document.images[0].complete")
    assert page.title() != "taken"
    assert [entry for entry in asked if not entry.startswith("console:")] == []
    assert len([entry for entry in asked if "Content Security Policy" in entry]) == 2


def test_a_click_on_a_heading_sorts_its_table_alone(show: Open) -> None:
    """Once ascending, twice descending, told to a screen reader by aria-sort; other tables stay as they were."""
    page = show()
    table, other = page.locator("table.people").first, page.locator("table.people").nth(1)
    before = other.evaluate(SORTED_BY_WHO)
    heading = table.locator("thead th").first
    heading.get_by_role("button").click()
    ascending = table.evaluate(SORTED_BY_WHO)
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert table.evaluate(SORTED_BY_WHO) == ascending[::-1]
    assert len(set(ascending)) == len(ascending) > 3
    assert table.locator("thead th").nth(3).get_attribute("aria-sort") == "none"
    assert other.evaluate(SORTED_BY_WHO) == before


def test_dates_are_sorted_as_dates_and_at_once_comes_first(show: Open) -> None:
    """By the last day: those whose card can't be used any more lead, and the rest follows by day."""
    table = show().locator("table.people").first
    table.locator("thead th").nth(3).get_by_role("button").click()  # descending, since it is sorted so already
    table.locator("thead th").nth(3).get_by_role("button").click()
    keys = table.evaluate("e => [...e.querySelectorAll('tbody tr')].map(r => r.cells[3].dataset.key)")
    assert keys == sorted(keys)
    assert keys[0] == "0"


def test_the_keyboard_alone_sorts_and_filters(show: Open) -> None:
    """Tab reaches the filter and the headings, Enter and Space sort, typing filters: no mouse is needed."""
    page = show()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(40):
        if page.evaluate("document.activeElement.id") == "word":
            break
        page.keyboard.press("Tab")
    else:
        pytest.fail("the filter can't be reached by Tab")
    everybody = rows(page)
    page.keyboard.type("låtsaskliniken")
    shown = rows(page)
    assert 0 < shown < everybody
    assert page.locator(".unit:not([hidden])").count() == 1
    assert str(shown) in page.locator("#shown").inner_text()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "BUTTON"
    heading = page.locator(".unit:not([hidden]) thead th").first
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Space")
    assert heading.get_attribute("aria-sort") == "descending"


def test_a_choice_shows_those_who_have_that_to_do(show: Open) -> None:
    """Chosen with the mouse or not: the number told is the number shown, and what fits nobody hides every unit."""
    page = show()
    everybody = rows(page)
    page.locator("#deed").select_option("order.now")
    chosen = rows(page)
    assert 0 < chosen < everybody
    assert {row.get_attribute("data-deed") for row in page.locator(ROWS).all()} == {"order.now"}
    page.locator("#word").fill("nobody is called this")
    assert (rows(page), page.locator(".unit:not([hidden])").count()) == (0, 0)
    page.locator("#word").fill("")
    page.locator("#deed").select_option("")
    assert rows(page) == everybody


def test_without_scripts_it_is_the_same_page_standing_still(show: Open) -> None:
    """A viewer that runs no script shows every table in full, sorted by day, and no control that does nothing."""
    with_script, without = show(), show(script=False)
    assert rows(without) == rows(with_script)
    assert not without.locator("#filter").is_visible()
    assert without.locator("th button").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("language", ["sv", "en"])
def test_axe_finds_nothing_and_nothing_sticks_out(show: Open, language: str, size: dict[str, int], scheme: str) -> None:
    """No violation of any rule of axe-core, in both languages, schemes and widths; and no sideways scrolling."""
    page = show(language, viewport=size, color_scheme=scheme, bypass_csp=True)
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    found = Axe().run(page)
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found.response["violations"]] == []
    assert found.response["passes"]
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{language}-{scheme}-{size['width']}.png", full_page=True)


def test_it_prints_with_every_row_and_without_controls(show: Open, tmp_path: Path) -> None:
    """On paper there is no filter, the paper is white in a dark scheme too, and everybody is on it."""
    page = show(color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator("#filter").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    names = page.locator(f"{ROWS} th").all_inner_texts()
    page.pdf(path=tmp_path / "page.pdf", format="A4")
    text = _text_of(tmp_path / "page.pdf")
    assert [name for name in names if "".join(name.split()) not in text] == []


def _text_of(pdf: Path) -> str:
    """Return the letters of a PDF, without white space, by poppler."""
    import subprocess  # noqa: PLC0415 - for this test alone

    run = subprocess.run(["pdftotext", "-raw", pdf, "-"], capture_output=True, check=True)
    return "".join(run.stdout.decode().split())
