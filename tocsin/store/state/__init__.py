"""Small transactional state by SQLAlchemy Core: alerts, outbox, watermarks; SQLite or PostgreSQL.

`engine.State` opens a transaction; the functions of the other modules take its connection, so that several of them
share one transaction. Imports `model` and `kit` only.

    state = State("sqlite:////var/lib/tocsin/state.db")
    migrate(state)
    with state.write() as connection:
        if watermarks.advance(connection, tick.watermarks, tick.at):
            alerts.save(connection, records)
            outbox.enqueue(connection, messages)
"""
