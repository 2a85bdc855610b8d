"""Where something stands in an input, at no cost until it is reported."""

from __future__ import annotations

import msgspec

TEXT = "text()"
"""The attribute name that stands for the text of an element."""


class Place(msgspec.Struct, frozen=True):
    """A symbolic place: a document and a locator that only the reader of that kind of document understands.

    For XML the locator is the element itself or, once a finding is kept, its index in document order from 0. A TOML
    file is located by the header of the table (``node.1``, ``[[nodes]] 2``). A line and columns are found only when
    the place is reported.

    ``attribute`` narrows to the value of an attribute (TEXT: the element's text), ``term`` to the characters
    from start to end of that value. Without an attribute the place is the name in the start tag.
    """

    document: str
    locator: object
    attribute: str | None = None
    term: tuple[int, int] | None = None

    def at(self, attribute: str) -> Place:
        """The place of an attribute's value, or with TEXT of the text, of this element."""
        return Place(self.document, self.locator, attribute)

    def narrowed(self, start: int, end: int) -> Place:
        """The characters ``start`` to ``end`` of this value."""
        return Place(self.document, self.locator, self.attribute, (start, end))
