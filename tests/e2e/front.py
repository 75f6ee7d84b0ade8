"""nginx with a certificate of our own, which stands before a simulated Cloudflare and speaks TLS and
HTTP/2, as the real one does."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import urllib.parse

from harness import free_port, until

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")

CONFIG = """
daemon off; worker_processes 1; {main} pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ }}
http {{
  log_format how "$connection $server_protocol $request_method $status";
  access_log {folder}/access.log how;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    {server}
    location / {{ proxy_pass http://{api}; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


class Front:
    """main, server: more of its settings."""

    def __init__(self, folder, sim, name="localhost", main="master_process off;", server=""):
        self.folder, self.port = folder, free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout",
                        folder / "key.pem", "-out", folder / "cert.pem"],
                       check=True, capture_output=True)
        (folder / "cert.pem").chmod(0o644)
        api = urllib.parse.urlsplit(sim.api_url).netloc
        (folder / "nginx.conf").write_text(CONFIG.format(
            folder=folder, port=self.port, api=api, main=main, server=server))
        self.process = subprocess.Popen([NGINX, "-c", folder / "nginx.conf", "-p", folder],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self.answers, why="nginx did not listen")

    def answers(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def requests(self):
        log = self.folder / "access.log"
        return [line.split() for line in log.read_text().splitlines()] if log.exists() else []

    def api_url(self, sim):
        return f"https://localhost:{self.port}{urllib.parse.urlsplit(sim.api_url).path}"

    def workers(self):
        """Of one with a master process."""
        pid = self.process.pid
        return [int(p) for p in
                pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def say_goodbye(self):
        """Every connection gets a GOAWAY; what is under way is answered still."""
        self.process.send_signal(signal.SIGHUP)

    def hang_up(self):
        """Every connection ends at once, whatever is under way."""
        for pid in self.workers():
            os.kill(pid, signal.SIGKILL)

    def close(self):
        self.process.terminate()
        self.process.wait(10)
