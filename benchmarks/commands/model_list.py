"""What `cma-bench models` prints: every model in a line of plain words, or one of them with its hyper-parameters."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from benchmarks.names import choose
from benchmarks.suites import MODEL_ORDER


@dataclass(frozen=True)
class InWords:
    """A model for somebody who has to choose one.

    Attributes:
        reads, trains: of a product; of the model.
        seconds: of a training on the embedded catalogue as it is, rounded; those of the reference records.
        idea: one sentence without its full stop.
    """

    reads: str
    trains: str
    seconds: str
    idea: str


BOTH = "photo and text"

IN_WORDS: dict[str, InWords] = {
    "majority": InWords("nothing", "nothing, it counts", "< 1", "answers with the most frequent class"),
    "class_name_match": InWords("text", "nothing, it counts", "< 1", "takes the class whose name stands in the text"),
    "tfidf_logistic": InWords("text", "a weight per word", "2", "weighs words and pairs of words"),
    "tfidf_image_logistic": InWords(
        BOTH, "a weight per word and feature", "3", "weighs words, and what CLIP says of the photo"
    ),
    "zero_shot_image": InWords("photo", "nothing", "< 1", "takes the class whose name CLIP finds nearest to the photo"),
    "zero_shot_text": InWords("text", "nothing", "< 1", "takes the class whose name CLIP finds nearest to the text"),
    "zero_shot": InWords(BOTH, "nothing", "< 1", "takes the class whose name CLIP finds nearest to both"),
    "fine_tuned_clip": InWords(BOTH, "CLIP itself", "30", "teaches CLIP your products, then does as zero_shot"),
    "flyp": InWords(BOTH, "CLIP itself", "40", "teaches CLIP your class names as captions, then does as zero_shot"),
    "lp_ft": InWords(BOTH, "CLIP itself", "40", "trains linear_probe first, then CLIP with it"),
    "linear_probe": InWords(BOTH, "a weight per feature", "< 1", "weighs what CLIP says of photo and text"),
    "image_only": InWords("photo", "a small transformer", "10", "looks at the parts of the photo, never at the text"),
    "text_only": InWords("text", "a small transformer", "15", "reads the words of the text, never sees the photo"),
    "late_fusion": InWords(BOTH, "two small transformers", "20", "averages the answers of image_only and text_only"),
    "concat_fusion": InWords(BOTH, "a small network", "5", "puts CLIP's summaries of photo and text side by side"),
    "mmbt": InWords(BOTH, "a small transformer", "15", "reads the photo as a few more words of the text"),
    "cma_clip_wo_ma": InWords(BOTH, "a small transformer", "15", "CMA-CLIP without weighing photo against text"),
    "cma_clip_wo_sa": InWords(BOTH, "a small network", "5", "CMA-CLIP without relating words to parts of the photo"),
    "cma_clip_wo_ma_sa": InWords(BOTH, "a small network", "5", "CMA-CLIP without either"),
    "cma_clip": InWords(
        BOTH, "a small transformer", "15", "relates words to parts of the photo, and weighs photo against text"
    ),
}
"""Model -> what it is; a test holds it equal to the keys of `models.MODELS`."""

HEAD = InWords("reads", "trains", "seconds", "what it does")

BELOW = """
Seconds: a training on the embedded catalogue, 2,400 products, on one core; those of CLIP itself are few epochs.
`cma-bench models NAME` has a model's hyper-parameters, `cma-bench models --backbones` the CLIPs they can stand on."""


def table() -> str:
    """One line a model, in the order of every table."""
    rows = [("model", HEAD), *((name, IN_WORDS[name]) for name in MODEL_ORDER)]
    lines = [
        f"{name:17}  {words.reads:14}  {words.trains:22}  {words.seconds:>7}  {words.idea}".rstrip()
        for name, words in rows
    ]
    return "\n".join([*lines, BELOW])


def details(name: str) -> str:
    """One model: what it is in plain and in technical words, and its hyper-parameters with their defaults.

    Raises:
        UnknownName: with the nearest names.
    """
    words = IN_WORDS[choose(name, MODEL_ORDER, "model")]
    from benchmarks.models import MODELS

    model = MODELS[name]
    fields = model.Config.model_fields.items()
    defaults = [f"  {field}={info.get_default(call_default_factory=True)!r}" for field, info in fields]
    return "\n".join(
        [
            f"{name} {words.idea}.",
            f"It reads {words.reads} and trains {words.trains}.",
            "",
            textwrap.dedent(f"    {model.__doc__}").strip(),
            "",
            "Hyper-parameters (--hparam NAME=VALUE):" if defaults else "There is nothing to set.",
            *defaults,
        ]
    )
