"""What each source sends: its own field names as data. The loader keeps them; staging renames them."""

from dataclasses import dataclass, field

Aliases = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class SourceContract:
    """The top-level fields of one source.

    `columns` become text columns of raw.<name>; `aliases` names further fields a column is taken from when its own
    is missing or empty. `object_field` holds the properties. `id_field` None means: the id is a hash of the line.
    """

    name: str
    columns: tuple[str, ...]
    conversation: str
    user: str | None
    id_field: str | None = None
    object_field: str | None = "properties"
    content_field: str | None = None
    address_field: str | None = None
    aliases: Aliases = field(default_factory=dict)
    fixed_event_type: str | None = None
    has_untyped_lines: bool = False
    id_from_message: bool = False

    def candidates(self, column: str) -> tuple[str, ...]:
        """Fields a column is read from, the first non-empty one wins."""
        return (column, *self.aliases.get(column, ()))

    @property
    def text_fields(self) -> tuple[str, ...]:
        """Top-level fields read as text, the properties and the address apart."""
        wanted = [] if self.id_field is None else [self.id_field]
        for column in (*self.columns, "timestamp"):
            if column == "event_type" and self.fixed_event_type is not None:
                continue
            wanted.extend(self.candidates(column))
        if self.content_field is not None:
            wanted.append(self.content_field)
        return tuple(dict.fromkeys(wanted))

    @property
    def known_fields(self) -> tuple[str, ...]:
        """Every top-level field with a place of its own; the others move into the properties."""
        extra = (self.object_field, self.address_field)
        return (*self.text_fields, *(name for name in extra if name is not None))


_CONTRACTS = (
    SourceContract(
        name="events",
        columns=("conversation_id", "user_id", "event_type", "channel", "agent", "environment", "device", "language"),
        conversation="conversation_id",
        user="user_id",
        id_field="event_id",
        aliases={"conversation_id": ("session_id",), "user_id": ("customer_id",)},
    ),
    SourceContract(
        name="agent_events",
        columns=("conversation_id", "user_id", "event_type"),
        conversation="conversation_id",
        user="user_id",
        id_field="id",
        object_field="metadata",
    ),
    SourceContract(
        name="chat_events",
        columns=("session_id", "user_id", "event_type", "channel"),
        conversation="session_id",
        user="user_id",
        id_field="event_id",
    ),
    SourceContract(
        name="ab_test_exposures",
        columns=("session_id", "event_type", "test_name", "variant"),
        conversation="session_id",
        user=None,
        object_field=None,
        fixed_event_type="experiment_exposure",
    ),
    SourceContract(
        name="sales_events",
        columns=("conversation_id", "event_type", "channel"),
        conversation="conversation_id",
        user=None,
        id_from_message=True,
    ),
    SourceContract(
        name="agentsight_interactions",
        columns=(
            "conversation_id",
            "customer_id",
            "event_type",
            "device",
            "source",
            "language",
            "environment",
            "role",
        ),
        conversation="conversation_id",
        user="customer_id",
        object_field="metadata",
        content_field="content",
        address_field="customer_ip_address",
        aliases={"timestamp": ("created_at",)},
        has_untyped_lines=True,
    ),
)

SOURCES: dict[str, SourceContract] = {contract.name: contract for contract in _CONTRACTS}

# One list for every source, so that staging models differ in names only.
PROPERTY_COLUMNS: dict[str, str] = {
    "role": "VARCHAR",
    "sender": "VARCHAR",
    "seq": "BIGINT",
    "tool_name": "VARCHAR",
    "is_error": "BOOLEAN",
    "success": "BOOLEAN",
    "status": "VARCHAR",
    "is_write": "BOOLEAN",
    "model": "VARCHAR",
    "rating": "VARCHAR",
    "rating_type": "VARCHAR",
    "question_kind": "VARCHAR",
    "goal": "VARCHAR",
    "value": "DECIMAL(18,6)",
    "currency": "VARCHAR",
    "intent": "VARCHAR",
    "intent_confidence": "DOUBLE",
    "sentiment": "VARCHAR",
    "page_url": "VARCHAR",
    "tokens_in": "BIGINT",
    "tokens_out": "BIGINT",
    "tokens_cached": "BIGINT",
    # A message may cost less than a millionth of a dollar.
    "cost_usd": "DECIMAL(18,9)",
    "button": "VARCHAR",
    "actor": "VARCHAR",
    "flow_name": "VARCHAR",
    "reason": "VARCHAR",
    "experiment_id": "VARCHAR",
    "test_name": "VARCHAR",
    "variant": "VARCHAR",
    "is_control": "BOOLEAN",
    "qualification_score": "DOUBLE",
    "lead_score": "DOUBLE",
}
FLOW_NAME_FIELDS = ("flow_name", "flow", "flow_id")
# Dimensions that some sources carry inside their properties; the prefix keeps them apart from top-level ones.
PROPERTY_DIMENSIONS = ("channel", "agent", "environment", "device", "language", "traffic_source")
ADDRESS_FIELDS = ("customer_ip_address", "ip_address", "ip", "client_ip")
ENVIRONMENTS = ("production", "development")


def content_columns(contract: SourceContract) -> dict[str, str]:
    """Columns of raw.<source> that hold the content of the event, with their types, in table order."""
    columns = {"event_id": "VARCHAR"} | dict.fromkeys(contract.columns, "VARCHAR")
    if contract.address_field is not None:
        columns["customer_ip_hash"] = "VARCHAR"
    columns["timestamp"] = "TIMESTAMP"
    columns |= {name: kind for name, kind in PROPERTY_COLUMNS.items() if name not in columns}
    columns |= {f"property_{name}": "VARCHAR" for name in PROPERTY_DIMENSIONS}
    return columns | {"properties": "JSON"}


LINEAGE_COLUMNS: dict[str, str] = {
    "_load_id": "BIGINT",
    "_file": "VARCHAR",
    "_line": "BIGINT",
    "_loaded_at": "TIMESTAMP",
    "_event_hash": "UBIGINT",
    "_line_hash": "UBIGINT",
}
