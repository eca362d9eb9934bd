"""From probabilities to answers with a promised precision. Imports no torch."""

from cma_clip.answering.answering import Answering, Answers
from cma_clip.answering.thresholds import Point

__all__ = ["Answering", "Answers", "Point"]
