"""A small client of the REST API, as any other program would be: it uses nothing of the portal's code."""

from __future__ import annotations

import time
from pathlib import Path

import requests

WAIT_SECONDS = 0.5


class ApiError(Exception):
    """The portal refused a call; the message is its sentence."""


class Client:
    """Signs in as a person does and calls the API in that session."""

    def __init__(self, base: str):
        self.base = base.rstrip("/")
        self.session = requests.Session()

    def wait_until_up(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.session.get(f"{self.base}/sign-in/", timeout=5).raise_for_status()
                return
            except requests.RequestException as error:
                if time.monotonic() > deadline:
                    raise ApiError(f"No answer from {self.base} within {seconds:g} s.") from error
                time.sleep(WAIT_SECONDS)

    def sign_in(self, username: str, password: str) -> None:
        self.session.get(f"{self.base}/sign-in/", timeout=30)
        form = {
            "username": username,
            "password": password,
            "csrfmiddlewaretoken": self.session.cookies["csrftoken"],
        }
        answer = self.session.post(
            f"{self.base}/sign-in/", data=form, headers={"Referer": f"{self.base}/sign-in/"}, timeout=30
        )
        if "sessionid" not in self.session.cookies:
            raise ApiError(f"Signing in as {username} was refused (status {answer.status_code}).")

    def get(self, path: str, **params) -> dict:
        return self._answer(self.session.get(self._url(path), params=params, timeout=60))

    def post(self, path: str, **arguments) -> dict:
        headers = {"X-CSRFToken": self.session.cookies["csrftoken"], "Referer": self.base + "/"}
        return self._answer(self.session.post(self._url(path), headers=headers, timeout=300, **arguments))

    def download(self, path: str, target: Path) -> Path:
        with self.session.get(self._url(path), stream=True, timeout=60) as answer:
            answer.raise_for_status()
            with target.open("wb") as file:
                for block in answer.iter_content(1024 * 1024):
                    file.write(block)
        return target

    def _url(self, path: str) -> str:
        return path if path.startswith("http") else f"{self.base}/api/v1/{path}"

    @staticmethod
    def _answer(answer: requests.Response) -> dict:
        if answer.status_code >= 400:
            try:
                detail = answer.json()["detail"]
            except (ValueError, KeyError):
                detail = f"status {answer.status_code}"
            raise ApiError(detail)
        return answer.json()
