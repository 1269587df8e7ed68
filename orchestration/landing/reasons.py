"""The closed list of reasons a line is refused for; the order is the order of the checks."""

MALFORMED_JSON = "malformed_json"
NOT_AN_OBJECT = "not_an_object"
DUPLICATE_KEY = "duplicate_key"
MISSING_EVENT_ID = "missing_event_id"
MISSING_CONVERSATION_ID = "missing_conversation_id"
ID_TOO_LONG = "id_too_long"
MISSING_EVENT_TYPE = "missing_event_type"
BAD_TIMESTAMP = "bad_timestamp"
TIMESTAMP_OUT_OF_RANGE = "timestamp_out_of_range"
MISSING_VARIANT = "missing_variant"
UNKNOWN_ENVIRONMENT = "unknown_environment"
TOO_LARGE = "too_large"
TRUNCATED_FILE = "truncated_file"
CONFLICTING_DUPLICATE = "conflicting_duplicate"
UNKNOWN_SENDER_ROLE = "unknown_sender_role"

NEXT_STEPS: dict[str, str] = {
    MALFORMED_JSON: "write one JSON object per line, UTF-8, no more than 200 levels deep",
    NOT_AN_OBJECT: "write one JSON object per line, not a list or a bare value",
    DUPLICATE_KEY: "name each field of the line, and of its properties, once: which value is meant cannot be known",
    MISSING_EVENT_ID: "give every event an id that is unique within its source",
    MISSING_CONVERSATION_ID: "give every event the id of its conversation; an empty string counts as missing",
    ID_TOO_LONG: "keep the ids of events, conversations and users within 512 bytes of UTF-8",
    MISSING_EVENT_TYPE: "give every event a type",
    BAD_TIMESTAMP: "write timestamps as ISO-8601 with a time, for example 2026-03-01T09:30:00Z; "
    "where they are numbers since 1970, set time_format of the source in sources.csv",
    TIMESTAMP_OUT_OF_RANGE: "check the sender's clock and unit: before 2000 or more than a day ahead of the load",
    MISSING_VARIANT: "give every exposure its test_name and its variant",
    UNKNOWN_ENVIRONMENT: "environment must be production, development or absent",
    TOO_LARGE: "keep a line under 1 MiB",
    TRUNCATED_FILE: "write the file again whole; what was readable is loaded",
    CONFLICTING_DUPLICATE: "the first content stays; send a correction under an id of its own",
    UNKNOWN_SENDER_ROLE: "name the sender in role or sender, or add it to sender_roles.csv",
}
