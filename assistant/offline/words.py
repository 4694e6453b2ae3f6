"""The planner's vocabulary: what words mean, which are noise, and which make a sentence no request."""

from __future__ import annotations

import functools


def _list(text: str) -> list[str]:
    return text.split()


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(phrase.split()) for phrase in text.split(";"))


_UNITS = _list(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = _list("twenty thirty forty fifty sixty seventy eighty ninety")
NUMBERS = (
    {word: number for number, word in enumerate(_UNITS)}
    | {word: 20 + 10 * index for index, word in enumerate(_TENS)}
    | {
        f"{ten}-{unit}": 20 + 10 * index + digit
        for index, ten in enumerate(_TENS)
        for digit, unit in enumerate(_UNITS[:10])
        if digit
    }
    | {"dozen": 12, "hundred": 100}
)

_VERBS = {
    "scale": "scale resize rescale",
    "restart": "restart reboot bounce recycle",
    "set": "set make put bring",
    "alter": "change bump adjust update upgrade modify",
    "increase": "increase raise grow expand",
    "decrease": "decrease reduce shrink lower",
    "add": "add",
    "remove": "remove",
    "drop": "drop",
    "roll": "roll",
    "pause": "pause",
    "resume": "resume",
    "cordon": "cordon",
    "delete": "delete",
    "uncordon": "uncordon",
    "drain": "drain",
    "autoscale": "autoscale",
    "double": "double",
    "triple": "triple",
    "halve": "halve",
    "release": "release ship",
    "undo": "undo revert rollback",
    "apply": "apply",
    "use": "use",
    "run": "run",
    "start": "start",
    "cut": "cut",
}
CHANGING = frozenset(_VERBS)
"""The verbs, in canonical form, that speak of a change."""
NOT_OFFERED = _set(
    "destroy terminate taint exec create expose patch edit label annotate "
    "install uninstall kill stop deploy port-forward cp attach evict rename move migrate"
)
"""Verbs of changes that there is no tool for."""

_TOPICS = {
    "show": "show list get display print see view give find fetch",
    "describe": (
        "describe inspect explain detail details info information about examine configuration spec look looks looking"
    ),
    "diagnose": (
        "why diagnose troubleshoot debug investigate analyze analyse crash crashes crashing crashed crashloop "
        "crashlooping crashloopbackoff slow pending stuck restarts restarting restarted reason cause happened happening"
    ),
    "logs": "logs log logging logged tail follow output stdout stderr says say saying",
    "errors": "error errors",
    "warnings": "warning warnings",
    "exceptions": "exception exceptions",
    "tracebacks": "traceback tracebacks",
    "history": "history journal changes changed audit",
    "help": "help commands usage manual",
    "rollout": "rollout rolled rolling",
    "status": (
        "status how how's hows overview state health healthy unhealthy ok okay fine alright well good doing going "
        "check running ready unready available alive work works working done complete completed finished progress "
        "wrong broken failing fails failed fail problem problems issue issues bad deployed exist matter"
    ),
    "image": "image images",
    "replicas": "replicas replica instances instance copies copy",
    "whole": "stack cluster app apps application applications system everything things all site world",
}
TOPICS = frozenset(_TOPICS)
CANONICAL = {
    word: canonical for group in (_VERBS, _TOPICS) for canonical, words in group.items() for word in words.split()
}

PHRASES: dict[tuple[str, ...], str] = {
    ("roll", "back"): "undo",
    ("take", "back"): "undo",
    ("carry", "out"): "apply",
    ("roll", "out"): "release",
    ("spin", "up"): "start",
    ("number", "of", "replicas"): "replicas",
    ("count", "of", "replicas"): "replicas",
    ("replicas", "count"): "replicas",
    ("what's", "up"): "status",
    ("twice", "as", "many"): "double",
}
"""Words that mean something only together, in canonical form."""

ARTICLES = _set("a an the my our your")
POINTING = _set("this that")
PRONOUNS = _set("it its this that")
STRUCTURE = _set(
    "to at by of for on in from between with within inside into as up down out back more fewer less another total "
    "exactly namespace namespaces plan number named called last twice many half have has want need ="
)
"""Words that have a place in the grammar of changes."""

NEGATIONS = _set(
    "don't dont not never no cannot can't cant won't wont shouldn't shouldnt without avoid refuse neither nor "
    "doesn't doesnt didn't didnt isn't isnt aren't arent mustn't mustnt instead except nothing nobody hardly"
)
CONDITIONS = _set(
    "if unless when whenever once until till after before while otherwise suppose assuming provided tomorrow "
    "tonight later soon every each hourly daily weekly maybe perhaps possibly might else midnight noon monday "
    "tuesday wednesday thursday friday saturday sunday weekend eventually afterwards"
)
QUESTIONS = _set(
    "what what's whats why how how's hows should would could can may is are was were does did has had who who's "
    "whose when where where's which shall will am"
)
"""A sentence that begins with one of these asks."""
ATTRIBUTES = _set(
    "cpu memory ram resource resources usage uses using used consumption consume consumes most top revision "
    "disk storage port ports version tag timeout limit limits request requests env variable "
    "annotation label labels selector traffic size capacity budget priority replicas-count user users tenant "
    "percent max maximum min minimum something anything nothing someone both any some none few couple pair "
    "several multiple parallel order turn place time times minute minutes min mins hour hours second seconds sec "
    "secs day days week weeks today yesterday past ago since recent recently latest previous prior current "
    "currently old new"
)
"""Nouns that people say about objects and that name none."""
FILLER = _set(
    "and or but then also plus so than too very really still there here me us i we you they them he she be been "
    "being do get got let's lets let tell like these those only again now please thanks line lines kind of across "
    "everywhere entire whole wide keep keeps know understand think seems seem currently often ask "
    "containing matching grep search lately right just yet ever exactly i'm we're it's that's there's you're with "
    "yes own owns owned tree"
)
VOCABULARY = frozenset().union(
    CANONICAL, TOPICS, CHANGING, NOT_OFFERED, NUMBERS, ARTICLES, PRONOUNS, STRUCTURE, NEGATIONS, CONDITIONS, QUESTIONS,
    ATTRIBUTES, FILLER, _set("workload workloads service services container containers"),
)  # fmt: skip
"""Every word that is no name, kinds apart."""

NOISE = _set("please pls plz kindly just now quickly immediately asap shipmate simply")
"""Means nothing, wherever it stands."""
OPENINGS = _phrases(
    "hey;hi;hello;ok;okay;so;well;yes;thanks;alright;great;go ahead and;go and;let's;lets;let us;i want you to;"
    "i want to;"
    "i'd like you to;i'd like to;i would like you to;i would like to;i need you to;i need to;we need to;we want to;"
    "can you;could you;would you;will you;be so kind and;do me a favor and"
)
ASKING_KINDLY = frozenset(_phrases("can you;could you;would you;will you"))
"""Openings that make a request of a question."""
CLOSINGS = _phrases("thanks;thank you;thank you very much;for me;for us;right away;right now;at once;then;cheers")

# Words that are one slip away from the vocabulary and are none: "restarted" tells, "remote" names.
NOT_TYPOS = _set(
    "stale sale shale scare scald scalp scaly being brine brink boring charge chance rise praise raisin decease "
    "remote remover doubly doable tripe triply valve unto undue reverb revere divert apple amply apology decoy "
    "employ mage imago imagine upstate lover loser mower shrine shrank shrunk resort restate reside bouncy pounce "
    "release relapse state stats start started story logic logo lugs unit statue statute sets scope "
    "scaler"
)

_KIND_NICKNAMES = {
    "svcs": "services",
    "deploys": "deployments",
    "deployment.apps": "deployments",
    "deployments.apps": "deployments",
    "statefulset.apps": "statefulsets",
    "daemonset.apps": "daemonsets",
    "pvcs": "persistentvolumeclaims",
    "volumes": "persistentvolumes",
    "hpas": "horizontalpodautoscalers",
    "autoscaler": "horizontalpodautoscalers",
    "autoscalers": "horizontalpodautoscalers",
    "pdbs": "poddisruptionbudgets",
}
# `no` is a no before it is a node, `limits` and `quota` are talked about without meaning the kinds.
_NO_KINDS = frozenset({"no", "limits", "quota", "roles", "role"})


@functools.cache
def kinds() -> dict[str, str]:
    """The plural names of the kinds, by every word for them."""
    from mcp_tools.cluster.kinds import BUILT_IN

    words = {word: kind.plural for kind in BUILT_IN for word in (kind.plural, kind.name.lower(), *kind.short)}
    return {word: plural for word, plural in words.items() if word not in _NO_KINDS} | _KIND_NICKNAMES


def is_word(word: str) -> bool:
    """Whether the planner knows the word, so that it cannot be the bare name of an object."""
    return word in VOCABULARY or word in NOISE or word in kinds()
