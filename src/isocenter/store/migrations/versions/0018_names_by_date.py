"""an index that the study list finds names by date in, without reading rows"""

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'


def upgrade() -> None:
    op.create_index('ix_study_name_list', 'study', ['patient_name_key', sa.text('study_date DESC'),
                    sa.text('study_time DESC'), sa.text('id DESC'), 'modalities_in_study'], unique=False)
