import { signOut } from '../../api/session'
import { listStudies } from '../../api/studies'
import type { OpenLink, Study } from '../../api/types'
import { formatDate, formatInstant } from '../../lib/dates'
import { formatName } from '../../lib/names'
import { plural } from '../../lib/numbers'
import { Link } from '../../lib/router'
import { useLoaded } from '../../lib/useLoaded'
import { Button, Modalities, Skeleton } from '../../ui/controls'
import { Empty, ErrorNotice } from '../../ui/feedback'
import { Mark } from '../../ui/icons'
import './sharing.css'

const load = (signal: AbortSignal): Promise<Study[]> => listStudies({ sort: '-StudyDate' }, { limit: 500 }, { signal }).then((page) => page.studies)

/** The bar above what a link opens: whose it is, until when, and the way out. */
export function GuestBar({ link }: { link: OpenLink }) {
  return (
    <header className="guest-bar">
      <Mark size={22} />
      <div className="guest-bar-words">
        <strong>{link.opens === 'upload' ? 'Send images in' : 'Shared with you'}</strong>
        <span className="faint">{[link.maker && `by ${link.maker}`, `until ${formatInstant(link.expires_at)}`].filter(Boolean).join(' · ')}</span>
      </div>
      <Button small onClick={() => void signOut().catch(() => undefined)}>
        Close
      </Button>
    </header>
  )
}

function Row({ study, onTakeAway }: { study: Study; onTakeAway: ((study: string) => void) | null }) {
  return (
    <li className="guest-study panel">
      <div className="guest-study-words">
        <strong>{study.StudyDescription || 'No description'}</strong>
        <span className="muted">
          {[formatDate(study.StudyDate), study.InstitutionName, plural(study.NumberOfStudyRelatedInstances, 'image')].filter(Boolean).join(' · ')}
        </span>
        <Modalities codes={study.ModalitiesInStudy} />
      </div>
      <div className="guest-study-actions">
        <Link to={`/viewer/${encodeURIComponent(study.StudyInstanceUID)}`} className="button button-primary">
          Open images
        </Link>
        {onTakeAway && (
          <Button icon="download" onClick={() => onTakeAway(study.StudyInstanceUID)}>
            Download
          </Button>
        )}
      </div>
    </li>
  )
}

/** The studies that a link opens; onTakeAway: null when it is for looking only. */
export function GuestPage({ link, onTakeAway }: { link: OpenLink; onTakeAway: ((study: string) => void) | null }) {
  const studies = useLoaded(load)
  const name = formatName(studies.value?.[0]?.PatientName ?? '')
  return (
    <div className="guest">
      <GuestBar link={link} />
      <main className="guest-body">
        <h1>{name || 'Images'}</h1>
        {studies.failure && <ErrorNotice error={studies.failure} action={<Button small icon="retry" onClick={studies.reload}>Try again</Button>} />}
        {!studies.value && !studies.failure && <Skeleton width="60%" />}
        {studies.value?.length === 0 && (
          <Empty icon="studies" title="There is nothing here any more">
            The images may have been removed, or given to another patient. Ask whoever sent you the link.
          </Empty>
        )}
        <ul className="guest-studies" aria-label="Studies">
          {studies.value?.map((study) => (
            <Row key={study.StudyInstanceUID} study={study} onTakeAway={onTakeAway} />
          ))}
        </ul>
        <p className="faint">What you measure or draw is not kept. Looking at images here does not replace the report of a physician.</p>
      </main>
    </div>
  )
}
