"""The one error that a person is meant to read."""


class StudyError(ValueError):
    """Something that the user can mend; its message says what is wrong and what to do about it."""
