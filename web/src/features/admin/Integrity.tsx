import { type DamagedFile, type Integrity as Facts, type Renewal, beginRound, readIntegrity } from '../../api/admin'
import { may } from '../../api/session'
import type { User } from '../../api/types'
import { formatInstant } from '../../lib/dates'
import { formatBytes, formatCount, plural } from '../../lib/numbers'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Badge, Button, Progress, Skeleton } from '../../ui/controls'
import { Empty, ErrorNotice, Notice } from '../../ui/feedback'

const MENDED = { replica: 'put back from the second storage', other: 'whole again', '': '' } as const

function Files({ files }: { files: DamagedFile[] }) {
  if (files.length === 0) {
    return (
      <div className="panel">
        <Empty icon="check" title="No file was ever found damaged or missing" />
      </div>
    )
  }
  return (
    <div className="panel panel-scroll">
      <table className="plain-table">
        <thead>
          <tr>
            <th>File</th>
            <th>Found</th>
            <th>What became of it</th>
          </tr>
        </thead>
        <tbody>
          {files.map((each) => (
            <tr key={each.file}>
              <td>
                <span className="mono">{each.sop_instance_uid}</span>
                <div className="faint mono">{each.file}</div>
              </td>
              <td className="muted">{formatInstant(each.found_at)}</td>
              <td>
                {each.mended_at ? <Badge>{MENDED[each.mended_by]}</Badge> : <Badge tone="danger">{each.kind}</Badge>}
                {each.mended_at ? <div className="faint">{formatInstant(each.mended_at)}</div> : <div className="faint">{each.detail}</div>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Notices({ facts }: { facts: Facts }) {
  const reason = [facts.replica?.reason, facts.round?.reason].find(Boolean)
  return (
    <>
      {facts.damaged > 0 && (
        <Notice tone="danger" title={`${plural(facts.damaged, 'file is', 'files are')} damaged or missing.`}>
          {facts.replica ? 'The second storage had no sound copy. ' : 'There is no second storage to put them back from. '}
          Restore them from a backup, or have them sent again. All other images are whole.
        </Notice>
      )}
      {facts.backup.failing_since && (
        <Notice tone="danger" title={`The backup fails since ${formatInstant(facts.backup.failing_since)}.`}>
          {`${facts.backup.reason}. It is tried again every ten minutes; what was copied before is safe.`}
        </Notice>
      )}
      {facts.backup.late && (
        <Notice tone="danger" title={facts.backup.made_at ? 'The last backup is too old.' : 'No backup was ever made.'}>
          Name a place on another disk or machine with the setting backup, or run isocenter backup every night.
        </Notice>
      )}
      {facts.anchors.failing_since && (
        <Notice tone="danger" title={`The head of the change log is not noted outside since ${formatInstant(facts.anchors.failing_since)}.`}>
          {`${facts.anchors.reason}. It is tried again every ten minutes.`}
        </Notice>
      )}
      {facts.renewals.some((renewal) => renewal.stopped) && (
        <Notice tone="warn" title="Bringing files under another key was broken off.">
          isocenter encryption renew goes on where it was; files under the older key are read meanwhile.
        </Notice>
      )}
      {facts.rate === 0 && <Notice tone="warn" title="Nobody looks whether files decay.">The setting scrub_rate is 0.</Notice>}
      {reason && <Notice tone="warn" title="The round waits.">{`${reason}. It goes on by itself.`}</Notice>}
    </>
  )
}

function Keys({ renewal }: { renewal: Renewal }) {
  const { key, files, expected, faults, ended_at: ended, stopped } = renewal
  const whither = key ? `under the key ${key}` : 'out of encryption'
  const words = ended ? `${plural(files, 'file', 'files')} brought ${whither} ${formatInstant(ended)}` : `${formatCount(files)} of ${plural(expected, 'file', 'files')} looked at, to be ${whither}`
  return (
    <>
      <dt>{renewal.place ? `Keys of ${renewal.place}` : 'Keys of files'}</dt>
      <dd>
        {!ended && <Progress value={expected === 0 ? 1 : Math.min(1, files / expected)} label="Under another key" failed={stopped} />}
        {words}
        {faults > 0 && `; ${plural(faults, 'file', 'files')} could not be read and stayed`}
      </dd>
    </>
  )
}

function Rounds({ facts }: { facts: Facts }) {
  const { round, replica, backup, anchors } = facts
  return (
    <div className="panel admin-facts">
      <dl className="facts">
        <dt>This round</dt>
        <dd>
          {round && round.files > 0 && <Progress value={facts.expected === 0 ? 1 : Math.min(1, round.files / facts.expected)} label="This round" />}
          {round ? `${formatCount(round.files)} of ${plural(facts.expected, 'file', 'files')}, ${formatBytes(round.bytes)}` : 'No worker has begun one yet.'}
        </dd>
        <dt>Last whole round</dt>
        <dd>{round?.last_ended_at ? `${formatInstant(round.last_ended_at)}: ${plural(round.last_files, 'file', 'files')}, ${formatBytes(round.last_bytes)}` : 'not yet'}</dd>
        <dt>Rate</dt>
        <dd>{facts.rate === 0 ? 'off' : `${formatBytes(facts.rate)} a second`}</dd>
        <dt>Second storage</dt>
        <dd>{replica ? `${replica.place}${replica.behind > 0 ? `, ${plural(replica.behind, 'file', 'files')} still to come` : ', complete'}` : 'none'}</dd>
        <dt>Last backup</dt>
        <dd>
          {backup.made_at ? formatInstant(backup.made_at) : 'none'}
          {backup.faults > 0 && `, without ${plural(backup.faults, 'file', 'files')} that could not be had`}
        </dd>
        <dt>Backups</dt>
        <dd>{backup.place ? `every ${backup.every_hours} hours to ${backup.place}` : 'not by the worker'}</dd>
        <dt>Change log</dt>
        <dd>
          {anchors.at ? `its head was noted outside ${formatInstant(anchors.at)}` : 'its head is noted nowhere else'}
          {anchors.places.length > 0 && `, every ${anchors.every_hours} hours in ${anchors.places.join(' and ')}`}
        </dd>
        {facts.renewals.map((renewal) => (
          <Keys key={renewal.place} renewal={renewal} />
        ))}
        <dt>Put right</dt>
        <dd>{plural(facts.mended, 'file', 'files')}</dd>
      </dl>
    </div>
  )
}

/** Whether every file is what it was: the worker's rounds, the second storage, and what was found. */
export function Integrity({ user }: { user: User }) {
  const { value, failure, reload } = useLoaded(readIntegrity)
  const begin = useAction()
  return (
    <>
      <div className="page-head">
        <p className="page-lead">The worker compares every file with what it was when it came in, over and over, and puts back what is damaged.</p>
        <Button icon="retry" onClick={reload}>
          Refresh
        </Button>
        {may(user, 'system:manage') && (
          <Button disabled={begin.busy || !value?.round} onClick={() => begin.run(() => beginRound().then(reload))}>
            Begin a round now
          </Button>
        )}
      </div>
      {failure && <ErrorNotice error={failure} />}
      {begin.failure && <ErrorNotice error={begin.failure} />}
      {value ? (
        <>
          <Notices facts={value} />
          <Rounds facts={value} />
          <Files files={value.files} />
        </>
      ) : (
        failure === null && <Skeleton width="60%" />
      )}
    </>
  )
}
