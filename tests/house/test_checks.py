"""The checks of the house are checked: each is shown a small tree with one mistake."""
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
GOOD = "/* What it is for. */\n#include <stdio.h>\n\nint f(void)\n{\n\treturn 0;\n}\n"


def run(check, root):
    done = subprocess.run([sys.executable, HERE / f"{check}.py", root],
                          capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert (done.returncode == 0) == (done.stdout == ""), done.stdout
    return done.stdout.splitlines()


@pytest.fixture(name="tree")
def small_tree(tmp_path):
    """Writes files below a folder; parents are made."""
    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path
    (tmp_path / ".clang-format").write_bytes((HERE.parents[1] / ".clang-format").read_bytes())
    return write


@pytest.mark.parametrize("check", ["layers", "lengths", "format", "words"])
def test_nothing_wrong(tree, check):
    root = tree({"base/a.c": GOOD, "base/a.h": "int f(void);\n", "tests/unit/base/test_a.c": GOOD,
                 "docs/A.md": "# A\n\nPlain words.\n"})
    assert run(check, root) == []


@pytest.mark.parametrize("check", ["layers", "lengths", "format", "words", "callers"])
def test_this_repository_is_the_default(check):
    done = subprocess.run([sys.executable, HERE / f"{check}.py"], capture_output=True, text=True,
                          check=False, cwd="/")
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr


# ---- layers ----

@pytest.mark.parametrize("name,target", [
    ("base/a.c", "loop/b.h"), ("loop/a.c", "model/b.h"), ("model/a.c", "loop/b.h"),
    ("model/a.c", "store/b.h"), ("store/a.c", "loop/b.h"), ("store/a.c", "cloudflare/b.h"),
    ("cloudflare/a.c", "store/b.h"), ("supervise/a.c", "reconcile/b.h"),
    ("supervise/a.c", "cloudflare/b.h"), ("reconcile/a.c", "supervise/b.h"),
    ("ops/decl/a.c", "ops/b.h"), ("ops/decl/a.c", "model/b.h"), ("ops/a.c", "mcp/b.h"),
    ("mcp/a.c", "api/b.h"), ("api/a.c", "mcp/b.h"), ("api/a.c", "store/b.h"),
    ("cli/a.c", "ops/b.h"), ("cli/a.c", "model/b.h"), ("daemon/a.c", "cli/b.h"),
    ("sim/a.c", "cloudflare/b.h"), ("sim/a.c", "model/b.h"), ("sim/stub/a.c", "base/b.h"),
    ("sim/stub/a.c", "sim/b.h"), ("base/a.c", "tests/b.h"), ("base/a.h", "loop/b.h"),
])
def test_a_floor_above_or_beside(tree, name, target):
    root = tree({name: f'/* x */\n#include "{target}"\n', target: "int f(void);\n"})
    found = run("layers", root)
    assert len(found) == 1 and found[0].startswith(f"{name}:2: "), found
    assert target in found[0]


@pytest.mark.parametrize("name,target", [
    ("base/a.c", "base/b.h"), ("loop/a.c", "base/b.h"), ("cloudflare/a.c", "loop/b.h"),
    ("reconcile/a.c", "cloudflare/b.h"), ("ops/a.c", "ops/decl/b.h"), ("ops/a.c", "supervise/b.h"),
    ("mcp/a.c", "ops/b.h"), ("cli/a.c", "ops/decl/b.h"), ("daemon/a.c", "api/b.h"),
    ("sim/a.c", "sim/stub/b.h"),
])
def test_a_floor_below(tree, name, target):
    assert run("layers", tree({name: f'#include "{target}"\n', target: "int f(void);\n"})) == []


@pytest.mark.parametrize("name,header", [
    ("loop/a.c", "cjson/cJSON.h"), ("base/a.c", "cjson/cJSON.h"), ("loop/http.c", "ev.h"),
    ("loop/server.c", "curl/curl.h"), ("loop/http.c", "microhttpd.h"), ("ops/a.c", "sqlite3.h"),
    ("loop/http.c", "http_parser.h"),
    ("daemon/a.c", "systemd/sd-bus.h"), ("model/a.c", "yaml.h"), ("mcp/a.c", "openssl/evp.h"),
    ("ops/a.c", "regex.h"), ("sim/stub/a.c", "curl/curl.h"), ("base/a.c", "jansson.h"),
])
def test_a_library_has_one_owner(tree, name, header):
    found = run("layers", tree({name: f"#include <{header}>\n"}))
    assert len(found) == 1 and found[0].startswith(f"{name}:1: <{header}>"), found


@pytest.mark.parametrize("name,header", [
    ("base/json.c", "cjson/cJSON.h"), ("loop/loop.c", "ev.h"), ("loop/http_x.c", "curl/curl.h"),
    ("loop/server_x.h", "microhttpd.h"), ("store/x.c", "sqlite3.h"),
    ("loop/ask.c", "http_parser.h"),
    ("supervise/bus.c", "systemd/sd-bus.h"), ("base/a.c", "sys/epoll.h"),
])
def test_the_owner_of_a_library(tree, name, header):
    assert run("layers", tree({name: f"#  include <{header}>\n"})) == []


def test_includes_that_lead_back(tree):
    found = run("layers", tree({"base/a.h": '#include "base/b.h"\n',
                                "base/b.h": '#include "base/c.h"\n',
                                "base/c.h": '\n#include "base/a.h"\n'}))
    assert found == ["base/c.h:2: include cycle: base/a.h -> base/b.h -> base/c.h -> base/a.h"]


def test_includes_by_two_ways_are_no_cycle(tree):
    assert run("layers", tree({"base/a.c": '#include "base/b.h"\n#include "base/c.h"\n',
                               "base/b.h": '#include "base/c.h"\n', "base/c.h": "\n"})) == []


@pytest.mark.parametrize("line,wrong", [
    ("extern int count;", True), ("\textern const char *const names[];", True),
    ("extern int (*hook)(void);", True), ("extern struct\n\tdaemon d;", True),
    ("extern int f(void);", False), ("extern char *f(const char *s,\n\tint n);", False),
    ("/* extern int x; */", False), ("/*\nextern int x;\n*/", False), ("int external;", False),
])
def test_extern(tree, line, wrong):
    assert bool(run("layers", tree({"base/a.h": line + "\n"}))) == wrong


def test_paths_of_includes(tree):
    found = run("layers", tree({"base/a.c": '#include "a.h"\n#include "base/gone.h"\n'
                                            '/* #include "loop/x.h" */\n', "base/a.h": "\n"}))
    assert [f.split(": ", 1)[0] for f in found] == ["base/a.c:1", "base/a.c:2"]


# ---- lengths ----

def function(lines):
    return "int f(void)\n{\n" + "\tg();\n" * (lines - 2) + "}\n"


def test_a_long_function(tree):
    small = "".join(function(3) for _ in range(5))
    assert run("lengths", tree({"base/a.c": small + function(80)})) == []
    found = run("lengths", tree({"base/a.c": small + function(81)}))
    assert found == ["base/a.c:22: a function of 81 lines; at most 80"]


def test_tables_and_tests_are_no_long_functions(tree):
    table = "static const int x[] = {\n" + "\t1,\n" * 100 + "};\n"
    assert run("lengths", tree({"base/a.c": table, "tests/unit/base/test_a.c": function(200)})) == []


def test_long_files(tree):
    root = tree({"base/a.c": "\n" * 600, "tests/t.c": "\n" * 900})
    assert run("lengths", root) == []
    found = run("lengths", tree({"base/a.c": "\n" * 601, "tests/t.c": "\n" * 901}))
    assert [f.split(": ")[0] for f in found] == ["base/a.c:601", "tests/t.c:901"]


def test_the_median(tree):
    assert run("lengths", tree({"base/a.c": function(14) * 3})) == []
    found = run("lengths", tree({"base/a.c": function(2) + function(15) * 2}))
    assert found == [".:0: the median function has 15 lines; at most 14"]


# ---- format ----

@pytest.mark.parametrize("name,text,line", [
    ("base/a.c", "int f(void) {\n\treturn 0;\n}\n", 1),
    ("tests/unit/base/test_a.h", "int  f(void);\n", 1),
    ("docs/A.md", "# A\n\nwords \n", 3), ("a.yaml", "a:\n\tb: 1\n", 2),
    ("docs/A.md", "# A\r\n", 1), ("docs/A.md", "# A", 1), ("docs/A.md", "# A\n\n", 2),
    ("docs/A.md", b"\xff\n", 1),
])
def test_format(tree, name, text, line):
    found = run("format", tree({name: text}))
    assert found and found[0].startswith(f"{name}:{line}: "), found


def test_what_has_no_format(tree):
    assert run("format", tree({"tests/fuzz/corpus/x": "a \r\n", "picture": b"\0 \r\n "})) == []


# ---- words ----

MARKS = ["TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK"]
PLACES = ["https://registry." "npmjs.org/x", "http://deb." "debian.org", "pypi." "org/simple",
          "/wo" "rk/main/x", "cd /ro" "ot/x", "/tmp" "/b-base/x", "'/ho" "me/anna/x'"]


@pytest.mark.parametrize("word", MARKS + PLACES)
def test_words(tree, word):
    found = run("words", tree({"docs/A.md": f"# A\n\nSee {word} here.\n"}))
    assert len(found) == 1 and found[0].startswith("docs/A.md:3: "), found


def test_words_that_only_look_like_it(tree):
    plain = "framework/x, homework/x, https://example.com/work/x, mastodon, ${x}/root/y, XXXXXX\n"
    assert run("words", tree({"docs/A.md": plain})) == []


@pytest.mark.parametrize("call", ["atoi(s)", "strtok (s, t)", "sprintf(b, f)", "strcpy(a, b)",
                                  "strcat(a, b)", "strncpy(a, b, 3)", "gets(b)", "system(c)",
                                  "popen(c, m)", "rand()", "alloca(9)"])
def test_banned(tree, call):
    found = run("words", tree({"sim/a.c": f"/* x */\nint x = {call};\n"}))
    assert len(found) == 1 and found[0].startswith("sim/a.c:2: "), found


@pytest.mark.parametrize("text", ["my_system(c);", "w->system(c);", "w.system(c);", "snprintf(b);",
                                  "/* system(c) */", 'log("system(c)");', "operand(x);"])
def test_not_banned(tree, text):
    assert run("words", tree({"base/a.c": text + "\n"})) == []


def test_tests_may_call_what_they_like(tree):
    assert run("words", tree({"tests/unit/base/test_a.c": "int x = system(c);\n"})) == []


# ---- callers ----

CALLED = "/* x */\nint f(int n)\n{\n\treturn n ? f(n - 1) : 0;\n}\n"
HEADER = "int f(int n);\n"


@pytest.mark.parametrize("more", [
    {}, {"tests/unit/base/test_a.c": "int main(void)\n{\n\treturn f(1);\n}\n"},
    {"base/b.c": "/* f() is */\nconst char *const x = \"f(1)\";\n"},
])
def test_nobody_calls_it(tree, more):
    found = run("callers", tree({"base/a.c": CALLED, "base/a.h": HEADER, **more}))
    assert len(found) == 1 and found[0].startswith("base/a.c:2: ") and " f" in found[0], found


@pytest.mark.parametrize("more", [
    {"base/b.c": "int main(void)\n{\n\treturn f(1);\n}\n"},
    {"base/b.c": "static int (*const x)(int) = f;\n"},
    {"base/b.h": "#define F(n) f(n)\n"},
    {"base/b.h": "static inline int g(void)\n{\n\treturn f(1);\n}\n"},
])
def test_somebody_calls_it(tree, more):
    assert run("callers", tree({"base/a.c": CALLED, "base/a.h": HEADER, **more})) == []


def test_names_that_a_macro_makes_are_called(tree):
    root = tree({"base/a.c": "void t_cleanup(int *t)\n{\n}\n\nvoid run_x(void)\n{\n}\n",
                 "base/b.c": "int main(void)\n{\n\tAUTO(t) v = 0;\n\treturn v;\n}\n",
                 "base/c.def": "OP(x)\n"})
    assert run("callers", root) == []
