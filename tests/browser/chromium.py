"""A headless Chromium with software WebGL, driven through its DevTools protocol."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

TIMEOUT_S = 120.0
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """Path of a Chromium or Chrome, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    """One browser process; `open` gives its pages."""

    def __init__(self, profile: Path, width: int = 1280, height: int = 800) -> None:
        """Args:
        profile: an empty folder, for the browser's own files.
        width, height: of the window [px].
        """
        path = find_chromium()
        assert path is not None
        command = [
            path,
            "--headless=new",
            "--no-sandbox",
            "--no-first-run",
            "--disable-dev-shm-usage",
            "--disable-extensions",
            "--use-gl=angle",
            "--use-angle=swiftshader",
            "--enable-unsafe-swiftshader",
            "--autoplay-policy=no-user-gesture-required",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
            f"--window-size={width},{height}",
            "about:blank",
        ]
        self._size = (width, height)
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # Chromium writes the port that it chose into its profile.
        file = profile / "DevToolsActivePort"
        wait_until(lambda: file.exists() and "\n" in file.read_text(), "the browser to start")
        self._port = int(file.read_text().split()[0])
        self._pages: list[Page] = []

    def open(self, url: str) -> Page:
        """A new page at an address."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/json/new?about:blank", method="PUT"
        )
        with urllib.request.urlopen(request) as answer:
            target = json.load(answer)
        page = Page(target["webSocketDebuggerUrl"], *self._size)
        self._pages.append(page)
        page.navigate(url)
        return page

    def close(self) -> None:
        """Ends the browser."""
        for page in self._pages:
            page.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Page:
    """One tab. What it logs as an error is collected in `errors`."""

    def __init__(self, address: str, width: int, height: int) -> None:
        from websockets.sync.client import connect  # comes with viser

        self._socket = connect(address, max_size=None)
        self._ids = itertools.count(1)
        self.errors: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def navigate(self, url: str) -> None:
        self._call("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        """Value of a JavaScript expression; a promise is awaited."""
        answer = self._call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, expression: str, timeout_s: float = TIMEOUT_S) -> Any:
        """The first value of a JavaScript expression that is true; what it needs may be missing
        at first."""
        lenient = f"(() => {{ try {{ return {expression}; }} catch {{ return null; }} }})()"
        return wait_until(lambda: self.evaluate(lenient), expression, timeout_s)

    def screenshot(self, kind: str = "png", quality: int | None = None) -> bytes:
        """The page as it is drawn."""
        more = {} if quality is None else {"quality": quality}
        answer = self._call("Page.captureScreenshot", format=kind, **more)
        return base64.b64decode(answer["data"])

    def click(self, x: float, y: float) -> None:
        """Presses and releases the left button."""
        for kind in ("mousePressed", "mouseReleased"):
            self._call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    def type(self, text: str) -> None:
        """Writes into what has the focus."""
        self._call("Input.insertText", text=text)

    def close(self) -> None:
        self._socket.close()

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            answer = json.loads(self._socket.recv(max(0.0, deadline - time.monotonic())))
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return dict(answer["result"])
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.errors.append(details.get("exception", details).get("description", str(details)))
        elif event.get("method") == "Runtime.consoleAPICalled" and parameters["type"] == "error":
            self.errors.append(" ".join(str(a.get("value", a)) for a in parameters["args"]))
        elif event.get("method") == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.errors.append(parameters["entry"]["text"])


def wait_until(condition: Callable[[], Any], what: str, timeout_s: float = TIMEOUT_S) -> Any:
    """The first true value of `condition`; asked again and again, as the browser tells nobody."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s for {what}"
        time.sleep(0.05)
    return value
