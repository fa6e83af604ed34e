"""SOQL, the part that integrations use: parsed to a tree, checked against the schema, said in SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.salesforce.answers import ApiError
from sandbox.salesforce.schema import OBJECTS, Field, SObject

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    | (?P<date>\d{4}-\d\d-\d\d)
    | (?P<number>[+-]?\d+(?:\.\d+)?)
    | (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<name>[A-Za-z][A-Za-z0-9_.]*)
    | (?P<sign><=|>=|!=|<>|[=<>(),])
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_COMPARISONS = {"=": "IS", "!=": "IS NOT", "<>": "IS NOT", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


@dataclass(frozen=True)
class Query:
    """A query, ready for SQLite."""

    sobject: SObject
    fields: tuple[Field, ...]
    """Empty for COUNT()."""
    where: str
    arguments: tuple[Any, ...]
    order: str
    limit: int | None
    offset: int


@dataclass(frozen=True)
class Token:
    kind: str
    text: str

    def says(self, *words: str) -> bool:
        return self.kind in ("name", "sign") and self.text.upper() in words


def parse(text: str) -> Query:
    """A SOQL statement. Raises `ApiError` as Salesforce would."""
    return _Parser(_tokens(text)).query()


def instant(text: str) -> str:
    """A date and time as the state keeps it: UTC, to the millisecond."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _tokens(text: str) -> list[Token]:
    found, position, text = [], 0, text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _malformed(f"unexpected token: {text[position : position + 10]!r}")
        position = match.end()
        found.append(Token(str(match.lastgroup), match[str(match.lastgroup)]))
    return [*found, Token("end", "<EOF>")]


def _malformed(message: str) -> ApiError:
    return ApiError(400, "MALFORMED_QUERY", message)


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._sobject = OBJECTS["Account"]
        self._arguments: list[Any] = []

    def query(self) -> Query:
        self._expect("SELECT")
        names = self._selected()
        self._expect("FROM")
        name = self._take("name").text
        found = next((each for each in OBJECTS.values() if each.name.lower() == name.lower()), None)
        if found is None:
            raise ApiError(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
        self._sobject = found
        fields = tuple(self._field(each) for each in names)
        where = self._condition() if self._accept("WHERE") else "1"
        order = self._order()
        limit = int(self._take("number").text) if self._accept("LIMIT") else None
        offset = int(self._take("number").text) if self._accept("OFFSET") else 0
        if self._peek().kind != "end":
            raise _malformed(f"unexpected token: '{self._peek().text}'")
        return Query(found, fields, where, tuple(self._arguments), order, limit, offset)

    def _selected(self) -> list[str]:
        if self._accept("COUNT"):
            self._expect("(")
            self._expect(")")
            return []
        names = [self._take("name").text]
        while self._accept(","):
            names.append(self._take("name").text)
        return names

    def _order(self) -> str:
        if not self._accept("ORDER"):
            return "rowid"
        self._expect("BY")
        terms = [self._order_term()]
        while self._accept(","):
            terms.append(self._order_term())
        return ", ".join(terms)

    def _order_term(self) -> str:
        column = _sql(self._field(self._take("name").text))
        direction = "DESC" if self._accept("DESC") else "ASC"
        if direction == "ASC":
            self._accept("ASC")
        nulls = "FIRST"
        if self._accept("NULLS"):
            nulls = "LAST" if self._accept("LAST") else self._expect("FIRST")
        return f"{column} {direction} NULLS {nulls}"

    def _condition(self) -> str:
        """AND and OR side by side need parentheses, as in SOQL."""
        terms = [self._term()]
        joint = next((word for word in ("AND", "OR") if self._peek().says(word)), "")
        while joint and self._accept(joint):
            terms.append(self._term())
        if self._peek().says("AND", "OR"):
            raise _malformed(f"unexpected token: '{self._peek().text}' (AND and OR side by side need parentheses)")
        return "(" + f" {joint} ".join(terms) + ")"

    def _term(self) -> str:
        if self._accept("NOT"):
            return f"NOT {self._term()}"
        if self._accept("("):
            inner = self._condition()
            self._expect(")")
            return inner
        return self._comparison(self._field(self._take("name").text))

    def _comparison(self, field: Field) -> str:
        column = _sql(field)
        token = self._next()
        if token.text in _COMPARISONS:
            return f"coalesce({column} {_COMPARISONS[token.text]} {self._value(field)}, 0)"
        if token.says("LIKE"):
            return f"coalesce({column} LIKE {self._value(field)} ESCAPE '\\', 0)"
        has_not = token.says("NOT")
        if has_not:
            token = self._next()
        if not token.says("IN"):
            raise _malformed(f"unexpected token: '{token.text}'")
        self._expect("(")
        values = [self._value(field)]
        while self._accept(","):
            values.append(self._value(field))
        self._expect(")")
        return f"coalesce({column} {'NOT ' if has_not else ''}IN ({', '.join(values)}), {int(has_not)})"

    def _value(self, field: Field) -> str:
        token = self._next()
        match token.kind, field.type:
            case "string", kind if kind not in ("double", "currency", "int", "boolean", "datetime", "date"):
                inner = token.text[1:-1]
                value: Any = re.sub(r"\\([^_%])", lambda hit: _ESCAPES.get(hit[1], hit[1]), inner)
            case "number", "double" | "currency" | "int":
                value = float(token.text)
            case "datetime", "datetime":
                value = instant(token.text)
            case "date", "date":
                value = token.text
            case "name", "boolean" if token.says("TRUE", "FALSE"):
                value = int(token.says("TRUE"))
            case "name", _ if token.says("NULL"):
                value = None
            case _:
                raise ApiError(
                    400,
                    "INVALID_FIELD",
                    f"value of filter criterion for field '{field.name}' must be of type {field.type}",
                )
        self._arguments.append(value)
        return "?"

    def _field(self, name: str) -> Field:
        field = self._sobject.field(name)
        if field is None:
            raise ApiError(400, "INVALID_FIELD", f"No such column '{name}' on entity '{self._sobject.name}'.")
        return field

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, kind: str) -> Token:
        token = self._next()
        if token.kind != kind:
            raise _malformed(f"unexpected token: '{token.text}'")
        return token

    def _accept(self, word: str) -> bool:
        if self._peek().says(word):
            self._at += 1
            return True
        return False

    def _expect(self, word: str) -> str:
        if not self._accept(word):
            raise _malformed(f"expecting {word}, found '{self._peek().text}'")
        return word


def _sql(field: Field) -> str:
    """Comparisons of text are not case-sensitive; ids and external ids compare as they are."""
    column = f"({field.formula})" if field.formula else f'"{field.name}"'
    folds = field.type in ("string", "email", "phone", "textarea") and not field.external_id
    return f"{column} COLLATE NOCASE" if folds else column
