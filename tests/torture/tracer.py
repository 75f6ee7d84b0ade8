"""strace on a running aditd: counts its syscalls, kills it at one, or makes one fail. Only the
daemon's own thread is traced: its connectors are children that shall live on."""
import collections
import os
import pathlib
import subprocess
import tempfile
import time

from rig import process_alive


def tracer_of(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return -1
    return int(status.split("TracerPid:")[1].split()[0])


class Tracer:
    def __init__(self, pid, inject=None, trace="all"):
        handle, name = tempfile.mkstemp(prefix="adit-trace-", dir="/tmp")
        os.close(handle)
        self.out, self.pid = pathlib.Path(name), pid
        words = ["strace", "-qq", "-p", str(pid), "-o", name, "-s", "60", "-e", f"trace={trace}"]
        if inject:
            words += ["-e", f"inject={inject}"]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        end = time.monotonic() + 20
        while tracer_of(pid) != self.process.pid:
            if self.process.poll() is not None and not process_alive(pid):
                return  # it was struck at once
            if self.process.poll() is not None or time.monotonic() > end:
                self.detach()
                raise RuntimeError("strace could not attach")
            time.sleep(0.003)

    def ended(self):
        """The traced process is gone, and strace with it."""
        return self.process.poll() is not None

    def detach(self):
        """Lets the process run on untraced; what was seen."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.process.stderr.close()
        text = self.out.read_text(errors="replace") if self.out.exists() else ""
        self.out.unlink(missing_ok=True)
        return text


def count_calls(text):
    """{"pwrite64": 86, ...}"""
    return collections.Counter(line.split("(")[0] for line in text.splitlines()
                               if "(" in line and line[0].isalpha())


def possible():
    """May we trace here at all?"""
    try:
        child = subprocess.Popen(["sleep", "5"])
    except FileNotFoundError:
        return False
    try:
        Tracer(child.pid).detach()
        return True
    except (RuntimeError, FileNotFoundError):
        return False
    finally:
        child.kill()
        child.wait()
