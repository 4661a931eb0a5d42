"""work items over the web: who is told over a WebSocket, and what they have been told"""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    for table in ('ups_subscription', 'ups_global_subscription', 'ups_report'):
        op.add_column(table, sa.Column('web', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('ups_report', sa.Column('told_at', BYTEWISE, nullable=True))
    for column in ('told_at', 'created_at'):
        op.create_index(op.f(f'ix_ups_report_{column}'), 'ups_report', [column], unique=False)
