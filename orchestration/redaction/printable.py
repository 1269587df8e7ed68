"""Text from outside, made fit for a terminal and a log: it may show anything and do nothing."""


def printable(text: str) -> str:
    """Return the text with every character but line breaks that would not be seen as itself written as an escape.

    Control characters start terminal commands, marks of direction show a name as another one, and half surrogates,
    which names of files can hold, cannot be written at all.
    """
    return "\n".join(map(one_line, text.split("\n")))


def one_line(text: str) -> str:
    """Return the text as `printable` does, on one line: names and values, which could else pass for lines of ours."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape", errors="surrogatepass").decode("ascii")
