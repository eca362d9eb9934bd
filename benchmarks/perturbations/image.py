"""Damage to photos: pure functions (image, parameter, rng) -> image of the same size, always RGB.

Pixels are counted from 0 to 255; sizes are shares of the photo, so that thumbnails and large photos suffer alike.
The parameters of severities 1 to 5 stand in `benchmarks.perturbations.PERTURBATIONS` and are our choice.
"""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage
from torchvision.transforms.v2 import functional as F

Rng = np.random.Generator
QMF_SIDE = 256
"""QMF and PDF add their noise after `Resize(256)`: to the photo with a shorter side of so many pixels."""


def gaussian_noise(image: Image.Image, std: float, rng: Rng) -> Image.Image:
    """Noise of its own for every pixel and channel, clipped."""
    pixels = np.asarray(image.convert("RGB"), dtype=np.float32)
    return _image(pixels + rng.normal(0, std, pixels.shape))


def salt_and_pepper(image: Image.Image, share: float, rng: Rng) -> Image.Image:
    """The share of the pixels is black or white."""
    pixels = np.array(image.convert("RGB"))
    draws = rng.random(pixels.shape[:2])
    pixels[draws < share] = 0
    pixels[draws < share / 2] = 255
    return Image.fromarray(pixels)


def blur(image: Image.Image, sigma: float, rng: Rng) -> Image.Image:
    """Gaussian blur; sigma is a share of the shorter side."""
    size = max(sigma * min(image.size), 0.1)
    half = round(3 * size)
    bell = np.exp(-0.5 * (np.arange(-half, half + 1) / size) ** 2)
    # Whole numbers below 2**53: these sums are exact, torchvision's change a pixel here and there with the processor.
    weights = np.rint(2**22 * bell / bell.sum())
    pixels = np.asarray(image.convert("RGB"), dtype=np.float64)
    for axis in (0, 1):
        pixels = ndimage.correlate1d(pixels, weights, axis, mode="mirror")
    return _image(pixels / weights.sum() ** 2)


def jpeg(image: Image.Image, quality: float, rng: Rng) -> Image.Image:
    """Compressed and decompressed; quality from 1 to 100."""
    compressed: Image.Image = F.jpeg(image.convert("RGB"), int(quality))
    return compressed


def brightness_contrast(image: Image.Image, change: float, rng: Rng) -> Image.Image:
    """Brightness and contrast multiplied by 1 + or - the change, each sign a coin's toss."""
    brighter, harder = np.where(rng.random(2) < 0.5, 1 + change, 1 - change)
    lit: Image.Image = F.adjust_contrast(F.adjust_brightness(image.convert("RGB"), float(brighter)), float(harder))
    return lit


def occlusion(image: Image.Image, share: float, rng: Rng) -> Image.Image:
    """A grey rectangle of the photo's proportions hides the share of its area."""
    hidden = image.convert("RGB").copy()
    width, height = (round(side * share**0.5) for side in image.size)
    left, top = rng.integers(image.width - width + 1), rng.integers(image.height - height + 1)
    hidden.paste((128, 128, 128), (int(left), int(top), int(left) + width, int(top) + height))
    return hidden


def downscale(image: Image.Image, factor: float, rng: Rng) -> Image.Image:
    """Both sides multiplied by the factor, then brought back."""
    small = [max(1, round(side * factor)) for side in image.size]
    reduced = image.convert("RGB").resize((small[0], small[1]), Image.Resampling.BOX)
    return reduced.resize(image.size, Image.Resampling.BICUBIC)


def qmf_gaussian(image: Image.Image, epsilon: float, rng: Rng, wrap: bool = False) -> Image.Image:
    """Noise of standard deviation 10 * epsilon, one channel of it repeated over RGB, as QMF and PDF add it.

    `wrap`: below 0 pixels wrap around (-1 becomes 255), as the published code's cast does on x86.
    """
    pixels = np.asarray(_shorter_side(image, QMF_SIDE), dtype=np.float32)
    noisy = pixels + rng.normal(0, 10 * epsilon, (*pixels.shape[:2], 1))
    if not wrap:
        return _image(noisy)
    return Image.fromarray(np.minimum(noisy, 255).astype(np.int64).astype(np.uint8))


def qmf_gaussian_wrapped(image: Image.Image, epsilon: float, rng: Rng) -> Image.Image:
    """`qmf_gaussian` with the wrap-around of the published code."""
    return qmf_gaussian(image, epsilon, rng, wrap=True)


def qmf_salt(image: Image.Image, share: float, rng: Rng) -> Image.Image:
    """`salt_and_pepper` on the photo with a shorter side of 256 pixels."""
    return salt_and_pepper(_shorter_side(image, QMF_SIDE), share, rng)


def _shorter_side(image: Image.Image, pixels: int) -> Image.Image:
    factor = pixels / min(image.size)
    width, height = (max(1, round(side * factor)) for side in image.size)
    return image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)


def _image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))
