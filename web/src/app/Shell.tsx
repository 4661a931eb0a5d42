import type { ReactNode } from 'react'
import { useEffect, useRef, useState } from 'react'
import type { FeedState } from '../api/events'
import { changes, useFeedState } from '../api/events'
import type { User } from '../api/types'
import { THEMES, type Theme, keepTheme, useTheme } from '../api/theme'
import { may, signOut } from '../api/session'
import { useHotkeys } from '../lib/hotkeys'
import { Link, navigate } from '../lib/router'
import { IconButton } from '../ui/controls'
import { Icon, Mark, type IconName } from '../ui/icons'
import { Menu } from '../ui/overlay'
import { KeySheet } from './KeySheet'
import { FactorDialog } from './FactorDialog'
import { PasskeysDialog } from './PasskeysDialog'
import { PasswordDialog } from './PasswordDialog'
import { SessionsDialog } from './SessionsDialog'
import type { Route } from './routes'
import './shell.css'

interface Place {
  page: Route['page']
  to: string
  title: string
  icon: IconName
  permission: string
}

const PLACES: readonly Place[] = [
  { page: 'studies', to: '/', title: 'Studies', icon: 'studies', permission: 'study:query' },
  { page: 'remote', to: '/remote', title: 'Remote', icon: 'remote', permission: 'remote:query' },
  { page: 'orders', to: '/orders', title: 'Orders', icon: 'orders', permission: 'order:read' },
  { page: 'upload', to: '/upload', title: 'Upload', icon: 'upload', permission: 'study:store' },
  { page: 'deliveries', to: '/deliveries', title: 'Deliveries', icon: 'send', permission: 'delivery:manage' },
  { page: 'exceptions', to: '/exceptions', title: 'Exceptions', icon: 'alert', permission: 'quarantine:read' },
  { page: 'shares', to: '/shares', title: 'Shared', icon: 'link', permission: 'study:share' },
  { page: 'admin', to: '/admin', title: 'Administration', icon: 'settings', permission: 'user:manage' },
]

const FEED: Record<FeedState, { title: string; hint: string }> = {
  live: { title: 'Live', hint: 'New studies appear by themselves.' },
  connecting: { title: 'Connecting', hint: 'Connecting to the live feed.' },
  waiting: { title: 'Reconnecting', hint: 'The live feed is interrupted; nothing is lost, it catches up by itself.' },
}

function Live() {
  const state = useFeedState()
  return (
    <span className={`live live-${state}`} title={FEED[state].hint} role="status">
      <span className="live-dot" aria-hidden="true" />
      <span className="live-text">{FEED[state].title}</span>
    </span>
  )
}

function Account({ user, onPassword, onFactor, onPasskeys, onSessions, onEmergency, onKeys }: { user: User; onPassword: () => void; onFactor: () => void; onPasskeys: () => void; onSessions: () => void; onEmergency: (() => void) | null; onKeys: () => void }) {
  return (
    <Menu
      head={
        <>
          <strong>{user.name}</strong>
          <div className="faint">{user.role}</div>
        </>
      }
      button={(open, toggle) => (
        <button type="button" className="account" aria-label={`Account ${user.name}`} aria-haspopup="true" aria-expanded={open} onClick={toggle}>
          <Icon name="account" />
          <span className="account-name truncate">{user.name}</span>
          <Icon name="chevronDown" size={12} />
        </button>
      )}
    >
      <button type="button" className="menu-item" onClick={onPassword}>
        Change password
      </button>
      <button type="button" className="menu-item" onClick={onFactor}>
        Two-step sign-in
      </button>
      <button type="button" className="menu-item" onClick={onPasskeys}>
        Passkeys
      </button>
      <button type="button" className="menu-item" onClick={onSessions}>
        Where I am signed in
      </button>
      {onEmergency && (
        <button type="button" className="menu-item menu-danger" onClick={onEmergency}>
          Emergency access
        </button>
      )}
      <button type="button" className="menu-item" onClick={onKeys}>
        Keyboard <kbd className="kbd">?</kbd>
      </button>
      <Themes />
      <button type="button" className="menu-item" onClick={() => void signOut().catch(() => undefined)}>
        Sign out
      </button>
    </Menu>
  )
}

/** Held at once; when it cannot be kept it is the same again at the next page load, which is all that is lost. */
function Themes() {
  const theme = useTheme()
  return (
    <div className="menu-choice" role="group" aria-label="Theme">
      {Object.entries(THEMES).map(([name, title]) => (
        <button key={name} type="button" className="menu-item" aria-pressed={theme === name} onClick={() => void keepTheme(name as Theme).catch(() => undefined)}>
          {title}
          {theme === name && <Icon name="check" size={14} />}
        </button>
      ))}
    </div>
  )
}

/** "g s" and friends: the second key must follow the first at once. */
function useGoKeys(active: boolean): void {
  const since = useRef(0)
  const go = (to: string) => () => {
    if (Date.now() - since.current < 1_200) navigate(to)
    since.current = 0
  }
  useHotkeys({ g: () => (since.current = Date.now()), s: go('/'), r: go('/remote'), o: go('/orders'), u: go('/upload'), d: go('/deliveries'), e: go('/exceptions'), a: go('/admin') }, active)
}

interface ShellProps {
  user: User
  route: Route
  /** The viewer takes the whole window. */
  bare: boolean
  status?: ReactNode
  /** Lines above everything, also in the viewer. */
  notice?: ReactNode
  onEmergency: (() => void) | null
  children: ReactNode
}

export function Shell({ user, route, bare, status, notice, onEmergency, children }: ShellProps) {
  const [dialog, setDialog] = useState<'factor' | 'keys' | 'passkeys' | 'password' | 'sessions' | null>(null)
  useEffect(() => changes.listen(() => undefined), []) // keeps one connection open from page to page
  useHotkeys({ '?': () => setDialog('keys') }, !bare)
  useGoKeys(!bare)
  const places = PLACES.filter((place) => may(user, place.permission))
  return (
    <div className={bare ? 'shell shell-bare' : 'shell'}>
      {!bare && (
        <header className="shell-bar">
          <Link to="/" className="brand" aria-label="Isocenter, studies">
            <Mark size={22} />
            <span className="brand-name">Isocenter</span>
          </Link>
          <nav className="places" aria-label="Main">
            {places.map((place) => (
              <Link key={place.page} to={place.to} className="place" aria-current={route.page === place.page ? 'page' : undefined}>
                <Icon name={place.icon} />
                <span>{place.title}</span>
              </Link>
            ))}
          </nav>
          <div className="shell-end">
            {status}
            <Live />
            <IconButton label="Keyboard (?)" icon="help" className="keys-button" onClick={() => setDialog('keys')} />
            <Account user={user} onPassword={() => setDialog('password')} onFactor={() => setDialog('factor')} onPasskeys={() => setDialog('passkeys')} onSessions={() => setDialog('sessions')} onEmergency={onEmergency} onKeys={() => setDialog('keys')} />
          </div>
        </header>
      )}
      <div className="shell-notice">{notice}</div>
      <main className="shell-main">{children}</main>
      {dialog === 'keys' && <KeySheet onClose={() => setDialog(null)} />}
      {dialog === 'password' && <PasswordDialog onClose={() => setDialog(null)} />}
      {dialog === 'factor' && <FactorDialog onClose={() => setDialog(null)} />}
      {dialog === 'passkeys' && <PasskeysDialog onClose={() => setDialog(null)} />}
      {dialog === 'sessions' && <SessionsDialog onClose={() => setDialog(null)} />}
    </div>
  )
}
