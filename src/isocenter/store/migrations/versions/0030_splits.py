"""patients who were merged, versions that a person has chosen, studies that were split"""

import sqlalchemy as sa
from alembic import op

revision = '0030'
down_revision = '0029'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('patient_link',
    sa.Column('identity', BYTEWISE, nullable=False),
    sa.Column('correction_fk', IDENTIFIER, nullable=False),
    sa.ForeignKeyConstraint(['correction_fk'], ['correction.id'], name=op.f('fk_patient_link_correction_fk')),
    sa.PrimaryKeyConstraint('identity', name=op.f('pk_patient_link'))
    )
    op.create_table('served_version',
    sa.Column('sop_instance_uid', BYTEWISE, nullable=False),
    sa.Column('sha256', BYTEWISE, nullable=False),
    sa.Column('at', BYTEWISE, nullable=False),
    sa.Column('actor', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('sop_instance_uid', name=op.f('pk_served_version'))
    )
    op.create_table('study_split',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('at', BYTEWISE, nullable=False),
    sa.Column('actor', BYTEWISE, nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('study_instance_uid', BYTEWISE, nullable=False),
    sa.Column('into_uid', BYTEWISE, nullable=False),
    sa.Column('made', sa.Text(), nullable=False),
    sa.Column('undone_at', BYTEWISE, nullable=True),
    sa.Column('undone_by', BYTEWISE, server_default='', nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_study_split')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_study_split_study_instance_uid'), 'study_split', ['study_instance_uid'], unique=False)
    op.create_index(op.f('ix_study_split_into_uid'), 'study_split', ['into_uid'], unique=False)
