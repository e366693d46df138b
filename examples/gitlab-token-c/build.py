"""Makes gitlab_token_c.wasm: bindings of the interface, C to a core module, that to a component, the manifest behind it.

    python3 build.py [TOOLS]

wit-bindgen, wasm-tools (both by cargo) and zig (by pip) are installed into the folder TOOLS, .tools if none is named, unless
they are there or PATH has the version that is asked for. Needs Python 3.9 or newer with pip, and Rust.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MADE = HERE / ".build"
COMPONENT = HERE / "gitlab_token_c.wasm"
# Beside this file in a copy of the folder.
INTERFACES = [HERE / "filter.wit", HERE.parent.parent / "wit/filter.wit"]

# The crate, its version, and its only feature that is needed here, by the program.
PROGRAMS = {
    "wit-bindgen": ("wit-bindgen-cli", "0.63.0", "c"),
    "wasm-tools": ("wasm-tools", "1.262.0", "component"),
}
ZIG = "0.15.2"


def main() -> None:
    tools = Path(sys.argv[1] if len(sys.argv) > 1 else HERE / ".tools").absolute()
    interface = next((path for path in INTERFACES if path.is_file()), None)
    if interface is None:
        sys.exit("there is no filter.wit beside build.py: `snaphook wit > filter.wit` writes it")
    try:
        manifest = json.loads((HERE / "manifest.json").read_text())
    except ValueError as error:
        sys.exit(f"manifest.json is not JSON: {error}")
    bind, wrap, compiler = program("wit-bindgen", tools), program("wasm-tools", tools), zig(tools)
    shutil.rmtree(tools / "target", ignore_errors=True)
    MADE.mkdir(exist_ok=True)
    core, component = MADE / "core.wasm", MADE / "component.wasm"

    # filter.h, filter.c, and filter_component_type.o, in which the linker finds the types of the world.
    run("bindings", bind, "c", interface, "--world", "filter", "--autodrop-borrows", "yes", "--out-dir", MADE)
    # A reactor has exports instead of a main. 64 KiB of stack do; zig would reserve 16 MiB in each instance.
    flags = ["-std=c17", "-Os", "-Wall", "-Wextra", "-Werror", "-Wl,-z,stack-size=65536"]
    sources = [HERE / "gitlab_token.c", MADE / "filter.c", MADE / "filter_component_type.o"]
    target = ["-target", "wasm32-wasi", "-mexec-model=reactor"]
    run("core module", compiler, "cc", *target, *flags, "-I", MADE, *sources, "-o", core)
    run("component", wrap, "component", "new", core, "-o", component)
    COMPONENT.write_bytes(component.read_bytes() + section("snaphook:manifest", json.dumps(manifest).encode()))
    print(f"{COMPONENT.name}: {COMPONENT.stat().st_size} bytes")


def section(name: str, content: bytes) -> bytes:
    """A custom section: 0, the size of what follows, the name with its length, the content."""
    inside = leb128(len(name)) + name.encode() + content
    return b"\0" + leb128(len(inside)) + inside


def leb128(number: int) -> bytes:
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def program(name: str, tools: Path) -> Path:
    """Where the program is, in the version asked for; installs it if need be."""
    crate, version, feature = PROGRAMS[name]
    own = tools / "bin" / name
    for found in (own, shutil.which(name)):
        if found and version in told_version(found):
            return Path(found)
    if shutil.which("cargo") is None:
        sys.exit(f"there is no {name} {version} on PATH, and no cargo to install it: put one of the two there")
    # Not optimised: that takes a third of the time, and what they do here is little.
    install = ["cargo", "install", "--locked", "--debug", "--no-default-features", "--features", feature]
    place = ["--root", tools, "--target-dir", tools / "target"]
    run(f"{name}, once; takes some minutes", *install, *place, f"{crate}@{version}")
    return own


def told_version(name: "str | Path") -> "list[str]":
    """The words of what `--version` says; none if it does not run."""
    try:
        return subprocess.run([name, "--version"], capture_output=True, text=True, check=False).stdout.split()
    except OSError:
        return []


def zig(tools: Path) -> Path:
    """The C compiler, out of PyPI's package ziglang."""
    folder = tools / f"zig-{ZIG}"
    if not (folder / "ziglang/zig").is_file():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run("zig, once", *pip, "--target", folder, f"ziglang=={ZIG}")
    return folder / "ziglang/zig"


def run(what: str, *command: "str | Path") -> None:
    """Says what it does; what fails has said why."""
    print(f"── {what}", flush=True)
    try:
        code = subprocess.run(command, check=False).returncode
    except OSError as error:
        sys.exit(f"{what}: cannot start `{command[0]}`: {error}")
    if code != 0:
        sys.exit(f"{what} failed: {' '.join(map(str, command))}")


if __name__ == "__main__":
    main()
