"""Speed of drawing: at least 300 products a second on one core at 64 px is asked for."""

import pytest

from benchmarks.datasets.catalog import CatalogOptions, product, rows

COUNT = 200


@pytest.mark.parametrize("image_size", [64, 224])
def test_products(benchmark, image_size):
    options = CatalogOptions(image_size=image_size)
    benchmark.extra_info["products"] = COUNT
    made = benchmark.pedantic(lambda: [product(index, options) for index in range(COUNT)], rounds=3)
    assert len(made) == COUNT


def test_rows_with_photos(benchmark):
    options = CatalogOptions(num_train=COUNT, num_val=1, num_test=1)
    benchmark.extra_info["products"] = COUNT + 2
    made = benchmark.pedantic(lambda: list(rows(options)), rounds=3)
    assert len(made) == COUNT + 2
