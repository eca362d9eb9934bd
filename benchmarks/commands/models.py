"""`cma-bench models`, `predict` and `attention`: what there is to train, and what a trained model says and looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from benchmarks.commands.filling import model_folder
from benchmarks.commands.model_list import details, table
from benchmarks.commands.options import RESULTS, RUNS, CommonOptions, Pairs, PlaceOption, pairs
from benchmarks.processes import quiet

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks.serving import SavedModel
    from cma_clip.types import Example

EXAMPLES = 3
"""Shown of a data set where none are named."""


def models(name: Positional[str | None] = None, backbones: bool = False) -> None:
    """List the models: what each reads, trains and does, and how long it takes; or say all of one.

    Args:
        name: one model, with its hyper-parameters.
        backbones: list the backbones they can use instead, and why others cannot be used here.
    """
    if backbones:
        print(list_backbones())
    else:
        print(table() if name is None else details(name))


def list_backbones() -> str:
    """What is usable here, and why the rest is not."""
    from benchmarks.pretraining.score import usable

    quiet()
    return "\n".join(usable())


def predict(
    model: PlaceOption,
    image: Path | None = None,
    text: str | None = None,
    precision: float = 0.9,
    results: PlaceOption = RESULTS,
    runs: PlaceOption = RUNS,
) -> None:
    """Classify one product with a saved model, and say which answers can be trusted.

    Args:
        model: a folder runs/experiments/KEY/model, or a suite whose pick is taken.
        image: a photo.
        text: a title.
        precision: the share of trusted answers that has to be right; the threshold for it is from validation.
        results: where the suites are.
        runs: where their models are.
    """
    import pandas as pd

    from benchmarks.datasets.loading.images import read
    from benchmarks.serving import load_model

    quiet()
    saved = load_model(model_folder(model, results, runs))
    row = {"image": [None if image is None else read(image, "predict")], "text": [text]}
    answers = saved.predict(pd.DataFrame(row, dtype=object), precision, text="text", image="image")
    print(_verdicts(saved, answers, precision))


def _verdicts(saved: SavedModel, answers: pd.DataFrame, precision: float) -> str:
    """Of one row: the suggestion for each task, whether it can be trusted, and what is wrong with the row."""
    answer = answers.iloc[0]
    lines = []
    for task in (task.name for task in saved.classifier.tasks):
        suggested, confidence = answer[f"{task}_suggested"], answer[f"{task}_confidence"]
        verdict = _verdict(saved, task, answer[f"{task}_decision"], precision)
        lines.append(f"{task}: {verdict if suggested is None else f'{suggested} ({confidence:.3f}{verdict})'}")
    return "\n".join([*lines, *answers["problem"].dropna()])


def _verdict(saved: SavedModel, task: str, decision: str, precision: float) -> str:
    from benchmarks.serving.answers import FILLED, NO_EVIDENCE

    if decision == NO_EVIDENCE:
        return NO_EVIDENCE
    if saved.answering is None:
        return ""
    promise = saved.promise(task, precision)
    if promise is None:
        return f"; to review: validation promises {precision:.0%} precision at no threshold"
    said = "trusted" if decision == FILLED else "to review"
    return f"; {said}: threshold for {precision:.0%} {promise.threshold:.3f}"


@dataclass(frozen=True)
class AttentionOptions:
    """Which examples a figure shows: some of a data set, or one photo with its text.

    Attributes:
        dataset: see `cma-bench data list`.
        option: options of the data set.
        ids: examples of it, from any split; by default the first test examples that have a photo and a text.
        image: a photo, instead of a data set.
        text: its text.
    """

    dataset: str | None = None
    option: Pairs = ()
    ids: tuple[str, ...] = ()
    image: Path | None = None
    text: str | None = None


def attention(
    model: Positional[PlaceOption],
    shown: AttentionOptions,
    common: CommonOptions,
    out: Path = Path("attention.png"),
) -> None:
    """Draw where a saved model looks: attention from the most relevant word to the photo (the paper's figure 2).

    Args:
        model: a folder runs/experiments/KEY/model.
        shown: which examples.
        common: folders; --data NAME=DIR for data sets that are not embedded.
        out: the figure, .png or .svg.
    """
    from benchmarks.datasets import check_names

    options = pairs(shown.option)
    if shown.dataset is not None:
        check_names(shown.dataset, options)
    print(draw_attention(model, shown, options, out, common))


def draw_attention(
    folder: Path, shown: AttentionOptions, options: Mapping[str, Any], out: Path, common: CommonOptions
) -> str:
    """Draw where a saved model looks in the chosen examples; returns the words it looked from.

    Raises:
        ValueError: neither a data set nor a photo, or both; an example or a model without such attention.
    """
    from benchmarks.models import load
    from benchmarks.names import choose
    from benchmarks.records import store
    from benchmarks.reporting.figures.attention import attend, draw
    from benchmarks.reporting.figures.style import to_png, to_svg
    from cma_clip.places.copies import local_folder

    writers = {".png": to_png, ".svg": to_svg}
    write = writers[choose(out.suffix, writers, "kind of figure")]
    quiet()
    classifier: Any = load(local_folder(folder))
    examples = _examples(shown, options, common)
    attended = [attend(classifier, example) for example in examples]
    store.write_bytes(out, write(draw(attended)))
    lines = [f"{example.id}: {one.word!r} in {one.text!r}" for example, one in zip(examples, attended, strict=True)]
    return "\n".join([*lines, f"{out} shows where the model looks"])


def _examples(shown: AttentionOptions, options: Mapping[str, Any], common: CommonOptions) -> list[Example]:
    from benchmarks import datasets
    from benchmarks.datasets.loading.images import decode
    from cma_clip.types import Example

    if (shown.dataset is None) == (shown.image is None):
        raise ValueError(
            "name either examples of a data set (--dataset NAME --ids ...) or a photo (--image FILE --text T)"
        )
    if shown.image is not None:
        return [Example(shown.image.name, shown.image.name, decode(shown.image, str(shown.image)), shown.text)]
    name = str(shown.dataset)
    splits = datasets.load(name, common.source(name), options)
    if not shown.ids:
        texts = splits.test.texts()
        complete = (i for i, present in enumerate(splits.test.image_present()) if present and texts[i])
        return [splits.test[index] for index in islice(complete, EXAMPLES)]
    places = {id: (part, i) for part in splits.parts().values() for i, id in enumerate(part.ids())}
    if unknown := [id for id in shown.ids if id not in places]:
        some = ", ".join(islice(splits.test.ids(), EXAMPLES))
        raise ValueError(f"{name} has no examples {', '.join(unknown)}; its test split begins with {some}")
    return [part[index] for part, index in map(places.__getitem__, shown.ids)]
