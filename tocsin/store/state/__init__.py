"""Small transactional state by SQLAlchemy Core: alerts, outbox, watermarks; SQLite or PostgreSQL."""
