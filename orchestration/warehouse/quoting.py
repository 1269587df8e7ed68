"""SQL text for names and values where a statement takes no parameters; everything else is bound."""


def quoted(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(value: object) -> str:
    """Return a value's text as an SQL string: names of contracts and paths. Values of lines are bound."""
    return "'" + str(value).replace("'", "''") + "'"
