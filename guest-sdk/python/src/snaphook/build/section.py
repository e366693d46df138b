"""Custom sections of WebAssembly binaries. Source: https://webassembly.github.io/spec/core/binary/modules.html"""

# `\0asm`, version 13 of layer 1: a component and no core module.
_COMPONENT = b"\0asm\x0d\0\x01\0"
_CUSTOM = b"\0"


def with_section(component: bytes, name: str, content: bytes) -> bytes:
    """The component with a custom section at its end.

    Raises:
        ValueError: if it is no component.
    """
    if not component.startswith(_COMPONENT):
        raise ValueError("this is no WebAssembly component")
    named = _sized(name.encode()) + content
    return component + _CUSTOM + _sized(named)


def _sized(content: bytes) -> bytes:
    """Bytes after their number, as unsigned LEB128."""
    size, number = bytearray(), len(content)
    while number > 0x7F:
        size.append(number & 0x7F | 0x80)
        number >>= 7
    size.append(number)
    return bytes(size) + content
