"""The layers of the papers counted by plain arithmetic: an oracle that knows nothing of graphs or frameworks."""

import itertools
from collections.abc import Sequence


class Tally:
    """Trainable numbers, and the moving means and variances of batch normalisation."""

    def __init__(self) -> None:
        self.trainable = self.moving = 0

    @property
    def counts(self) -> tuple[int, int]:
        """Trainable numbers, and those with the moving ones."""
        return self.trainable, self.trainable + self.moving

    def conv(self, taken: int, given: int, size: int, *, groups: int = 1, bias: bool = False) -> "Tally":
        """A size x size convolution."""
        self.trainable += size * size * (taken // groups) * given + bias * given
        return self

    def norm(self, maps: int) -> "Tally":
        """Batch normalisation."""
        self.trainable += 2 * maps
        self.moving += 2 * maps
        return self

    def dense(self, *sizes: int, bias: bool = True) -> "Tally":
        """Layers from each size to the next."""
        self.trainable += sum(a * b + bias * b for a, b in itertools.pairwise(sizes))
        return self

    def numbers(self, count: int) -> "Tally":
        """Any other trainable numbers."""
        self.trainable += count
        return self


# ---- classifiers


def mlp(*sizes: int) -> Tally:
    """Fully connected layers."""
    return Tally().dense(*sizes)


def highway(inputs: int, width: int, depth: int, classes: int) -> Tally:
    """Srivastava et al. 2015: H and T in every layer, between two plain ones."""
    found = Tally().dense(inputs, width).dense(width, classes)
    return found.numbers(depth * 2 * (width * width + width))


def alexnet(maps: Sequence[int], groups: int, side: int, classes: int) -> Tally:
    """Krizhevsky et al. 2012: five convolutions, of which the second, fourth and fifth can have groups."""
    found, before = Tally(), 3
    for size, given, cut in zip((11, 5, 3, 3, 3), maps, (1, groups, 1, groups, groups), strict=True):
        found.conv(before, given, size, groups=cut, bias=True)
        before = given
    return found.dense(side * side * before, 4096, 4096, classes)


def vgg(early: int, late: int, *, last: int = 3, norm: bool = False, side: int = 7, classes: int = 1000) -> Tally:
    """Simonyan & Zisserman 2015, table 1."""
    found, before = Tally(), 3
    for stage, (maps, count) in enumerate(zip((64, 128, 256, 512, 512), (early, early, late, late, late), strict=True)):
        for number in range(count):
            found.conv(before, maps, last if stage >= 2 and number == count - 1 else 3, bias=True)
            if norm:
                found.norm(maps)
            before = maps
    return found.dense(side * side * 512, 4096, 4096, classes)


UNITS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 24, 36, 3),
}
"""He et al. 2015, table 1, and 2016, section 4.2."""


def resnet(
    depth: int, option: str = "B", *, wide: float = 1, bias: bool = False, ratio: int = 0, classes: int = 1000
) -> Tally:
    """He et al. 2015, with shortcut options A, B, C and "none"; `ratio`: Hu et al. 2018."""
    found, before, deep = Tally().conv(3, 64, 7, bias=bias).norm(64), 64, depth >= 50
    for stage, units in enumerate(UNITS[depth]):
        width = 64 * 2**stage
        inner = int(wide * width)
        after = 4 * width if deep else inner
        for _ in range(units):
            if deep:
                found.conv(before, inner, 1, bias=bias).norm(inner).conv(inner, inner, 3, bias=bias).norm(inner)
                found.conv(inner, after, 1, bias=bias).norm(after)
            else:
                found.conv(before, inner, 3, bias=bias).norm(inner).conv(inner, after, 3, bias=bias).norm(after)
            if option == "C" or (option == "B" and before != after):
                found.conv(before, after, 1, bias=bias).norm(after)
            excited(found, after, ratio)
            before = after
    return found.dense(before, classes)


def excited(found: Tally, maps: int, ratio: int) -> None:
    """Squeeze-and-excitation of so many maps (Hu et al. 2018, section 3.2), where there is a ratio."""
    if ratio:
        found.dense(maps, max(1, maps // ratio), maps)


def resnet_v2(depth: int, classes: int = 1000) -> Tally:
    """He et al. 2016: normalised before each convolution, save the first unit's, whose stem is, and at the end."""
    found, before, deep, first = Tally().conv(3, 64, 7).norm(64), 64, depth >= 50, True
    for stage, units in enumerate(UNITS[depth]):
        width = 64 * 2**stage
        after = 4 * width if deep else width
        for _ in range(units):
            if not first:
                found.norm(before)
            if deep:
                found.conv(before, width, 1).norm(width).conv(width, width, 3).norm(width).conv(width, after, 1)
            else:
                found.conv(before, width, 3).norm(width).conv(width, after, 3)
            if before != after:
                found.conv(before, after, 1)
            before, first = after, False
    return found.norm(before).dense(before, classes)


def resnet_cifar(depth: int, option: str = "A", *, ratio: int = 0, classes: int = 10) -> Tally:
    """He et al. 2015, section 4.2: depth 6n + 2."""
    found, before = Tally().conv(3, 16, 3).norm(16), 16
    for width in (16, 32, 64):
        for _ in range((depth - 2) // 6):
            found.conv(before, width, 3).norm(width).conv(width, width, 3).norm(width)
            if option == "C" or (option == "B" and before != width):
                found.conv(before, width, 1).norm(width)
            excited(found, width, ratio)
            before = width
    return found.dense(64, classes)


def preactivation(stages: Sequence[tuple[int, int]], units: int, *, deep: bool, classes: int) -> Tally:
    """He et al. 2016 and Zagoruyko & Komodakis 2016, on CIFAR: (maps within, maps after) of each stage."""
    found, before = Tally().conv(3, 16, 3), 16
    for width, after in stages:
        for _ in range(units):
            found.norm(before)
            if deep:
                found.conv(before, width, 1).norm(width).conv(width, width, 3).norm(width).conv(width, after, 1)
            else:
                found.conv(before, width, 3).norm(width).conv(width, after, 3)
            if before != after:
                found.conv(before, after, 1)
            before = after
    return found.norm(before).dense(before, classes)


def preactivation_resnet(depth: int, *, deep: bool = True, classes: int = 10) -> Tally:
    """Depth 9n + 2 of bottlenecks, or 6n + 2."""
    stages = [(width, 4 * width if deep else width) for width in (16, 32, 64)]
    return preactivation(stages, (depth - 2) // (9 if deep else 6), deep=deep, classes=classes)


def wide_resnet(depth: int, k: int, classes: int = 10) -> Tally:
    """WRN-depth-k: depth 6n + 4."""
    stages = [(k * width, k * width) for width in (16, 32, 64)]
    return preactivation(stages, (depth - 4) // 6, deep=False, classes=classes)


def densely(found: Tally, maps: int, layers: Sequence[int], growth: int, narrow: int, theta: float) -> int:
    """Dense blocks with transitions between them; maps at the end. `narrow`: maps of the 1x1 over the growth, or 0."""
    for block, count in enumerate(layers):
        for _ in range(count):
            found.norm(maps)
            if narrow:
                found.conv(maps, narrow * growth, 1).norm(narrow * growth)
            found.conv(narrow * growth if narrow else maps, growth, 3)
            maps += growth
        if block < len(layers) - 1:
            found.norm(maps).conv(maps, int(theta * maps), 1)
            maps = int(theta * maps)
    found.norm(maps)
    return maps


def densenet(layers: Sequence[int], growth: int = 32, classes: int = 1000) -> Tally:
    """Huang et al. 2017, table 1."""
    found = Tally().conv(3, 2 * growth, 7).norm(2 * growth)
    return found.dense(densely(found, 2 * growth, layers, growth, 4, 0.5), classes)


def densenet_cifar(
    depth: int, growth: int, *, narrow: bool = False, compress: bool = False, classes: int = 10
) -> Tally:
    """Huang et al. 2017, table 2: plain, -B, -C and -BC. Only -BC begins with twice the growth."""
    stem = 2 * growth if narrow and compress else 16
    layers = [(depth - 4) // (6 if narrow else 3)] * 3
    found = Tally().conv(3, stem, 3)
    return found.dense(densely(found, stem, layers, growth, 4 * narrow, 0.5 if compress else 1), classes)


def mobilenet(alpha: float = 1, middle: int = 5, classes: int = 1000) -> Tally:
    """Howard et al. 2017, table 1."""
    maps = [int(alpha * width) for width in (32, 64, 128, 128, 256, 256, 512, *[512] * middle, 1024, 1024)]
    found = Tally().conv(3, maps[0], 3).norm(maps[0])
    for before, after in itertools.pairwise(maps):
        found.conv(before, before, 3, groups=before).norm(before).conv(before, after, 1).norm(after)
    return found.dense(maps[-1], classes)


def xception(classes: int = 1000, hidden: int = 0) -> Tally:
    """Chollet 2017, figure 5."""
    found = Tally().conv(3, 32, 3).norm(32).conv(32, 64, 3).norm(64)
    pairs = [(64, 128), (128, 128), (128, 256), (256, 256), (256, 728), (728, 728), *[(728, 728)] * 24]
    for before, after in [*pairs, (728, 728), (728, 1024), (1024, 1536), (1536, 2048)]:
        found.conv(before, before, 3, groups=before).conv(before, after, 1).norm(after)
    for before, after in ((64, 128), (128, 256), (256, 728), (728, 1024)):
        found.conv(before, after, 1).norm(after)
    return found.dense(2048, *[4096] * hidden, classes)


MIXTURES = (
    (192, 64, 96, 128, 16, 32, 32), (256, 128, 128, 192, 32, 96, 64), (480, 192, 96, 208, 16, 48, 64),
    (512, 160, 112, 224, 24, 64, 64), (512, 128, 128, 256, 24, 64, 64), (512, 112, 144, 288, 32, 64, 64),
    (528, 256, 160, 320, 32, 128, 128), (832, 256, 160, 320, 32, 128, 128), (832, 384, 192, 384, 48, 128, 128),
)  # fmt: skip
"""Szegedy et al. 2015, table 1: maps before, then #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj."""


def googlenet(*, heads: bool = False, classes: int = 1000) -> Tally:
    """Szegedy et al. 2015, table 1 and section 5."""
    found = Tally().conv(3, 64, 7, bias=True).conv(64, 64, 1, bias=True).conv(64, 192, 3, bias=True)
    for before, one, reduce3, three, reduce5, five, pool in MIXTURES:
        for taken, given, size in ((before, one, 1), (before, reduce3, 1), (reduce3, three, 3), (before, reduce5, 1),
                                   (reduce5, five, 5), (before, pool, 1)):  # fmt: skip
            found.conv(taken, given, size, bias=True)
    for before in (512, 528) if heads else ():
        found.conv(before, 128, 1, bias=True).dense(4 * 4 * 128, 1024, classes)
    return found.dense(1024, classes)


# ---- dense prediction


def trunk(found: Tally) -> Tally:
    """VGG16 with its fully connected layers as convolutions."""
    before = 3
    for maps in (64, 64, 128, 128, 256, 256, 256, *[512] * 6):
        found.conv(before, maps, 3, bias=True)
        before = maps
    return found.conv(512, 4096, 7, bias=True).conv(4096, 4096, 1, bias=True)


def fcn(stride: int, classes: int) -> Tally:
    """Long et al. 2015, in the authors' files: deconvolutions over all pairs of classes, without bias."""
    found = trunk(Tally()).conv(4096, classes, 1, bias=True)
    for maps in {32: (), 16: (512,), 8: (512, 256)}[stride]:
        found.conv(maps, classes, 1, bias=True).conv(classes, classes, 4)
    return found.conv(classes, classes, 2 * stride)


def fcn_alexnet(classes: int) -> Tally:
    """Long et al. 2015, table 1, in the authors' files."""
    found, before = Tally(), 3
    layers = (
        (96, 11, 1),
        (256, 5, 2),
        (384, 3, 1),
        (384, 3, 2),
        (256, 3, 2),
        (4096, 6, 1),
        (4096, 1, 1),
        (classes, 1, 1),
    )
    for given, size, groups in layers:
        found.conv(before, given, size, groups=groups, bias=True)
        before = given
    return found.conv(classes, classes, 63)


def unet(width: int, channels: int, classes: int, *, norm: bool = False, bilinear: bool = False) -> Tally:
    """Ronneberger et al. 2015, figure 1; with norms and bilinear enlargement as in milesial/Pytorch-UNet."""
    found = Tally()

    def double(taken: int, middle: int, given: int) -> None:
        for a, b in ((taken, middle), (middle, given)):
            found.conv(a, b, 3, bias=not norm)
            if norm:
                found.norm(b)

    down = [width * 2**level for level in range(4)]
    for taken, given in zip([channels, *down], [*down, down[-1] * (1 if bilinear else 2)], strict=True):
        double(taken, given, given)
    below = down[-1] * (1 if bilinear else 2)
    for level in (3, 2, 1, 0):
        maps = down[level]
        if bilinear:
            given = maps // 2 if level else maps
            double(below + maps, maps, given)
            below = given
        else:
            found.conv(below, maps, 2, bias=True)
            double(2 * maps, maps, maps)
            below = maps
    return found.conv(width, classes, 1, bias=True)


def context(classes: int, *, large: bool) -> Tally:
    """Yu & Koltun 2016, table 1."""
    maps = [classes * factor for factor in ((2, 2, 4, 8, 16, 32, 32) if large else (1,) * 7)]
    found = Tally()
    for taken, given in zip([classes, *maps], maps, strict=False):
        found.conv(taken, given, 3, bias=True)
    return found.conv(maps[-1], classes, 1, bias=True)


# ---- without labels, in order, and from noise


def vae(pixels: int, hidden: int, code: int) -> Tally:
    """Kingma & Welling 2014, appendix C."""
    return Tally().dense(pixels, hidden).dense(hidden, 2 * code).dense(code, hidden, pixels)


def pixelcnn(width: int, blocks: int) -> Tally:
    """Van den Oord et al. 2016, table 1, for one channel of zeros and ones."""
    found = Tally().conv(1, 2 * width, 7, bias=True)
    for _ in range(blocks):
        found.conv(2 * width, width, 1, bias=True).conv(width, width, 3, bias=True).conv(width, 2 * width, 1, bias=True)
    for _ in range(2):
        found.conv(2 * width, 2 * width, 1, bias=True)
    return found.conv(2 * width, 1, 1, bias=True)


def language_model(words: int, units: int, layers: int) -> Tally:
    """Zaremba et al. 2014: words embedded in as many numbers as there are units, LSTMs with one bias, a softmax."""
    return Tally().numbers(words * units + layers * 4 * units * (2 * units + 1)).dense(units, words)


def transformer(tokens: int, width: int, expansion: int, layers: int) -> Tally:
    """Vaswani et al. 2017, section 3: four projections, two dense layers and two normalisations in each layer."""
    each = 4 * (width * width + width) + 2 * expansion * width * width + expansion * width + width + 2 * 2 * width
    return Tally().numbers(tokens * width + layers * each)


def gcn(*sizes: int, bias: bool = False) -> Tally:
    """Kipf & Welling 2017, equation 2."""
    return Tally().dense(*sizes, bias=bias)


def dcgan_generator(width: int, stages: int, size: int, *, base: int = 4, channels: int = 3, noise: int = 100) -> Tally:
    """Radford et al. 2016, figure 1, without biases."""
    maps = [width * 2**stage for stage in reversed(range(stages))]
    found = Tally().numbers(noise * base * base * maps[0]).norm(maps[0])
    for before, after in itertools.pairwise(maps):
        found.conv(before, after, size).norm(after)
    return found.conv(maps[-1], channels, size)


def dcgan_discriminator(width: int, stages: int, size: int, *, base: int = 4, channels: int = 3) -> Tally:
    """Radford et al. 2016, section 3: no normalisation in the first layer, no biases."""
    maps = [width * 2**stage for stage in range(stages)]
    found = Tally().conv(channels, width, size)
    for before, after in itertools.pairwise(maps):
        found.conv(before, after, size).norm(after)
    return found.numbers(base * base * maps[-1])
