"""words and sounds of names, declared attributes"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('name_word',
    sa.Column('word', BYTEWISE, nullable=False),
    sa.Column('name_key', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('word', 'name_key', name=op.f('pk_name_word')),
    sqlite_with_rowid=False
    )
    op.create_table('word_sound',
    sa.Column('sound', BYTEWISE, nullable=False),
    sa.Column('word', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('sound', 'word', name=op.f('pk_word_sound')),
    sqlite_with_rowid=False
    )
    op.create_table('index_fill',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('name', BYTEWISE, nullable=False),
    sa.Column('reached', IDENTIFIER, server_default='0', nullable=False),
    sa.Column('through', IDENTIFIER, server_default='0', nullable=False),
    sa.Column('looked_at', sa.Integer(), server_default='0', nullable=False),
    sa.Column('errors', sa.Integer(), server_default='0', nullable=False),
    sa.Column('last_error', sa.Text(), server_default='', nullable=False),
    sa.Column('declared_at', BYTEWISE, nullable=False),
    sa.Column('finished_at', BYTEWISE, nullable=True),
    sa.Column('lease_until', BYTEWISE, nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_index_fill')),
    sa.UniqueConstraint('name', name=op.f('uq_index_fill_name')),
    sqlite_autoincrement=True
    )
    op.create_table('index_node',
    sa.Column('fill_fk', IDENTIFIER, nullable=False),
    sa.Column('node', BYTEWISE, nullable=False),
    sa.ForeignKeyConstraint(['fill_fk'], ['index_fill.id'], name=op.f('fk_index_node_fill_fk'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('fill_fk', 'node', name=op.f('pk_index_node')),
    sqlite_with_rowid=False
    )
    op.create_table('extra_value',
    sa.Column('fill_fk', IDENTIFIER, nullable=False),
    sa.Column('owner', IDENTIFIER, nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('value', BYTEWISE, nullable=False),
    sa.Column('key', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('fill_fk', 'owner', 'number', name=op.f('pk_extra_value')),
    sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_extra_value_fill_fk_key_owner'), 'extra_value', ['fill_fk', 'key', 'owner'], unique=False)
