"""JSON by its bytes: what stands where in an object or an array, as text. Twice the same key, or
anything behind the end, is refused."""
import json


def once(pairs):
    keys = [k for k, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError(f"a key comes twice: {keys}")
    return dict(pairs)


DECODER = json.JSONDecoder(object_pairs_hook=once)
BLANK = " \t\r\n"


def skip(text, i):
    while i < len(text) and text[i] in BLANK:
        i += 1
    return i


def value_end(text, i):
    return DECODER.raw_decode(text, i)[1]


def parse(text):
    value, end = DECODER.raw_decode(text, skip(text, 0))
    if skip(text, end) != len(text):
        raise ValueError("something stands behind the document")
    return value


def parts(text, close):
    """The texts between the brackets, split at their commas."""
    i, found = skip(text, skip(text, 0) + 1), []
    while text[i] != close:
        start = i
        i = value_end(text, i)
        after = skip(text, i)
        if text[after] == ":":
            value = skip(text, after + 1)
            i = value_end(text, value)
            found.append((parse(text[start:after]), text[value:i]))
        else:
            found.append(text[start:i])
        i = skip(text, i)
        if text[i] == ",":
            i = skip(text, i + 1)
    return found


def members(text):
    """[(key, text of its value)] of an object."""
    return parts(text, "}")


def elements(text):
    """[text] of an array."""
    return parts(text, "]")


def member(text, key):
    return next((raw for k, raw in members(text) if k == key), None)
