"""The commands behind `make`: the process they run in."""

import atexit
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from orchestration.commands.interruption import run_beside, watch_signals

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_INTERRUPTED = 130


def main(arguments: list[str]) -> int:
    """Run one command; the exit code is 0 on success, 1 when the work failed, 2 for wrong words, 130 for Ctrl-C."""
    # Here, so that a signal that comes while they are imported finds its handler.
    import click  # noqa: PLC0415

    from orchestration.commands.command_line import command_line  # noqa: PLC0415

    try:
        return int(command_line.main(arguments, prog_name="colloquy", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        # The end of the input where a question was asked.
        return _INTERRUPTED


class _Abandonable(io.FileIO):
    """An output that may stop taking what is written: the rest is dropped and the command goes on.

    Its reader may leave (`make status | head -3`); a file may be on a full disk, which the exit code reports.
    """

    lost: OSError | None = None

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes
        except OSError as error:
            _Abandonable.lost = error
            return memoryview(data).nbytes


def _abandonable(stream: TextIO, *, by_line: bool) -> TextIO:
    buffer = io.BufferedWriter(_Abandonable(stream.fileno(), "w", closefd=False))
    return io.TextIOWrapper(buffer, encoding=stream.encoding, errors=stream.errors, line_buffering=by_line)


def _leave_the_heap(ended_with: list[int]) -> None:
    for code in ended_with:
        sys.stdout.flush()
        lost = _Abandonable.lost
        if lost is not None:
            print(f"Not all of the output could be written: {lost.strerror}; the command went on.", file=sys.stderr)
        sys.stderr.flush()
        os._exit(code or (lost is not None))


if __name__ == "__main__":
    watch_signals()
    # The process does not end at SIGPIPE: a run must publish and keep its exit code, even after its reader has left.
    sys.stdout = _abandonable(sys.stdout, by_line=sys.stdout.isatty())
    sys.stderr = _abandonable(sys.stderr, by_line=True)
    # Events hold what people wrote. Files written here, temporary ones too, are readable by this account alone until
    # they are published. Every process that starts from here inherits the mask.
    os.umask(0o077)
    ended_with: list[int] = []
    # Registered before all others it is called after them, with everything closed: to take the heap of a run apart
    # object by object would take half a second more.
    atexit.register(_leave_the_heap, ended_with)
    ended_with.append(run_beside(lambda: main(sys.argv[1:])))
    sys.exit(ended_with[0])
