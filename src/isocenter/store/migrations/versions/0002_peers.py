"""peers: where they may call from, how often at once, what they had better send, when they were here"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column('peer', sa.Column('allowed_ips', BYTEWISE, server_default='', nullable=False))
    op.add_column('peer', sa.Column('max_associations', sa.Integer(), server_default='0', nullable=False))
    op.add_column('peer', sa.Column('preferred_syntaxes', BYTEWISE, server_default='', nullable=False))
    op.add_column('peer', sa.Column('last_seen_at', BYTEWISE, nullable=True))
    op.add_column('peer', sa.Column('associations', IDENTIFIER, server_default='0', nullable=False))
    op.add_column('peer', sa.Column('instances', IDENTIFIER, server_default='0', nullable=False))
