"""rejected objects, legal holds, deletion"""

import sqlalchemy as sa
from alembic import op

revision = '0027'
down_revision = '0026'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('rejection',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('at', BYTEWISE, nullable=False),
    sa.Column('actor', BYTEWISE, nullable=False),
    sa.Column('code', BYTEWISE, nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('study_instance_uid', BYTEWISE, nullable=False),
    sa.Column('note_uid', BYTEWISE, nullable=False),
    sa.Column('source', BYTEWISE, nullable=False),
    sa.Column('undone_at', BYTEWISE, nullable=True),
    sa.Column('undone_by', BYTEWISE, server_default='', nullable=False),
    sa.Column('delete_at', BYTEWISE, nullable=True),
    sa.Column('deleted_by', BYTEWISE, server_default='', nullable=False),
    sa.Column('delete_reason', sa.Text(), server_default='', nullable=False),
    sa.Column('freed_at', BYTEWISE, nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rejection')),
    sa.UniqueConstraint('note_uid', name=op.f('uq_rejection_note_uid')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_rejection_delete_at'), 'rejection', ['delete_at'], unique=False)
    op.create_index(op.f('ix_rejection_study_instance_uid'), 'rejection', ['study_instance_uid'], unique=False)
    op.create_table('rejected',
    sa.Column('rejection_fk', IDENTIFIER, nullable=False),
    sa.Column('study_instance_uid', BYTEWISE, nullable=False),
    sa.Column('series_instance_uid', BYTEWISE, nullable=False),
    sa.Column('sop_instance_uid', BYTEWISE, nullable=False),
    sa.Column('sop_class_uid', BYTEWISE, nullable=False),
    sa.Column('state', BYTEWISE, nullable=False),
    sa.Column('served', IDENTIFIER, server_default='0', nullable=False),
    sa.ForeignKeyConstraint(['rejection_fk'], ['rejection.id'], name=op.f('fk_rejected_rejection_fk')),
    sa.UniqueConstraint('rejection_fk', 'sop_instance_uid', name=op.f('uq_rejected_rejection_fk_sop_instance_uid'))
    )
    op.create_index(op.f('ix_rejected_sop_instance_uid'), 'rejected', ['sop_instance_uid'], unique=False)
    op.create_index(op.f('ix_rejected_study_instance_uid'), 'rejected', ['study_instance_uid'], unique=False)
    op.create_table('study_hidden',
    sa.Column('study_fk', IDENTIFIER, autoincrement=False, nullable=False),
    sa.ForeignKeyConstraint(['study_fk'], ['study.id'], name=op.f('fk_study_hidden_study_fk'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('study_fk', name=op.f('pk_study_hidden'))
    )
    op.create_table('legal_hold',
    sa.Column('study_instance_uid', BYTEWISE, nullable=False),
    sa.Column('at', BYTEWISE, nullable=False),
    sa.Column('actor', BYTEWISE, nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('study_instance_uid', name=op.f('pk_legal_hold'))
    )
    op.create_table('deletion',
    sa.Column('blob_key', BYTEWISE, nullable=False),
    sa.Column('at', BYTEWISE, nullable=False),
    sa.Column('rejection_fk', IDENTIFIER, nullable=False),
    sa.PrimaryKeyConstraint('blob_key', name=op.f('pk_deletion'))
    )
    op.create_index(op.f('ix_deletion_rejection_fk'), 'deletion', ['rejection_fk'], unique=False)
    relay, change = sa.table('relay', sa.column('name'), sa.column('seq')), sa.table('change', sa.column('seq'))
    last = sa.select(sa.literal('rejections'), sa.func.coalesce(sa.func.max(change.c.seq), 0))
    op.execute(sa.insert(relay).from_select(['name', 'seq'], last))
