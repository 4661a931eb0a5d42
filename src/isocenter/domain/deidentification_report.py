"""What was done to objects that left without their patients' identities: counts that name nobody, for people and as JSON."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from isocenter.dicom.attributes import keyword_of
from isocenter.dicom.elements import name

PROFILE = "PS3.15 Basic Application Confidentiality Profile"
_WORDS = {
    "K": "kept", "X": "removed", "Z": "emptied", "D": "replaced by a dummy", "U": "replaced by another UID",
    "C dates": "moved", "C words": "cleaned of words", "scrubbed": "held an identity: replaced", "private": "private: removed",
    "unknown": "unknown: removed",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Done:
    """What was done to one object. study: its new UID; regions: rectangles made black; actions: (tag, what) -> how often."""

    study: str
    regions: int
    actions: Mapping[tuple[int, str], int]


@dataclass(slots=True)
class Summary:
    """What was done, over all objects. held_back: why -> how many did not leave. studies: UIDs as they left."""

    project: str
    options: tuple[str, ...]
    given: int = 0
    studies: set[str] = field(default_factory=set)
    blackened: int = 0
    held_back: Counter[str] = field(default_factory=Counter)
    actions: Counter[tuple[int, str]] = field(default_factory=Counter)

    def take(self, done: Done) -> None:
        """Count one in."""
        self.given += 1
        self.studies.add(done.study)
        self.blackened += bool(done.regions)
        self.actions.update(done.actions)

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "project": self.project, "profile": PROFILE, "options": list(self.options),
            "studies": len(self.studies), "objects": self.given, "objects_with_blackened_pixels": self.blackened,
            "held_back": [{"reason": reason, "objects": count} for reason, count in sorted(self.held_back.items())],
            "attributes": [
                {"tag": name(tag), "keyword": keyword_of(tag), "action": action, "what": _WORDS[action], "times": times}
                for (tag, action), times in sorted(self.actions.items())
            ],
        }  # fmt: skip

    def text(self) -> str:
        """The same for people."""
        return text(self.facts())

    def value(self) -> dict[str, Any]:
        """As it is kept; `kept` makes it again."""
        return {
            "project": self.project, "options": list(self.options), "given": self.given, "studies": sorted(self.studies),
            "blackened": self.blackened, "held_back": dict(self.held_back),
            "actions": [[tag, action, times] for (tag, action), times in sorted(self.actions.items())],
        }  # fmt: skip


def kept(value: Mapping[str, Any]) -> Summary:
    """A summary from what `Summary.value` made."""
    actions = Counter({(tag, action): times for tag, action, times in value["actions"]})
    return Summary(value["project"], tuple(value["options"]), value["given"], set(value["studies"]), value["blackened"],
                   Counter(value["held_back"]), actions)  # fmt: skip


def reasons(told: Iterable[str]) -> Counter[str]:
    """Why instances of a delivery have not left, as the others are told: without the words that mark one as held back."""
    return Counter(each.removeprefix(HELD) or "it was not sent" for each in told)


HELD = "held back: "


def text(facts: Mapping[str, Any]) -> str:
    """A report as a page of text, with the line ends of REPORT.TXT in a file-set."""
    lines = ["What was done to these objects", "==============================", "",
             f"Project:      {facts['project'] or 'none (pseudonyms are of this export only)'}",
             f"Profile:      {facts['profile']}",
             f"Options:      {', '.join(facts['options']) or 'none'}",
             f"Studies:      {facts['studies']}",
             f"Objects:      {facts['objects']}, {facts['objects_with_blackened_pixels']} of them with rectangles of pixels made"
             " black", ""]  # fmt: skip
    if facts["held_back"]:
        held: Sequence[Mapping[str, Any]] = facts["held_back"]
        lines += ["Held back", "---------", *(f"{each['objects']:6}  {each['reason']}" for each in held), ""]
    lines += ["Attributes", "----------"]
    lines += [f"{each['tag']}  {each['keyword'][:44]:44}  {each['what']:30} {each['times']:8}" for each in facts["attributes"]]
    return "\r\n".join(lines) + "\r\n"
