"""Questions of `isocenter verify` that are about rows alone: how many files they speak of, and whether the counters are right."""

from sqlalchemy import Connection, func, select

from isocenter.store.schema import exception, instance, series, study

# Wrong counters shown; when there are more, the sentence about the first is enough to reindex.
SHOWN = 100


def number_of_files(connection: Connection) -> int:
    """How many files instances (all versions) and quarantine have."""
    kept = select(func.count()).select_from(exception).where(exception.c.kind == "quarantined")
    instances = select(func.count()).select_from(instance)
    return int(connection.execute(instances).scalar_one() + connection.execute(kept).scalar_one())


def wrong_counters(connection: Connection) -> list[tuple[str, str]]:
    """(UID, sentence) of series and studies whose stored numbers are not those of their rows."""
    actual = func.count(instance.c.id)
    per_series = (
        select(series.c.series_instance_uid, series.c.number_of_series_related_instances, actual)
        .outerjoin(instance, (instance.c.series_fk == series.c.id) & instance.c.current)
        .group_by(series.c.id, series.c.series_instance_uid, series.c.number_of_series_related_instances)
        .having(actual != series.c.number_of_series_related_instances)
        .limit(SHOWN)
    )
    found = [(uid, f"the index counts {said} instances in this series and has {has}")
             for uid, said, has in connection.execute(per_series)]
    total = func.coalesce(func.sum(series.c.number_of_series_related_instances), 0)
    per_study = (
        select(study.c.study_instance_uid, study.c.number_of_study_related_instances, total)
        .outerjoin(series, series.c.study_fk == study.c.id)
        .group_by(study.c.id, study.c.study_instance_uid, study.c.number_of_study_related_instances)
        .having(total != study.c.number_of_study_related_instances)
        .limit(SHOWN)
    )
    found += [(uid, f"the index counts {said} instances in this study and has {has}")
              for uid, said, has in connection.execute(per_study)]
    return found
