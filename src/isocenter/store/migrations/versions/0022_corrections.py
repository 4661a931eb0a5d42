"""corrections of the index"""

import sqlalchemy as sa
from alembic import op

revision = '0022'
down_revision = '0021'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('correction',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('at', BYTEWISE, nullable=False),
    sa.Column('actor', BYTEWISE, nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('patient', sa.Text(), nullable=False),
    sa.Column('undone_at', BYTEWISE, nullable=True),
    sa.Column('undone_by', BYTEWISE, server_default='', nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_correction')),
    sqlite_autoincrement=True
    )
    op.create_table('correction_study',
    sa.Column('correction_fk', IDENTIFIER, nullable=False),
    sa.Column('study_instance_uid', BYTEWISE, nullable=False),
    sa.ForeignKeyConstraint(['correction_fk'], ['correction.id'], name=op.f('fk_correction_study_correction_fk')),
    sa.UniqueConstraint('correction_fk', 'study_instance_uid', name=op.f('uq_correction_study_correction_fk_study_instance_uid'))
    )
    op.create_index(op.f('ix_correction_study_study_instance_uid'), 'correction_study', ['study_instance_uid'], unique=False)
    op.create_table('study_original',
    sa.Column('study_instance_uid', BYTEWISE, nullable=False),
    sa.Column('identity', BYTEWISE, nullable=False),
    sa.Column('patient', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('study_instance_uid', name=op.f('pk_study_original'))
    )
    op.add_column('study', sa.Column('corrected', BYTEWISE, server_default='', nullable=False))
