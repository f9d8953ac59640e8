"""A real browser without a window, and a server for its pages; see docs/simulators.md."""

from __future__ import annotations

import contextlib
import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / ".cache/browser/node_modules"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT_S = 120.0


class _Handler(SimpleHTTPRequestHandler):
    """Serves a folder; what is posted to /result goes into a queue."""

    def __init__(self, *args: Any, results: queue.Queue[Any], **kwargs: Any) -> None:
        self._results = results
        super().__init__(*args, **kwargs)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        self._results.put(json.loads(body))

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def npm_package() -> Callable[[str], Path]:
    """npm_package(name) is the folder of a package; the test skips where it is not installed."""

    def folder(name: str) -> Path:
        if not (MODULES / name).is_dir():
            pytest.skip(f"{name} is not installed: npm install --prefix .cache/browser {name}")
        return MODULES / name

    return folder


@pytest.fixture
def site(npm_package: Callable[[str], Path], tmp_path: Path) -> Path:
    """The folder that is served; /three is the three.js package."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "three").symlink_to(npm_package("three"))
    return folder


@pytest.fixture
def visit(site: Path, tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    """visit(address) opens a page of the site and returns what it posts to /result."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    results: queue.Queue[Any] = queue.Queue()
    handler = partial(_Handler, results=results, directory=str(site))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    flags = (
        "--headless", "--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader",
        "--disable-background-networking", "--disable-component-update", "--no-first-run",
        f"--user-data-dir={tmp_path / 'profile'}",
    )  # fmt: skip

    def _visit(address: str) -> Any:
        url = f"http://127.0.0.1:{server.server_port}/{address}"
        process = subprocess.Popen(
            [browser, *flags, url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            return results.get(timeout=TIMEOUT_S)
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()

    yield _visit
    server.shutdown()
    server.server_close()
