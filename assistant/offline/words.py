"""The planner's vocabulary: numbers, synonyms, kinds, noise, and how near a typo may be."""

from __future__ import annotations

NUMBERS = {
    word: number
    for number, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ]
    )
} | {"a dozen": 12, "dozen": 12, "none": 0}

KINDS = {
    "pods": "pods pod po",
    "deployments": "deployments deployment deploy deploys deployment.apps deployments.apps",
    "services": "services service svc svcs",
    "statefulsets": "statefulsets statefulset sts",
    "daemonsets": "daemonsets daemonset ds",
    "replicasets": "replicasets replicaset rs",
    "nodes": "nodes node no",
    "namespaces": "namespaces namespace ns",
    "events": "events event ev",
    "configmaps": "configmaps configmap cm config-maps",
    "secrets": "secrets secret",
    "ingresses": "ingresses ingress ing",
    "jobs": "jobs job",
    "cronjobs": "cronjobs cronjob cj",
    "persistentvolumeclaims": "persistentvolumeclaims persistentvolumeclaim pvc pvcs",
    "persistentvolumes": "persistentvolumes persistentvolume pv pvs",
    "serviceaccounts": "serviceaccounts serviceaccount sa",
    "endpoints": "endpoints endpoint ep",
    "horizontalpodautoscalers": "horizontalpodautoscalers horizontalpodautoscaler hpa hpas autoscalers autoscaler",
    "networkpolicies": "networkpolicies networkpolicy netpol",
    "storageclasses": "storageclasses storageclass sc",
    "poddisruptionbudgets": "poddisruptionbudgets poddisruptionbudget pdb pdbs",
    "customresourcedefinitions": "customresourcedefinitions customresourcedefinition crd crds",
}
KIND_OF = {word: plural for plural, words in KINDS.items() for word in words.split()}

SYNONYMS = {
    "scale": "scale resize",
    "restart": "restart reboot bounce recycle rerun",
    "describe": "describe inspect explain",
    "show": "show list get display print see view",
    "logs": "logs log",
    "status": "status overview state health",
    "undo": "undo revert rollback",
    "history": "history journal changes",
    "help": "help",
    "replicas": "replicas replica instances instance copies copy",
    "deploy": "deploy roll",
    "set": "set make put bring change",
    "image": "image",
    "rollout": "rollout",
    "increase": "increase bump raise grow add",
    "decrease": "decrease reduce shrink lower remove drop",
    "up": "up",
    "down": "down",
    "double": "double",
    "halve": "halve",
    "triple": "triple",
}
CANONICAL = {word: canonical for canonical, words in SYNONYMS.items() for word in words.split()}

# Words that never name an object, so that a grammar slot for a name cannot swallow them.
FUNCTION_WORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "to",
        "of",
        "in",
        "on",
        "at",
        "for",
        "from",
        "with",
        "by",
        "and",
        "or",
        "but",
        "not",
        "no",
        "it",
        "its",
        "them",
        "that",
        "this",
        "these",
        "those",
        "all",
        "any",
        "some",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "do",
        "does",
        "did",
        "i",
        "you",
        "we",
        "they",
        "my",
        "our",
        "your",
        "me",
        "us",
        "what",
        "why",
        "how",
        "when",
        "where",
        "which",
        "who",
        "if",
        "then",
        "else",
        "now",
        "please",
        "up",
        "down",
        "more",
        "fewer",
        "less",
        "than",
        "so",
        "as",
        "about",
        "into",
        "out",
        "off",
        "just",
        "only",
        "again",
        "back",
        "namespace",
        "context",
        "replicas",
        "until",
        "unless",
        "while",
        "after",
        "before",
        "because",
        "don't",
        "dont",
        "never",
        "without",
        "last",
        "previous",
        "current",
        "everything",
    ]
)

NEGATIONS = frozenset(
    [
        "don't",
        "dont",
        "not",
        "never",
        "no",
        "cannot",
        "can't",
        "cant",
        "won't",
        "wont",
        "shouldn't",
        "shouldnt",
        "without",
        "avoid",
        "stop",
        "refuse",
        "neither",
        "nor",
        "doesn't",
        "doesnt",
        "didn't",
        "didnt",
        "isn't",
        "isnt",
        "mustn't",
        "mustnt",
    ]
)
CONDITIONS = frozenset(
    [
        "if",
        "unless",
        "when",
        "whenever",
        "once",
        "until",
        "after",
        "before",
        "while",
        "otherwise",
        "suppose",
        "assuming",
        "provided",
        "tomorrow",
        "tonight",
        "later",
        "every",
        "hourly",
        "daily",
        "weekly",
        "maybe",
        "perhaps",
        "possibly",
        "might",
    ]
)
QUESTION_STARTS = frozenset(
    [
        "what",
        "what's",
        "whats",
        "why",
        "how",
        "how's",
        "hows",
        "should",
        "would",
        "could",
        "can",
        "may",
        "is",
        "are",
        "was",
        "were",
        "does",
        "do",
        "did",
        "has",
        "have",
        "had",
        "who",
        "whose",
        "when",
        "where",
        "which",
        "shall",
        "will",
    ]
)
POLITE = (
    "please",
    "pls",
    "kindly",
    "hey",
    "hi",
    "hello",
    "ok",
    "okay",
    "shipmate",
    "thanks",
    "thank you",
    "go ahead and",
    "let's",
    "lets",
    "i want you to",
    "i want to",
    "i'd like you to",
    "i'd like to",
    "i would like you to",
    "i would like to",
    "i need you to",
    "i need to",
    "can you",
    "could you",
    "would you",
    "will you",
    "just",
    "now",
    "for me",
    "right away",
    "quickly",
)
# Inflections are other words, not typos: "I scaled it yesterday" asks for nothing.
NOT_TYPOS = frozenset(
    [
        "scaled",
        "scales",
        "scaling",
        "restarted",
        "restarts",
        "restarting",
        "deployed",
        "deploys",
        "deploying",
        "undone",
        "undoing",
        "reverted",
        "reverting",
        "sets",
        "setting",
        "shows",
        "showed",
        "shown",
        "listed",
        "listing",
        "gets",
        "got",
        "described",
        "describes",
        "describing",
        "rolled",
        "rolling",
        "increased",
        "increases",
        "reduced",
        "reduces",
        "bumped",
        "bumps",
        "raised",
        "halved",
        "doubled",
        "doubles",
        "tripled",
        "sale",
        "sales",
        "scaler",
        "stale",
        "scam",
        "seal",
        "state",
        "stats",
        "start",
        "started",
        "restarter",
        "release",
        "unit",
        "unto",
        "logo",
        "logic",
        "lugs",
        "image",
        "images",
        "mage",
        "imagine",
        "history",
        "story",
    ]
)


def distance(one: str, other: str, most: int) -> int:
    """The optimal string alignment distance (Damerau–Levenshtein without overlapping edits), or `most + 1` if larger."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if last and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]


def correct(word: str) -> str | None:
    """The vocabulary's word that this is a typo of, or None: one slip in four to six letters, two in more."""
    if len(word) < 4 or word in NOT_TYPOS or word in FUNCTION_WORDS or not word.isalpha():  # noqa: PLR2004
        return None
    most = 1 if len(word) <= 6 else 2  # noqa: PLR2004
    near = [
        (gap, known)
        for known in (*CANONICAL, *KIND_OF)
        if len(known) >= 4 and (gap := distance(word, known, most)) <= most  # noqa: PLR2004
    ]
    best = sorted(near)
    return best[0][1] if best and (len(best) == 1 or best[0][0] < best[1][0] or _same(best[0][1], best[1][1])) else None


def _same(one: str, other: str) -> bool:
    return CANONICAL.get(one, KIND_OF.get(one)) == CANONICAL.get(other, KIND_OF.get(other))
