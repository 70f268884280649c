#!/usr/bin/env python3
"""Fails when a WebAssembly module asks its host for anything.

Usage: wasm_imports.py MODULE.wasm
"""
import sys

IMPORT_SECTION = 2


def leb128(data, at):
    """an unsigned LEB128 number and the place after it"""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def name(data, at):
    length, at = leb128(data, at)
    return data[at:at + length].decode(), at + length


def imports(data):
    """MODULE.FIELD of the imports; the kinds' descriptions are not needed
    beyond their length"""
    if data[:8] != b"\0asm\1\0\0\0":
        sys.exit("not a WebAssembly module of version 1")
    at = 8
    while at < len(data):
        section = data[at]
        size, at = leb128(data, at + 1)
        if section != IMPORT_SECTION:
            at += size
            continue
        count, at = leb128(data, at)
        for _ in range(count):
            module, at = name(data, at)
            field, at = name(data, at)
            yield f"{module}.{field}"
            kind = data[at]
            at += 1
            if kind == 0:            # function: type index
                _, at = leb128(data, at)
            elif kind == 3:          # global: value type, mutability
                at += 2
            else:                    # table (element type first) or memory: limits
                at += kind == 1
                bounded = data[at] & 1
                _, at = leb128(data, at + 1)
                if bounded:
                    _, at = leb128(data, at)
        return


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], "rb") as f:
        module = f.read()
    asked = list(imports(module))
    print("\n".join(f"import: {i}" for i in asked) or f"wasm: ok, {len(module)} bytes, no imports")
    sys.exit(bool(asked))
