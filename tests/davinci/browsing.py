"""Chromium for tests, and what a person does on the page again and again.

``RESILVER_SCREENSHOTS`` names a folder for pictures of the steps, for the documentation.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SIZE = ViewportSize(width=1280, height=800)
PATIENCE = 60_000
"""Milliseconds that a step may take on a busy machine."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def new_page(browser: Browser) -> Page:
    """A page with cookies of its own."""
    page = browser.new_context(viewport=SIZE).new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    return page


def shot(page: Page, name: str) -> None:
    folder = os.environ.get("RESILVER_SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def opened(page: Page, stage: str) -> Locator:
    """What a click opens or shuts a stage's parameters on."""
    return page.locator(f"details[data-key={stage}] > summary")


def keep(page: Page, *stages: str) -> None:
    """Switch all other stages off."""
    switches = page.locator("details.stage > summary > input")
    switches.first.wait_for()
    for switch in switches.all():
        if switch.get_attribute("data-stage") not in stages:
            switch.uncheck()


def set_folder(page: Page, folder: Path) -> None:
    field = page.get_by_label("Folder")
    field.fill(str(folder))
    field.press("Tab")


def choose_quick(page: Page, folder: Path) -> None:
    """Deflicker alone, without loss: needs no network."""
    page.get_by_role("combobox", name="Preset", exact=True).select_option("talkie")
    expect(page.get_by_text("its own 24 frames a second are kept")).to_be_visible()
    keep(page, "deflicker")
    page.get_by_role("combobox", name="Format", exact=True).select_option("ffv1")
    set_folder(page, folder)
