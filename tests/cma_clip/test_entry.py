"""The program's first moment: Ctrl-C while everything is still being imported."""

import subprocess
import sys

INTERRUPT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a process started in the background ignores
signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
signal.setitimer(signal.ITIMER_REAL, 0.05)
sys.argv = ["cma-bench", "models", "cma_clip"]
from cma_clip.entry import main
main()
"""


def test_ctrl_c_is_answered_in_a_sentence(tmp_path):
    ran = subprocess.run([sys.executable, "-c", INTERRUPT], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 130
    (line,) = ran.stderr.splitlines()
    assert line.startswith("cma-bench: interrupted")
