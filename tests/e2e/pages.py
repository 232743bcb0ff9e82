"""The page in a browser, and what it asked for while it was open."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser, Page

DESKTOP = {"width": 1280, "height": 900}
KEY = "a key with ÄÖ/+"
PHONE = {"width": 390, "height": 844}
PIXELS_DRAWN = """canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
    .filter((value, index) => index % 4 === 3 && value > 0).length"""


class Visit:
    """One visitor's page, all requests that it made, and all that went wrong in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requested: list[str] = []
        self.wrong: list[str] = []
        page.on("request", lambda request: self.requested.append(request.url))
        page.on("websocket", lambda socket: self.requested.append(socket.url))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", lambda message: self.wrong.append(message.text) if message.type == "error" else None)

    def call(self, module: str, expression: str, given: object = None) -> Any:
        """What an expression gives in the page; `it` is one of the page's modules, `given` is handed to it."""
        main = self.page.locator("script[type=module]").get_attribute("src") or ""
        address = f"/{main.replace('main.js', module)}"
        return self.page.evaluate(
            f"async ([address, given]) => {{ const it = await import(address); return {expression}; }}",
            [address, given],
        )

    def come_in(self, url: str) -> Page:
        """Open the page of a service that asks for a key, and give it."""
        self.page.goto(url)
        self.page.get_by_label("API key").fill(KEY)
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector("#model option", state="attached")
        return self.page

    def open(self, url: str) -> None:
        """Open the page and wait until it knows its models."""
        self.page.goto(url)
        self.page.wait_for_selector("#model option", state="attached")


@contextlib.contextmanager
def visit(
    chromium: Browser,
    url: str | None = None,
    *,
    size: dict[str, int] = DESKTOP,
    locale: str = "en-US",
    colors: str = "light",
    expected: str | None = None,
) -> Iterator[Visit]:
    """A visit in a browser profile of its own; it must ask nobody else, and log no error but the `expected` ones."""
    context = chromium.new_context(
        viewport=size,  # type: ignore[arg-type]
        locale=locale,
        color_scheme=colors,  # type: ignore[arg-type]
        reduced_motion="reduce",  # so that colors are what they are at once
        permissions=["camera", "clipboard-read", "clipboard-write", "screen-wake-lock"],
        accept_downloads=True,
    )
    context.set_default_timeout(30_000)
    try:
        visited = Visit(context.new_page())
        if url:
            visited.open(url)
        yield visited
        origin = re.sub("^http", "", url or visited.page.url).split("#")[0].rstrip("/")
        assert [one for one in visited.requested if not re.match(f"(http|ws|blob:http){re.escape(origin)}/", one)] == []
        assert [one for one in visited.wrong if not (expected and re.search(expected, one))] == []
    finally:
        context.close()
