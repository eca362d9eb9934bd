from benchmarks.seeding import seed_of


def test_a_seed_depends_on_its_names_and_their_order():
    assert seed_of("model", 0) == seed_of("model", 0)
    names = [("model", 0), (0, "model"), ("model", 1), ("model",), ("mode", "l", 0), ("model0",)]
    assert len({seed_of(*name) for name in names}) == len(names)


def test_seeds_are_the_same_in_every_process():
    assert seed_of("model", "catalog", "cma_clip", 0) == 2162738012


def test_seeds_fit_every_generator():
    assert all(0 <= seed_of("seed", number) < 2**32 for number in range(1000))
