"""What people see meanwhile: requests that are never repeated, and how each was answered."""

from __future__ import annotations

import threading
import time
from collections import Counter

import requests

PAGES = ("/api/v1/jobs/?limit=5", "/sign-in/", "/api/v1/runs/?limit=5")
PAUSE_SECONDS = 0.4
PATIENCE_SECONDS = 60
# Said by the proxy or the portal while a part is away. Anything else but 200 is a finding.
CLEAN = (200, 502, 503, 504, 507)


class Traffic:
    """Asks for a page, then for the next one, and counts the answers by status or kind of error."""

    def __init__(self, base: str, token: str):
        self.base, self.headers = base, {"Authorization": f"Bearer {token}"}
        self.answers: Counter = Counter()
        self.findings: list[str] = []
        self.slowest = 0.0
        self.during = ""  # the fault, for the findings
        self._told: Counter = Counter()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._repeat, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(PATIENCE_SECONDS)

    def _repeat(self) -> None:
        number = 0
        while not self._stopped.wait(PAUSE_SECONDS):
            number += 1
            self._ask(PAGES[number % len(PAGES)])

    def _ask(self, page: str) -> None:
        began = time.monotonic()
        try:
            answer = requests.get(
                self.base + page, headers=self.headers, timeout=PATIENCE_SECONDS, allow_redirects=False
            )
        except requests.RequestException as error:
            self.answers[type(error).__name__] += 1
            return
        finally:
            self.slowest = max(self.slowest, time.monotonic() - began)
        self.answers[answer.status_code] += 1
        if answer.status_code not in CLEAN:
            self.findings.append(f"{self.during}: {page}: {answer.status_code} {answer.text[:200]!r}")

    def ready_within(self, seconds: float) -> float | None:
        """How long it takes until the portal says that all its parts answer; None if longer."""
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            try:
                if requests.get(f"{self.base}/readyz", timeout=10).status_code == 200:
                    return passed
            except requests.RequestException:
                pass
            time.sleep(0.3)
        return None

    def news(self) -> str:
        """The answers since the last call."""
        now = Counter(self.answers)
        fresh, self._told = now - self._told, now
        return " ".join(f"{count}×{what}" for what, count in sorted(fresh.items(), key=str)) or "no answers"
