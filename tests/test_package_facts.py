"""What the pages beside the code say of it: the version, the licence, whom to cite, what is safe."""

import re
import tomllib
from pathlib import Path

import pytest
import torch
import yaml

import cma_clip
from cma_clip.classifier import Workspace
from cma_clip.model import CMAClip, CMAClipConfig
from tests.products import TASKS, products

ROOT = Path(__file__).parents[1]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
BIBTEX = (ROOT / "CITATION.bib").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_version_and_licence_are_the_same_everywhere():
    assert CITATION["version"] == cma_clip.__version__ == re.search(r"version *= \{(.*)\}", BIBTEX)[1]
    assert CITATION["license"] == PROJECT["license"] == re.search(r"license *= \{(.*)\}", BIBTEX)[1] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_both_citations_name_the_same_paper():
    paper = CITATION["preferred-citation"]
    names = " and ".join(f"{author['family-names']}, {author['given-names']}" for author in paper["authors"])
    entry = BIBTEX.partition("@software")[0]
    assert f"author  = {{{names}}}" in entry
    for field in (paper["title"], paper["journal"], str(paper["year"]), paper["url"]):
        assert field in re.sub(r"[{}]", "", entry)


class Harm:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_checkpoint_that_would_run_code_is_refused(tiny, tmp_path):
    """Both of what SECURITY.md says: it is not run, and it is no silent new start."""
    torch.save({"state_dict": Harm(tmp_path / "harmed")}, tmp_path / "epoch=0.ckpt")
    config = CMAClipConfig(backbone=tiny, width=24, heads=2, depth=1, max_epochs=1)
    model = CMAClip(TASKS, config, workspace=Workspace(checkpoints=str(tmp_path)))
    with pytest.raises(Exception, match=r"[Ww]eights.only"):
        model.fit(products(8, seed=1), products(8, seed=2))
    assert not (tmp_path / "harmed").exists()
