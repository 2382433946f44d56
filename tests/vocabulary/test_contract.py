"""Every primitive keeps the contract; a new primitive is tested by existing. The oracle is Keras."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from archgraph.diagnostics import CODES, Rejected
from archgraph.shapes import Tensor, known, substitute
from archgraph.vocabulary import REGISTRY, Example, Primitive
from tests.vocabulary.draws import Case, cases
from tests.vocabulary.oracle import computed, inferred, spelt_out

CASES = [
    pytest.param(kind, example, id=f"{op}-{number}")
    for op, kind in REGISTRY.items()
    for number, example in enumerate(kind.examples)
]
KINDS = pytest.mark.parametrize("kind", REGISTRY.values(), ids=list(REGISTRY))

# Without shrinking: the drawn uses are small, and one that Keras refuses takes seconds.
QUICK = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
THOROUGH = settings(QUICK, max_examples=500, derandomize=False)


@pytest.mark.parametrize(("kind", "example"), CASES)
def test_the_documented_output_is_inferred(kind: type[Primitive], example: Example) -> None:
    assert inferred(kind.make(example.params), example.input_tensors()) == example.output_tensors()


@pytest.mark.parametrize(("kind", "example"), CASES)
def test_keras_agrees_with_the_documented_output(kind: type[Primitive], example: Example) -> None:
    assert spelt_out(kind.make(example.params), example.input_tensors())


@KINDS
def test_it_is_documented_and_has_an_example(kind: type[Primitive]) -> None:
    assert kind.doc() and kind.source and kind.icon and kind.examples
    assert all(field.doc for field in kind.fields().values())


@KINDS
def test_keras_builds_whatever_is_accepted(kind: type[Primitive]) -> None:
    check(kind, QUICK, symbolic=False)


@KINDS
def test_symbolic_sizes_hold_for_every_number(kind: type[Primitive]) -> None:
    check(kind, settings(QUICK, max_examples=15), symbolic=True)


@pytest.mark.slow
@pytest.mark.parametrize("symbolic", [False, True])
@KINDS
def test_keras_builds_whatever_is_accepted_of_many(kind: type[Primitive], symbolic: bool) -> None:
    check(kind, THOROUGH, symbolic=symbolic)


def check(kind: type[Primitive], profile: settings, *, symbolic: bool) -> None:
    """Draw uses of `kind` until one is found on which it and Keras disagree."""

    @profile
    @given(cases(kind, symbolic=symbolic), st.integers(0, 7))
    def holds(case: Case, turn: int) -> None:
        try:
            primitive = kind.make(case.params)
            outputs = inferred(primitive, case.inputs)
        except Rejected as rejected:
            assert rejected.code in CODES and rejected.message
            return
        parts = spelt_out(primitive, case.inputs)
        if symbolic:
            assert inferred(primitive, tuple(map(numbered(case), case.inputs))) == tuple(map(numbered(case), outputs))
        elif turn == 0 and all(x is None or known(x.shape) for part in parts for x in part.inputs):
            for part in parts:
                computed(part)

    holds()


def numbered(case: Case):  # type: ignore[no-untyped-def]
    """A function that puts the drawn numbers in place of a tensor's symbols."""

    def put(x: Tensor | None) -> Tensor | None:
        return None if x is None else x._replace(shape=tuple(substitute(dim, case.sizes) for dim in x.shape))

    return put


def test_no_two_primitives_share_an_icon() -> None:
    icons = [kind.icon for kind in REGISTRY.values()]
    assert sorted({icon for icon in icons if icons.count(icon) > 1}) == []
