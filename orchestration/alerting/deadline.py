"""A limit on a whole exchange with another machine: the timeouts of sockets are for one read, and a server may drip."""

import threading
from collections.abc import Callable


def within(seconds: float, exchange: Callable[[], None]) -> None:
    """Return once the exchange has ended, or raise what it raised; TimeoutError when it takes longer.

    It goes on in a thread that nobody waits for, name resolution and TLS included: nothing can interrupt those from
    outside. What it still does to the other side may come to an end, so a repetition must be harmless.
    """
    errors: list[BaseException] = []

    def work() -> None:
        try:
            exchange()
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            errors.append(error)

    thread = threading.Thread(target=work, name="exchange", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"no end within {seconds:g} s")
    if errors:
        raise errors[0]
