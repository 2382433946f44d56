"""Sampling symbol by symbol and number by number, beam search and edit distances: the oracles are exhaustive."""

import io
import itertools

import keras
import numpy as np
import pytest
from PIL import Image

from archgraph.compiler.layers import LAYERS
from archgraph.diagnostics import Rejected
from archgraph.training.generation.beam import distance, forwards, search
from archgraph.training.generation.mosaic import as_pictures, mosaic
from archgraph.training.generation.numbers import Foreteller
from archgraph.training.generation.writing import Writer, chosen

Array = np.ndarray


# ---- symbols


def test_symbols_are_drawn_by_their_chances_and_by_their_power() -> None:
    chances, drawn = np.array([0.5, 0.3, 0.2]), np.random.default_rng(0)
    counts = np.bincount([chosen(chances, drawn, 1.0, None) for _ in range(4000)], minlength=3) / 4000
    np.testing.assert_allclose(counts, chances, atol=0.03)
    powers = chances**2 / (chances**2).sum()
    counts = np.bincount([chosen(chances, drawn, 0.5, None) for _ in range(4000)], minlength=3) / 4000
    np.testing.assert_allclose(counts, powers, atol=0.03)


def test_only_the_likeliest_are_drawn() -> None:
    chances, drawn = np.array([0.1, 0.5, 0.3, 0.1]), np.random.default_rng(0)
    assert {chosen(chances, drawn, 1.0, 2) for _ in range(300)} == {1, 2}
    assert {chosen(chances, drawn, 1.0, 1) for _ in range(300)} == {1}


def reader(states: bool) -> keras.Model:
    text = keras.Input([None], dtype="int32", name="text")
    letters = keras.layers.Embedding(4, 3)(text)
    if not states:
        memory = keras.layers.GRU(5, return_sequences=True)(letters)
        return keras.Model(text, keras.layers.Dense(4, activation="softmax")(memory))
    begun = keras.Input([5], name="h")
    memory, after = keras.layers.GRU(5, return_sequences=True, return_state=True)(letters, initial_state=begun)
    following = keras.layers.Dense(4, activation="softmax")(memory)
    return keras.Model({"text": text, "h": begun}, {"next": following, "h": after})


def test_a_text_is_the_same_with_carried_states_and_without() -> None:
    keras.utils.set_random_seed(0)
    carried, plain = reader(True), reader(False)
    plain.set_weights(carried.get_weights())
    first = Writer(carried, "abcd", carry={"h": "h"}, output="next", window=64)
    second = Writer(plain, "abcd", carry={}, output="next", window=64)
    assert first.write("abba", 30, (1,)) == second.write("abba", 30, (1,))
    assert first.write("abba", 30, (1,)) != first.write("abba", 30, (2,))


def test_a_prompt_of_unknown_symbols_is_refused() -> None:
    writer = Writer(reader(False), "abcd", carry={}, output="next", window=8)
    with pytest.raises(Rejected, match="learned without 'x'"):
        writer.write("axb", 1, (0,))
    with pytest.raises(Rejected, match="must begin with something"):
        writer.write("", 1, (0,))


# ---- numbers


def masked(size: int) -> keras.Model:
    """A network for `size` pixels with random weights, by an ordinary matrix that is zero where it must be."""
    layer = keras.layers.Dense(size, activation="sigmoid")
    image = keras.Input([size])
    model = keras.Model(image, layer(image))
    drawn = np.random.default_rng(3)
    layer.set_weights([np.triu(drawn.normal(0, 2, (size, size)), 1), drawn.normal(size=size)])
    return model


def test_pictures_come_as_often_as_the_product_of_chances_says() -> None:
    model = masked(3)
    every = np.array(list(itertools.product((0.0, 1.0), repeat=3)), np.float32)
    ink = np.asarray(model(every), np.float64)
    exact = np.where(every == 1, ink, 1 - ink).prod(1)
    drawn = Foreteller(model, 2).draw(20_000, (0,))
    counts = np.bincount((drawn @ (4, 2, 1)).astype(int), minlength=8) / 20_000
    np.testing.assert_allclose(counts, exact, atol=0.012)
    assert exact.sum() == pytest.approx(1)


def test_a_picture_that_has_begun_is_completed() -> None:
    teller, begun = Foreteller(masked(6), 2), np.array([[1, 0, 1, 0, 0, 0]] * 50)
    drawn = teller.draw(50, (0,), begun=begun, kept=3)
    assert (drawn[:, :3] == begun[:, :3]).all() and drawn[:, 3:].std() > 0


def test_at_a_low_temperature_only_the_likeliest_is_drawn() -> None:
    drawn = Foreteller(masked(6), 2).draw(30, (0,), temperature=1e-3)
    assert (drawn == drawn[:1]).all()


def test_a_network_that_sees_what_it_foretells_is_refused() -> None:
    layer = keras.layers.Dense(6, activation="sigmoid")
    image = keras.Input([6])
    model = keras.Model(image, layer(image))
    kernel = np.triu(np.ones((6, 6)), 1)
    layer.set_weights([kernel, np.zeros(6)])
    Foreteller(model, 2).need_order(np.zeros(6), 0)
    kernel[4, 2] = 0.5
    layer.set_weights([kernel, np.zeros(6)])
    with pytest.raises(Rejected, match="number 2 changes with number 4, which is not before it"):
        Foreteller(model, 2).need_order(np.zeros(6), 0)


def test_the_masked_layers_of_the_vocabulary_keep_the_order() -> None:
    image = keras.Input([5, 5, 1])
    conv = LAYERS["MaskedConv"](filters=1, kernel_size=(3, 3), mask_type="A", dilation_rate=(1, 1))
    Foreteller(keras.Model(image, keras.ops.sigmoid(conv(image))), 2).need_order(np.zeros((5, 5, 1)), 0)


# ---- beam search


def chances_of(table: dict[tuple[int, ...], Array]) -> object:
    idle = np.ones_like(next(iter(table.values())))  # what has ended is asked too, and not listened to

    def chances(rows: Array, written: Array) -> Array:
        return np.stack([np.log(table.get(tuple(one[1:]), idle)) for one in written])

    return chances


def test_a_wide_beam_finds_the_likeliest_sequence_where_a_narrow_one_does_not() -> None:
    """Symbols 0 (begin), 1 (end), 2, 3. The likeliest first symbol leads astray."""
    table = {
        (): np.array([1e-9, 0.1, 0.5, 0.4]),
        (2,): np.array([1e-9, 0.4, 0.3, 0.3]),
        (3,): np.array([1e-9, 0.9, 0.05, 0.05]),
        **{(a, b): np.array([1e-9, 1 - 2e-9, 1e-9, 1e-9]) for a in (2, 3) for b in (2, 3)},
    }
    narrow = search(chances_of(table), 1, begin=0, end=1, longest=3, width=1)
    wide = search(chances_of(table), 1, begin=0, end=1, longest=3, width=4)
    assert narrow[0][0] == ((2,), pytest.approx(np.log(0.5 * 0.4)))
    assert wide[0][0] == ((3,), pytest.approx(np.log(0.4 * 0.9)))
    assert [score for _, score in wide[0]] == sorted((score for _, score in wide[0]), reverse=True)


def test_a_beam_as_wide_as_all_sequences_is_exhaustive() -> None:
    drawn = np.random.default_rng(5)
    table = {
        prefix: drawn.dirichlet(np.ones(4))
        for length in range(4)
        for prefix in itertools.product((0, 2, 3), repeat=length)
    }
    found = search(chances_of(table), 1, begin=0, end=1, longest=4, width=300, length_penalty=0.0)[0]

    def chance(sequence: tuple[int, ...]) -> float:
        ended = (*sequence, 1) if len(sequence) < 4 else sequence
        return float(np.prod([table[ended[:at]][symbol] for at, symbol in enumerate(ended)]))

    every = [sequence for length in range(5) for sequence in itertools.product((0, 2, 3), repeat=length)]
    best = max(every, key=chance)
    assert found[0] == (best, pytest.approx(np.log(chance(best))))


def test_a_length_penalty_favours_longer_sequences() -> None:
    table = {(): np.array([1e-9, 0.45, 0.55]), (2,): np.array([1e-9, 0.7, 0.3]), (2, 2): np.array([1e-9, 1.0, 1e-9])}
    assert search(chances_of(table), 1, begin=0, end=1, longest=3, width=3)[0][0][0] == ()
    assert search(chances_of(table), 1, begin=0, end=1, longest=3, width=3, length_penalty=1.0)[0][0][0] == (2,)


def slow_distance(first: str, second: str) -> int:
    if not first or not second:
        return len(first) + len(second)
    replaced = slow_distance(first[1:], second[1:]) + (first[0] != second[0])
    return min(replaced, slow_distance(first[1:], second) + 1, slow_distance(first, second[1:]) + 1)


@pytest.mark.parametrize(("first", "second"), [("kitten", "sitting"), ("", "abc"), ("flaw", "lawn"), ("ab", "ba")])
def test_the_distance_is_the_fewest_edits(first: str, second: str) -> None:
    assert distance(list(map(ord, first)), list(map(ord, second))) == slow_distance(first, second)


def test_attention_that_goes_forwards_is_told_from_attention_that_does_not() -> None:
    written, read = np.ones((1, 4), bool), np.ones((1, 4), bool)
    assert forwards(np.eye(4)[None], written, read) == 1.0
    assert forwards(np.eye(4)[None, ::-1], written, read) == 0.0
    assert forwards(np.eye(4)[None, [0, 1, 0, 3]], written, read) == pytest.approx(2 / 3)
    short = np.array([[True, True, False, False]])  # what is filled up does not count
    assert forwards(np.eye(4)[None, [0, 1, 0, 3]], short, read) == 1.0


# ---- mosaics


def test_a_mosaic_is_a_png_whose_pixels_are_the_pictures() -> None:
    pictures = np.zeros((3, 4, 4, 1))
    pictures[1] = 1.0
    sheet = np.asarray(Image.open(io.BytesIO(mosaic(pictures, 3))).convert("L"))
    height, width = sheet.shape
    assert (sheet[height // 2, width // 6], sheet[height // 2, width // 2]) == (0, 255)
    colours = np.asarray(Image.open(io.BytesIO(mosaic(np.ones((1, 2, 2, 3)) * (1, 0, 0.5)))))
    assert colours[colours.shape[0] // 2, colours.shape[1] // 2].tolist() == [255, 0, 128]


def test_vectors_of_square_numbers_are_pictures() -> None:
    pictures = as_pictures(np.zeros((2, 64)))
    assert pictures is not None and pictures.shape == (2, 8, 8, 1)
    assert as_pictures(np.zeros((2, 63))) is None
    assert as_pictures(np.zeros((2, 5))) is None
