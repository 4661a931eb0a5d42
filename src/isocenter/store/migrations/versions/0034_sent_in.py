"""sent in: what came over upload links is found by link and study"""

from alembic import op

revision = '0034'
down_revision = '0033'


def upgrade() -> None:
    op.create_index(op.f('ix_exception_where_actor_study_instance_uid'), 'exception', ['where', 'actor', 'study_instance_uid'])
