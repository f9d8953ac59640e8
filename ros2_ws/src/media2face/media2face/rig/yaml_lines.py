"""YAML read with the line of every field, so that an error can say where it is."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import yaml

TOO_LONG = 1_000_000  # characters; a map has a few thousand


class MapError(ValueError):
    """A file that cannot be a map; the message names file and line."""


class Entry:
    """One mapping of the file.

    Attributes:
        keys: its fields, in order.
    """

    def __init__(self, path: Path, node: yaml.MappingNode, where: str, line: int) -> None:
        self._path = path
        self._where = where
        self._line = line
        self._keys: dict[str, tuple[int, yaml.Node]] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise self._at(line, "a field's name must be a word")
            if key.value in self._keys:
                raise self._at(line, f"'{key.value}' is given twice; leave one out")
            self._keys[key.value] = (line, value)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._keys)

    def error(self, field: str | None, text: object) -> MapError:
        """An error at the line of `field`, or of this mapping where it has no such field."""
        # lower and upper are read from the field `limits`
        alias = "limits" if field in {"lower", "upper"} else field
        line = self._keys[alias][0] if alias in self._keys else self._line
        return self._at(line, text)

    def _at(self, line: int, text: object) -> MapError:
        return MapError(f"{self._path}:{line}: {self._where}{text}")

    def allow(self, *names: str) -> None:
        """Raises MapError where there is a field of another name."""
        for key in self._keys:
            if key not in names:
                raise self.error(key, f"no field is called '{key}'; there are {', '.join(names)}")

    def child(self, field: str) -> Entry | None:
        """The mapping under `field`; None where it is not there or empty."""
        if field not in self._keys or self._is_null(field):
            return None
        line, node = self._keys[field]
        if not isinstance(node, yaml.MappingNode):
            raise self.error(field, f"{field}: must be fields with values, 'name: value'")
        where = f"joint {field}: " if self._where == "joints: " else f"{self._where}{field}: "
        return Entry(self._path, node, where, line)

    def number(self, field: str) -> float | None:
        """The number at `field`; None where there is no such field."""
        return self._number(field, self._keys[field][1]) if field in self._keys else None

    def finite(self, field: str) -> float:
        """The finite number at `field`, which is there."""
        value = self._number(field, self._keys[field][1])
        if not math.isfinite(value):
            raise self.error(field, f"{field}: {value:g} must be finite")
        return value

    def numbers(self, field: str) -> list[float]:
        """The list of numbers at `field`."""
        return [self._number(field, item) for item in self._items(field, self._keys[field][1])]

    def pairs(self, field: str) -> tuple[tuple[float, float], ...]:
        """The list of pairs of numbers at `field`."""
        pairs = []
        for item in self._items(field, self._keys[field][1]):
            values = [self._number(field, part) for part in self._items(field, item)]
            if len(values) != 2:
                raise self.error(field, f"{field}: must be a list of pairs, [[in, out], ...]")
            pairs.append((values[0], values[1]))
        return tuple(pairs)

    def text(self, field: str) -> str | None:
        """The word at `field`; None where there is no such field."""
        if field not in self._keys:
            return None
        node = self._keys[field][1]
        if not isinstance(node, yaml.ScalarNode):
            raise self.error(field, f"{field}: must be a word")
        return str(node.value)

    def flag(self, field: str) -> bool | None:
        """true or false at `field`; None where there is no such field."""
        value = self.text(field)
        if value not in {None, "true", "false"}:
            raise self.error(field, f"{field}: '{value}' must be true or false")
        return None if value is None else value == "true"

    def _is_null(self, field: str) -> bool:
        return str(self._keys[field][1].tag) == "tag:yaml.org,2002:null"

    def _items(self, field: str, node: yaml.Node) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            raise self.error(field, f"{field}: must be a list in [ ]")
        return list(node.value)

    def _number(self, field: str, node: yaml.Node) -> float:
        try:
            return float(node.value) if isinstance(node, yaml.ScalarNode) else float("")
        except ValueError:
            shown = f"'{node.value}'" if isinstance(node, yaml.ScalarNode) else "this"
            raise self.error(field, f"{field}: {shown} must be a number") from None


def read_yaml(path: Path) -> Entry:
    """The top of a YAML file that holds a mapping.

    Raises:
        MapError: naming file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8 text"
        raise MapError(f"{path}: cannot be read ({reason})") from error
    if len(text) > TOO_LONG:
        raise MapError(f"{path}: is longer than {TOO_LONG} characters; is it a map?")
    try:
        node: Any = yaml.compose(text, yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or error
        raise MapError(f"{path}{line}: not YAML: {problem}") from error
    if not isinstance(node, yaml.MappingNode):
        raise MapError(f"{path}:1: must be fields with values, beginning with 'name: ...'")
    return Entry(path, node, "", 1)
