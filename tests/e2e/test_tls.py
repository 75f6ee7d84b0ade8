"""Cloudflare over TLS and HTTP/2, as it really is: nginx with a certificate of our own stands before
adit-sim. The name and the trust anchor are checked, and one connection carries all requests."""
import pathlib
import shutil
import socket
import subprocess
import urllib.parse

import pytest

from harness import until

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")
pytestmark = pytest.mark.skipif(not NGINX, reason="nginx is not installed")

CONFIG = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ }}
http {{
  log_format how "$connection $server_protocol $request_method $status";
  access_log {folder}/access.log how;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    location / {{ proxy_pass http://{api}; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Front:
    def __init__(self, folder, sim, name="localhost"):
        self.folder, self.port = folder, free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout",
                        folder / "key.pem", "-out", folder / "cert.pem"],
                       check=True, capture_output=True)
        (folder / "cert.pem").chmod(0o644)
        api = urllib.parse.urlsplit(sim.api_url).netloc
        (folder / "nginx.conf").write_text(CONFIG.format(folder=folder, port=self.port, api=api))
        self.process = subprocess.Popen([NGINX, "-c", folder / "nginx.conf", "-p", folder],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self.answers, why="nginx did not listen")

    def answers(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def requests(self):
        log = self.folder / "access.log"
        return [line.split() for line in log.read_text().splitlines()] if log.exists() else []

    def close(self):
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def front(sim, host):
    folder = pathlib.Path(host.folder) / "front"
    folder.mkdir()
    made = Front(folder, sim)
    path = urllib.parse.urlsplit(sim.api_url).path
    host.configure(cloudflare={"base_url": f"https://localhost:{made.port}{path}",
                               "ca_file": str(folder / "cert.pem")})
    yield made
    made.close()


def test_everything_goes_over_one_http2_connection(front, sim, host, origin):
    host.start()
    host.publish("app.example.com", origin.url)
    host.wait_converged()
    assert sim.fetch()[0] == 200
    until(lambda: len(front.requests()) > 5)
    rows = front.requests()
    assert {row[1] for row in rows} == {"HTTP/2.0"}
    assert len({row[0] for row in rows}) == 1, rows


def test_a_certificate_that_is_not_trusted_is_refused(front, sim, host):
    host.configure(cloudflare={"ca_file": None})
    host.start(observed=False)
    until(lambda: host.status()["access"] == "unreachable")
    problem = next(p for p in host.status()["problems"] if p["object"] == "system")
    assert "certificate" in problem["message"].lower()
    assert front.requests() == []


def test_a_certificate_of_another_name_is_refused(sim, host):
    folder = pathlib.Path(host.folder) / "front"
    folder.mkdir()
    front = Front(folder, sim, name="elsewhere.example")
    try:
        host.configure(cloudflare={"base_url": f"https://localhost:{front.port}/client/v4",
                                   "ca_file": str(folder / "cert.pem")})
        host.start(observed=False)
        until(lambda: host.status()["access"] == "unreachable")
        assert front.requests() == []
    finally:
        front.close()
