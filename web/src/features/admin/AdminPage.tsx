import type { User } from '../../api/types'
import { may } from '../../api/session'
import { navigate } from '../../lib/router'
import { Empty } from '../../ui/feedback'
import { Accounts } from './Accounts'
import { AuditLog } from './AuditLog'
import { Emergencies } from './Emergencies'
import { Hl7Messages } from './Hl7Messages'
import { Integrity } from './Integrity'
import { PatientLists } from './PatientLists'
import { Peers } from './Peers'
import { Projects } from './Projects'
import { Rejected } from './Rejected'
import { Sessions } from './Sessions'
import { System } from './System'
import { Tokens } from './Tokens'
import { Webhooks } from './Webhooks'
import './admin.css'

const TABS = [
  { id: 'users', title: 'Users', permission: 'user:manage' },
  { id: 'sessions', title: 'Signed in', permission: 'user:manage' },
  { id: 'tokens', title: 'Access tokens', permission: 'token:manage' },
  { id: 'lists', title: 'Patient lists', permission: 'user:manage' },
  { id: 'peers', title: 'DICOM peers', permission: 'peer:manage' },
  { id: 'hl7', title: 'HL7 messages', permission: 'hl7:manage' },
  { id: 'webhooks', title: 'Webhooks', permission: 'webhook:manage' },
  { id: 'projects', title: 'De-identification', permission: 'project:manage' },
  { id: 'audit', title: 'Audit', permission: 'change:read' },
  { id: 'rejected', title: 'Rejected', permission: 'rejected:read' },
  { id: 'emergency', title: 'Emergency access', permission: 'emergency:review' },
  { id: 'integrity', title: 'Integrity', permission: 'system:read' },
  { id: 'system', title: 'System', permission: 'system:read' },
] as const

function TabBody({ tab, user }: { tab: string; user: User }) {
  if (tab === 'users') return <Accounts self={user.name} />
  if (tab === 'sessions') return <Sessions everyone />
  if (tab === 'tokens') return <Tokens self={user.name} />
  if (tab === 'lists') return <PatientLists />
  if (tab === 'peers') return <Peers />
  if (tab === 'hl7') return <Hl7Messages />
  if (tab === 'webhooks') return <Webhooks />
  if (tab === 'projects') return <Projects />
  if (tab === 'audit') return <AuditLog />
  if (tab === 'rejected') return <Rejected user={user} />
  if (tab === 'emergency') return <Emergencies self={user.name} />
  if (tab === 'integrity') return <Integrity user={user} />
  return <System />
}

export function AdminPage({ user, tab }: { user: User; tab: string }) {
  const tabs = TABS.filter((entry) => may(user, entry.permission))
  const current = tabs.find((entry) => entry.id === tab)
  if (!current) {
    return <Empty icon="lock" title="Nothing here for your account">Administration needs the role admin.</Empty>
  }
  return (
    <div className="page">
      <div className="page-inner">
        <h1>Administration</h1>
        <div className="tabs" role="tablist" aria-label="Administration">
          {tabs.map((entry) => (
            <button
              key={entry.id}
              id={`tab-${entry.id}`}
              type="button"
              role="tab"
              className="tab"
              aria-selected={entry.id === current.id}
              aria-controls="admin-panel"
              onClick={() => navigate(`/admin/${entry.id}`)}
            >
              {entry.title}
            </button>
          ))}
        </div>
        <div id="admin-panel" role="tabpanel" aria-labelledby={`tab-${current.id}`} className="admin-panel">
          <TabBody key={current.id} tab={current.id} user={user} />
        </div>
      </div>
    </div>
  )
}
