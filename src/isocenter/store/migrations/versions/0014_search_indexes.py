"""indexes for patients by a name's other groups, and for studies by SOP class"""

from alembic import op

revision = '0014'
down_revision = '0013'


def upgrade() -> None:
    for group in ('ideographic', 'phonetic'):
        name = f'patient_name_key_{group}'
        op.create_index(op.f(f'ix_patient_{name}'), 'patient', [name], unique=False)
    by_class = op.f('ix_study_sop_class_sop_class_uid_study_fk')
    op.create_index(by_class, 'study_sop_class', ['sop_class_uid', 'study_fk'], unique=False)
