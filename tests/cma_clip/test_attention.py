import pytest
import torch

from cma_clip.attention import EncoderLayer, ModalityAttention, Places, SequenceAttention, fuse, mean_weights
from cma_clip.tensors import Features

PRESENT = torch.tensor([[True, True], [True, False], [False, True]])


def features(seed=0, words=4, text_present=(True, True, False), image_present=(True, False, True)):
    generator = torch.Generator().manual_seed(seed)

    def states(*shape):
        return torch.randn(3, *shape, generator=generator)

    text_present, image_present = torch.tensor(text_present), torch.tensor(image_present)
    return Features(
        text_tokens=states(words, 10),
        word_embeddings=states(words, 7),
        text_mask=(torch.arange(words) < torch.tensor([[words], [2], [1]])) & text_present[:, None],
        text_cls=states(10),
        text_embedding=states(6),
        image_tokens=states(5, 12),
        image_cls=states(12),
        image_embedding=states(6),
        text_present=text_present,
        image_present=image_present,
    )


@pytest.fixture
def sequence():
    torch.manual_seed(0)
    return SequenceAttention(10, 12, width=8, depth=2, heads=2, dropout=0.1, word_width=7).eval()


def places_of(mask, real):
    return Places.of(mask, (slice(None), real))


def test_first_tokens_are_those_of_the_full_layer():
    torch.manual_seed(0)
    layer = EncoderLayer(8, 2, dropout=0.1).eval()
    x, mask = torch.randn(3, 7, 8), torch.rand(3, 7) < 0.7
    mask[:, 0] = True
    places = Places.of(mask, (slice(0, 6, 5), None), (slice(1, 5), None), (slice(6, 7), None))
    tokens = x.flatten(0, 1)[places.index]
    torch.testing.assert_close(layer(tokens, places, 2), layer(tokens, places)[:6])


@pytest.mark.parametrize("seed", range(3))
def test_tokens_without_padding_get_the_states_they_get_with_it(seed):
    torch.manual_seed(seed)
    layer = EncoderLayer(8, 2, dropout=0.0)
    x, real = torch.randn(4, 9, 8, requires_grad=True), torch.rand(4, 9) < 0.5
    real[:, 0] = True
    whole, packed = places_of(real, torch.ones_like(real)), places_of(real, real)
    with_padding = whole.padded(layer(whole.taken(x), whole))[real]
    without = layer(packed.taken(x), packed)
    torch.testing.assert_close(without, with_padding)
    assert len(without) == real.sum()
    found = [torch.autograd.grad(states.square().sum(), x, retain_graph=True)[0] for states in (without, with_padding)]
    torch.testing.assert_close(*found)
    assert (found[0][~real] == 0).all()


def test_attention_is_what_every_layer_computes_inside(sequence):
    """Weights applied by hand to the last layer's values give the very output of `forward`."""
    given, last = features(), sequence.layers[-1]
    weights = sequence.attention(given)
    assert weights.shape == (2, 3, 2, 11, 11)  # 4 words, 5 patches, 2 CLS
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3, 2, 11))
    x, places = sequence._sequence(given, torch.stack(sequence.project(given.text_cls, given.image_cls), dim=1))
    assert (weights * ~places.mask[None, :, None, None]).abs().max() == 0
    x = sequence.layers[0](x, places)
    value = last._split(places.padded(last.key_value(last.norm_attention(x)).chunk(2, dim=-1)[1]))
    x = x + last.out(places.taken((weights[-1] @ value).transpose(1, 2).flatten(2)))
    x = x + last.mlp(last.norm_mlp(x))
    torch.testing.assert_close(sequence.norm(places.padded(x)[:, [0, 5]]), sequence(given))


def test_layer_equals_pytorchs_own():
    """The same weights in `nn.TransformerEncoderLayer` give the same states."""
    torch.manual_seed(0)
    ours = EncoderLayer(8, 2, dropout=0.0).eval()
    theirs = torch.nn.TransformerEncoderLayer(8, 2, 32, 0.0, "gelu", batch_first=True, norm_first=True)
    attention = theirs.self_attn
    with torch.no_grad():
        attention.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key_value.weight]))
        attention.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key_value.bias]))
    pairs = [
        (attention.out_proj, ours.out),
        (theirs.norm1, ours.norm_attention),
        (theirs.norm2, ours.norm_mlp),
        (theirs.linear1, ours.mlp[0]),
        (theirs.linear2, ours.mlp[2]),
    ]
    for module, source in pairs:
        module.load_state_dict(source.state_dict())
    x, mask = torch.randn(3, 7, 8), torch.rand(3, 7) < 0.7
    mask[:, 0] = True
    places = places_of(mask, torch.ones_like(mask))
    states = places.padded(ours(places.taken(x), places))
    torch.testing.assert_close(states, theirs(x, src_key_padding_mask=~mask))  # in training mode: no fast path


def test_width_must_fit_the_heads():
    with pytest.raises(ValueError, match="width 8 is not a multiple of 3 heads"):
        EncoderLayer(8, 3, dropout=0.0)


def test_padding_changes_nothing(sequence):
    from dataclasses import replace

    short = features()
    padded = replace(
        short,
        text_tokens=torch.cat([short.text_tokens, torch.full((3, 2, 10), 99.0)], dim=1),
        word_embeddings=torch.cat([short.word_embeddings, torch.full((3, 2, 7), 99.0)], dim=1),
        text_mask=torch.cat([short.text_mask, torch.zeros(3, 2, dtype=torch.bool)], dim=1),
    )
    torch.testing.assert_close(sequence(padded), sequence(short))
    torch.testing.assert_close(sequence(padded.trimmed()), sequence(short))


def test_missing_modality_is_seen_by_nobody(sequence):
    from dataclasses import replace

    one, other = features(seed=0), features(seed=1)
    text = {"text_tokens": one.text_tokens, "text_cls": one.text_cls, "word_embeddings": one.word_embeddings}
    blend = replace(other, **text)  # rows 1 differ in the photo only
    torch.testing.assert_close(sequence(blend)[1, 0], sequence(one)[1, 0])
    blend = replace(other, image_tokens=one.image_tokens, image_cls=one.image_cls)  # rows 2 differ in the text only
    torch.testing.assert_close(sequence(blend)[2, 1], sequence(one)[2, 1])
    assert not torch.allclose(sequence(blend)[0, 1], sequence(one)[0, 1])  # where there is a text, it is heard


def test_words_keep_what_the_text_tower_started_from(sequence):
    from dataclasses import replace

    one = features()
    other = replace(one, word_embeddings=one.word_embeddings + torch.randn(7))
    assert not torch.allclose(sequence(other)[:2], sequence(one)[:2])
    torch.testing.assert_close(sequence(other)[2, 1], sequence(one)[2, 1])  # no text there
    torch.manual_seed(0)
    without = SequenceAttention(10, 12, width=8, depth=2, heads=2, dropout=0.1).eval()
    torch.testing.assert_close(without(other), without(one))


def test_permuted_patches_change_nothing(sequence):
    """The backbone has put positions into its states; the fusion adds none."""
    from dataclasses import replace

    straight = features()
    permuted = replace(straight, image_tokens=straight.image_tokens[:, [3, 0, 4, 1, 2]])
    torch.testing.assert_close(sequence(permuted), sequence(straight))


def test_depth_0_is_the_projected_states():
    sequence = SequenceAttention(10, 12, width=8, depth=0, heads=2, dropout=0.1).eval()
    given = features()
    expected = torch.stack(sequence.project(given.text_cls, given.image_cls), dim=1)
    torch.testing.assert_close(sequence(given), sequence.norm(expected))


@pytest.mark.parametrize("vectors", ["shared", "per_modality"])
def test_modality_weights_are_a_distribution_over_what_is_there(vectors):
    torch.manual_seed(0)
    attention = ModalityAttention(8, num_tasks=3, vectors=vectors)
    x = torch.randn(3, 2, 8)
    fused, weights = attention(x, PRESENT)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(3, 3))
    assert weights[1].tolist() == [[1.0, 0.0]] * 3
    assert weights[2].tolist() == [[0.0, 1.0]] * 3
    torch.testing.assert_close(fused[1], x[1, 0].expand(3, -1))


@pytest.mark.parametrize(("vectors", "count"), [("shared", 1), ("per_modality", 2)])
def test_modality_weights_by_hand(vectors, count):
    attention = ModalityAttention(2, num_tasks=1, vectors=vectors)
    w = torch.tensor([[[1.0, 0.0], [0.0, 3.0]]])[:, :count]
    with torch.no_grad():
        attention.w.copy_(w)
    x = torch.tensor([[[1.0, 7.0], [5.0, 1.0]]])
    scores = torch.tensor([1.0, 5.0] if vectors == "shared" else [1.0, 3.0])
    expected = scores.softmax(0)
    fused, weights = attention(x, torch.tensor([[True, True]]))
    torch.testing.assert_close(weights[0, 0], expected)
    torch.testing.assert_close(fused[0, 0], expected[0] * x[0, 0] + expected[1] * x[0, 1])


def test_mean_weights_are_equal_over_what_is_there():
    assert mean_weights(PRESENT, 2).tolist() == [[[0.5, 0.5]] * 2, [[1, 0]] * 2, [[0, 1]] * 2]


def test_nothing_leaks_from_a_missing_modality_even_if_it_is_not_finite():
    x = torch.ones(3, 2, 4)
    x[1, 1] = float("nan")
    x[2, 0] = float("inf")
    assert torch.isfinite(fuse(mean_weights(PRESENT, 2), x, PRESENT)).all()
