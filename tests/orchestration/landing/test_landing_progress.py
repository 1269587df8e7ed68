"""What a person sees of a long load."""

from collections.abc import Iterator

from orchestration.landing.progress import throttled
from orchestration.landing.summary import FileReport, LandingSummary, ReasonCount


def test_progress_passes_on_one_message_a_second() -> None:
    moments: Iterator[float] = iter([0.0, 0.4, 1.0, 1.0, 1.9, 2.0, 2.0])
    seen: list[str] = []
    report = throttled(seen.append, clock=lambda: next(moments))
    for message in ("at 0.4", "at 1.0", "at 1.9", "at 2.0"):
        report(message)
    assert seen == ["at 1.0", "at 2.0"]


def test_many_files_are_shown_as_one_line_a_source_with_the_same_totals() -> None:
    files = [FileReport(f"events/{number:02}.jsonl", "events", "loaded", 5, 3, 1, 1) for number in range(30)]
    files.append(FileReport("chat_events/a.jsonl", "chat_events", "loaded", 7, 7))
    lines = LandingSummary(1, tuple(files)).as_text().splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "file",
        "events (30 files)",
        "chat_events (1 files)",
        "total (31 loaded, 0 unchanged)",
    ]
    assert lines[1].split()[-5:] == ["150", "90", "30", "30", "0"]
    assert lines[3].split()[-5:] == ["157", "97", "30", "30", "0"]


def test_beyond_twenty_kinds_of_refusals_the_others_are_counted() -> None:
    files = tuple(FileReport(f"events/{number:02}.jsonl", "events", "loaded", 3, 0, 3) for number in range(22))
    reasons = tuple(ReasonCount(one.path, "malformed_json", 3) for one in files)
    text = LandingSummary(1, files, (), reasons).as_text()
    assert "events/19.jsonl: 3 malformed_json" in text
    assert "events/20.jsonl: 3" not in text
    assert "and 6 more in 2 files" in text
