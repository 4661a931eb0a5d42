import type { ReactNode } from 'react'
import { Icon, type IconName } from './icons'

interface NoticeProps {
  tone: 'danger' | 'warn' | 'ok' | 'info'
  /** What happened. */
  title: ReactNode
  /** What was kept safe, and what to do. */
  children?: ReactNode
  action?: ReactNode
}

const NOTICE_ICON: Record<NoticeProps['tone'], IconName> = { danger: 'alert', warn: 'alert', ok: 'check', info: 'info' }

export function Notice({ tone, title, children, action }: NoticeProps) {
  return (
    <div className={`notice notice-${tone}`} role={tone === 'danger' || tone === 'warn' ? 'alert' : 'status'}>
      <Icon name={NOTICE_ICON[tone]} size={18} />
      <div className="notice-body">
        <span className="notice-title">{title}</span>
        {children && <span className="notice-more">{children}</span>}
      </div>
      {action}
    </div>
  )
}

export interface Explanation {
  what: string
  where?: string
  kept?: string
  hint?: string
}

/** An error as a notice: what happened, what was kept, what to do. */
export function ErrorNotice({ error, action }: { error: Explanation; action?: ReactNode }) {
  const more = [error.where && `At: ${error.where}.`, error.kept, error.hint].filter(Boolean).join(' ')
  return (
    <Notice tone="danger" title={error.what} action={action}>
      {more}
    </Notice>
  )
}

export function Empty({ icon, title, children, actions }: { icon: IconName; title: string; children?: ReactNode; actions?: ReactNode }) {
  return (
    <div className="empty">
      <Icon name={icon} size={40} />
      <h2>{title}</h2>
      {children && <div className="empty-text">{children}</div>}
      {actions && <div className="empty-actions">{actions}</div>}
    </div>
  )
}
