"""Starts adit-sim for a test and talks to its API and its control port."""
import json
import os
import pathlib
import subprocess
import urllib.error
import urllib.request

BUILD = pathlib.Path(os.environ.get("ADIT_BUILD", "build/dev"))


class Simulator:
    """A running adit-sim; use it in a with statement."""

    def __init__(self, *options):
        self.process = subprocess.Popen(
            [BUILD / "adit-sim", *options], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"adit-sim ended with {self.process.wait()}")
        ready = json.loads(line)
        self.api_url, self.control_url = ready["api"], ready["control"]
        self.token, self.account = ready["token"], ready["account"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        status = self.process.wait(timeout=20)
        self.process.stdout.close()
        assert status == 0, f"adit-sim ended with {status}"

    def api(self, method, path, body=None, timeout=10, headers=None):
        """(status, envelope, headers) of one call; connection trouble is raised."""
        request = urllib.request.Request(
            self.api_url + path, method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}",
                     "Content-Type": "application/json", **(headers or {})})
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, json.loads(answer.read()), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read()), error.headers

    def control(self, method, path, body=None):
        """The control port's answer; a refusal is raised."""
        request = urllib.request.Request(
            f"{self.control_url}/control/{path}", method=method,
            data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def fault(self, **rule):
        self.control("POST", "faults", rule)

    def log(self):
        return self.control("GET", "log")["rows"]
