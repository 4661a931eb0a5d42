"""sharing: links for people without an account, and the browsers that are let in by them"""

import sqlalchemy as sa
from alembic import op

revision = '0033'
down_revision = '0032'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        'share',
        sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
        sa.Column('token_hash', BYTEWISE, nullable=False),
        sa.Column('opens', BYTEWISE, nullable=False),
        sa.Column('label', sa.Text(), server_default='', nullable=False),
        sa.Column('study_uid', BYTEWISE, server_default='', nullable=False),
        sa.Column('identity', BYTEWISE, server_default='', nullable=False),
        sa.Column('download', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('code', BYTEWISE, server_default='none', nullable=False),
        sa.Column('code_hash', sa.Text(), server_default='', nullable=False),
        sa.Column('tries', sa.Integer(), server_default='0', nullable=False),
        sa.Column('code_used_at', BYTEWISE),
        sa.Column('maker', BYTEWISE, server_default='', nullable=False),
        sa.Column('created_at', BYTEWISE, nullable=False),
        sa.Column('expires_at', BYTEWISE, nullable=False),
        sa.Column('withdrawn_at', BYTEWISE),
        sa.Column('withdrawn_by', BYTEWISE, server_default='', nullable=False),
        sa.Column('openings', sa.Integer(), server_default='0', nullable=False),
        sa.Column('opened_at', BYTEWISE),
        sa.Column('most_bytes', IDENTIFIER, server_default='0', nullable=False),
        sa.Column('bytes', IDENTIFIER, server_default='0', nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_share')),
        sa.UniqueConstraint('token_hash', name=op.f('uq_share_token_hash')),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f('ix_share_maker'), 'share', ['maker'], unique=False)
    op.create_table(
        'share_session',
        sa.Column('token_hash', BYTEWISE, nullable=False),
        sa.Column('share_id', IDENTIFIER, nullable=False),
        sa.Column('address', BYTEWISE, server_default='', nullable=False),
        sa.Column('created_at', BYTEWISE, nullable=False),
        sa.ForeignKeyConstraint(['share_id'], ['share.id'], name=op.f('fk_share_session_share_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_share_session')),
    )
    op.create_index(op.f('ix_share_session_share_id'), 'share_session', ['share_id'], unique=False)
