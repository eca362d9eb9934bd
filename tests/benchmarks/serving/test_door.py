"""The public door: `from cma_clip import load_model`."""

import subprocess
import sys
from pathlib import Path

FIXTURES = Path(__file__).parents[2] / "fixtures" / "saved_models"

OPEN = """
import sys
import cma_clip
assert not {"torch", "pandas", "numpy", "pydantic", "benchmarks"} & set(sys.modules)
assert "CMAClip" in dir(cma_clip)
assert cma_clip.__version__
from cma_clip import load_model
import pandas
model = load_model(sys.argv[1])
print(*model.predict(pandas.DataFrame({"text": ["red dress"]}), tasks=["color"]))
try:
    cma_clip.load_modle
except AttributeError as error:
    print(error)
"""


def test_it_opens_late_and_answers_a_table():
    command = [sys.executable, "-W", "ignore", "-c", OPEN, FIXTURES / "tfidf_logistic"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == [
        "text color color_suggested color_confidence color_decision problem",
        "module 'cma_clip' has no attribute 'load_modle'",
    ]
