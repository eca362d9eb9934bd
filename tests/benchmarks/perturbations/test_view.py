from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from benchmarks.names import UnknownName
from benchmarks.perturbations import PERTURBATIONS, PROTOCOLS, Condition, Step, at, protocol
from benchmarks.perturbations.view import CHANGES, Perturbed
from cma_clip.examples import ExampleList
from cma_clip.types import Example
from cma_clip.version import Version

WORDS = ["Brand", "Men", "Striped", "Navy", "Blue", "Casual", "Shirt", "with", "long", "sleeves", "and", "a", "collar"]
CHANGED = [name for name, found in PERTURBATIONS.items() if found.kind == "change"]
IMAGE_CHANGES = [name for name in CHANGED if PERTURBATIONS[name].touches == "image"]
TEXT_CHANGES = [name for name in CHANGED if PERTURBATIONS[name].touches == "text"]
ALL = [condition for found in PROTOCOLS.values() for condition in found.conditions]


def photo(seed, size=(48, 64)):
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(30, 226, (16, 12, 3), dtype=np.uint8))
    return small.resize(size, Image.Resampling.BICUBIC)


def shop(count=40, holes=True):
    """Every fifth without a photo, every seventh without a title, never both; pairs share a group."""
    return ExampleList(
        Example(
            f"p{n}",
            f"g{n // 2}",
            None if holes and n % 5 == 4 else photo(n),
            None if holes and n % 7 == 6 and n % 5 != 4 else f"{n} {' '.join(np.roll(WORDS, n))}",
            {"kind": n % 3},
        )
        for n in range(count)
    )


SHOP = shop()


def pixels(example):
    return None if example.image is None else np.asarray(example.image.convert("RGB"), dtype=float)


def same(one, other):
    if (one.image is None) != (other.image is None) or one.text != other.text:
        return False
    return one.image is None or np.array_equal(pixels(one), pixels(other))


@pytest.mark.parametrize("condition", ALL, ids=lambda condition: condition.name)
def test_ids_groups_labels_and_sizes_stay(condition):
    view = Perturbed(SHOP, condition)
    assert view.ids() == SHOP.ids()
    assert view.groups() == SHOP.groups()
    assert view.label_rows() == SHOP.label_rows()
    assert np.array_equal(view.labels("kind"), SHOP.labels("kind"))
    for before, after in zip(SHOP, view, strict=True):
        assert (after.id, after.group, after.labels) == (before.id, before.group, before.labels)
        assert after.image is not None or after.text is not None
        if before.image is not None and after.image is not None and "qmf" not in condition.name:
            assert "pdf" in condition.name or after.image.size == before.image.size


@pytest.mark.parametrize("condition", ALL, ids=lambda condition: condition.name)
def test_columns_say_what_the_examples_say(condition):
    view = Perturbed(SHOP, condition)
    examples = list(view)
    assert view.texts() == [example.text for example in examples]
    assert view.image_present().tolist() == [example.image is not None for example in examples]


@pytest.mark.parametrize("name", CHANGES)
@given(seed=st.integers(0, 10), index=st.integers(0, 39), severity=st.integers(1, 5))
@settings(max_examples=8, deadline=None)
def test_same_noise_in_any_order_subset_and_sequence(name, seed, index, severity):
    """What others are there, and what was asked before, does not matter."""
    condition = at(name, severity)
    order = np.random.default_rng(seed).permutation(40)[: max(1, seed * 4)]
    few = ExampleList([SHOP[index], *(SHOP[int(row)] for row in order if row != index)])
    assert same(Perturbed(few, condition)[0], Perturbed(SHOP, condition)[index])


@pytest.mark.parametrize("name", CHANGES)
def test_the_original_is_not_touched(name):
    before = [(pixels(example), example.text) for example in SHOP]
    list(Perturbed(SHOP, at(name, 5)))
    for (image, text), example in zip(before, SHOP, strict=True):
        assert text == example.text
        assert image is None or np.array_equal(image, pixels(example))


@pytest.mark.parametrize("name", IMAGE_CHANGES)
@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    mode=st.sampled_from(["RGB", "L", "RGBA", "P"]),
    severity=st.integers(1, 5),
    seed=st.integers(0, 99),
)
@settings(max_examples=12, deadline=None)
def test_photos_of_any_size_and_mode_stay_photos_of_that_size(name, size, mode, severity, seed):
    picture = photo(seed, size).convert(mode)
    before = picture.tobytes()
    changes = [CHANGES[name](picture, PERTURBATIONS[name].parameters[severity - 1], rng(seed)) for _ in range(2)]
    assert changes[0].tobytes() == changes[1].tobytes()
    assert picture.tobytes() == before
    assert changes[0].size == size or name.startswith("qmf_")


@pytest.mark.parametrize("name", TEXT_CHANGES)
@given(text=st.text(min_size=1, max_size=80), severity=st.integers(1, 5), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_texts_of_any_letters_stay_texts_and_gain_no_words(name, text, severity, seed):
    parameter = PERTURBATIONS[name].parameters[severity - 1]
    changed = CHANGES[name](text, parameter, rng(seed))
    assert changed == CHANGES[name](text, parameter, rng(seed))
    assert isinstance(changed, str)
    assert len(changed.split()) <= max(1, len(text.split()))


def rng(seed):
    return np.random.default_rng(seed)


def distance(name, severity):
    """Mean over examples of how far the changed modality is from the original."""
    whole = shop(holes=False)
    view = Perturbed(whole, at(name, severity))
    if PERTURBATIONS[name].touches == "image":
        resized = [example.image.resize(changed.image.size) for example, changed in zip(whole, view, strict=True)]
        pairs = zip(resized, view, strict=True)
        return np.mean([np.abs(np.asarray(a, float) - pixels(b)).mean() for a, b in pairs])
    pairs = zip(whole.texts(), view.texts(), strict=True)
    return np.mean([sum(x != y for x, y in zip(a.ljust(200), b.ljust(200), strict=True)) for a, b in pairs])


@pytest.mark.parametrize("name", CHANGED)
def test_damage_grows_with_severity(name):
    distances = [distance(name, severity) for severity in range(1, 6)]
    assert distances[0] > 0
    assert all(more >= less for less, more in pairwise(distances)), distances
    assert distances[-1] > 1.3 * distances[0]


@pytest.mark.parametrize("name", ["missing_image", "missing_text", "missing_either"])
def test_missing_is_nested_and_close_to_its_rate(name):
    whole = shop(2000, holes=False)
    lost = []
    for severity in range(1, 7):
        view = Perturbed(whole, at(name, severity))
        gone = {"image": ~view.image_present(), "text": np.array([text is None for text in view.texts()])}
        assert not (gone["image"] & gone["text"]).any()
        hit = gone["image"] | gone["text"]
        assert hit.mean() == pytest.approx(PERTURBATIONS[name].parameters[severity - 1], abs=0.03)
        lost.append(hit)
        if name == "missing_either":
            assert gone["image"].sum() == pytest.approx(hit.sum() / 2, rel=0.2)
    assert all((less <= more).all() for less, more in pairwise(lost))


@pytest.mark.parametrize(("name", "side"), [("wrong_image", "image"), ("wrong_text", "text")])
def test_a_wrong_modality_is_that_of_another_group(name, side):
    view = Perturbed(SHOP, at(name, 5))
    replaced = 0
    for before, after in zip(SHOP, view, strict=True):
        if getattr(before, side) is None:
            assert getattr(after, side) is None
            continue
        if side == "text":
            (donor,) = (example for example in SHOP if example.text == after.text)
        else:
            (donor,) = (e for e in SHOP if e.image is not None and np.array_equal(pixels(e), pixels(after)))
        assert donor.group != before.group
        replaced += 1
    assert replaced > 30


@pytest.mark.parametrize("name", ["wrong_image", "wrong_text"])
def test_what_is_put_in_does_not_depend_on_the_order(name):
    order = np.random.default_rng(0).permutation(len(SHOP)).tolist()
    straight, shuffled = (Perturbed(ExampleList(SHOP[row] for row in rows), at(name, 5)) for rows in (range(40), order))
    assert all(same(shuffled[place], straight[row]) for place, row in enumerate(order))


def test_without_another_group_nothing_can_be_put_in():
    alone = ExampleList([Example("a", "g", photo(1), "red"), Example("b", "g", photo(2), "blue")])
    with pytest.raises(ValueError, match="wrong_text of example 'a': no other group"):
        Perturbed(alone, at("wrong_text", 5)).texts()


def test_every_chosen_word_changes_its_place():
    words = [f"w{n}" for n in range(9)]
    for n in range(20):
        moved = CHANGES["shuffle"](" ".join(words), 1.0, np.random.default_rng(n)).split()
        assert sorted(moved) == words
        assert all(before != after for before, after in zip(words, moved, strict=True))
    assert CHANGES["shuffle"]("alone", 1.0, np.random.default_rng(0)) == "alone"


def test_another_version_has_other_fingerprints(monkeypatch):
    named = shop()
    named.fingerprint = "shop"
    before = {name: Perturbed(named, at(name, 3)).fingerprint for name in ("blur", "jpeg")}
    monkeypatch.setitem(PERTURBATIONS, "blur", replace(PERTURBATIONS["blur"], version=Version(3, "exact", "wider")))
    assert Perturbed(named, at("blur", 3)).fingerprint != before["blur"]
    assert Perturbed(named, at("jpeg", 3)).fingerprint == before["jpeg"]


def test_fingerprints_name_what_is_changed():
    named = shop()
    named.fingerprint = "shop"
    noise, drop, lost = at("gaussian_noise", 3), at("token_drop", 3), at("missing_either", 3)
    views = {condition.name: Perturbed(named, condition) for condition in (noise, drop, lost)}
    assert len({view.fingerprint for view in views.values()} | {"shop"}) == 4
    assert Perturbed(named, at("gaussian_noise", 4)).fingerprint != views[noise.name].fingerprint
    assert Perturbed(SHOP, noise).fingerprint is None


def test_what_is_not_changed_is_computed_of_the_source():
    noise, drop, lost = (Perturbed(SHOP, at(name, 3)) for name in ("gaussian_noise", "token_drop", "missing_either"))
    assert (noise.image_source, noise.text_source) == (noise, SHOP)
    assert (drop.image_source, drop.text_source) == (SHOP, drop)
    assert (lost.image_source, lost.text_source) == (SHOP, SHOP)  # what is missing here is there
    assert Perturbed(drop, at("missing_image", 3)).text_source is drop


def test_severities_are_named_by_level_or_share():
    assert at("blur", 2).name == "blur@2"
    assert at("missing_image", 4).name == "missing_image@70%"
    assert [condition.name for condition in PROTOCOLS["robustness"].conditions][-6:] == [
        f"missing_either@{rate}%" for rate in (10, 30, 50, 70, 90, 100)
    ]
    for severity in (0, 6):
        with pytest.raises(UnknownName, match=f"blur has no severity {severity}; valid: 1 to 5"):
            at("blur", severity)
    with pytest.raises(UnknownName, match="'blurr'; did you mean 'blur'"):
        at("blurr", 1)
    with pytest.raises(UnknownName, match="'robust'; did you mean 'robustness'"):
        protocol("robust")


def test_steps_follow_each_other():
    two = Condition("two", (Step("token_mask", 1.0), Step("truncation", 0.5)))
    (text,) = Perturbed(ExampleList([Example("a", "g", None, "one two three four")]), two).texts()
    assert text == "_ _"


@pytest.mark.parametrize("name", PROTOCOLS)
def test_condition_names_are_unique_and_the_note_names_the_preset(name):
    names = [condition.name for condition in PROTOCOLS[name].conditions]
    assert len(set(names)) == len(names)
    assert name.removesuffix("-image").removesuffix("-text") in PROTOCOLS[name].note


def test_every_severity_of_every_kind_is_a_protocol_of_its_own():
    assert protocol("blur@2").conditions == (at("blur", 2),)
    assert protocol("missing_image@1").conditions == (at("missing_image", 1),)
    assert "training is clean" in protocol("blur@2").note
    with pytest.raises(UnknownName, match="blur has no severity 9"):
        protocol("blur@9")
    with pytest.raises(UnknownName, match="'blurr@2'"):
        protocol("blurr@2")


def test_two_steps_that_remove_are_refused():
    both = Condition("both", (Step("missing_image", 1.0), Step("missing_text", 1.0)))
    with pytest.raises(ValueError, match="both: two steps that remove a modality could leave an example none"):
        Perturbed(SHOP, both)
