"""PostgreSQL is told that the table of hidden studies is empty: one that it has never looked at counts as ten pages full"""

from alembic import op

revision = '0032'
down_revision = '0031'


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ANALYZE study_hidden")
