"""The one object store: versions, a bounded history for watches, and an index by owner.

Stored objects are never changed in place; whoever wants a change writes a new dictionary.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp_tools.sandbox.objects.kinds import Kind

Object = dict[str, Any]
ObjectKey = tuple[str, str, str]

HISTORY = 4096


@dataclass(frozen=True, slots=True)
class Change:
    """One write.

    Attributes:
        version: The store's version after it.
        type: As a watch says it.
        kind: Of the object.
        obj: As it is now; for a deletion as it was at the end.
        before: As it was; `None` when it was created.
    """

    version: int
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    kind: Kind
    obj: Object
    before: Object | None


def clone(value: Any) -> Any:
    """A deep copy of plain data, several times faster than `copy.deepcopy`."""
    if type(value) is dict:
        return {key: clone(item) for key, item in value.items()}
    if type(value) is list:
        return [clone(item) for item in value]
    return value


class Store:
    """Objects by kind, namespace and name."""

    def __init__(self, history: int = HISTORY) -> None:
        self.version = 1
        self._objects: dict[str, dict[str, dict[str, Object]]] = {}
        self._owned: dict[str, dict[ObjectKey, Kind]] = {}
        self._history: deque[Change] = deque(maxlen=history)
        self._forgotten = 1
        self._listeners: list[Callable[[Change], None]] = []

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """The object, or `None`."""
        return self._objects.get(kind.key, {}).get(namespace, {}).get(name)

    def all_of(self, kind: Kind, namespace: str = "") -> Iterator[Object]:
        """The objects of a kind, in the order of namespace and name; of all namespaces unless one is given."""
        spaces = self._objects.get(kind.key, {})
        for space in [namespace] if namespace else sorted(spaces):
            objects = spaces.get(space, {})
            for name in sorted(objects):
                yield objects[name]

    def count(self, kind: Kind) -> int:
        """How many objects of a kind there are."""
        return sum(len(objects) for objects in self._objects.get(kind.key, {}).values())

    def owned_by(self, uid: str, kind: Kind | None = None) -> list[tuple[Kind, Object]]:
        """The objects that name `uid` as an owner, of one kind or of all."""
        found = []
        for (key, namespace, name), owned_kind in self._owned.get(uid, {}).items():
            if kind is None or kind.key == key:
                found.append((owned_kind, self._objects[key][namespace][name]))
        return found

    def put(self, kind: Kind, obj: Object) -> Object:
        """Write an object under a new version, which is set in its metadata.

        Args:
            kind: Of the object.
            obj: Belongs to the store from now on.

        Returns:
            The same object.
        """
        meta = obj["metadata"]
        namespace, name = meta.get("namespace", ""), meta["name"]
        objects = self._objects.setdefault(kind.key, {}).setdefault(namespace, {})
        before = objects.get(name)
        self.version += 1
        meta["resourceVersion"] = str(self.version)
        objects[name] = obj
        self._reindex((kind.key, namespace, name), kind, before, obj)
        self._publish(Change(self.version, "MODIFIED" if before else "ADDED", kind, obj, before))
        return obj

    def remove(self, kind: Kind, namespace: str, name: str) -> Object:
        """Take an object away.

        Returns:
            Its last form, under the version of the deletion.

        Raises:
            KeyError: There is none.
        """
        before = self._objects[kind.key][namespace].pop(name)
        self.version += 1
        last = {**before, "metadata": {**before["metadata"], "resourceVersion": str(self.version)}}
        self._reindex((kind.key, namespace, name), kind, before, None)
        self._publish(Change(self.version, "DELETED", kind, last, before))
        return last

    @property
    def oldest(self) -> int:
        """The version after which every change is known."""
        return self._forgotten

    def forget(self) -> None:
        """Begin here: who asks for what was before gets told that it is too old."""
        self._history.clear()
        self._forgotten = self.version

    def since(self, version: int) -> list[Change] | None:
        """The changes after a version, oldest first; `None` when some of them are forgotten."""
        if version < self._forgotten:
            return None
        newer = []
        for change in reversed(self._history):
            if change.version <= version:
                break
            newer.append(change)
        return newer[::-1]

    def subscribe(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Be told of every change, right after it; returns what ends the subscription."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _publish(self, change: Change) -> None:
        if len(self._history) == self._history.maxlen:
            self._forgotten = self._history[0].version
        self._history.append(change)
        for listener in tuple(self._listeners):
            listener(change)

    def _reindex(self, key: ObjectKey, kind: Kind, before: Object | None, after: Object | None) -> None:
        old = _owners(before)
        new = _owners(after)
        for uid in old - new:
            owned = self._owned[uid]
            del owned[key]
            if not owned:
                del self._owned[uid]
        for uid in new - old:
            self._owned.setdefault(uid, {})[key] = kind


def _owners(obj: Object | None) -> set[str]:
    return {owner["uid"] for owner in obj["metadata"].get("ownerReferences", ())} if obj else set()
