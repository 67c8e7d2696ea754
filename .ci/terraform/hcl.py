"""Reads Terraform's language as far as a check needs it: blocks, arguments, and what an expression refers to.

It is no judge of syntax, `terraform fmt` is. What it cannot read is an error all the same.
"""

import re
from dataclasses import dataclass, field

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class Unreadable(Exception):
    """The text is not Terraform's language, or more of it than this module knows."""


@dataclass
class Attribute:
    name: str
    # The expression as it stands there.
    raw: str
    line: int


@dataclass
class Block:
    type: str
    labels: list
    line: int
    # Where it is in the text.
    start: int = 0
    end: int = 0
    attributes: dict = field(default_factory=dict)
    blocks: list = field(default_factory=list)

    def of(self, kind):
        return [block for block in self.blocks if block.type == kind]


def parse(text):
    """The whole file as one block without a name."""
    root = Block("", [], 1)
    end = _body(text, 0, root)
    if end != len(text):
        raise Unreadable(f"line {_line(text, end)}: a brace too many")
    return root


def _line(text, at):
    return text.count("\n", 0, at) + 1


def _skip(text, at):
    """Past white space and comments."""
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif text[at] == "#" or text.startswith("//", at):
            at = _end_of_line(text, at)
        elif text.startswith("/*", at):
            at = text.index("*/", at) + 2
        else:
            break
    return at


def _end_of_line(text, at):
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _body(text, at, into):
    while True:
        at = _skip(text, at)
        if at >= len(text) or text[at] == "}":
            return at
        name = IDENTIFIER.match(text, at)
        if not name:
            raise Unreadable(f"line {_line(text, at)}: neither an argument nor a block")
        start, at = at, _skip(text, name.end())
        if at < len(text) and text[at] == "=" and text[at + 1] != "=":
            end = _expression(text, at + 1)
            if name.group() in into.attributes:
                raise Unreadable(f"line {_line(text, start)}: {name.group()} is there twice")
            raw = text[at + 1 : end].strip()
            into.attributes[name.group()] = Attribute(name.group(), raw, _line(text, start))
            at = end
            continue
        labels = []
        while at < len(text) and text[at] == '"':
            end = _string(text, at)
            labels.append(text[at + 1 : end - 1])
            at = _skip(text, end)
        if at >= len(text) or text[at] != "{":
            raise Unreadable(f"line {_line(text, start)}: {name.group()} has neither a value nor a body")
        block = Block(name.group(), labels, _line(text, start), start)
        at = _body(text, at + 1, block)
        if at >= len(text):
            raise Unreadable(f"line {block.line}: {block.type} has no end")
        into.blocks.append(block)
        at += 1
        block.end = at


def _expression(text, at):
    """Where the expression that begins here ends: at the end of a line, outside of all brackets."""
    depth = 0
    while at < len(text):
        char = text[at]
        if char == '"':
            at = _string(text, at)
            continue
        heredoc = re.compile(r"<<-?([A-Z_]+)\n").match(text, at)
        if heredoc:
            end = re.compile(rf"^[ \t]*{heredoc.group(1)}$", re.M).search(text, heredoc.end())
            if not end:
                raise Unreadable(f"line {_line(text, at)}: the text has no end")
            at = end.end()
            continue
        if char == "#" or text.startswith("//", at):
            at = _end_of_line(text, at)
            continue
        if char in "([{":
            depth += 1
        elif char in ")]}":
            if depth == 0:
                return at
            depth -= 1
        elif char == "\n" and depth == 0:
            return at
        at += 1
    return at


def _string(text, at):
    """Past the string that begins here."""
    start, at = at, at + 1
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text.startswith("$${", at):
            at += 3
        elif text.startswith("%{", at):
            raise Unreadable(f"line {_line(text, at)}: %{{ in a text is more than this check can read")
        elif text.startswith("${", at):
            at = _closing(text, at + 1)
        elif text[at] == '"':
            return at + 1
        elif text[at] == "\n":
            break
        else:
            at += 1
    raise Unreadable(f"line {_line(text, start)}: the text has no end")


def _closing(text, at):
    """Past the bracket that closes the one here."""
    pairs, start, depth = {"(": ")", "[": "]", "{": "}"}, at, 0
    while at < len(text):
        if text[at] == '"':
            at = _string(text, at)
            continue
        if text[at] in pairs:
            depth += 1
        elif text[at] in pairs.values():
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    raise Unreadable(f"line {_line(text, start)}: a bracket has no end")


def code(raw):
    """An expression without its comments and the words in its strings: what is computed stays."""
    out, at = [], 0
    while at < len(raw):
        heredoc = re.compile(r"<<-?([A-Z_]+)\n").match(raw, at)
        if heredoc:
            end = re.compile(rf"^[ \t]*{heredoc.group(1)}$", re.M).search(raw, heredoc.end())
            out.append(_words(raw[heredoc.end() : end.start()]))
            at = end.end()
        elif raw[at] == '"':
            end = _string(raw, at)
            out.append(_words(raw[at + 1 : end - 1]))
            at = end
        elif raw[at] == "#" or raw.startswith("//", at):
            at = _end_of_line(raw, at)
        else:
            out.append(raw[at])
            at += 1
    return "".join(out)


def _words(text):
    computed, at = [], 0
    while at < len(text):
        if text.startswith("$${", at):
            at += 3
        elif text.startswith("${", at):
            end = _closing(text, at + 1)
            computed.append(code(text[at + 2 : end - 1]))
            at = end
        else:
            at += 1
    return '""' + "".join(f" ({part}) " for part in computed)


def references(raw):
    """Every `head.part[index].part` of an expression, as a list of its parts; `[` stands for an index.

    Of names that stand alone, which may be keys too, only those that are an index.
    """
    return list(_references(code(raw)))


def _references(text):
    at = 0
    while at < len(text):
        if text[at] in '."' or text[at].isdigit():
            # A part of something that is computed, as in f(x).y, or a number.
            skipped = re.compile(r"[.\"0-9]+[A-Za-z_]*[\w-]*").match(text, at)
            at = skipped.end() if text[at] != '"' else at + 1
            continue
        head = IDENTIFIER.match(text, at)
        if not head:
            at += 1
            continue
        parts, at = [head.group()], head.end()
        while at < len(text):
            part = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*|\*|[0-9]+)").match(text, at)
            if part:
                parts.append("[" if part.group(1) in "*0123456789" else part.group(1))
                at = part.end()
            elif text[at] == "[" and not text[at - 1].isspace():
                end = _closing(text, at)
                inside = text[at + 1 : end - 1].strip()
                if IDENTIFIER.fullmatch(inside):
                    yield [inside]
                yield from _references(inside)
                parts.append("[")
                at = end
            else:
                break
        if len(parts) > 1:
            yield parts


def names_in_for(raw):
    """What `for` gives a name to."""
    found = set()
    for match in re.finditer(r"\bfor\s+([\w-]+)(?:\s*,\s*([\w-]+))?\s+in\b", code(raw)):
        found.update(name for name in match.groups() if name)
    return found


def functions(raw):
    return set(re.findall(r"(?<![\w.-])([a-z][a-z0-9_]*)\(", code(raw)))
