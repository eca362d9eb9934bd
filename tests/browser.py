"""The browser that pages are opened in."""

import shutil

import pytest

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
needs_browser = pytest.mark.skipif(not BROWSER, reason="needs a browser: Debian's chromium, or google-chrome")
