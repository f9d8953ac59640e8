"""What the site takes from the code while it is built, so that it cannot go stale: interfaces from
the .msg, .srv and .action files, parameters from the nodes' SPECS, topics from their calls, launch
arguments and the command line's help. Each function returns Markdown.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MESSAGES = ROOT / "ros2_ws/src/m2f_msgs"
PACKAGE = ROOT / "ros2_ws/src/m2f_node"
NODES = PACKAGE / "m2f_node"
SECTIONS = {"msg": ("",), "srv": ("Request", "Response"), "action": ("Goal", "Result", "Feedback")}
NOT_A_NODE = ("demo",)  # starts nodes, is none to run on its own
# Modules that make entities for a node that is another module.
PART_OF = {"animate_server": "face_node", "expression": "face_node"}
NOT_DOCUMENTED = ("observer",)  # of the demo
CALLS = {
    "create_publisher": "out",
    "create_lifecycle_publisher": "out",
    "create_subscription": "in",
    "create_service": "service",
    "create_client": "client",
    "ActionServer": "action",
}
# What is known at run time only, by module and expression.
RUN_TIME = {
    ("expression", "message"): "hri_msgs/msg/Expression",
    ("audio_bridge", "message"): "audio_common_msgs: AudioStamped, Audio, AudioDataStamped, "
    "AudioData",
    ("audio_bridge", "info"): "audio_common_msgs/msg/AudioInfo",
    ("audio_bridge", "self._topic"): "audio_in",
    ("marker", "TFMessage"): "tf2_msgs/msg/TFMessage",
}


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    cells = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(c.replace('|', chr(92) + '|') for c in r)} |" for r in cells)


# ---- interfaces ----------------------------------------------------------------------------


def interfaces() -> str:
    """Every message, service and action with its fields."""
    out = []
    for kind, sections in SECTIONS.items():
        for path in sorted((MESSAGES / kind).glob(f"*.{kind}")):
            out.append(f"## m2f_msgs/{kind}/{path.stem}")
            bodies = re.split(r"^---$", path.read_text(), flags=re.MULTILINE)
            for title, body in zip(sections, bodies, strict=True):
                text, rows = fields(body)
                out += [f"### {path.stem}: {title}"] if title else []
                out += [text] if text else []
                out += [table(("field", "type", ""), rows)]
    return "\n\n".join(out)


def fields(body: str) -> tuple[str, list[tuple[str, ...]]]:
    """The opening comment and (field, type, meaning) of a part of an interface file.

    A comment belongs to the fields below it, up to an empty line.
    """
    opening, comment, rows = "", [], []
    fresh = True  # the comment has not been taken by a field yet
    for line in map(str.strip, body.strip().splitlines()):
        if line.startswith("#"):
            comment = ([] if not fresh else comment) + [line.lstrip("# ")]
            fresh = True
        elif not line:
            if comment and fresh and not rows and not opening:
                opening = " ".join(comment)
            comment, fresh = [], True
        else:
            kind, _, name = line.partition(" ")
            name, _, default = name.partition(" ")
            note = f" Default {default}." if default else ""
            rows.append((f"`{name}`", f"`{kind}`", " ".join(comment) + note))
            fresh = False
    return opening, rows


# ---- parameters ----------------------------------------------------------------------------


def executables() -> dict[str, str]:
    """Executable to module of m2f_node, as setup.py installs them."""
    pairs = re.findall(r'"(\w+) = m2f_node\.(\w+):main"', (PACKAGE / "setup.py").read_text())
    return {name: module for name, module in pairs if name not in NOT_A_NODE}


def parameters() -> str:
    """Every node's parameters. Raises ValueError where one is declared past the SPECS."""
    for path in NODES.glob("*.py"):
        if path.stem != "parameters" and "declare_parameter(" in path.read_text():
            raise ValueError(f"{path}: declare parameters by SPECS and parameters.declare")
    out = []
    for name, module in executables().items():
        rows = [
            (f"`{key}`", _value(spec.default), _allowed(spec), spec.text)
            for key, spec in specs(module).items()
        ]
        out.append(f"## {name}\n\n" + table(("parameter", "default", "allowed", ""), rows))
    return "\n\n".join(out)


def specs(module: str) -> dict[str, object]:
    """SPECS of a node's module; the main node's lie in m2f_node.parameters."""
    home = "parameters" if module == "face_node" else module
    return importlib.import_module(f"m2f_node.{home}").SPECS


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"`{value}`" if value != "" else "empty"


def _allowed(spec: object) -> str:
    allowed = ", ".join(spec.choices or ())
    if spec.low is not None:
        allowed = f"{spec.low:.16g} to {spec.high:.16g}"
    return "; ".join(part for part in (allowed, "read-only" if spec.read_only else "") if part)


# ---- topics --------------------------------------------------------------------------------


def topics() -> str:
    """What every node publishes, hears, serves and calls."""
    rows: dict[str, list[tuple[str, ...]]] = {module: [] for module in executables().values()}
    for path in sorted(NODES.glob("*.py")):
        if path.stem in NOT_DOCUMENTED:
            continue
        tree = ast.parse(path.read_text())
        for call in _calls(tree):
            owner = PART_OF.get(path.stem, path.stem)
            if owner not in rows:
                raise ValueError(f"{path}: whose topics are these? Say so in docs/from_code.py")
            rows[owner].append(_entity(path.stem, tree, call))
    out = []
    for name, module in executables().items():
        header = ("", "name", "type", "QoS")
        out.append(f"## {name}\n\n" + table(header, sorted(rows[module], key=_order)))
    return "\n\n".join(out)


def _order(row: tuple[str, ...]) -> tuple[int, str]:
    return ["in", "out", "service", "client", "action"].index(row[0]), row[1]


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in CALLS:
                yield node


def _entity(module: str, tree: ast.Module, call: ast.Call) -> tuple[str, ...]:
    """(direction, name, type, QoS) of a call that makes a publisher, a subscription ..."""
    kind = CALLS[getattr(call.func, "attr", getattr(call.func, "id", ""))]
    given = call.args[1:] if kind == "action" else call.args
    name = _text(module, given[1])
    place = {"in": 3, "out": 2}.get(kind)
    qos = _qos(module, tree, call.args[place]) if place else ""
    if any(keyword.arg == "qos_overriding_options" for keyword in call.keywords):
        qos += "; overridable"
    return kind, f"`{name}`", f"`{_type(module, tree, given[0])}`", qos


def _text(module: str, node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            f"<{ast.unparse(part.value)}>" if isinstance(part, ast.FormattedValue) else part.value
            for part in node.values
        )
    return RUN_TIME[module, ast.unparse(node)]


def _type(module: str, tree: ast.Module, node: ast.expr) -> str:
    name = ast.unparse(node)
    if (module, name) in RUN_TIME:
        return RUN_TIME[module, name]
    for statement in ast.walk(tree):
        if isinstance(statement, ast.ImportFrom) and name in _names(statement):
            return f"{str(statement.module).replace('.', '/')}/{name}"
    raise ValueError(f"{module}.py: type {name} is not imported: add it to RUN_TIME")


def _names(statement: ast.ImportFrom) -> set[str]:
    return {alias.name for alias in statement.names}


def _qos(module: str, tree: ast.Module, node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return f"reliable, keeps {node.value}"
    name = ast.unparse(node)
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == name:
            return _profile(statement.value)
        if isinstance(statement, ast.ImportFrom) and name in _names(statement):
            home = str(statement.module).removeprefix("m2f_node.")
            return _qos(home, ast.parse((NODES / f"{home}.py").read_text()), node)
    raise ValueError(f"{module}.py: no profile {name}")


def _profile(call: ast.expr) -> str:
    """A QoSProfile(...) in words."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    words = [ast.unparse(given[key]) for key in ("reliability", "durability") if key in given]
    text = [word.rpartition(".")[2].lower().replace("_", " ") for word in words]
    depth = given["depth"]
    kept = ast.unparse(depth).rpartition(".")[2]
    return ", ".join([*text, f"keeps {kept if isinstance(depth, ast.Constant) else f'`{kept}`'}"])


# ---- launch files and commands -------------------------------------------------------------


def launch() -> str:
    """Every launch file with what its head says, and the arguments they share."""
    out = []
    for path in sorted((PACKAGE / "launch").glob("*.launch.py")):
        docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
        summary, _, examples = docstring.partition("\n\n")
        out.append(f"## {path.name}\n\n{summary}\n\n```\n{examples}\n```")
    # Read, not imported: launch is not on every machine.
    tree = ast.parse((PACKAGE / "m2f_node" / "launching.py").read_text())
    (arguments,) = (
        ast.literal_eval(statement.value)
        for statement in tree.body
        if isinstance(statement, ast.AnnAssign) and ast.unparse(statement.target) == "ARGUMENTS"
    )
    rows = [
        (f"`{name}`", "the shipped one" if value is None else _value(value), text)
        for name, (value, text) in arguments.items()
    ]
    shared = "## Arguments of m2f.launch.py and robot.launch.py"
    out.append(f"{shared}\n\n{table(('argument', 'default', ''), rows)}")
    return "\n\n".join(out)


def commands() -> str:
    """The help of `m2f` and everything below it."""
    from media2face.cli.main import build_parser

    os.environ["COLUMNS"] = "88"
    return "\n\n".join(_helps(build_parser(), 2))


def _helps(parser: argparse.ArgumentParser, depth: int) -> Iterator[str]:
    yield f"{'#' * depth} {parser.prog}\n\n```\n{parser.format_help().rstrip()}\n```"
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _helps(below, min(depth + 1, 3))


GENERATED: dict[str, Callable[[], str]] = {
    "interfaces": interfaces,
    "parameters": parameters,
    "topics": topics,
    "launch": launch,
    "commands": commands,
}


def fill(text: str) -> str:
    """Replaces each `<!-- generated: NAME -->` of a page by what the code says."""
    return re.sub(r"<!-- generated: (\w+) -->", lambda found: GENERATED[found[1]](), text)
