"""The models in the order of every table and figure, by what a suite gives them alike."""

FLOORS = ("majority", "class_name_match", "tfidf_logistic")
OVER_CLIP = (
    "tfidf_image_logistic",
    "zero_shot_image",
    "zero_shot_text",
    "zero_shot",
    "fine_tuned_clip",
    "flyp",
    "linear_probe",
    "lp_ft",
)
NETWORKS = (
    "image_only",
    "text_only",
    "late_fusion",
    "concat_fusion",
    "mmbt",
    "cma_clip_wo_ma",
    "cma_clip_wo_sa",
    "cma_clip_wo_ma_sa",
    "cma_clip",
)
MODEL_ORDER = (*FLOORS, *OVER_CLIP, *NETWORKS)
"""The order of every table and figure; a test holds it equal to the keys of `models.MODELS`."""

FURTHER_FINE_TUNING = ("flyp", "lp_ft")
"""Two more ways to fine-tune CLIP than the paper's, each at the cost of `fine_tuned_clip`: not every suite has them."""
MODELS_OF_ANY_SUITE = tuple(model for model in MODEL_ORDER if model not in FURTHER_FINE_TUNING)

SHARED = {
    "backbone": OVER_CLIP,
    "text_windows": tuple(model for model in OVER_CLIP if model != "tfidf_image_logistic"),
}
"""Of a suite's budget, what models over CLIP that are no networks get too, where they have it: all rows of a table read
the same."""
