"""Patterns in which `*` stands for any text, also none."""


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text fits the pattern. Takes no more steps than the product of both lengths."""
    start, star, rest = pattern.partition("*")
    if not star:
        return pattern == text
    if not text.startswith(start):
        return False
    text = text[len(start) :]
    *pieces, end = rest.split("*")
    for piece in pieces:
        # The first place is as good as any: what follows has the most room after it.
        _, found, text = text.partition(piece) if piece else ("", "*", text)
        if not found:
            return False
    return text.endswith(end)
