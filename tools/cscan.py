# SPDX-License-Identifier: Apache-2.0
"""A small scanner for C: enough to find functions and measure them.

strip() blanks comments, literals and preprocessor lines but keeps every
newline, so that positions still tell lines. functions() walks the rest.
"""
import re

LITERALS = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""",
    re.S | re.X)
DIRECTIVES = re.compile(r"^[ \t]*\#(?:[^\\\n]|\\\n|\\.)*", re.M)
TOKENS = re.compile(r"[A-Za-z_]\w*|[0-9][\w.]*|[^\s\w]")
ATTRIBUTE = ("__attribute__", "_Alignas", "__asm__", "asm")
CONTROL = re.compile(r"^(if|for|while|switch|\w*for_each\w*)$")


def blank(m):
    text = m.group(0)
    if text[0] in "\"'":
        return text[0] + " " * (len(text) - 2) + text[0]
    return re.sub(r"[^\n]", " ", text)


def without_literals(text):
    """Comments and literals blanked, preprocessor lines kept."""
    return LITERALS.sub(blank, text)


def strip(text):
    code = without_literals(text)
    return DIRECTIVES.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), code)


class Token:
    """One token and the line it stands on."""

    __slots__ = ("text", "line")

    def __init__(self, text, line):
        self.text = text
        self.line = line


def tokenize(code):
    tokens, line, pos = [], 1, 0
    for m in TOKENS.finditer(code):
        line += code.count("\n", pos, m.start())
        pos = m.start()
        tokens.append(Token(m.group(0), line))
    return tokens


class Function:
    """A definition found by functions()."""

    def __init__(self, name, line, line_count, param_count, nesting):
        self.name = name
        self.line = line
        self.line_count = line_count  # first line of its head to the last }
        self.param_count = param_count
        self.nesting = nesting  # control statements inside each other


def match(tokens, i):
    """Index after the bracket that closes the one at i."""
    depth = 0
    while i < len(tokens):
        if tokens[i].text in "([{":
            depth += 1
        elif tokens[i].text in ")]}":
            depth -= 1
            if depth == 0:
                return i + 1
        i += 1
    return i


def count_params(tokens):
    """Of the tokens between the parentheses."""
    if not tokens or [t.text for t in tokens] == ["void"]:
        return 0
    depth, commas = 0, 0
    for t in tokens:
        if t.text in "([{":
            depth += 1
        elif t.text in ")]}":
            depth -= 1
        elif t.text == "," and depth == 0:
            commas += 1
    return commas + 1


def head_of(tokens, start, brace):
    """(name, parameters) if tokens[start:brace] is a function's head."""
    i = start
    while i < brace:
        word = tokens[i].text
        if word in ATTRIBUTE:
            i = match(tokens, i + 1)
        elif word == "=":
            return None
        elif word == "(" and i > start and tokens[i - 1].text.isidentifier():
            end = match(tokens, i)
            return tokens[i - 1].text, count_params(tokens[i + 1:end - 1])
        else:
            i += 1
    return None


class Nesting:
    """Walks the statements of one function body."""

    def __init__(self, tokens, start, end):
        self.tokens = tokens
        self.end = end
        self.deepest = 0
        i = start
        while i < end:
            i = self.statement(i, 0)

    def word(self, i):
        return self.tokens[i].text if i < self.end else ""

    def controlled(self, i, depth):
        self.deepest = max(self.deepest, depth + 1)
        return self.statement(i, depth + 1)

    def statement(self, i, depth):
        word = self.word(i)
        if word == "{":
            end = match(self.tokens, i)
            i += 1
            while i < end - 1:
                i = self.statement(i, depth)
            return end
        if word == "do":
            i = self.controlled(i + 1, depth)
            return match(self.tokens, i + 1) + 1
        if CONTROL.match(word) and self.word(i + 1) == "(":
            return self.control(i, depth)
        return self.simple(i)

    def control(self, i, depth):
        is_if = self.word(i) == "if"
        after = match(self.tokens, i + 1)
        if self.word(after) == ";":
            return after + 1
        i = self.controlled(after, depth)
        if is_if and self.word(i) == "else":
            if self.word(i + 1) == "if":
                return self.control(i + 1, depth)
            return self.controlled(i + 1, depth)
        return i

    def simple(self, i):
        """Up to the next ; or the : of a label."""
        first = i
        while i < self.end:
            word = self.word(i)
            if word in ("(", "[", "{"):
                i = match(self.tokens, i)
                continue
            if word == ";":
                return i + 1
            if word == ":" and (self.word(first) in ("case", "default") or
                                i == first + 1):
                return i + 1
            i += 1
        return i


def functions(code):
    """All function definitions of stripped code."""
    tokens = tokenize(code)
    found, start, i = [], 0, 0
    while i < len(tokens):
        word = tokens[i].text
        if word == ";":
            start = i + 1
        elif word in "([":
            i = match(tokens, i)
            continue
        elif word == "{":
            end = match(tokens, i)
            head = head_of(tokens, start, i)
            if head:
                found.append(Function(
                    head[0], tokens[start].line,
                    tokens[end - 1].line - tokens[start].line + 1, head[1],
                    Nesting(tokens, i + 1, end - 1).deepest))
                start = end
            i = end
            continue
        i += 1
    return found
