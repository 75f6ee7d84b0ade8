"""adit log and log_search: what connectors said, in pieces, by words, level, class and time."""
import json
import os
import signal
import subprocess
import threading

from harness import BUILD, PATIENCE, until


def log_of(host):
    return next(host.state_dir.glob("connectors/*/log"))


def lines(host, **args):
    return [i["untrusted_text"] for i in host.items("log_search", connector="edge1/1", **args)]


def add(host, text):
    with open(log_of(host), "a") as f:
        f.write(text)


def test_log_search_finds_by_words_level_class_and_time(site):
    found = lines(site, text="REGISTERED tunnel")
    assert len(found) == 4 and all("location=" in t for t in found)
    add(site, '{"level":"warn","message":"slow","time":"2020-01-02T03:04:05Z"}\n'
              '{"level":"error","error":"Unauthorized: no","message":"Register",'
              '"time":"2020-01-02T03:04:06Z"}\nlast words of its\n')
    assert lines(site, level="warn", until="2020-01-02T03:04:05Z") == ["slow"]
    rows = site.items("log_search", connector="edge1", **{"class": "bad_token"})
    assert [(r["untrusted_text"], r["level"], r["class"], r["at"], r["connector"])
            for r in rows] == [("Register: Unauthorized: no", "error", "bad_token",
                                "2020-01-02T03:04:06.000Z", "edge1/1")]
    assert lines(site, tunnel="edge1", level="error")[0] == "last words of its"
    assert lines(site, since="1h", text="Register: ") == []
    assert site.items("log_search", limit=1000) == site.items("log_search", limit=1000,
                                                              connector="edge1")
    assert "Did you mean bad_token" in site.refused("log_search", **{"class": "bad_tokn"}).hint
    for wrong in ({"connector": "nothing"}, {"tunnel": "nothing"}, {"cursor": "x"},
                  {"since": "soon"}, {"level": "loud"}):
        site.refused("log_search", **wrong)


def test_log_search_goes_on_by_its_cursor(site):
    for i in range(50):
        add(site, f'{{"level":"info","message":"line {i}","time":"2030-01-01T00:00:00Z"}}\n')
    whole = lines(site, limit=1000)
    seen, cursor = [], {}
    while True:
        answer = site.api("log_search", connector="edge1/1", limit=3, **cursor)
        seen += [i["untrusted_text"] for i in answer["items"]]
        if "next_cursor" not in answer:
            break
        cursor = {"cursor": answer["next_cursor"]}
        add(site, '{"level":"info","message":"later","time":"2031-01-01T00:00:00Z"}\n')
    assert seen == whole
    assert not answer["truncated"] and not answer["gap"]


def test_a_burst_and_torn_lines_harm_nobody_and_secrets_are_struck_out(site):
    tunnel = site.sim.tunnels("edge1")[0]
    token = next(site.state_dir.glob("connectors/*/token")).read_text().strip()
    for key, value in (("log_burst", 200000), ("log_torn", 1), ("log_plain", 1)):
        site.sim.edge(mode={"tunnel": tunnel["id"], "key": key, "value": value})
    add(site, f'{{"level":"info","message":"token {token} here"}}\nplain {token} too\n')
    until(lambda: len(lines(site, text="token *")) == 1, why="the line was not found")
    for text in lines(site, limit=1000):
        assert token not in text and len(text) <= 2000
    assert len(lines(site, text="plain *")) == 1
    assert site.converged()


def test_the_log_is_bounded_and_keeps_its_end(site):
    for i in range(40):
        block = "".join(f'{{"level":"info","message":"n{i * 1000 + k} {"x" * 60}",'
                        f'"time":"2030-01-01T00:00:00Z"}}\n' for k in range(1000))
        add(site, block)
    last = 39999
    until(lambda: log_of(site).stat().st_blocks * 512 < 1100000, why="the log was not bounded")
    found = lines(site, text="n3", limit=1000)
    assert found[0].startswith(f"n{last} ") and len(found) == 1000
    assert log_of(site).stat().st_size < 1100000


def test_adit_log_prints_downwards_and_follows(site):
    code, out, _ = site.adit("log", "edge1/1", "--limit", "3")
    rows = out.splitlines()
    assert code == 0 and len(rows) == 3 and all("edge1/1 info" in r for r in rows)
    code, out, _ = site.adit("log", "edge1", "--limit", "3", "--json")
    assert code == 0 and json.loads(out)["result"]["count"] == 3
    assert site.adit("log", "nothing")[0] == 1
    process = subprocess.Popen([BUILD / "adit", "--socket", site.socket, "log", "edge1",
                                "--follow", "--text", "tail"], env={}, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    got = []

    def read():
        for line in process.stdout:
            got.append(line)
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    add(site, '{"level":"warn","message":"tail 1","time":"2030-01-01T00:00:00Z"}\n')
    until(lambda: len(got) == 1, why=lambda: f"{got}")
    site.restart()
    add(site, '{"level":"warn","message":"tail 2","time":"2030-01-01T00:00:00Z"}\nno\n')
    until(lambda: len(got) == 2, why=lambda: f"{got} {site.adit('log', 'edge1', '--text', 'tail')}")
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 0
    thread.join(PATIENCE)
    assert ["tail 1" in got[0], "tail 2" in got[1], len(got)] == [True, True, 2], got


def test_an_exit_keeps_its_last_lines(site):
    connector = site.items("connector_list")[0]
    for i in range(30):
        add(site, f'{{"level":"info","message":"before the end {i} {"y" * 150}"}}\n')
    os.kill(connector["pid"], signal.SIGKILL)

    def exited():
        return next((e for e in site.items("event_list", kind="connector_exited")), None)
    detail = until(exited, why="no event")["untrusted_detail"]
    rows = detail.splitlines()
    assert rows[-1].startswith("before the end 29 ") and 5 < len(rows) <= 10, rows
    assert len(detail) <= 2000
