"""The networks of `benchmarks.training` as others write them: hand-written Keras and hand-written PyTorch."""

from typing import Any


def keras_lenet5() -> Any:
    """LeNet-5 in its usual modern form."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            layers.Input((32, 32, 1)),
            layers.Conv2D(6, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(120, 5, activation="tanh"),
            layers.Flatten(),
            layers.Dense(84, activation="tanh"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def keras_resnet20() -> Any:
    """ResNet-20 for 32x32 pictures, projections where the width changes (He et al. 2015, section 4.2, option B)."""
    import keras
    from keras import layers

    def convolved(x: Any, filters: int, kernel_size: int, strides: int = 1) -> Any:
        x = layers.Conv2D(filters, kernel_size, strides, padding="same", use_bias=False)(x)
        return layers.BatchNormalization(epsilon=1e-5, momentum=0.9)(x)

    inputs = layers.Input((32, 32, 3))
    x = layers.ReLU()(convolved(inputs, 16, 3))
    for stage in range(3):
        for unit in range(3):
            strides = 2 if stage and not unit else 1
            y = layers.ReLU()(convolved(x, 16 * 2**stage, 3, strides))
            y = convolved(y, 16 * 2**stage, 3)
            shortcut = convolved(x, 16 * 2**stage, 1, strides) if strides == 2 else x
            x = layers.ReLU()(layers.Add()([y, shortcut]))
    outputs = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, outputs)


def keras_lstm() -> Any:
    """An LSTM whose last state is classified."""
    import keras
    from keras import layers

    return keras.Sequential([layers.Input((50, 32)), layers.LSTM(128), layers.Dense(10, activation="softmax")])


def torch_lenet5() -> Any:
    """LeNet-5, ending in raw scores, as PyTorch's cross-entropy wants them."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(16, 120, 5),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(120, 84),
        nn.Tanh(),
        nn.Linear(84, 10),
    )


def torch_resnet20() -> Any:
    """ResNet-20, option B, ending in raw scores."""
    from torch import nn

    def convolved(before: int, after: int, size: int, stride: int = 1) -> Any:
        return nn.Sequential(
            nn.Conv2d(before, after, size, stride, padding=size // 2, bias=False), nn.BatchNorm2d(after)
        )

    class Unit(nn.Module):  # type: ignore[misc, name-defined]
        """Two convolutions beside a shortcut."""

        def __init__(self, before: int, after: int, stride: int) -> None:
            super().__init__()
            self.first, self.second = convolved(before, after, 3, stride), convolved(after, after, 3)
            self.shortcut = convolved(before, after, 1, stride) if stride > 1 else nn.Identity()

        def forward(self, x: Any) -> Any:
            y = self.second(nn.functional.relu(self.first(x)))
            return nn.functional.relu(y + self.shortcut(x))

    widths = [(16, 16, 1)] * 3 + [(16, 32, 2)] + [(32, 32, 1)] * 2 + [(32, 64, 2)] + [(64, 64, 1)] * 2
    units = [Unit(*width) for width in widths]
    ending = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
    return nn.Sequential(convolved(3, 16, 3), nn.ReLU(), *units, *ending)


def torch_lstm() -> Any:
    """An LSTM whose last state is classified, ending in raw scores."""
    from torch import nn

    class Reader(nn.Module):  # type: ignore[misc, name-defined]
        """Reads all steps, keeps the last output."""

        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.label = nn.LSTM(32, 128, batch_first=True), nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            return self.label(self.lstm(x)[0][:, -1])

    return Reader()
