"""Are the generated files what their generators make? ``python -m tools.fresh`` names the others."""

from __future__ import annotations

import sys

from tools import gen_proto, gen_sync


def stale() -> list[str]:
    """Generated files that differ, are missing, or should be gone."""
    wanted = {gen_proto.TARGET / name: text for name, text in gen_proto.generate().items()}
    wanted |= gen_sync.files()
    wrong = [path for path, text in wanted.items() if not path.is_file() or path.read_text() != text]
    wrong += [path for path in gen_proto.TARGET.glob("*.py*") if path.is_file() and path not in wanted]
    return sorted(str(path.relative_to(gen_proto.ROOT)) for path in wrong)


def main() -> int:
    files = stale()
    for file in files:
        print(f"{file}: not what its generator makes")
    return 1 if files else 0


if __name__ == "__main__":
    sys.exit(main())
