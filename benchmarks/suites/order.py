"""The models in the order of every table and figure, by what a suite gives them alike."""

FLOORS = ("majority", "class_name_match", "tfidf_logistic")
ZERO_SHOT = ("zero_shot_image", "zero_shot_text", "zero_shot", "fine_tuned_clip", "linear_probe")
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
MODEL_ORDER = (*FLOORS, *ZERO_SHOT, *NETWORKS)
"""The order of every table and figure; a test holds it equal to the keys of `models.MODELS`."""

SHARED = ("backbone", "text_windows")
"""Of a suite's budget, what the models over CLIP as it is get too: all rows of a table read the same."""
