"""peers: TLS, services, character set, throttle, parallel associations, pause"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column('peer', sa.Column('tls', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('peer', sa.Column('services', BYTEWISE, server_default='', nullable=False))
    op.add_column('peer', sa.Column('character_set', BYTEWISE, server_default='', nullable=False))
    op.add_column('peer', sa.Column('throttle', sa.Integer(), server_default='0', nullable=False))
    op.add_column('peer', sa.Column('parallel', sa.Integer(), server_default='1', nullable=False))
    op.add_column('peer', sa.Column('paused', sa.Boolean(), server_default=sa.false(), nullable=False))
