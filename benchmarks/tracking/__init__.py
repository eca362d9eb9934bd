"""MLflow: a mirror of what the records say, for comparing in its UI. The only package that imports mlflow.

A suite is a parent run, an experiment its child. Tracking that fails costs one warning, never a result.
"""

from benchmarks.tracking.connection import OFF, TrackingWarning, default_uri
from benchmarks.tracking.tracked_run import TrackedRun
from benchmarks.tracking.tracker import NoTracker, Tracker, open_tracker

__all__ = ["OFF", "NoTracker", "TrackedRun", "Tracker", "TrackingWarning", "default_uri", "open_tracker"]
