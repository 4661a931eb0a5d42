import { useCallback, useState } from 'react'
import { readReport, readReports } from '../../api/deidentification'
import { changeProject, type Project, readProjects } from '../../api/projects'
import { formatInstant } from '../../lib/dates'
import { saveText } from '../../lib/save'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { useOpened } from '../../lib/useOpened'
import { Badge, Button } from '../../ui/controls'
import { Empty, ErrorNotice } from '../../ui/feedback'
import { type Column, ManagedList } from '../../ui/ManagedList'
import { Dialog } from '../../ui/overlay'
import { RemovalReports } from '../../ui/RemovalReports'
import { ProjectDialog } from './ProjectDialog'

type Open = { kind: 'add' } | { kind: 'edit'; project: Project } | { kind: 'reports'; project?: string } | null

const COLUMNS: readonly Column<Project>[] = [
  {
    title: 'Name',
    cell: (project) => (
      <>
        <strong>{project.name}</strong> {project.closed && <Badge tone="warn" title="Nothing leaves by it">closed</Badge>}
        <div className="faint truncate">{project.description}</div>
      </>
    ),
  },
  { title: 'Beside the Basic Profile', className: 'secondary', cell: (project) => project.options.map((option) => option.replaceAll('_', ' ')).join(', ') || 'nothing' },
  { title: 'Destinations', className: 'secondary', cell: (project) => project.project.destinations.join(', ') },
  { title: 'Changed', className: 'muted secondary', cell: (project) => formatInstant(project.changed_at) },
]

/** What has left by a project (none: by any, and without one), and what was removed from it. */
function Left({ project, onClose }: { project?: string; onClose: () => void }) {
  const read = useCallback((signal: AbortSignal) => readReports({ project }, signal), [project])
  const loaded = useLoaded(read)
  const { open, busy, failure, toggle } = useOpened(readReport)
  const why = failure ?? loaded.failure
  return (
    <Dialog title={project ? `What left by ${project}` : 'What left without identities'} wide onClose={onClose} footer={<Button onClick={onClose}>Close</Button>}>
      {why && <ErrorNotice error={why} />}
      {loaded.value && (
        <RemovalReports reports={loaded.value} open={open} busy={busy} onToggle={toggle} onSave={() => open && saveText(open.value.text, 'REPORT.TXT')} />
      )}
    </Dialog>
  )
}

/** De-identification projects: what is removed, kept and made black when data leaves for them. */
export function Projects() {
  const loaded = useLoaded(readProjects)
  const { reload } = loaded
  const [open, setOpen] = useState<Open>(null)
  const action = useAction()
  const close = useCallback(() => {
    setOpen(null)
    reload()
  }, [reload])
  const toggle = (project: Project) =>
    action.run(async () => {
      await changeProject(project.name, { closed: !project.closed })
      reload()
    })
  const options = loaded.value?.options ?? []
  return (
    <ManagedList
      lead="Data leaves for a project without the identities of patients. The same patient has the same pseudonym in it, always, and another one elsewhere."
      loaded={{ value: loaded.value?.projects ?? null, failure: loaded.failure, reload }}
      columns={COLUMNS}
      keyOf={(project) => project.name}
      rowClass={(project) => (project.closed ? 'muted' : undefined)}
      actions={(project) => (
        <div className="row-actions">
          <Button small onClick={() => setOpen({ kind: 'edit', project })}>
            Edit
          </Button>
          <Button small onClick={() => setOpen({ kind: 'reports', project: project.name })}>
            Reports
          </Button>
          <Button small disabled={action.busy} onClick={() => toggle(project)}>
            {project.closed ? 'Open again' : 'Close'}
          </Button>
        </div>
      )}
      add="Begin a project"
      onAdd={() => setOpen({ kind: 'add' })}
      failure={action.failure}
      empty={
        <Empty icon="lock" title="No projects">
          Begin one for a study, a trial or a teaching collection.
        </Empty>
      }
    >
      <p>
        <Button small onClick={() => setOpen({ kind: 'reports' })}>
          All reports
        </Button>{' '}
        <span className="faint">also of exports and copies by no project</span>
      </p>
      {open?.kind === 'reports' && <Left project={open.project} onClose={() => setOpen(null)} />}
      {open?.kind === 'add' && <ProjectDialog options={options} onClose={close} />}
      {open?.kind === 'edit' && <ProjectDialog project={open.project} options={options} onClose={close} />}
    </ManagedList>
  )
}
