import pandas as pd
import pytest

from benchmarks.models import MODELS, create
from benchmarks.serving import SavedModel
from cma_clip.answering import Answering
from cma_clip.classifier import Workspace
from tests.products import TASKS, products

SMALL = {"max_epochs": 2, "batch_size": 8, "width": 16, "depth": 1, "heads": 2, "hidden": 16}


@pytest.fixture(scope="session")
def saved(tiny):
    """Name -> a model fitted on the tiny shop, with what its validation rows promise. Fitted when first asked for."""
    made = {}

    def model(name):
        if name not in made:
            fields = MODELS[name].Config.model_fields
            config = {field: value for field, value in {"backbone": tiny, **SMALL}.items() if field in fields}
            classifier = create(name, config, TASKS, 0, Workspace())
            classifier.fit(products(24, seed=1), products(12, seed=2))
            made[name] = SavedModel(classifier, Answering.of(classifier.predict(products(40, seed=4, holes=False))))
        return made[name]

    return model


@pytest.fixture
def shop():
    """(13 products, the table of them: photos as pixels, some colors known, columns that are nobody's business)."""
    examples = products(13, seed=3)
    colors = ["red" if number % 3 == 0 else "" for number in range(13)]
    frame = pd.DataFrame(
        {
            "sku": range(13),
            "image": pd.Series([e.image for e in examples], dtype=object),
            "color": colors,
            "text": [e.text for e in examples],
            "price": 1.5,
        }
    ).set_axis([f"p{n // 2}" for n in range(13)])  # an index that names rows twice
    return examples, frame
