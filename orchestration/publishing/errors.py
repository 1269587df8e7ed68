"""What can go wrong while publishing. Nothing that readers see has changed when one of these is raised."""


class PublishError(Exception):
    """A version could not be published; the last good one stays."""


class BuildDatabaseError(PublishError):
    """The build database is missing or held by another connection."""


class MissingTableError(PublishError):
    """The build lacks a table that is on the published list."""


class NotEnoughSpaceError(PublishError):
    """The disk has less free space than a version may need."""


class ManifestError(PublishError):
    """`manifest.json` cannot be read as a manifest."""
