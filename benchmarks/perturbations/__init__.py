"""What test examples go through: perturbations with five severities each, and named protocols made of them.

Noise depends on (perturbation, parameter, example id) alone: every model, in any order, on any number of workers,
meets the same. Importing this is cheap; Pillow and torchvision are loaded when an image is changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from benchmarks.names import UnknownName, choose
from benchmarks.records.record import CLEAN
from cma_clip.version import Version

Touches = Literal["image", "text", "either"]
"""What a perturbation changes: photos, texts, or one of the two of every example it hits."""

Kind = Literal["change", "replace", "remove"]
"""A modality is changed by a function, replaced by that of another example, or removed."""


@dataclass(frozen=True)
class Perturbation:
    """One kind of damage.

    Attributes:
        parameters: of severities 1, 2, ...; six for missing modalities, five for all others.
        means: the unit of the parameter.
    """

    touches: Touches
    parameters: tuple[float, ...]
    means: str
    kind: Kind = "change"
    version: Version = Version(1)


_SHARE = (0.2, 0.4, 0.6, 0.8, 1.0)
_MISSING = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
_HIT = "share of the examples hit"

PERTURBATIONS: dict[str, Perturbation] = {
    "gaussian_noise": Perturbation("image", (10, 25, 50, 75, 100), "standard deviation of pixels from 0 to 255"),
    "salt_and_pepper": Perturbation("image", (0.02, 0.05, 0.1, 0.2, 0.3), "share of the pixels"),
    "blur": Perturbation(
        "image",
        (0.01, 0.02, 0.03, 0.05, 0.08),
        "sigma as a share of the shorter side",
        version=Version(2, "summed in whole numbers: the same pixels on every processor"),
    ),
    "jpeg": Perturbation("image", (50, 30, 15, 8, 4), "quality"),
    "brightness_contrast": Perturbation("image", (0.1, 0.2, 0.3, 0.4, 0.5), "relative change of both"),
    "occlusion": Perturbation("image", (0.1, 0.2, 0.3, 0.4, 0.5), "share of the area hidden"),
    "downscale": Perturbation("image", (0.6, 0.45, 0.3, 0.2, 0.1), "factor of both sides"),
    "wrong_image": Perturbation("image", _SHARE, _HIT, "replace"),
    "token_drop": Perturbation("text", (0.1, 0.2, 0.3, 0.5, 0.7), "share of the words lost"),
    "token_mask": Perturbation("text", (0.1, 0.2, 0.4, 0.6, 0.8), 'share of the words replaced by "_"'),
    "typos": Perturbation("text", (0.02, 0.05, 0.1, 0.15, 0.2), "share of the letters mistyped"),
    "shuffle": Perturbation("text", _SHARE, "share of the words that change places"),
    "truncation": Perturbation("text", (0.8, 0.65, 0.5, 0.35, 0.2), "share of the words kept"),
    "wrong_text": Perturbation("text", _SHARE, _HIT, "replace"),
    "missing_image": Perturbation("image", _MISSING, _HIT, "remove"),
    "missing_text": Perturbation("text", _MISSING, _HIT, "remove"),
    "missing_either": Perturbation("either", _MISSING, _HIT, "remove"),
    "qmf_gaussian": Perturbation("image", (1, 3, 5, 7, 10), "epsilon of QMF; the standard deviation is 10 times it"),
    "qmf_gaussian_wrapped": Perturbation("image", (1, 3, 5, 7, 10), "epsilon of QMF"),
    "qmf_salt": Perturbation("image", (0.02, 0.05, 0.1, 0.2, 0.3), "share of the pixels"),
}


@dataclass(frozen=True)
class Step:
    """A perturbation with its parameter. `rate`: the share of the examples it hits, chosen by their ids."""

    perturbation: str
    parameter: float
    rate: float = 1.0


@dataclass(frozen=True)
class Condition:
    """What the examples of a split go through, one step after the other, under a name."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Protocol:
    """A named preset.

    Attributes:
        conditions: what the test split goes through, one after the other, beside the clean one.
        train: what the training and validation splits go through.
        note: stands under every table.
    """

    conditions: tuple[Condition, ...]
    note: str
    train: Condition | None = None
    version: Version = Version(1)


def at(perturbation: str, severity: int) -> Condition:
    """The perturbation at a severity, counted from 1; the condition of a share is named by its per cent.

    Raises:
        UnknownName: an unknown perturbation or severity, with the valid ones.
    """
    found = PERTURBATIONS[choose(perturbation, PERTURBATIONS, "perturbation")]
    if not 1 <= severity <= len(found.parameters):
        raise UnknownName(f"{perturbation} has no severity {severity}; valid: 1 to {len(found.parameters)}")
    parameter = found.parameters[severity - 1]
    level = round(100 * parameter) if found.means == _HIT else severity
    if found.means == _HIT:
        return Condition(f"{perturbation}@{level}%", (_hitting(perturbation, parameter),))
    return Condition(f"{perturbation}@{level}", (Step(perturbation, parameter),))


def _hitting(perturbation: str, rate: float) -> Step:
    return Step(perturbation, 1.0, rate)


def _qmf(epsilon: float, image: str, parameter: float, image_rate: float) -> tuple[Step, ...]:
    """Photo and text are hit independently, the text at one half, every word of it at epsilon / 10."""
    return Step(image, parameter, image_rate), Step("token_mask", epsilon / 10, 0.5)


def _published(name: str, image: str, rate: Mapping[int, float]) -> tuple[Condition, ...]:
    parameter = {"qmf_salt": 0.1}
    return tuple(
        Condition(f"{name}@{epsilon}", _qmf(epsilon, image, parameter.get(image, epsilon), rate[epsilon]))
        for epsilon in rate
    )


_LIKE = (
    "same distribution as the published code, not the same draws; noise is added to photos of a shorter side of "
    "256 pixels"
)
_MISSING_NOTE = (
    "missing-70: 70 % of the examples of training and validation lack a modality (half of them the photo, half the "
    "text; -image, -text: always that one), and so many of the test examples under each condition; which ones is "
    "fixed by their ids, rule missing-70/v1; an example never loses its only modality. "
    "A missing modality is absent for the models; the published "
    "code puts in a constant image or an empty text instead."
)

PROTOCOLS: dict[str, Protocol] = {
    CLEAN: Protocol((), "clean: nothing is changed."),
    "plain": Protocol(
        tuple(
            Condition(f"plain@{epsilon}", (Step("gaussian_noise", 10 * epsilon), Step("token_mask", epsilon / 10)))
            for epsilon in (5, 10)
        ),
        "plain: every photo gets Gaussian noise of standard deviation 10 * epsilon, clipped, and every word becomes "
        '"_" with probability epsilon / 10.',
    ),
    "qmf-like": Protocol(
        _published("qmf-like", "qmf_gaussian", {5: 0.5, 10: 0.5}),
        "qmf-like: half of the photos get one channel of Gaussian noise of standard deviation 10 * epsilon over RGB, "
        f'half of the texts have words replaced by "_" with probability epsilon / 10; {_LIKE}; clipped.',
    ),
    "qmf-like-wrapped": Protocol(
        _published("qmf-like-wrapped", "qmf_gaussian_wrapped", {5: 0.5, 10: 0.5}),
        f"qmf-like-wrapped: qmf-like, with pixels below 0 wrapped around as the published code does on x86; {_LIKE}.",
    ),
    "pdf-salt": Protocol(
        _published("pdf-salt", "qmf_salt", {5: 0.25, 10: 0.5}),
        "pdf-salt: 10 % salt and pepper on a share of 0.5 * epsilon / 10 of the photos (PDF's rule; QMF's code hits a "
        f'tenth of them under the same name), words replaced by "_" as in qmf-like; {_LIKE}.',
    ),
    "missing-70": Protocol(
        (at("missing_either", 4), at("missing_image", 4), at("missing_text", 4)), _MISSING_NOTE, at("missing_either", 4)
    ),
    "missing-70-image": Protocol((at("missing_image", 4),), _MISSING_NOTE, at("missing_image", 4)),
    "missing-70-text": Protocol((at("missing_text", 4),), _MISSING_NOTE, at("missing_text", 4)),
    "robustness": Protocol(
        tuple(
            at(name, severity)
            for name, perturbation in PERTURBATIONS.items()
            if not name.startswith("qmf_")
            for severity in ((1, 2, 3, 4, 5, 6) if perturbation.kind == "remove" else (1, 3, 5))
        ),
        "robustness: every perturbation at severities 1, 3 and 5, missing modalities at six rates; an "
        "example never loses its only modality; training is clean.",
    ),
}


def protocol(name: str) -> Protocol:
    """A preset by name, or one perturbation at a severity: blur@2.

    Raises:
        UnknownName: an unknown name, with the valid ones.
    """
    kind, _, severity = name.partition("@")
    if kind in PERTURBATIONS and severity.isdecimal():
        return Protocol((at(kind, int(severity)),), f"{name}: {PERTURBATIONS[kind].means}; training is clean.")
    return PROTOCOLS[choose(name, PROTOCOLS, "protocol")]
