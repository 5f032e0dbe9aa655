"""How data comes in: `receivers` (pushed to us), `collectors` (we pull), `formats` (one file per wire format)."""
