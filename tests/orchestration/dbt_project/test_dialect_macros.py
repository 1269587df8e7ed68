"""Compares the dialect macros, as the engine computes them, with Python's zones and URLs and with values by hand."""

# The warehouse holds timestamps without a zone, in UTC.
# ruff: noqa: DTZ001

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import duckdb
import pytest

from orchestration.settings import PROJECT_DIR
from tests.support.macros import compile_models, render, write_macro_project

# A macro reads the time zone when it is rendered; rendering once and renaming the zone saves a dbt run per zone.
ANY_ZONE = "Reporting/Zone"
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Asia/Kolkata", "Australia/Lord_Howe")

DIALECT = PROJECT_DIR / "macros" / "dialect"
CALLS = {
    "add_hours": "add_hours('a', 'b')",
    "add_minutes": "add_minutes('a', 'b')",
    "as_list": "as_list(['a', 'b'])",
    "column_positions": "column_positions('counted', ['day', 'part'])",
    "columns_as_list": "columns_as_list(['day', 'part'], 'bigint')",
    "date_series": "date_series('(select a, b)', 'a', 'b', 'day')",
    "in_list": "in_list('a', 'b')",
    "in_reporting_timezone": "in_reporting_timezone('a')",
    "integer_series": "integer_series('-1', '2', 'number')",
    "item_at": "item_at('a', 'b')",
    "local_hour_text": "local_hour_text('a')",
    "local_time_text": "local_time_text('a')",
    "log_gamma": "log_gamma('a')",
    "milliseconds_between": "milliseconds_between('a', 'b')",
    "ordered_sum": "ordered_sum('a', 'b')",
    "ordered_text": "ordered_text('a', 'b')",
    "property_text": "property_text('a', 'b')",
    "rounded_median": "rounded_median('a')",
    "sha256_modulo": "sha256_modulo('a', 'b')",
    "start_of_local_hour": "start_of_local_hour('a')",
    "url_path": "url_path('a')",
    "utc_start_of_date": "utc_start_of_date('a')",
}
# Written in words that every engine understands.
PORTABLE = {"log_gamma", "rounded_median"}

MOMENTS = [
    datetime(1970, 1, 1),
    datetime(1999, 12, 31, 23, 59, 59, 999999),
    datetime(2024, 2, 29, 12, 34, 56, 789000),
    # Europe/Berlin, 2026-03-29 and 2026-10-25 at 01:00 UTC.
    datetime(2026, 3, 29, 0, 59, 59),
    datetime(2026, 3, 29, 1),
    datetime(2026, 10, 25, 0, 30),
    datetime(2026, 10, 25, 1, 30),
    # America/New_York, 2026-03-08 at 07:00 and 2026-11-01 at 06:00 UTC.
    datetime(2026, 3, 8, 6, 59, 59),
    datetime(2026, 3, 8, 7),
    datetime(2026, 11, 1, 5, 15),
    datetime(2026, 11, 1, 6, 15),
    # Australia/Lord_Howe moves by half an hour, 2026-04-04 at 15:00 and 2026-10-03 at 15:30 UTC.
    datetime(2026, 4, 4, 14, 59),
    datetime(2026, 4, 4, 15),
    datetime(2026, 10, 3, 15, 29),
    datetime(2026, 10, 3, 15, 30),
    datetime(2100, 7, 1, 18, 30, 0, 1),
]
# Lord Howe's half hour leaves hours of 30 and of 90 minutes there, which no start of an hour describes.
LORD_HOWE_CHANGES = MOMENTS[-5:-1]

# Urls whose path Python finds in the same way; the others are written out.
PLAIN_URLS = [
    "https://shop.example/basket",
    "https://shop.example:8443/a/b/?token=secret#part",
    "http://user:secret@shop.example/a",
    "http://[::1]:8080/x",
    "HTTPS://SHOP.EXAMPLE/Case/",
    "https://shop.example/größe/👋?q=ü",
    "https://shop.example/a%3Fb%23c",
    "https://shop.example/back?to=https://other.example/deep",
    "https://shop.example/a#b?c",
    "/relative/path?q=1",
    "relative/path#x",
]
URLS = {url: urlsplit(url).path for url in PLAIN_URLS} | {
    "/search?q=a\nb": "/search",
    "/page#a\r\nb": "/page",
    "mailto:somebody@example.com": "/",
    "//example.com/pricing": "/pricing",
    "https://shop.example": "/",
    "https://shop.example?q=1": "/",
    "https://shop.example#top": "/",
    "?q=1": "/",
    "": "/",
    None: None,
}

PROPERTIES = [
    ('{"a": "x"}', "a", "x"),
    ('{"a": "x"}', "b", None),
    ('{"a": "x"}', "A", None),
    ('{"a": ""}', "a", None),
    ('{"a": " "}', "a", " "),
    ('{"a": null}', "a", None),
    ('{"a": "null"}', "a", "null"),
    ('{"a": true}', "a", "true"),
    ('{"a": 0}', "a", "0"),
    ('{"a": 12345678901234567890123}', "a", "12345678901234567890123"),
    ('{"a": {"b": 2}}', "a", '{"b":2}'),
    ('{"a": [1, "x"]}', "a", '[1,"x"]'),
    ('{"a": {"b": 2}}', "a.b", None),
    ('{"a.b": "dot", "a": {"b": "nested"}}', "a.b", "dot"),
    ('{"a[0]": "named", "a": ["listed"]}', "a[0]", "named"),
    ('{"it\'s": "quoted"}', "it's", "quoted"),
    ('{"with space": "x"}', "with space", "x"),
    ('{"$a": "x"}', "$a", "x"),
    ('{"größe": "groß 👋"}', "größe", "groß 👋"),
    ('{"a": "\\u00e9\\n\\""}', "a", 'é\n"'),
    ("{}", "a", None),
    ("[1]", "a", None),
    (None, "a", None),
    ('{"a": "x"}', None, None),
]

LISTED = [
    ("a", None, True),
    (None, None, True),
    ("a", "a", True),
    ("b", "a|b|c", True),
    ("d", "a|b|c", False),
    ("A", "a", False),
    ("a", "ab|ba", False),
    ("a|b", "a|b", False),
    ("ü", "ö|ü", True),
    ("100%", "100%|_", True),
    ("x", "100%|_", False),
    (None, "a|b", False),
    ("", "a|b", False),
    # An empty part admits what is not known.
    (None, "a||b", True),
    ("", "a|", True),
    (None, "|a", True),
    ("c", "a||b", False),
]

MINUTES = [
    (datetime(2026, 3, 29, 0, 30), 60, datetime(2026, 3, 29, 1, 30)),
    (datetime(2026, 1, 1, 0, 0, 0, 1), -1, datetime(2025, 12, 31, 23, 59, 0, 1)),
    (datetime(2024, 2, 28, 23, 59), 1, datetime(2024, 2, 29)),
    (datetime(2026, 1, 1), 0, datetime(2026, 1, 1)),
    (datetime(1900, 1, 1), 60 * 24 * 365 * 200, datetime(2099, 11, 13)),
    (datetime(2026, 1, 1), None, None),
    (None, 5, None),
]

DIFFERENCES = [
    (datetime(2026, 1, 1), datetime(2026, 1, 1), 0),
    # date_diff would count a second here, and a day below.
    (datetime(2026, 1, 1, 0, 0, 0, 900000), datetime(2026, 1, 1, 0, 0, 1, 100000), 200),
    (datetime(2025, 12, 31, 23, 59, 59, 999000), datetime(2026, 1, 1), 1),
    (datetime(2026, 1, 1), datetime(2026, 1, 1, 0, 0, 0, 999), 0),
    (datetime(2026, 1, 1, 0, 0, 0, 999), datetime(2026, 1, 1), 0),
    (datetime(2026, 1, 1, 0, 0, 2), datetime(2026, 1, 1, 0, 0, 0, 500000), -1500),
    (datetime(1969, 12, 31, 23, 59, 59), datetime(1970, 1, 1, 0, 0, 1), 2000),
    # 400 years are 146,097 days.
    (datetime(1800, 1, 1), datetime(2200, 1, 1), 146_097 * 86_400_000),
    (None, datetime(2026, 1, 1), None),
    (datetime(2026, 1, 1), None, None),
]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    models = {name: "{{ " + call + " }}" for name, call in CALLS.items()}
    return render(tmp_path_factory.mktemp("dialect") / "project", models, ["dialect"], {"timezone": ANY_ZONE})


def evaluate(expression: str, types: str, *arguments: Any) -> Any:
    """Return the value of an expression over one row, whose columns a and b hold the arguments as the types named."""
    columns = ", ".join(f"cast(? as {kind}) as {name}" for kind, name in zip(types.split(), "ab", strict=False))
    row = duckdb.execute(f"select {expression} from (select {columns})", arguments).fetchone()
    assert row is not None
    return row[0]


def in_zone(rendered: dict[str, str], name: str, zone: str) -> str:
    assert ANY_ZONE in rendered[name]
    return rendered[name].replace(ANY_ZONE, zone)


def local(moment: datetime, zone: str) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))


def test_every_macro_is_evaluated_here() -> None:
    assert set(CALLS) == {path.stem for path in DIALECT.glob("*.sql")}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("moment", MOMENTS)
def test_moments_are_told_as_the_zone_tells_them(rendered: dict[str, str], zone: str, moment: datetime) -> None:
    expected = local(moment, zone)
    assert evaluate(in_zone(rendered, "in_reporting_timezone", zone), "timestamp", moment) == expected.replace(
        tzinfo=None
    )
    assert evaluate(in_zone(rendered, "local_hour_text", zone), "timestamp", moment) == f"{expected:%H}"
    text = evaluate(in_zone(rendered, "local_time_text", zone), "timestamp", moment)
    assert text == expected.isoformat(timespec="minutes")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("moment", MOMENTS)
def test_the_hour_starts_where_the_local_clock_shows_none_past(
    rendered: dict[str, str], zone: str, moment: datetime
) -> None:
    if zone == "Australia/Lord_Howe" and moment in LORD_HOWE_CHANGES:
        pytest.skip("the hours around a half-hour change are not whole")
    shown = local(moment, zone)
    past = timedelta(minutes=shown.minute, seconds=shown.second, microseconds=shown.microsecond)
    assert evaluate(in_zone(rendered, "start_of_local_hour", zone), "timestamp", moment) == moment - past


def test_the_repeated_hour_starts_twice(rendered: dict[str, str]) -> None:
    start = in_zone(rendered, "start_of_local_hour", "Europe/Berlin")
    assert evaluate(start, "timestamp", datetime(2026, 10, 25, 0, 59)) == datetime(2026, 10, 25, 0)
    assert evaluate(start, "timestamp", datetime(2026, 10, 25, 1, 1)) == datetime(2026, 10, 25, 1)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", sorted({moment.date() for moment in MOMENTS}))
def test_a_date_starts_at_local_midnight(rendered: dict[str, str], zone: str, day: date) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    expected = midnight.astimezone(UTC).replace(tzinfo=None)
    assert evaluate(in_zone(rendered, "utc_start_of_date", zone), "date", day) == expected


@pytest.mark.parametrize(
    ("zone", "day", "starts_at"),
    [
        # The clock goes from 00:00 to 01:00, so the date starts at one o'clock.
        ("America/Sao_Paulo", date(2018, 11, 4), datetime(2018, 11, 4, 3)),
        ("Africa/Cairo", date(2026, 4, 24), datetime(2026, 4, 23, 22)),
    ],
)
def test_a_date_without_midnight_starts_with_the_change(
    rendered: dict[str, str], zone: str, day: date, starts_at: datetime
) -> None:
    assert evaluate(in_zone(rendered, "utc_start_of_date", zone), "date", day) == starts_at


@pytest.mark.parametrize(
    "name", ["in_reporting_timezone", "local_hour_text", "local_time_text", "start_of_local_hour", "utc_start_of_date"]
)
def test_no_moment_has_no_local_time(rendered: dict[str, str], name: str) -> None:
    assert evaluate(in_zone(rendered, name, "Europe/Berlin"), "timestamp", None) is None


@pytest.mark.parametrize(("moment", "minutes", "expected"), MINUTES)
def test_minutes_are_added(
    rendered: dict[str, str], moment: datetime | None, minutes: int | None, expected: datetime | None
) -> None:
    assert evaluate(rendered["add_minutes"], "timestamp integer", moment, minutes) == expected


def test_hours_are_added_in_utc(rendered: dict[str, str]) -> None:
    add = rendered["add_hours"]
    assert evaluate(add, "timestamp integer", datetime(2026, 3, 28, 12), 24) == datetime(2026, 3, 29, 12)
    assert evaluate(add, "timestamp integer", datetime(2026, 1, 1), -1) == datetime(2025, 12, 31, 23)
    assert evaluate(add, "timestamp integer", datetime(2026, 1, 1), None) is None
    assert evaluate(add.replace("(b)", "(b + 1)"), "timestamp integer", datetime(2026, 1, 1), 1) == datetime(
        2026, 1, 1, 2
    )


@pytest.mark.parametrize(("earlier", "later", "expected"), DIFFERENCES)
def test_differences_are_whole_milliseconds(
    rendered: dict[str, str], earlier: datetime | None, later: datetime | None, expected: int | None
) -> None:
    assert evaluate(rendered["milliseconds_between"], "timestamp timestamp", earlier, later) == expected


@pytest.mark.parametrize(("properties", "name", "expected"), PROPERTIES)
def test_properties_are_read_by_their_whole_name(
    rendered: dict[str, str], properties: str | None, name: str | None, expected: str | None
) -> None:
    assert evaluate(rendered["property_text"], "varchar varchar", properties, name) == expected


@pytest.mark.parametrize(("value", "listed", "expected"), LISTED)
def test_lists_admit_their_parts(
    rendered: dict[str, str], value: str | None, listed: str | None, expected: bool
) -> None:
    assert evaluate(rendered["in_list"], "varchar varchar", value, listed) is expected


@pytest.mark.parametrize(("place", "item"), [(1, 7), (2, None), (3, -9), (4, None), (None, None)])
def test_an_item_of_a_list_is_the_one_at_its_place(
    rendered: dict[str, str], place: int | None, item: int | None
) -> None:
    assert evaluate(rendered["item_at"], "bigint[] bigint", [7, None, -9], place) == item
    assert evaluate(rendered["as_list"], "bigint bigint", place, 5) == [place, 5]


def test_columns_stand_in_a_list_where_their_names_say(rendered: dict[str, str]) -> None:
    with duckdb.connect() as connection:
        connection.execute("create table counted (day date, solved integer, part varchar, points decimal(38, 0))")
        names = connection.execute(rendered["column_positions"]).fetchall()
        connection.execute("insert into counted values ('2026-03-01', 3, 'all', null), (null, null, null, 40)")
        lists = connection.execute(f"select {rendered['columns_as_list']} from counted order by points").fetchall()
        assert connection.execute(rendered["column_positions"]).fetchall() == names
    assert sorted(names, key=lambda row: row[1]) == [("solved", 1), ("points", 2)]
    assert lists == [([None, 40],), ([3, None],)]


@pytest.mark.parametrize(("url", "path"), URLS.items())
def test_urls_keep_nothing_but_their_path(rendered: dict[str, str], url: str | None, path: str | None) -> None:
    assert evaluate(rendered["url_path"], "varchar", url) == path


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        # A leap day, and nothing lost where a clock changes.
        (date(2024, 2, 28), date(2024, 3, 1), [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]),
        (date(2026, 3, 29), date(2026, 3, 29), [date(2026, 3, 29)]),
        (date(2026, 3, 2), date(2026, 3, 1), []),
        (None, date(2026, 3, 1), []),
        (None, None, []),
    ],
)
def test_dates_run_from_first_to_last(
    rendered: dict[str, str], first: date | None, last: date | None, expected: list[date]
) -> None:
    query = rendered["date_series"].replace("(select a, b)", "(select cast(? as date) as a, cast(? as date) as b)")
    rows = duckdb.execute(f"select day from ({query}) order by day", [first, last]).fetchall()
    assert [day for (day,) in rows] == expected


def test_integers_run_from_first_to_last(rendered: dict[str, str]) -> None:
    rows = duckdb.sql(f"select number from ({rendered['integer_series']}) order by number").fetchall()
    assert rows == [(-1,), (0,), (1,), (2,)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("('b', 2), ('a', 1), ('ü', 3)", "a,b,ü"),
        ("('b', 1), ('a', 2)", "b,a"),
        ("('a', 1), (null, 2), ('', 3), ('c', 4)", "a,,c"),
        ("(null, 1)", None),
    ],
)
def test_text_is_joined_in_the_order_asked_for(rendered: dict[str, str], rows: str, expected: str | None) -> None:
    query = f"select {rendered['ordered_text']} from (values {rows}) as cases(a, b)"
    assert duckdb.sql(query).fetchall() == [(expected,)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # Added in the order of arrival, the small number is lost next to the large one.
        ("(1.0, 3), (1e16, 1), (-1e16, 2)", 1.0),
        ("(1.0, 2), (1e16, 1), (-1e16, 3)", 0.0),
        ("(null, 1), (2.5, 2)", 2.5),
        ("(null, 1)", None),
    ],
)
def test_doubles_are_added_in_the_order_asked_for(rendered: dict[str, str], rows: str, expected: float | None) -> None:
    query = (
        f"select {rendered['ordered_sum']} from (select cast(a as double) as a, b from (values {rows}) as cases(a, b))"
    )
    assert duckdb.sql(query).fetchall() == [(expected,)]


@pytest.mark.parametrize(
    ("rows", "expected"), [("(1), (4), (null)", 3), ("(1), (2), (9)", 2), ("(7)", 7), ("(cast(null as bigint))", None)]
)
def test_medians_are_whole(rendered: dict[str, str], rows: str, expected: int | None) -> None:
    query = f"select {rendered['rounded_median']} from (values {rows}) as cases(a)"
    assert duckdb.sql(query).fetchall() == [(expected,)]


def test_no_macro_is_rendered_for_an_engine_it_was_not_written_for(tmp_path: Path) -> None:
    project = tmp_path / "project"
    write_macro_project(project, ["dialect"], {"timezone": "UTC"})
    for path in (project / "macros").rglob("*.sql"):
        # To dbt, what is written for another engine is not written at all.
        path.write_text(path.read_text().replace("duckdb__", "elsewhere__"))
    # dbt renders every model while parsing too, where an error would hide the others.
    models = {
        name: "{% if execute %}{% set unused = " + call + " %}{% endif %}select 1 as one"
        for name, call in CALLS.items()
    }
    compiled, failed = compile_models(project, models, "run")
    assert set(compiled) == PORTABLE
    for name, message in failed.items():
        assert re.search(rf"{'add_minutes' if name == 'add_hours' else name}: not written for duckdb", message)


ENGINE_WORDS = re.compile(
    r"::|\bqualify\b|\bjson_\w+\s*\(|->>|\bstrf?p?time\s*\(|\bepoch\w*\s*\(|\b(list|array)_\w+\s*\(|\bunnest\s*\("
    r"|\bstring_(agg|split)\s*\(|\bdate_?diff\s*\(|\bregexp_\w+\s*\(|\btarget\.type\b",
    re.IGNORECASE,
)
COMMENTS = re.compile(r"\{#.*?#\}|--[^\n]*", re.DOTALL)
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


def engine_words(model: str) -> list[str]:
    """Return what in a model only some engines understand; in Jinja a double quote is no identifier."""
    code = COMMENTS.sub("", model)
    return [match.group() for match in ENGINE_WORDS.finditer(code)] + re.findall(r'"[^"]*"', JINJA.sub("", code))


def test_engine_words_are_found() -> None:
    model = 'select a::int, "b", {{ add_hours("epoch_us(c)", 1) }} -- "said"\nqualify json_extract(d) {# :: #}'
    assert engine_words(model) == ["::", "epoch_us(", "qualify", "json_extract(", '"b"']


def test_no_model_names_an_engine() -> None:
    models = sorted((PROJECT_DIR / "models").rglob("*.sql"))
    found = {str(path.relative_to(PROJECT_DIR)): engine_words(path.read_text()) for path in models}
    assert models
    assert {path: words for path, words in found.items() if words} == {}
