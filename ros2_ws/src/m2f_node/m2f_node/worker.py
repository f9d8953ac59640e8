"""The thread that owns the backend: it computes hops, and runs what else needs the networks."""

from __future__ import annotations

import threading
from collections.abc import Callable

from media2face.streaming.session import FaceSession

IDLE_WAIT_S = 0.005


class SessionWorker:
    """Calls session.step until stopped. Callbacks talk to it through `wake` and `submit`."""

    def __init__(
        self,
        session: FaceSession,
        now: Callable[[], float],
        on_error: Callable[[Exception, bool], None],
    ) -> None:
        """Args:
        session: stepped by this thread alone.
        now: seconds on the node's clock.
        on_error: told, on the worker's thread, why a job failed (False) or why the stream
            ended (True).
        """
        self._session = session
        self._now = now
        self._on_error = on_error
        self._jobs: dict[str, Callable[[], None]] = {}
        self._jobs_lock = threading.Lock()
        self._event = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="m2f_worker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Returns when the hop in progress is done and the thread has ended."""
        self._stopping = True
        self._event.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wake(self) -> None:
        """New audio is there. Any thread."""
        self._event.set()

    def submit(self, kind: str, job: Callable[[], None]) -> None:
        """Runs `job` on the worker before the next hop. Any thread.

        A job of the same kind that still waits is replaced, so that a flood of prompts costs one.
        """
        with self._jobs_lock:
            self._jobs[kind] = job
        self._event.set()

    def _run(self) -> None:
        while not self._stopping:
            self._run_jobs()
            try:
                busy = self._session.step(self._now())
            except Exception as error:  # the node reports it; a dead stream must not look alive
                self._on_error(error, True)
                return
            if not busy:
                self._event.wait(IDLE_WAIT_S)
                self._event.clear()

    def _run_jobs(self) -> None:
        with self._jobs_lock:
            jobs, self._jobs = list(self._jobs.values()), {}
        for job in jobs:
            try:
                job()
            except Exception as error:  # a bad prompt must not end the stream
                self._on_error(error, False)
