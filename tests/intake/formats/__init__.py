"""Tests of the wire formats, each through the real writer's statements."""
