import numpy as np
import pytest
from scipy.sparse import csr_array, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from baselines.tfidf_image import TfidfImageConfig, TfidfImageLogistic
from cma_clip.backbone.loading import load_backbone
from cma_clip.classifier import Workspace
from cma_clip.features.processing import Processor
from cma_clip.features.token_features import token_features
from tests.products import TASKS, changed, products

TRAIN, TEST = products(40, seed=1, holes=False), products(20, seed=2, holes=False)


def test_it_is_one_regression_over_words_and_embeddings(tiny):
    model = TfidfImageLogistic(TASKS, TfidfImageConfig(backbone=tiny, image_weight=2.0, C=3.0))
    model.fit(TRAIN, TEST)
    backbone = load_backbone(tiny)
    embeddings = [
        token_features(backbone, Processor(backbone), examples, Workspace()).pooled("image_embedding")
        for examples in (TRAIN, TEST)
    ]
    scaler = StandardScaler().fit(embeddings[0])
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b").fit(TRAIN.texts())
    train, test = (
        hstack(
            [csr_array(words.transform(x.texts())), csr_array(2 * scaler.transform(found) / np.sqrt(found.shape[1]))],
            format="csr",
        )
        for x, found in zip((TRAIN, TEST), embeddings, strict=True)
    )
    for task in TASKS:
        fitted = LogisticRegression(C=3.0, max_iter=200).fit(train, TRAIN.labels(task.name))
        expected = fitted.predict_proba(test)
        np.testing.assert_allclose(model.predict(TEST).probabilities[task.name], expected, atol=1e-4)


@pytest.mark.parametrize("lost", ["image", "text"])
def test_a_missing_modality_is_the_mean(tiny, lost):
    model = TfidfImageLogistic(TASKS, TfidfImageConfig(backbone=tiny))
    model.fit(TRAIN, TEST)
    bare = model.predict(changed(TEST, **{lost: None})).probabilities["color"]
    assert np.isfinite(bare).all()
    both = model.predict(changed(TEST, image=None, text=None)).probabilities["color"]
    np.testing.assert_allclose(both, np.broadcast_to(both[0], both.shape))
