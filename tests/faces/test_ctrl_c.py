"""Ctrl-C at any moment of a command: the exit code 130, at most one sentence, no traceback, and the model is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TIMEOUT = 60  # seconds
SENTENCE = "glassnet: interrupted.\n"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="this system sends no SIGINT to one process")


def run_script(source: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder, whose modules it can import."""
    path = os.pathsep.join([str(folder), *sys.path])
    command, environment = [sys.executable, "-c", source], {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT)


SWALLOWS = """
import os, signal, time
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.05)
except BaseException:
    pass  # as some libraries do, where a part of them is optional
def load_digits():
    raise SystemExit("Ctrl-C was lost.")
"""


def test_ctrl_c_is_not_lost_in_a_module_that_a_command_imports(tmp_path: Path) -> None:
    (tmp_path / "sklearn").mkdir()
    (tmp_path / "sklearn" / "__init__.py").write_text("")
    (tmp_path / "sklearn" / "datasets.py").write_text(SWALLOWS)
    done = run_script("import sys; sys.argv = ['glassnet', 'demo']; from glassnet.cli import main; main()", tmp_path)
    assert (done.returncode, done.stderr) == (130, SENTENCE)


COMMAND = """
import os, signal, sys, time
from glassnet.cli import interruption
from glassnet.cli.interruption import handle_interruptions, interrupted_once, raised_in_commands

class Destroyed:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)

handle_interruptions()
try:
    with raised_in_commands():
        {block}
        time.sleep(20)
except KeyboardInterrupt:
    print("raised")
    interruption.end_interrupted()
"""
BLOCKS = {
    "a destructor": "Destroyed()",
    "a destructor in a training": "with interrupted_once():\n            Destroyed()\n            time.sleep(20)",
    "an import in a training": "with interrupted_once():\n            import swallows\n            time.sleep(20)",
}


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_ctrl_c_that_python_would_lose_is_raised_again(tmp_path: Path, block: str) -> None:
    (tmp_path / "swallows.py").write_text(SWALLOWS)
    done = run_script(COMMAND.format(block=block), tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (130, "raised\n", SENTENCE)


def test_a_program_that_ignores_ctrl_c_goes_on_doing_so(tmp_path: Path) -> None:
    """A script's background jobs ignore it."""
    source = "import signal, os, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); from glassnet import cli;"
    source += "run = cli._run; cli._run = lambda: (os.kill(os.getpid(), signal.SIGINT), run());"
    done = run_script(source + "sys.argv = ['glassnet', '--version']; cli.main()", tmp_path)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("glassnet ")


STARTED = """
import sys
from glassnet import cli
run = cli._run
def started():
    print("started", flush=True)
    run()
cli._run = started
sys.argv[0] = "glassnet"
cli.main()
"""
COMMANDS = {
    "tabular": ["train", "t.csv", "--target", "y", "--out", "m"],
    "network": ["train", "t.csv", "--target", "y", "--out", "m", "--hidden", "8", "--epochs", "100000"],
    "demo": ["demo"],
    "help": [],
}


@pytest.mark.slow
@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_at_many_moments(tmp_path: Path, arguments: list[str], times: int) -> None:
    rows = [f"{number % 17},{number % 13},{number % 17 + number % 13}" for number in range(20_000)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y", *rows]))
    interrupted = 0
    for number in range(15):
        command = [sys.executable, "-c", STARTED, *arguments]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True) as process:
            assert process.stdout and process.stdout.readline() == "started\n"
            time.sleep(0.1 * number)
            for _ in range(times if process.poll() is None else 0):
                process.send_signal(signal.SIGINT)
                time.sleep(0.002 * number * (times - 1))
            error = process.communicate(timeout=TIMEOUT)[1]
        if process.returncode != 130:  # it had come to its end
            assert (process.returncode, arguments, error) == (2, [], "")
        else:
            interrupted += 1
            assert len([line for line in error.splitlines() if "interrupted" in line]) == 1 or (tmp_path / "m").exists()
            assert "Traceback" not in error and "Error" not in error and "ignored" not in error, error
    assert interrupted >= (2 if not arguments else 10)
