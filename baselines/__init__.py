"""The competitors, one file each, all behind `cma_clip.classifier.Classifier`. The order is that of the tables."""

from baselines.ablations import WithoutBoth, WithoutMA, WithoutSA
from baselines.class_name_match import ClassNameMatch
from baselines.concat_fusion import ConcatFusion
from baselines.fine_tuned_clip import FineTunedCLIP
from baselines.flyp import FLYP
from baselines.late_fusion import LateFusion
from baselines.linear_probe import LinearProbe
from baselines.lp_ft import LPFT
from baselines.majority import Majority
from baselines.mmbt import MMBT
from baselines.tfidf import TfidfLogistic
from baselines.tfidf_image import TfidfImageLogistic
from baselines.unimodal import ImageOnly, TextOnly
from baselines.zero_shot import ZeroShot, ZeroShotImage, ZeroShotText
from cma_clip.classifier import Classifier

BASELINES: dict[str, type[Classifier]] = {
    "majority": Majority,
    "class_name_match": ClassNameMatch,
    "tfidf_logistic": TfidfLogistic,
    "tfidf_image_logistic": TfidfImageLogistic,
    "zero_shot_image": ZeroShotImage,
    "zero_shot_text": ZeroShotText,
    "zero_shot": ZeroShot,
    "fine_tuned_clip": FineTunedCLIP,
    "flyp": FLYP,
    "linear_probe": LinearProbe,
    "lp_ft": LPFT,
    "image_only": ImageOnly,
    "text_only": TextOnly,
    "late_fusion": LateFusion,
    "concat_fusion": ConcatFusion,
    "mmbt": MMBT,
    "cma_clip_wo_ma": WithoutMA,
    "cma_clip_wo_sa": WithoutSA,
    "cma_clip_wo_ma_sa": WithoutBoth,
}

__all__ = ["BASELINES"]
