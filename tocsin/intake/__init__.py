"""How data comes in: `receivers` (pushed to us), `collectors` (we pull), `formats` (one file per wire format).

It may use `store`, `model` and `kit`. A format is a value that names SQL expressions (`store.base.RowFormat`). To add
one, write `formats/<name>.py`, a line in `formats/table.py`, a test of the same name and a section in
`docs/reference/formats.md`; if its lines can be told from others, `formats/detect.py` learns how.
"""
