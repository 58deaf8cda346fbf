"""As much of C++'s lexer as cells need: where comments and strings are, and the expression that a cell ends with."""

import re

_TOKEN = re.compile(r"""
    (?P<raw>(?:u8|[uUL])?R"(?P<end>[^()\\\s]{0,16})\(.*?(?:\)(?P=end)"|\Z))
  | (?P<string>(?:u8|[uUL])?"(?:[^"\\\n]|\\.)*(?:"|$))
  | (?P<word>[A-Za-z_0-9](?:'?[A-Za-z_0-9.])*)                  # 1'000 has no characters in quotes
  | (?P<char>'(?:[^'\\\n]|\\.)*(?:'|$))
  | (?P<line>//(?:[^\n\\]|\\.)*)
  | (?P<block>/\*.*?(?:\*/|\Z))
  | (?P<directive>^[ \t]*\#(?:[^\n\\]|\\.)*)
  | (?P<space>\s+)
  | (?P<sign>.)
""", re.X | re.S | re.M)


def tokens(text):
    """Pairs of a kind ("raw", "string", "word", "char", "line", "block", "directive", "space", "sign") and the match."""
    return ((match.lastgroup if match.lastgroup != "end" else "raw", match) for match in _TOKEN.finditer(text))


def line_starts(text):
    """What each line begins in: "string" (a raw one), "comment", or nothing ("")."""
    within = [""]
    for kind, match in tokens(text):
        inside = {"raw": "string", "block": "comment", "line": "comment"}.get(kind, "")
        within += [inside] * match[0].count("\n")
    return within


_OPENS_BLOCK = {"struct", "class", "enum", "union", "namespace", "extern", "else", "do", "try", "const", "noexcept", "override"}


def last_expression(text):
    """The range (start, end) of the expression without a semicolon that the text ends with, or None."""
    depth, start, end, first, before, block = 0, None, 0, "", "", False
    for kind, match in tokens(text):
        if kind in ("space", "line", "block"):
            continue
        sign = match[0] if kind == "sign" else ""
        if kind == "directive" or (depth == 0 and sign == ";"):
            depth, start = 0, None
            continue
        if start is None:
            start, first = match.start(), match[0]
        end = match.end()
        if depth == 0 and sign == "{":  # a block, or the values of an object: Type{1, 2}
            block = not (before == ">" or re.match(r"[A-Za-z_]", before)) or first in _OPENS_BLOCK or before in _OPENS_BLOCK
        before = match[0]
        if sign and sign in "([{":
            depth += 1
        elif sign and sign in ")]}":
            depth -= 1
            if depth <= 0 and sign == "}" and block:
                depth, start = 0, None
    return (start, end) if depth == 0 and start is not None else None


# At the left margin: an include, a template, a namespace, a function with its body.
_OUTSIDE = re.compile(r"""^(?:
    \#\s*include\b | template\s*< | (?:inline\s+)?namespace\b[\w\s:]*\{
  | (?!(?:if|for|while|switch|do|else|catch|return|case)\b) [A-Za-z_][\w:<>,&*\s]*[\s*&][A-Za-z_]\w*\s*
      \([^;{}()]*(?:\([^;{}()]*\)[^;{}()]*)*\)[\w\s]*\{)""", re.X | re.M)


def belongs_before_main(text):
    """Whether a cell has what the body of a function cannot have."""
    return bool(_OUTSIDE.search("".join(m[0] if kind not in ("raw", "line", "block") else "//" if kind == "line" else "0" for kind, m in tokens(text))))
