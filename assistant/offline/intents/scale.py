"""Scaling: to a number, by a number, twice as many."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, NamedTuple

from assistant.offline.intents.values import MAX_REPLICAS, scaling, singular, target_of, too_many
from assistant.offline.model import Clarify, Mention, Refuse, Relative, Step
from assistant.offline.typos import correct

if TYPE_CHECKING:
    from assistant.offline.shape import Shape

_PODS = "(?:replicas|pods)"
_COUNTED = f"(?: {_PODS})?(?: in total)?"
_TO = "(?:to|at|=)(?: exactly)?"
_SET = "(?:scale|set)"
_ANY = "(?:scale|set|alter|increase|decrease)"
_MORE = "(?:increase|up|scale up|scale out)"
_LESS = "(?:decrease|drop|down|scale down|scale in|scale back)"
_WANTED = "(?:(?:i|we) (?:want|need) )?"

TO = (
    (f"{_SET} T(?: back)?(?: from N)? {_TO} N{_COUNTED}", 0),
    (f"{_SET} T N{_COUNTED}", 0),
    (f"{_SET} T (?:run|have) N {_PODS}", 0),
    (f"{_ANY} replicas (?:of|for|on|in) T(?: from N)? {_TO} N", 0),
    (f"{_ANY} T {_PODS}(?: from N)? {_TO} N", 0),
    (f"(?:(?:i|we) (?:want|need)|run|have|scale to) N {_PODS} (?:of|for) T", 0),
    (f"(?:i|we) (?:want|need) T (?:at|to run|to have) N {_PODS}", 0),
    (f"(?:{_MORE}|{_SET} up) T(?: up)?(?: from N)? {_TO} N{_COUNTED}", 1),
    (f"(?:scale|set|increase) T (?:up|out)(?: from N)? {_TO} N{_COUNTED}", 1),
    (f"scale up to N {_PODS} (?:of|for) T", 1),
    (f"(?:{_LESS}|{_SET} down) T(?: down)?(?: from N)? {_TO} N{_COUNTED}", -1),
    (f"(?:scale|set|decrease|cut) T (?:down|in)(?: from N)? {_TO} N{_COUNTED}", -1),
    (f"scale down to N {_PODS} (?:of|for) T", -1),
)
# Without a verb it takes little for a slip to become the object: "csale to 3", "sale in backend to 3".
VERBLESS = f"T(?: from N)? to N{_COUNTED}"
BY = (
    (f"(?:{_MORE}|add to) T(?: up)? by N{_COUNTED}", 1),
    (f"(?:scale|set) T (?:up|out) by N{_COUNTED}", 1),
    (f"increase {_PODS} (?:of|for) T by N", 1),
    (f"increase T {_PODS} by N", 1),
    (f"(?:{_WANTED}|add )N more {_PODS} (?:of|for|to) T", 1),
    (f"(?:{_WANTED}|add )(?:N more|another N) T", 1),
    (f"add N {_PODS} (?:of|for|to) T", 1),
    (f"{_LESS} T(?: down)? by N{_COUNTED}", -1),
    (f"(?:scale|set|cut) T (?:down|in) by N{_COUNTED}", -1),
    (f"decrease {_PODS} (?:of|for) T by N", -1),
    (f"decrease T {_PODS} by N", -1),
    (f"{_WANTED}N (?:fewer|less) {_PODS} (?:of|for) T", -1),
    (f"{_WANTED}N (?:fewer|less) T", -1),
    ("(?:remove|drop) N replicas (?:from|of) T", -1),
)
ADD_PLURAL = "add N T"
ONE_MORE = (f"(?:{_WANTED}|add )another (?:{_PODS} (?:of|for|to) )?T", 1)
SIGNED = f"{_SET} T(?: by)? S{_COUNTED}"
FACTORS = (
    (f"double(?: {_PODS} (?:of|for))? T(?: {_PODS})?", 2.0),
    (f"triple(?: {_PODS} (?:of|for))? T(?: {_PODS})?", 3.0),
    (f"halve(?: {_PODS} (?:of|for))? T(?: {_PODS})?", 0.5),
    ("cut T in half", 0.5),
)
# "make it three backends": the pronoun stands for nothing, and the plural is the name's.
PLURAL = "set T N T"
WANTED_PLURAL = "(?:i|we) (?:want|need) N T"

EITHER_WAY = (
    f"(?:scale|set)(?: up| down| out)? T(?: up| down| out)? N{_COUNTED}",
    f"(?:increase|decrease|up|down) T N{_COUNTED}",
    f"scale T by N{_COUNTED}",
)
PERHAPS_TO = (
    f"alter T(?: up| down)? {_TO} N{_COUNTED}",
    f"(?:run|start|set|use) N(?: {_PODS} (?:of|for))? T",
    "scale N T",
    f"T N {_PODS}",
)
REMOVE_PODS = "(?:remove|drop) N pods (?:from|of) T|(?:remove|drop) N T"
HOW_MANY = (
    (f"{_SET} T", 0),
    ("(?:scale|set) T (?:up|out)|(?:scale up|scale out|increase) T|increase replicas (?:of|for) T|(?:add )?more T", 1),
    ("(?:scale|set) T (?:down|in)|(?:scale down|scale in|decrease) T|decrease replicas (?:of|for) T|fewer T", -1),
)
WHICH = ((f"scale {_TO} N{_COUNTED}", 0), (f"scale up {_TO} N{_COUNTED}", 1), (f"scale down {_TO} N{_COUNTED}", -1))
NO_NUMBER = f"(?:{_ANY} )?T(?: up| down)? {_TO} [SV]{_COUNTED}"


class _Said(NamedTuple):
    """What a shape says, without its verb."""

    numbers: tuple[int, ...]
    target: Mention
    plural: tuple[str, ...]


def match(given: Shape, namespace: str | None, last: Mention | None) -> Step | None:
    """A call of `scale`, a relative change, a question back, a refusal, or None."""
    targets = given.all("T")
    numbers = tuple(int(part.text) for part in given.all("N"))
    target = target_of(targets[-1], namespace, last) if targets else Mention("", namespace)
    it = target_of(targets[0], namespace, last) if len(targets) > 1 and not targets[0].text else None
    plural = singular(targets[-1].text) if targets and "/" not in targets[-1].text else ()
    # In "make it three backends" the plural says what it is; where it is was said before.
    if it and target.target and it.target.rpartition("/")[2] in {target.target, *plural}:
        target, plural = it, ()
    said = _Said(numbers, target, plural)
    step = (
        _absolute(given, said, namespace) or _relative(given, said) or _asked_back(given, said) or _unclear(given, said)
    )
    if step is None:
        return None
    return next((wrong for number in numbers if (wrong := too_many(number))), step)


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _fits(pattern: str, given: Shape) -> bool:
    return _compiled(pattern).fullmatch(given.text) is not None


def _absolute(given: Shape, said: _Said, namespace: str | None) -> Step | None:
    verbless = _fits(VERBLESS, given) and not namespace and correct(given.all("T")[0].text, strict=False) is None
    for pattern, direction in (*TO, (VERBLESS, 0)) if verbless else TO:
        if _fits(pattern, given):
            was = said.numbers[0] if len(said.numbers) > 1 else None
            return scaling(said.target, Relative("", to=said.numbers[-1], direction=direction, was=was))
    plural = _fits(WANTED_PLURAL, given) or (_fits(PLURAL, given) and not given.all("T")[0].text)
    if plural and said.target.target:
        return scaling(said.target, Relative("", to=said.numbers[0], alternatives=said.plural))
    return None


def _relative(given: Shape, said: _Said) -> Step | None:
    if _fits(SIGNED, given):
        return scaling(said.target, Relative("", add=int(given.all("S")[0].text)))
    if _fits(ONE_MORE[0], given):
        return scaling(said.target, Relative("", add=1))
    if _fits(ADD_PLURAL, given):
        return scaling(said.target, Relative("", add=said.numbers[0], alternatives=said.plural))
    for pattern, sign in BY:
        if _fits(pattern, given):
            return scaling(said.target, Relative("", add=sign * said.numbers[0], alternatives=said.plural))
    for pattern, factor in FACTORS:
        if _fits(pattern, given):
            return scaling(said.target, Relative("", factor=factor, alternatives=said.plural))
    return None


def _asked_back(given: Shape, said: _Said) -> Clarify | None:
    for pattern, direction in WHICH:
        if _fits(pattern, given):
            step = Relative("", said.target.namespace, to=said.numbers[0], direction=direction)
            return Clarify(f"What is to be scaled to {said.numbers[0]}?", step, "target")
    for pattern, direction in HOW_MANY:
        if _fits(pattern, given) and said.target.target:
            step = Relative(said.target.target, said.target.namespace, direction=direction)
            return Clarify(f"To how many replicas is {said.target.target} to be scaled?", step, "replicas")
    return None


def _unclear(given: Shape, said: _Said) -> Refuse | None:
    """A refusal of what could mean two things, with both said clearly."""
    if _fits(NO_NUMBER, given) and not given.text.startswith("alter"):
        wrong = (given.all("S") or given.all("V"))[0].text
        return Refuse(f"{wrong} is no number of replicas: it takes a whole number from 0 to {MAX_REPLICAS}.")
    if not said.target.target or not said.numbers:
        return None
    name, number = f"{said.target.target}", said.numbers[-1]
    where = f" -n {said.target.namespace}" if said.target.namespace else ""
    to = f"scale {name} to {number}{where}"
    if any(_fits(pattern, given) for pattern in EITHER_WAY):
        way = "down" if {"down", "decrease"} & set(given.text.split()) else "up"
        return Refuse("Is that the number of replicas, or by how many?", (to, f"scale {way} {name} by {number}{where}"))
    if _fits(REMOVE_PODS, given):
        return Refuse("Pods that are removed come back.", (f"scale down {name} by {number}{where}",))
    if any(_fits(pattern, given) for pattern in PERHAPS_TO) or (said.target.namespace and _fits(VERBLESS, given)):
        return Refuse("Do you mean the number of replicas?", (to,))
    return None
