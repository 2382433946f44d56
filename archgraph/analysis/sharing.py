"""Whether weights may serve twice: two uses of one set of weights must need the same shapes and parameters."""

from collections.abc import Iterator

from archgraph.analysis.shaped import Call, Item, Leaf, Scope, join
from archgraph.diagnostics import Rejected
from archgraph.shapes import Dim, show
from archgraph.vocabulary.base import Layer, Weight

Users = Iterator[tuple[str, Leaf]]
"""What applies weights, each with a path."""


def need_equal_copies(copies: list[Scope]) -> None:
    """Reject copies of a block that cannot all use the weights of the first."""
    for copy in copies[1:]:
        if copy is copies[0]:
            continue
        if _shapes(copy.weights) != _shapes(copies[0].weights):
            complaint = f"the copies cannot share weights: {_difference(copies[0].weights, copy.weights)}"
            raise Rejected("AG409", complaint, hint="shared copies need inputs of one shape", field="/share")
        unlike = _unlike(_users_in(copies[0]), _users_in(copy))
        if unlike:
            complaint = f"the copies cannot share weights: {unlike}"
            hint = "give all copies the same parameters, or leave out share"
            raise Rejected("AG409", complaint, hint=hint, field="/share")


def need_equal_uses(owner: Item, again: Item) -> None:
    """Reject a second use that cannot use the weights of the first."""
    if _shapes(_weights(again)) != _shapes(_weights(owner)):
        complaint = f"the weights of {owner.name!r} do not fit: {_difference(_weights(owner), _weights(again))}"
        raise Rejected("AG409", complaint, hint="both uses need inputs with equal channels", field="/in")
    if isinstance(owner, Call) and isinstance(again, Call) and _free(owner) != _free(again):
        complaint = f"{owner.name!r} and a second use of its weights must be fed the same states"
        raise Rejected("AG409", complaint, hint="feed a state in both, or in neither", field="/in")
    unlike = _unlike(_users(owner), _users(again))
    if unlike:
        complaint = f"the weights of {owner.name!r} do not fit: {unlike}"
        raise Rejected("AG409", complaint, hint="both uses need inputs of one shape", field="/in")


def _free(call: Call) -> list[bool]:
    return [feed is None for feed in call.feeds]


def _weights(item: Item) -> tuple[Weight, ...]:
    if isinstance(item, Leaf):
        return item.weights
    return tuple(weight for copy in item.copies for weight in copy.weights)


def _unlike(first: Users, second: Users) -> str:
    """How two uses of the same weights differ in parameters, of which one layer has one set; or the empty text."""
    one, other = dict(first), dict(second)
    for path, leaf in one.items():
        again, what = other.get(path), path or leaf.primitive.op
        if again is None:
            return f"{what!r} is not in both"
        if again.primitive is not leaf.primitive and again.primitive != leaf.primitive:
            parameter = _other_parameter(leaf.primitive.lower(*leaf.inputs), again.primitive.lower(*again.inputs))
            if parameter:
                return f"{what!r} would have two values of {parameter}"
    return ""


def _other_parameter(one: Layer, other: Layer) -> str:
    """A parameter in which two layers differ, or the empty text."""
    if one.name != other.name:
        return "its op"
    for name in {**one.arguments, **other.arguments}:
        mine, theirs = one.arguments.get(name), other.arguments.get(name)
        if mine != theirs:
            return _other_parameter(mine, theirs) if isinstance(mine, Layer) and isinstance(theirs, Layer) else name
    return "" if one == other else "its inputs"


def _users(item: Item, path: str = "") -> Users:
    """Everything inside that applies weights, by its path below the item."""
    if isinstance(item, Call):
        for number, copy in enumerate(item.copies):
            yield from _users_in(copy, f"{path}/{number}")
    elif item.weights:
        yield path, item


def _users_in(scope: Scope, path: str = "") -> Users:
    for item in scope.items:
        yield from _users(item, join(path, item.name))


def _shapes(weights: tuple[Weight, ...]) -> list[tuple[Dim, ...]]:
    return [weight.shape for weight in weights]


def _difference(first: tuple[Weight, ...], second: tuple[Weight, ...]) -> str:
    for one, other in zip(first, second, strict=False):
        if one.shape != other.shape:
            return f"{one.name} is {show(one.shape)} there and would be {show(other.shape)} here"
    return f"{len(first)} weights there, {len(second)} here"
