"""Worker programs that were taken over by what they read: what they see, reach and leave behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from portal.jobs import checks, confinement, program
from tests.programs import launch
from workers.launcher import landlock, seccomp

SPY = [sys.executable, "-m", "tests.fakes.spy"]
PATIENCE = 60
SECRETS = {
    "SECRET_KEY": "s3cret-one",
    "DATABASE_URL": "postgres://slipway:s3cret-two@db/slipway",
    "REDIS_URL": "redis://:s3cret-three@broker",
    "AWS_SECRET_ACCESS_KEY": "s3cret-four",
    "EMAIL_PASSWORD": "s3cret-five",
    "ENCRYPTION_KEY": "s3cret-six",
    "NVIDIA_API_KEY": "s3cret-seven",
    "LC_TOKEN": "s3cret-eight",
    "HTTPS_PROXY": "http://user:s3cret-nine@proxy:3128",
    "SLIPWAY_TOKEN": "s3cret-ten",
    "SOMETHING_ELSE": "s3cret-eleven",
}

needs_landlock = pytest.mark.skipif(not landlock.abi(), reason="this kernel offers no Landlock")
needs_seccomp = pytest.mark.skipif(not seccomp.available(), reason="this kernel offers no seccomp filter")


@pytest.fixture
def folder(settings, tmp_path):
    settings.JOBS_DIR = tmp_path / "jobs"
    made = settings.JOBS_DIR / "7"
    made.mkdir(parents=True, mode=0o700)
    return made


@pytest.fixture
def spy(folder):
    """Return a function that lets a program try expressions, and returns what each came to."""

    def run(*expressions, inputs=None, **options):
        spec = {"schema": 1, "kind": "train", "inputs": inputs or {}, "params": {"try": expressions}}
        (folder / "spec.json").write_text(json.dumps(spec))
        process = launch(SPY, folder, **options)
        process.wait(PATIENCE)
        if not (folder / "result.json").exists():
            raise AssertionError((folder / "log.txt").read_text())
        result = json.loads((folder / "result.json").read_text())
        assert result["ok"], result
        return [result["got"][expression] for expression in expressions]

    return run


def test_a_program_gets_none_of_the_portals_secrets(spy, monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    (got,) = spy("dict(os.environ)")
    assert "s3cret" not in json.dumps(got)
    assert (got["OMP_NUM_THREADS"], got["CUDA_VISIBLE_DEVICES"]) == ("3", "1")


def test_every_variable_of_a_program_is_on_the_list(folder):
    source = {
        name: "x" for name in (*SECRETS, "PATH", "TZ", "LC_ALL", "MKL_NUM_THREADS", "PYTHONPATH", "HOME")
    }
    got = confinement.environment(folder, source)
    assert set(got) == {
        "PATH", "LANG", "TZ", "LC_ALL", "MKL_NUM_THREADS", "HOME", "TMPDIR", "PYTHONUNBUFFERED",
        "PYTHONNOUSERSITE", "PYTHONPATH",
    }  # fmt: skip
    assert all(got[name].startswith(str(folder)) for name in ("HOME", "TMPDIR", "PYTHONPATH"))


def test_the_environment_of_the_process_that_started_it_cannot_be_read(spy):
    own, above = spy(
        "Path(f'/proc/{os.getppid()}/environ').read_bytes().decode()",
        "Path(f'/proc/{grandparent}/environ').read_bytes().decode()",
    )
    assert own in ("", "PermissionError")  # the warden has none
    assert above == "PermissionError"


@needs_landlock
def test_a_program_cannot_read_what_is_the_portals(spy, settings, tmp_path):
    places = [
        settings.SECRETS_DIR / "django-key",
        Path(settings.DATABASES["default"]["NAME"]),
        settings.JOBS_DIR / "8" / "upload.bin",
        Path(settings.CACHE_DIR) / "datasets" / "another" / "image.png",
        Path(settings.STORAGES["default"]["OPTIONS"]["location"]) / "a-file",
        tmp_path / "somebody" / "else",
        Path("/etc/shadow"),
    ]
    for place in places[:-1]:
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            place.write_text("a secret")
    asked = [f"Path({str(place)!r}).read_bytes()[:1]" for place in places]
    listed = [f"os.listdir({str(place)!r})" for place in (settings.SECRETS_DIR, settings.JOBS_DIR, tmp_path)]
    linked = [f"os.link({str(place)!r}, folder / 'stolen')" for place in places[:1]]
    through = ["open(f'/proc/{grandparent}/cwd/manage.py')", "open(f'/proc/{grandparent}/root/etc/shadow')"]
    got = spy(*asked, *listed, *linked, *through)
    assert set(got) <= {"PermissionError", "OSError"}, got


@needs_landlock
def test_a_program_reads_its_inputs_and_writes_in_its_job_folder_only(spy, tmp_path, settings):
    given = tmp_path / "given"
    given.mkdir()
    (given / "image.png").write_bytes(b"pixels")
    read, changed, temporary, elsewhere, code, home = spy(
        f"Path({str(given / 'image.png')!r}).read_bytes().decode()",
        f"Path({str(given / 'image.png')!r}).write_bytes(b'x')",
        "__import__('tempfile').mkstemp()[1]",
        "Path('/tmp/slipway-was-here').write_text('x')",
        f"Path({str(settings.BASE_DIR / 'workers' / 'contract' / '__init__.py')!r}).write_text('x')",
        "(Path.home() / 'file').write_text('x')",
        inputs={"dataset": str(given)},
    )
    assert (read, home) == ("pixels", 1)
    assert Path(temporary).is_relative_to(settings.JOBS_DIR / "7")
    assert {changed, elsewhere, code} == {"PermissionError"}


@needs_seccomp
def test_a_program_has_no_network_and_not_the_broker(spy):
    got = spy(
        "socket.socket(socket.AF_INET)",
        "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_UNIX)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "socket.create_connection(('127.0.0.1', 80), 1)",
    )
    assert set(got) == {"PermissionError"}
    assert spy("len(socket.socketpair())") == [2]


@needs_seccomp
def test_a_program_cannot_make_namespaces_trace_or_use_io_uring(spy):
    library = "ctypes.CDLL(None, use_errno=True)"
    machine = seccomp.MACHINES[os.uname().machine]
    ptrace = 101 if os.uname().machine == "x86_64" else 117
    got = spy(
        f"{library}.unshare(0x10000000)",
        f"{library}.syscall({ptrace}, 16, grandparent, 0, 0)",
        f"{library}.syscall(425, 8, 0)",
        f"{library}.syscall({machine.clone}, 0x10000000 | 17, 0, 0, 0, 0)",
    )
    assert got == [-1, -1, -1, -1]


@needs_landlock
@pytest.mark.skipif(landlock.abi() < landlock.SCOPE_ABI, reason="this kernel does not scope signals")
def test_a_program_cannot_signal_the_portal(spy):
    assert spy("os.kill(grandparent, 0)", "os.kill(os.getppid(), 9)") == [
        "PermissionError",
        "PermissionError",
    ]


def test_a_program_keeps_no_rights_of_root_and_gets_no_new_ones(spy):
    (status,) = spy("Path('/proc/self/status').read_text()")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    assert fields["NoNewPrivs"].strip() == "1"
    kept = 0b1110
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        if name != "CapBnd" or os.geteuid() == 0:
            assert int(fields[name], 16) & ~kept == 0, name


def test_a_program_has_limits_and_inherits_no_open_file(spy, tmp_path):
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        core, cpu, space, files, more, mask = spy(
            "list(__import__('resource').getrlimit(4))",
            "__import__('resource').getrlimit(0)[0]",
            "__import__('resource').getrlimit(9)[0]",
            "[os.readlink(f'/proc/self/fd/{number}') for number in range(3)]",
            "[number for number in range(3, 99) if os.path.exists(f'/proc/self/fd/{number}')]",
            "os.umask(0)",
            memory_bytes=3 * 1024**3,
            time_limit=100,
        )
    assert core == [0, 0]
    assert cpu == 100 * os.cpu_count() + 60
    assert space == 3 * 1024**3
    assert files[0] == "/dev/null" and files[1] == files[2] and more == []
    assert mask == 0o077


def test_what_a_program_leaves_behind_is_gone_even_outside_its_group(spy):
    (pid,) = spy("subprocess.Popen(['sleep', '1000'], start_new_session=True).pid")
    assert not Path(f"/proc/{pid}").exists()


OLDER_KERNEL = """
import os, sys
from workers.launcher import kernel, landlock
version, own, other = int(sys.argv[1]), sys.argv[2], sys.argv[3]
landlock.abi = lambda: version
kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
landlock.restrict(["/usr"], [own], ["/dev/null"], tcp=False)
os.mkdir(own + "/a")
open(own + "/a/file", "w").write("x")
os.rename(own + "/a/file", own + "/a/renamed")
open("/dev/null", "w").write("x")
os.listdir("/usr")
for attempt in (lambda: open(other), lambda: open(own + "/../new", "w"), lambda: os.mkfifo(own + "/pipe")):
    try:
        attempt()
    except PermissionError:
        continue
    sys.exit("it was allowed")
print("held")
"""


@needs_landlock
@pytest.mark.parametrize("version", range(1, landlock.abi() + 1))
def test_every_version_of_landlock_is_made_use_of(version, tmp_path):
    """An older kernel knows fewer rights; what it knows is given up."""
    own, other = tmp_path / "own", tmp_path / "other"
    own.mkdir()
    other.write_text("a secret")
    argv = [sys.executable, "-c", OLDER_KERNEL, str(version), str(own), str(other)]
    done = subprocess.run(
        argv, cwd=django_settings.BASE_DIR, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.stdout == "held\n", done.stderr


def test_a_program_runs_where_the_kernel_confines_nothing(spy, settings):
    settings.PROGRAM_SANDBOX = False
    assert spy("1 + 1", "dict(os.environ).get('SECRET_KEY')") == [2, None]


HIDDEN = """
import os, sys
from pathlib import Path
from portal import machine
machine.hide_process()
if os.fork() == 0:
    print(os.stat(f"/proc/{os.getpid()}/environ").st_uid, flush=True)
    os._exit(0)
os.wait()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user for the test")
def test_a_worker_of_an_ordinary_user_hides_its_environment():
    """The kernel gives the files of a hidden process to root, so that nobody else opens them."""
    argv = [sys.executable, "-c", HIDDEN]
    keep = "+dac_read_search"  # the interpreter may lie in a home folder
    drop = ["setpriv", "--reuid", "65534", "--clear-groups", f"--inh-caps={keep}", f"--ambient-caps={keep}"]
    done = subprocess.run([*drop, *argv], cwd=django_settings.BASE_DIR, capture_output=True, text=True)
    assert done.stdout.strip() == "0", done.stderr


STARTER = """
import sys, time
from pathlib import Path
import django
django.setup()
from tests.programs import launch
print(launch([sys.executable, "-m", "tests.fakes.spy"], Path(sys.argv[1])).pid, flush=True)
time.sleep(1000)
"""


def test_a_program_dies_with_its_worker_however_that_was_killed(folder):
    """Those that it started die too, and those that left its process group."""
    sleepers = "[subprocess.Popen(['sleep', '1000'], start_new_session=own).pid for own in (True, False)]"
    attempts = [f"(folder / 'pids').write_text(str({sleepers} + [os.getpid()]))", "time.sleep(1000)"]
    spec = {"schema": 1, "kind": "train", "inputs": {}, "params": {"try": attempts}}
    (folder / "spec.json").write_text(json.dumps(spec))
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": str(django_settings.BASE_DIR),
    }
    starter = subprocess.Popen([sys.executable, "-c", STARTER, str(folder)], env=env, stdout=subprocess.PIPE)
    warden = int(starter.stdout.readline())
    try:
        _wait_for(lambda: (folder / "pids").exists() and (folder / "pids").read_text().endswith("]"))
    finally:
        starter.kill()
        starter.wait()
        starter.stdout.close()
    pids = [*json.loads((folder / "pids").read_text()), warden]
    _wait_for(lambda: not any(_lives(pid) for pid in pids))


def test_what_a_killed_warden_leaves_is_ended_even_where_it_made_a_group_of_its_own(folder):
    sleeper = "subprocess.Popen(['sleep', '1000'], start_new_session=False).pid"
    attempts = ["os.setpgid(0, 0)", f"(folder / 'pids').write_text(str([{sleeper}]))", "time.sleep(1000)"]
    spec = {"schema": 1, "kind": "train", "inputs": {}, "params": {"try": attempts}}
    (folder / "spec.json").write_text(json.dumps(spec))
    warden = launch(SPY, folder)
    _wait_for(lambda: (folder / "pids").exists() and (folder / "pids").read_text().endswith("]"))
    (sleeper,) = json.loads((folder / "pids").read_text())
    warden.kill()
    warden.wait(PATIENCE)
    assert _lives(sleeper)
    program.end(warden)
    _wait_for(lambda: not _lives(sleeper))


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _wait_for(condition) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGXCPU])
def test_the_portal_sees_which_signal_ended_a_program(folder, number):
    spec = {
        "schema": 1,
        "kind": "train",
        "inputs": {},
        "params": {"try": [f"os.kill(os.getpid(), {number:d})"]},
    }
    (folder / "spec.json").write_text(json.dumps(spec))
    assert launch(SPY, folder).wait(PATIENCE) == -number


def test_a_program_that_is_not_installed_is_named(folder):
    (folder / "spec.json").write_text('{"inputs": {}, "params": {}}')
    with pytest.raises(confinement.ToolchainError, match="not installed on this worker: run `make setup`"):
        launch([str(folder / "missing" / "python"), "-m", "workers.train"], folder)


def test_a_folder_that_holds_the_portals_data_is_not_opened_as_a_whole(folder, settings, tmp_path):
    settings.VAR_DIR, settings.PROGRAM_READ_DIRS = tmp_path / "opt" / "slipway", [tmp_path / "opt"]
    (tmp_path / "opt" / "slipway").mkdir(parents=True)
    invocation = confinement.Invocation(SPY, {"dataset": "/"}, {})
    read = confinement.confinement(invocation, folder)["read"]
    assert str(tmp_path / "opt") not in read and "/" not in read
    assert not any(Path(path) in settings.VAR_DIR.parents for path in read)


def test_a_system_that_cannot_confine_programs_is_named_by_check_and_worker(monkeypatch, caplog):
    said = '{"landlock": 0, "seccomp": false}'
    done = subprocess.CompletedProcess([], 0, stdout=said)
    monkeypatch.setattr(checks.machine, "hide_process", lambda: None)
    monkeypatch.setattr(checks, "wait_for_tables", lambda: None)
    monkeypatch.setattr(confinement.subprocess, "run", lambda *args, **kwargs: done)
    confinement.missing.cache_clear()
    try:
        warnings = [warning.msg for warning in checks.check()]
        checks.on_worker_start()
    finally:
        confinement.missing.cache_clear()
    assert "no Landlock" in warnings[0] and "no seccomp" in warnings[1]
    assert [record.getMessage() for record in caplog.records] == warnings
