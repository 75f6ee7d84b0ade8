"""An edge of the tests' own, in Python, that speaks sim/stub/wire.h: the stub is judged without
the simulated edge, so that a mistake cannot hide in both."""
import socket
import struct
import threading

HELLO, OK, REFUSED, CONFIG, RUNNING, REQUEST, REQUEST_PART, REQUEST_END = range(1, 9)
RESPONSE, RESPONSE_PART, RESPONSE_END, CANCEL, UNREGISTER, MODE, PING, PONG = range(9, 17)


def frame(kind, ident, payload=b""):
    return struct.pack(">IBI", len(payload) + 5, kind, ident) + payload


class Link:
    def __init__(self, sock):
        self.sock = sock
        self.lock = threading.Lock()
        self.frames = []
        self.hello = None
        self.closed = False

    def send(self, kind, ident=0, payload=b""):
        with self.lock:
            self.sock.sendall(frame(kind, ident, payload))

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Edge:
    """Registers what comes; `refuse` = (kind, words) refuses; `hold` keeps unregistering links;
    `slow` lets all but the first wait for their answer."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.links, self.hellos = [], []
        self.refuse = None
        self.hold = False
        self.slow = False
        self.config = None
        self.answers = {}
        self.changed = threading.Condition()
        self.next_id = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(Link(sock),), daemon=True).start()

    def _serve(self, link):
        data = b""
        try:
            while chunk := link.sock.recv(65536):
                data += chunk
                while len(data) >= 9:
                    size, kind, ident = struct.unpack(">IBI", data[:9])
                    if len(data) < size + 4:
                        break
                    payload, data = data[9:size + 4], data[size + 4:]
                    self._frame(link, kind, ident, payload)
        except OSError:
            pass
        with self.changed:
            link.closed = True
            if link in self.links:
                self.links.remove(link)
            self.changed.notify_all()
        link.sock.close()

    def _frame(self, link, kind, ident, payload):
        with self.changed:
            link.frames.append((kind, ident, payload))
            if kind == HELLO:
                self._hello(link, payload)
            elif kind == PING:
                link.send(PONG)
            elif kind == UNREGISTER and not self.hold:
                link.close()
            elif kind in (RESPONSE, RESPONSE_PART, RESPONSE_END, CANCEL):
                self.answers.setdefault(ident, []).append((kind, payload))
            self.changed.notify_all()

    def _hello(self, link, payload):
        link.hello = payload.decode().split("\n")
        self.hellos.append(link.hello)
        if self.refuse:
            link.send(REFUSED, 0, "\n".join(self.refuse).encode())
            link.close()
            return
        if self.slow and self.links:
            self.changed.wait_for(lambda: not self.slow, 10)
        link.send(OK, 0, b"lhr01")
        self.links.append(link)
        if self.config:
            link.send(CONFIG, 0, self.config)

    def set_config(self, version, rules):
        digest = "".join("\t".join((r + ("", "", "", ""))[:4]) + "\n" for r in rules).encode()
        self.config = b"%d\n%d\n" % (version, len(digest)) + digest + b'{"ingress":[]}'
        with self.changed:
            for link in self.links:
                link.send(CONFIG, 0, self.config)

    def mode(self, key, value=1):
        self.links[0].send(MODE, 0, f"{key} {value}".encode())

    def wait(self, what, seconds=10):
        with self.changed:
            assert self.changed.wait_for(lambda: what(self), seconds), "the edge waited in vain"

    def send_request(self, raw, body=b"", link=0):
        with self.changed:
            self.next_id += 1
            ident = self.next_id
            link = self.links[link]
        link.send(REQUEST, ident, raw)
        if body:
            link.send(REQUEST_PART, ident, body)
        link.send(REQUEST_END, ident)
        return ident

    def answer(self, ident, seconds=10):
        """(head, body) of a request, or ("", b"") when it was cancelled."""
        done = (RESPONSE_END, CANCEL)
        self.wait(lambda e: e.answers.get(ident) and e.answers[ident][-1][0] in done, seconds)
        frames = self.answers[ident]
        if frames[-1][0] == CANCEL:
            return "", b""
        body = b"".join(p for k, p in frames if k == RESPONSE_PART)
        return frames[0][1].decode(), body

    def fetch(self, host, path="/", **kw):
        raw = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nCf-Ray: 0123-SIM\r\n\r\n".encode()
        return self.answer(self.send_request(raw, **kw))

    def close(self):
        self.listener.close()
        for link in list(self.links):
            link.close()
