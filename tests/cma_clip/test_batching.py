import numpy as np
import pytest

from cma_clip.features.batching import POOL, OrderedRows, RowBatches, ShuffledRows, by_length, loader


def rows_of(sampler):
    return [row for rows in sampler for row in rows]


def lengths_of(rows, seed=0):
    return np.random.default_rng(seed).integers(1, 33, rows)


@pytest.mark.parametrize(("rows", "batch_size"), [(10, 3), (9, 3), (2, 5), (1, 1)])
def test_an_epoch_is_a_permutation(rows, batch_size):
    sampler = ShuffledRows(rows, batch_size, seed=0)
    for epoch in range(3):
        sampler.set_epoch(epoch)
        batches = list(sampler)
        assert sorted(rows_of(batches)) == list(range(rows))
        assert len(batches) == len(sampler)
        assert all(len(batch) == batch_size for batch in batches[:-1])


def test_order_depends_on_seed_and_epoch_only():
    def order(seed, epoch):
        sampler = ShuffledRows(50, 8, seed)
        sampler.set_epoch(epoch)
        return rows_of(sampler)

    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 0)
    assert order(0, 1) != order(1, 1)


def test_drop_last_gives_full_batches_only():
    assert [len(batch) for batch in ShuffledRows(10, 4, seed=0, drop_last=True)] == [4, 4]


def test_replicas_share_the_rows_in_equal_parts():
    parts = [list(ShuffledRows(11, 2, seed=0, rank=rank, replicas=2)) for rank in range(2)]
    assert [len(rows_of(part)) for part in parts] == [5, 5]
    assert len(set(rows_of(parts[0])) | set(rows_of(parts[1]))) == 10
    assert [len(part) for part in parts] == [3, 3]


def padding(batches, lengths):
    """Share of the positions, if every batch is as long as its longest row."""
    return 1 - lengths.sum() / sum(len(batch) * lengths[batch].max() for batch in batches)


def test_batches_of_prediction_hold_rows_of_similar_length():
    lengths = lengths_of(POOL * 16 + 5)
    assert padding(OrderedRows(len(lengths), 16), lengths) > 0.4
    assert padding(OrderedRows(len(lengths), 16, lengths), lengths) < 0.05


def test_rows_are_sorted_part_by_part_and_equal_ones_keep_their_order():
    lengths = np.array([3, 1, 2, 1, 3, 1])
    assert by_length(np.arange(6), lengths, 4).tolist() == [1, 3, 2, 0, 5, 4]
    assert by_length(np.arange(0), lengths, 4).tolist() == []


def test_ordered_rows_are_all_rows_in_order():
    sampler = OrderedRows(7, 3)
    assert list(sampler) == [[0, 1, 2], [3, 4, 5], [6]]
    assert len(sampler) == 3


def test_ordered_rows_of_similar_length_can_be_put_back():
    lengths = lengths_of(50)
    sampler = OrderedRows(50, 8, lengths)
    assert rows_of(sampler) == sampler.order.tolist()
    assert sampler.order[np.argsort(sampler.order)].tolist() == list(range(50))
    assert rows_of(sampler) == sorted(range(50), key=lambda row: (lengths[row], row))


def test_loader_hands_out_whole_batches():
    batches = loader(RowBatches(5, lambda rows: {"sum": sum(rows)}), OrderedRows(5, 2))
    assert list(batches) == [{"sum": 1}, {"sum": 5}, {"sum": 4}]
    assert len(batches) == 3
