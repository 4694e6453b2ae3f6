"""Conversations that are kept."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest

from assistant import conversation
from assistant.conversation import Conversation, ConversationProblem
from assistant.events import Event, Notice, TextDelta
from assistant.offline.brain import OfflineBrain
from assistant.offline.model import NotUnderstood
from mcp_tools.cluster.target import Target
from mcp_tools.errors import NotFound
from mcp_tools.toolbox import Toolbox

HELLO = {"role": "user", "content": "hello"}


def test_one_is_gone_on_with_where_it_ended(tmp_path: Path) -> None:
    place = tmp_path / "talk.db"
    first = Conversation.begin(place)
    first.add([HELLO])
    first.add([{"role": "assistant", "content": "Yes?"}])
    again = Conversation.resume(path=place)
    assert again.id == first.id
    assert [item["content"] for item in again.items()] == ["hello", "Yes?"]
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_one_that_was_only_begun_leaves_nothing(tmp_path: Path) -> None:
    place = tmp_path / "talk.db"
    assert Conversation.begin(place).items() == []
    assert not place.exists()
    with pytest.raises(NotFound, match="no conversation to go on with"):
        Conversation.resume(path=place)
    with pytest.raises(NotFound, match="'gone'"):
        Conversation.resume("gone", place)


def test_a_secret_is_not_kept(tmp_path: Path) -> None:
    place = tmp_path / "talk.db"
    Conversation.begin(place).add([{"role": "user", "content": "the password=hunter2-hunter2"}])
    assert b"hunter2" not in b"".join(part.read_bytes() for part in tmp_path.iterdir())
    assert "[redacted]" in Conversation.resume(path=place).items()[0]["content"]


def test_the_arguments_of_a_call_lose_their_secrets_and_stay_json(tmp_path: Path) -> None:
    arguments = json.dumps({"target": "web", "env": {"DB_PASSWORD": 'hunter2 "quoted"', "MODE": "fast"}})
    talk = Conversation.begin(tmp_path / "talk.db")
    talk.add([{"type": "function_call", "call_id": "c", "name": "configure_workload", "arguments": arguments}])
    (kept,) = talk.items()
    assert json.loads(kept["arguments"])["env"] == {"DB_PASSWORD": "[redacted]", "MODE": "fast"}


def test_items_are_taken_back_and_forgotten_in_one_conversation_only(tmp_path: Path) -> None:
    place = tmp_path / "talk.db"
    other = Conversation.begin(place)
    other.add([HELLO])
    talk = Conversation.begin(place)
    talk.add([HELLO, {"role": "user", "content": "wait"}])
    assert talk.pop() == {"role": "user", "content": "wait"}
    talk.clear()
    assert talk.items() == []
    assert talk.pop() is None
    assert other.items() == [HELLO]


def test_two_that_speak_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    place = tmp_path / "talk.db"
    talks = [Conversation.begin(place) for _ in range(4)]

    def speak(talk: Conversation) -> None:
        for number in range(20):
            talk.add([{"role": "user", "content": str(number)}])

    threads = [threading.Thread(target=speak, args=(talk,)) for talk in talks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [[item["content"] for item in talk.items()] for talk in talks] == [[str(n) for n in range(20)]] * 4


def test_the_oldest_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "KEPT", 3)
    place = tmp_path / "talk.db"
    talks = [Conversation.begin(place) for _ in range(5)]
    for talk in talks:
        talk.add([HELLO])
    assert [talk.items() for talk in talks] == [[], [], [HELLO], [HELLO], [HELLO]]
    assert Conversation.resume(path=place).id == talks[-1].id


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    place = tmp_path / "talk.db"
    place.write_bytes(b"not a database, but long enough to be looked at by SQLite" * 20)
    with pytest.raises(ConversationProblem, match=str(place)):
        Conversation.begin(place).add([HELLO])


def test_an_answer_without_a_model_does_not_depend_on_being_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    heard: list[Event] = []
    brain = OfflineBrain(Toolbox(Target()), Conversation.begin(tmp_path / "file" / "talk.db"))
    brain.respond("help", heard.append)
    assert [type(event) for event in heard] == [TextDelta, Notice]
    with pytest.raises(NotUnderstood):
        brain.respond("sing me a song", heard.append)


def test_a_place_that_cannot_be_written_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConversationProblem, match="XDG_STATE_HOME"):
        Conversation.begin(tmp_path / "file" / "talk.db").add([HELLO])
